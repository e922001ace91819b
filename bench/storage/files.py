"""The one writer of files: whole or not there, written beside their place, then renamed into it."""

from __future__ import annotations

import errno
import filecmp
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from bench.errors import NO_SPACE, BenchError, require
from bench.storage.earlier import alone, keep_earlier
from bench.storage.leftovers import PART, sweep
from bench.storage.strict_json import parse_json


def to_disk(path: Path) -> None:
    """Wait until a file, or the names that a folder holds, would survive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that can not do this for folders
            raise
    finally:
        os.close(handle)


@contextmanager
def whole_file(path: Path, *, keep: bool = True, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path; if the block ends well, what was written there becomes `path`.

    A link stays, and what it points to is written. Pipes and devices are written into, as is standard
    output, which "-" names too. An earlier file is kept as `path`.bak, .bak2, …, unless it is the same,
    or `keep` is false: for files that bench alone writes. What is `durable` survives a power failure: it
    is for what people made, and nobody can compute again. Raises `BenchError` where that can not be.
    """
    with _refusing(path):
        place = None if _is_stream(path) else Path(os.path.realpath(path))
        folder = place.parent if place else Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        handle, name = tempfile.mkstemp(dir=folder, prefix=PART, suffix=path.suffix)
        os.close(handle)
    part = Path(name)
    try:
        yield part
        with _refusing(path):
            if place is None:
                _pour(part, path)
                return
            with alone(folder):  # or two would keep the same one, and one replace what the other wrote
                if place.is_file():
                    if keep and not filecmp.cmp(place, part, shallow=False):
                        keep_earlier(place)
                    shutil.copymode(place, part)
                else:
                    part.chmod(0o644)  # mkstemp's 0600 would lock colleagues out of shared results
                if durable:
                    to_disk(part)  # before its name: or the name could survive without the content
                part.replace(place)
                if durable:
                    to_disk(folder)
    finally:
        part.unlink(missing_ok=True)


def check_file(path: Path | None) -> None:
    """Raise `BenchError` if a file can not be written there. Makes nothing; None is not looked at."""
    if path is None:
        return
    with _refusing(path):
        if not _is_stream(path):
            place = Path(os.path.realpath(path))
            place.exists()  # raises for a name that is too long
            check_folder(place.parent)


def check_folder(folder: Path) -> None:
    """Raise `OSError` if a folder can not be made or written to. Makes nothing."""
    existing = folder.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    # Permissions say little to root, and nothing of a file system that may only be read.
    with tempfile.TemporaryFile(dir=existing, prefix=PART):
        pass


def place_of(path: Path) -> object:
    """Return what all names of one place have in common: through links, relative or not, "-" too."""
    if is_standard_output(path):
        return "standard output"
    try:
        found = path.stat()
    except OSError:  # nothing there
        return os.path.realpath(path)
    return found.st_dev, found.st_ino


def is_standard_output(path: Path | None) -> bool:
    """Whether this names standard output: "-", or a file or device that it is."""
    return path is not None and (str(path) == "-" or _is_descriptor(path, 1))


def is_stream(path: Path) -> bool:
    """Whether a path is a pipe, a device or standard output: what is written there stays written."""
    if str(path) == "-" or _is_descriptor(path, 1) or _is_descriptor(path, 2):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _is_stream(path: Path) -> bool:
    """Whether a path is written into, and not replaced. Raises `BenchError` for a folder."""
    require(not path.is_dir(), f"cannot write {path}: it is a folder; name a file")
    return is_stream(path)


def _is_descriptor(path: Path, number: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(number))
    except OSError:
        return False


def _pour(part: Path, path: Path) -> None:
    """Write into what can not be replaced. What is already open is not opened, and cut off, again."""
    if is_standard_output(path):
        opened = sys.stdout
    elif _is_descriptor(path, 2):
        opened = sys.stderr
    else:
        with part.open("rb") as source, path.open("wb") as device:
            shutil.copyfileobj(source, device)
        return
    opened.write(part.read_text(encoding="utf-8"))
    opened.flush()


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Make one line of what the system says of a path that is to be written."""
    try:
        yield
    except BrokenPipeError:  # whoever reads it has seen enough
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> BenchError:
    """Return what to raise where the system refuses to write to a path."""
    full = error.errno in NO_SPACE
    mend = "free some space" if full else "choose another path, or change its permissions"
    refusal = BenchError(f"cannot write {path}: {error.strerror}; {mend}")
    for note in getattr(error, "__notes__", ()):
        refusal.add_note(note)
    return refusal


def is_file_name(name: str) -> bool:
    """Return whether a name is one word that stays in its folder and is not hidden.

    >>> is_file_name("bm25-k1=0.9"), is_file_name("../x"), is_file_name("my sys"), is_file_name(".x")
    (True, False, False, False)
    """
    return name.isprintable() and re.fullmatch(r"[^\s/\\.][^\s/\\]*", name) is not None


def files_in(folder: Path, suffix: str) -> list[Path]:
    """Return the files of a folder with this suffix, by name, without those that are being written.

    Raises `BenchError` for one whose suffix is in capitals, which nobody would be told is not read.
    """
    visible = (file for file in folder.glob("*") if not file.name.startswith("."))
    found = sorted(file for file in visible if file.suffix.lower() == suffix)
    for file in found:
        require(
            file.suffix == suffix,
            f"{file} would be passed over: its suffix must be {suffix}, in small letters; rename it",
        )
    return found


def files_below(folder: Path) -> dict[str, Path]:
    """Return relative name → file, by name, of a folder and its subfolders, linked ones too.

    What is hidden is left out: version control, and the notes of a download.
    """
    found: dict[str, Path] = {}
    for place, subfolders, names in os.walk(folder, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        files = [Path(place) / name for name in names if not name.startswith(".")]
        found |= {file.relative_to(folder).as_posix(): file for file in files}
    return dict(sorted(found.items()))


@contextmanager
def text_file(path: Path, *, keep: bool = True, durable: bool = False) -> Iterator[TextIO]:
    """Yield a text file to write into, which becomes `path` as in `whole_file`.

    What the system refuses in the block is said of `path`.
    """
    with (
        whole_file(path, keep=keep, durable=durable) as part,
        _refusing(path),
        part.open("w", encoding="utf-8") as out,
    ):
        yield out


def write_text(path: Path, text: str, *, keep: bool = True, durable: bool = False) -> None:
    """Write a text file as `whole_file` does."""
    with text_file(path, keep=keep, durable=durable) as out:
        out.write(text)


def write_numbered(folder: Path, stem: str, texts: Mapping[str, str]) -> Path:
    """Write `stem`.SUFFIX for each suffix of `texts`, or `stem`-2, `stem`-3, … where one is there.

    Returns the last path. Nothing is written over, not by two processes at once either. Raises
    `BenchError` when the folder can not be written to.
    """
    number = 1
    while True:
        name = stem if number == 1 else f"{stem}-{number}"
        paths = [folder / f"{name}.{suffix}" for suffix in texts]
        if not any(path.exists() for path in paths) and _taken(paths[0]):
            break
        number += 1
    for path, text in zip(paths, texts.values(), strict=True):
        write_text(path, text, keep=False)
    return paths[-1]


def _taken(path: Path) -> bool:
    """Make an empty file, unless another process did so just now; return whether this one did."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    except OSError as error:
        if path.is_file():
            return False
        raise BenchError(f"cannot write {path}: {error.strerror}; choose another folder") from error
    return True


def write_json_lines(path: Path, rows: list[dict[str, Any]], *, keep: bool = True) -> None:
    """Write one JSON object a line, as `whole_file` does."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_text(path, "".join(lines), keep=keep)


def require_regular(path: Path) -> None:
    """Raise `BenchError` for a pipe or a device: reading it may never end, and works only once."""
    require(
        path.is_file() or path.is_dir() or not path.exists(),
        f"cannot read {path}: it is a pipe or a device, and is read more than once; save it to a file",
    )


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) of a UTF-8 file, blank lines left out.

    Raises `BenchError` when it can not be read.
    """
    try:
        require_regular(path)
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except OSError as error:
        raise BenchError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise BenchError(
            f"{path} is not UTF-8 text (byte {error.start}); convert it to UTF-8"
        ) from error


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a JSON-lines file; a malformed line is named."""
    for number, line in read_lines(path):
        row = parse_json(line, f"{path}:{number}", "each line must be one JSON object")
        if not isinstance(row, dict):
            raise BenchError(f"{path}:{number}: each line must be one JSON object, found {line[:40]}")
        yield number, row
