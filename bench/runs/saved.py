"""The runs that lie in a folder, damaged ones too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.errors import BenchError, require
from bench.runs.record import RECORD, Record


def saved_runs(folder: Path) -> Iterator[tuple[Path, Record | BenchError]]:
    """Yield each run below a folder with its record, or with what is wrong with it; newest first.

    A folder without a record is a run if there are run files in it. Raises `BenchError` where `folder`
    is none, or a run itself.
    """
    require(folder.is_dir(), f"no folder {folder}; make a run with bench run, or name another folder")
    require(
        not (folder / RECORD).exists(), f"{folder} is a run itself; look at it with bench show {folder}"
    )
    try:
        runs = [each for each in folder.iterdir() if _is_run(each)]
    except OSError as error:
        raise BenchError(f"cannot read {folder}: {error.strerror}; name another folder") from error
    found = [(run, _read(run)) for run in runs]
    yield from sorted(found, key=lambda one: (_created(*one), one[0].name), reverse=True)


def _is_run(folder: Path) -> bool:
    if folder.name.startswith(".") or not folder.is_dir():
        return False
    try:
        return any(file.name == RECORD or file.suffix == ".trec" for file in folder.iterdir())
    except OSError:  # not ours to read: it will be said of its record
        return True


def _read(run: Path) -> Record | BenchError:
    try:
        return Record.load(run)
    except BenchError as error:
        return error


def _created(run: Path, record: Record | BenchError) -> str:
    """When the run was made: in the words of its record or, if that is damaged, of its folder."""
    if isinstance(record, Record) and "created" in record.content:
        return str(record.content["created"])
    return datetime.fromtimestamp(run.stat().st_mtime, UTC).isoformat(timespec="seconds")
