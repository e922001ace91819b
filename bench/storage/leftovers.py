"""What is not whole yet, and what processes that were killed have left of it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What a killed process leaves begins like this, and is swept a day later by whoever writes there.
PART = ".bench-part-"
UNFINISHED = ".unfinished"
_STALE_S = 24 * 3600


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
    if folder.name != UNFINISHED or not folder.is_dir() or folder.is_symlink():
        return False
    return all(
        run.is_dir()
        and all(file.name.startswith(PART) or file.suffix == ".npz" for file in run.iterdir())
        for run in folder.iterdir()
    )


def sweep(folder: Path, beginning: str = PART, seconds: float = _STALE_S) -> None:
    """Remove what begins like this in a folder and was not written to for so long."""
    for left in folder.glob(f"{beginning}*"):
        with contextlib.suppress(OSError):  # its own process may remove it just now
            if time.time() - left.lstat().st_mtime > seconds:
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink()
