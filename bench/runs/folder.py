"""A run's folder: written whole before anything is drawn, and a baseline replaced without a gap."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bench.collections.trec import write_run
from bench.errors import BenchError, require
from bench.evaluation.results import Results
from bench.runs.ir_metadata import header
from bench.runs.record import RECORD, Record
from bench.runs.replaced import Made, identity
from bench.runs.values import VALUES, packed
from bench.storage.earlier import alone
from bench.storage.files import cannot_write, check_folder, to_disk
from bench.storage.leftovers import PART, is_unfinished, part_folder
from bench.types import TestCollection

TABLES = ("summary.md", "summary.tex", "summary.csv", "per_query.csv")
PLOTS = "plots"
PLOT_FILES = frozenset(
    f"{plot}.{form}"
    for plot in ("primary", "recall", "query_sets", "difference")
    for form in ("png", "svg")
)
# What makes the lines of a large run does so beside the interpreter.
_WRITERS = 2


def check_writable(output: Path) -> None:
    """Raise `BenchError` if `output` can not be made or written to. Makes nothing."""
    try:
        check_folder(output)
    except OSError as error:
        raise BenchError(
            f"cannot write to {output}: {error.strerror}; choose another folder with output=DIR"
        ) from error


def save(record: Record, results: Results, test: TestCollection, output: Path) -> Path:
    """Write record and run files into `output`/<id>, whole or not at all, and wait for the disk.

    Returns the folder. Raises `BenchError` when `output` can not be written to, and for a record that
    could not be read again.
    """
    try:
        with part_folder(output) as part:
            new = part / "run"
            new.mkdir()
            told = record.content["config"]["trec_header"]

            def write(name: str) -> None:
                head = header(record.content, name) if told else ()
                run = results.systems[name].run
                write_run(new / f"{name}.trec", run, results.queries, test.collection, name, head)

            with ThreadPoolExecutor(_WRITERS) as pool:
                list(pool.map(write, results.systems))
            _write_record(record, new)
            _all_to_disk(new)
            return _into_place(new, output, record.content["id"])
    except OSError as error:
        raise BenchError(
            f"cannot write to {output}: {error.strerror}; free some space, or choose another folder "
            "with output=DIR"
        ) from error


def _write_record(record: Record, folder: Path) -> None:
    """Write it, and read it again: its content is a mapping that a notebook may have changed."""
    try:
        text = json.dumps(record.content, indent=1, allow_nan=False) + "\n"
        (folder / RECORD).write_text(text, encoding="utf-8")
        (folder / VALUES).write_bytes(packed(record.all_values))
        Record.load(folder)
    except (BenchError, ValueError) as error:
        said = str(error).replace(f"{folder}{os.sep}", "")
        raise BenchError(
            f"the record was changed since it was made, and is none any more ({said}); evaluate again"
        ) from error


def _into_place(new: Path, output: Path, name: str) -> Path:
    """Rename to the first free name: two runs may have begun in one second with one config."""
    for number in range(1, 1000):
        folder = output / (name if number == 1 else f"{name}-{number}")
        if not folder.exists():
            try:
                new.rename(folder)
            except OSError as error:
                if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another process took it just now
                    continue
                raise
            to_disk(output)
            return folder
    raise BenchError(f"{output} has a thousand runs named {name}; remove some")


@contextmanager
def replacing(
    folder: Path, run: Path, earlier: Record | None, made: Made | None = None
) -> Iterator[Path]:
    """Yield a copy of a run's folder, to be changed; when the block ends it takes the place of `folder`.

    Killed at any point, the old or the new one stands there, or `restore` puts the old one back. Where
    `folder` is a link, what it points to is replaced. Raises `BenchError` when it can not be written,
    when it holds anything else than a run, and when that is no longer the `earlier` one (None for none):
    what another process has accepted meanwhile would be lost.

    made  is told what takes the place
    """
    made = made or Made()
    folder = _real(folder)
    restore(folder)
    require_replaceable(folder)
    try:
        with part_folder(folder.parent) as part:
            new = part / "run"
            _copy(run, new)
            yield new
            _all_to_disk(new)
            with alone(folder.parent):
                _require_replaceable(folder)  # again: it may have been filled meanwhile
                _require_still(folder, earlier)
                old = _moved_aside(folder)
                if old.exists():  # of a replacement that was killed when all but this was done
                    old.rename(part / "older")
                if folder.exists():
                    folder.rename(old)
                made.folder = identity(new)
                new.rename(folder)
                to_disk(folder.parent)
                if old.exists():
                    old.rename(part / "old")
    except OSError as error:
        raise cannot_write(folder, error) from error


def _require_still(folder: Path, earlier: Record | None) -> None:
    there = Record.load(folder) if (folder / RECORD).exists() else None
    require(
        (there and there.content) == (earlier and earlier.content),
        f"the baseline in {folder} was replaced meanwhile; gate again",
    )


def restore(folder: Path) -> bool:
    """Put back what a replacement that was killed between its two renames had moved aside.

    Returns whether there was such a thing.
    """
    folder = _real(folder)
    old = _moved_aside(folder)
    if folder.exists() or not old.exists():
        return False
    with alone(folder.parent):
        if folder.exists() or not _is_run(old):
            return False
        old.rename(folder)
        to_disk(folder.parent)
    return True


def foreign_files(folder: Path) -> list[str]:
    """Return what lies in a run's folder and is not written by a run, as relative paths.

    What killed processes have left is not foreign. Raises `BenchError` where there is no run.
    """
    known = _written_by(Record.load(folder))
    return sorted(
        str(path.relative_to(folder))
        for path in (*folder.iterdir(), *(folder / PLOTS).glob("*"))
        if not _is_known(path, folder, known)
        and not path.name.startswith(PART)
        and not is_unfinished(path)
    )


def _written_by(record: Record) -> set[str]:
    return {RECORD, VALUES, PLOTS, *TABLES, *(f"{system}.trec" for system in record.systems)}


def _is_known(path: Path, folder: Path, known: set[str]) -> bool:
    if path == folder / PLOTS:
        return path.is_dir()
    # A folder by the name of a file may hold anything.
    return not path.is_dir() and path.name in (PLOT_FILES if path.parent == folder / PLOTS else known)


def is_inside(file: Path, folder: Path) -> bool:
    """Whether a file has its place in a folder, or below it, through links too."""
    return _real(file).is_relative_to(_real(folder))


def is_run_file(file: Path, folder: Path) -> bool:
    """Whether a file has the place of one that a run writes into its folder."""
    file, folder = _real(file), _real(folder)
    own = file.name in (RECORD, VALUES, *TABLES) or file.suffix == ".trec"
    return file.parent == folder / PLOTS or (file.parent == folder and own)


def require_replaceable(folder: Path) -> None:
    """Raise `BenchError` unless a folder is not there, empty, or holds just what a run writes.

    The same holds for what lies in the place where it is moved aside.
    """
    folder = _real(folder)
    if not folder.parent.is_dir():
        return
    try:
        with alone(folder.parent):  # another process may rename it just now
            _require_replaceable(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _require_replaceable(folder: Path) -> None:
    require(
        not Path.cwd().is_relative_to(folder),
        f"{folder} is the folder that you stand in, or above it, and can not be replaced; "
        "name another with --baseline DIR",
    )
    for place in (folder, _moved_aside(folder)):
        if os.path.lexists(place):
            _require_just_a_run(place)


def _require_just_a_run(folder: Path) -> None:
    require(
        folder.is_dir() and not folder.is_symlink(),
        f"{folder} is no folder; name another with --baseline DIR",
    )
    if not any(folder.iterdir()):
        return
    require(
        (folder / RECORD).exists(),
        f"{folder} holds files but no run, and would be lost; name another folder with --baseline DIR",
    )
    foreign = foreign_files(folder)
    require(
        not foreign,
        f"{folder} holds {', '.join(foreign[:3])}, which no run writes and which would be lost; "
        "move it away, or name another folder with --baseline DIR",
    )
    own = re.escape(Record.load(folder).content["id"])
    require(
        re.fullmatch(rf"{own}(-\d+)?", folder.name) is None,  # the names that `save` gives
        f"{folder} is the saved run {folder.name} itself, and would be lost; name a folder of its own "
        "with --baseline DIR, or remove the link",
    )


def _is_run(folder: Path) -> bool:
    try:
        Record.load(folder)
    except BenchError:
        return False
    return True


def _copy(run: Path, new: Path) -> None:
    """Copy what a run writes: anything else would make the copy no run's folder."""
    known = _written_by(Record.load(run))
    new.mkdir()
    for path in (*run.iterdir(), *(run / PLOTS).glob("*")):
        if _is_known(path, run, known):
            copy = new / path.relative_to(run)
            if path.is_dir():
                copy.mkdir()
            else:
                shutil.copy2(path, copy)


def _real(folder: Path) -> Path:
    return Path(os.path.realpath(folder))


def _moved_aside(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.old"


def _all_to_disk(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        to_disk(path)
