"""What is not whole yet, and what processes that were killed have left of it."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What a killed process leaves begins like this, and is swept a day later by whoever writes there.
PART = ".bench-part-"
_STALE_S = 24 * 3600
# Each unfinished run is a folder in here, by its key. Nobody comes back to one after so long.
UNFINISHED = ".unfinished"
_KEY = re.compile(r"[0-9a-f]{32}")
_GIVEN_UP_S = 30 * 24 * 3600


@contextmanager
def part_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder in `parent` for what is not whole yet, and remove it at the end.

    What became whole is renamed out of it before. Raises `OSError` when `parent` can not be written to.
    """
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    part = Path(tempfile.mkdtemp(dir=parent, prefix=PART))
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def is_unfinished(folder: Path) -> bool:
    """Whether this is the folder of unfinished runs, and holds nothing but their finished systems."""
    return (
        folder.name == UNFINISHED
        and _is_own_folder(folder)
        and all(_is_unfinished_run(run) for run in folder.iterdir())
    )


def _is_unfinished_run(folder: Path) -> bool:
    """Whether a folder has the name of an unfinished run, and holds nothing but what one writes."""
    return (
        _KEY.fullmatch(folder.name) is not None
        and _is_own_folder(folder)
        and all(
            (file.name.startswith(PART) or file.suffix == ".npz") and not file.is_dir()
            for file in folder.iterdir()
        )
    )


def _is_own_folder(path: Path) -> bool:
    """Whether this is a folder itself: a link may lead to anybody's."""
    return path.is_dir() and not path.is_symlink()


def sweep(folder: Path) -> None:
    """Remove what killed processes left in a folder a day ago or longer."""
    for left in folder.glob(f"{PART}*"):
        with contextlib.suppress(OSError):  # its own process may remove it just now
            if _age(left) > _STALE_S:
                if _is_own_folder(left):
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink()


def sweep_unfinished(folder: Path) -> None:
    """Remove unfinished runs that nobody came back to. Whatever else lies there stays."""
    if not _is_own_folder(folder):
        return
    for run in folder.iterdir():
        with contextlib.suppress(OSError):  # another process may remove it just now
            if _is_unfinished_run(run) and _age(run) > _GIVEN_UP_S:
                shutil.rmtree(run, ignore_errors=True)


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime
