"""What stands where an output goes: kept under another name, with nobody else at the same place."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.errors import visible
from bench.storage.leftovers import PART


def keep_earlier(path: Path) -> None:
    """Keep a file that is to be replaced under the first free of `path`.bak, .bak2, …; say so.

    Of a link, what it points to is kept, beside that: the link itself would show what comes after.
    """
    path = Path(os.path.realpath(path))
    for number in itertools.count(1):
        kept = path.with_name(f"{path.name}.bak{number if number > 1 else ''}")
        try:
            _copy(path, kept)
        except FileExistsError:
            continue
        print(visible(f"bench: the earlier {path} is kept as {kept.name}"), file=sys.stderr)
        return


def _copy(path: Path, kept: Path) -> None:
    """Copy a file, whole or not at all. Raises `FileExistsError` for a name that is taken.

    A second link to it would cost nothing, and change with it where the new content never comes: after a
    kill, or on a full disk, an editor that writes in place would change both.
    """
    if kept.exists():
        raise FileExistsError
    handle, name = tempfile.mkstemp(dir=kept.parent, prefix=PART)
    os.close(handle)
    part = Path(name)
    try:
        try:
            shutil.copy2(path, part)
        except OSError as error:
            error.filename, error.filename2 = str(kept), None
            raise
        try:
            os.link(part, kept)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            kept.touch(exist_ok=False)  # a rename would go over what another has just kept
            part.replace(kept)
    finally:
        part.unlink(missing_ok=True)


class _Held(threading.local):
    """The folders that a thread has to itself, by device and inode."""

    def __init__(self) -> None:
        self.folders: set[tuple[int, int]] = set()


_held = _Held()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else keeps or replaces anything in this folder. Who has it already has it
    still: what is written may lie in it by a link, and would wait for itself."""
    handle, own = None, set[tuple[int, int]]()
    try:
        with contextlib.suppress(OSError):  # a file system without locks, or that lists no folder
            handle = os.open(folder, os.O_RDONLY)
            status = os.fstat(handle)
            wanted = {(status.st_dev, status.st_ino)} - _held.folders
            if wanted:
                fcntl.flock(handle, fcntl.LOCK_EX)
                own = wanted
        _held.folders |= own
        yield
    finally:
        # In this order: a signal between the two must leave no lock that this process waits for itself.
        if handle is not None:
            os.close(handle)
        _held.folders -= own


def alone_with(folder: Path) -> AbstractContextManager[None]:
    """Wait until nobody else has this folder as a whole, by whatever name."""
    return alone(Path(os.path.realpath(folder)).parent)
