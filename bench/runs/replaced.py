"""Whether a baseline was replaced before something went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Made:
    """The folder that was made to take another's place, by device and inode, which a rename keeps."""

    folder: tuple[int, int] | None = None


@contextmanager
def telling_of_replacement(folder: Path) -> Iterator[Made]:
    """Let an error in this block say that the baseline was replaced before it, if it was.

    A signal may come right after the rename, before anything could be written down: so what lies there
    now is looked at.
    """
    made = Made()
    try:
        yield made
    except BaseException as error:
        if made.folder is not None and identity(folder) == made.folder:
            error.add_note(f"the baseline in {folder} was replaced all the same")
        raise


def identity(folder: Path) -> tuple[int, int] | None:
    """Return device and inode of a folder; None where there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
