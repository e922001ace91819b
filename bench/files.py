"""Files and folders that are whole or not there: written beside their place, then renamed into it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import BenchError

PART = ".part-"
_STALE_S = 24 * 3600


@contextmanager
def part_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder in `parent` for what is not whole yet, and remove it at the end.

    What became whole is renamed out of it before. Folders that killed processes have left are removed a
    day later, long after any could still write. Raises `OSError` when `parent` can not be written to.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{PART}*"):
        with contextlib.suppress(OSError):  # its own process may remove it just now
            if time.time() - left.lstat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)
    part = Path(tempfile.mkdtemp(dir=parent, prefix=PART))
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


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
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block ends well.

    Raises `BenchError` when the folder can not be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise BenchError(
            f"cannot write {path}: {error.strerror}; choose another folder or change its permissions"
        ) from error
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)  # mkstemp's 0600 would lock colleagues out of shared results
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def is_file_name(name: str) -> bool:
    """Return whether a name is one word that stays in its folder and is not hidden.

    >>> is_file_name("bm25-k1=0.9"), is_file_name("../x"), is_file_name("my sys"), is_file_name(".x")
    (True, False, False, False)
    """
    return name.isprintable() and re.fullmatch(r"[^\s/\\.][^\s/\\]*", name) is not None


def files_in(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder in the order of their names, without those that are being written."""
    return sorted(file for file in folder.glob(pattern) if not file.name.startswith("."))


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


def write_text(path: Path, text: str) -> None:
    """Write a text file whole."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


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
        write_text(path, text)
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


def write_json_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write one JSON object a line."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) of a UTF-8 file, blank lines left out.

    Raises `BenchError` when it can not be read.
    """
    try:
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


def parse_json(text: str, where: str, mend: str) -> Any:
    """Return what JSON says. Raises `BenchError` for what is none, for what is nested too deep or has a
    number of too many digits for Python, and for half of a surrogate pair, which no file can hold.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise BenchError(f"{where}: not JSON ({error.msg} at column {error.colno}); {mend}") from error
    except ValueError as error:
        raise BenchError(f"{where}: a number has too many digits; {mend}") from error
    except RecursionError as error:
        raise BenchError(f"{where}: nested too deep; {mend}") from error
    if ("\\ud" in text or "\\uD" in text) and not _is_text(content):
        raise BenchError(
            f"{where}: half of a surrogate pair (\\ud800 to \\udfff) is no character; "
            "write the whole pair, or the character itself"
        )
    return content


def _is_text(content: Any) -> bool:
    """Whether it could be written to a UTF-8 file again."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
