"""A content-addressed cache of arrays, and the hashes of files: the key says what is in it, so it can
not be stale."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.storage.files import check_folder, require_regular, whole_file

Arrays = dict[str, NDArray[Any]]

# The array in each file of the cache that holds its own key.
_KEY = "key"

# Reading 90 MB takes 60 ms, a tenth of a second where nothing is in memory yet. A file smaller than this
# is read as fast as it is looked up.
_LARGE = 1 << 20
# A file may change twice within one tick of the clock that its times are taken from.
_SETTLED_NS = 2_000_000_000
_hashes: dict[str, str] = {}


def cache_folder() -> Path:
    """Return BENCH_CACHE, or `bench` in the user's cache folder."""
    if own := os.environ.get("BENCH_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bench"


def key_of(content: Mapping[str, Any]) -> str:
    """Return the sha256 of a JSON-like description."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load(kind: str, key: str, names: Iterable[str]) -> Arrays | None:
    """Return the arrays of these names under this key, None when there are none.

    Every member's CRC is checked on reading. A damaged file, one without a name, and one that was
    stored under another key, is said on stderr and counts as absent, so that it is made anew. Where
    there is nothing, what will be made should be kept: a cache that can not be written to is said now,
    before the work.
    """
    found = load_arrays(_path(kind, key), names, key)
    if found is None:
        _try_to_write()
    return found


def load_arrays(path: Path, names: Iterable[str], key: str | None = None) -> Arrays | None:
    """Return the arrays of these names in one file, checked; None when it is absent, damaged, or was
    stored under another key."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as stored:
            if key is not None and str(_member(stored, _KEY)) != key:
                raise ValueError("it was stored under another key")
            return {name: _member(stored, name) for name in names}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        print(f"cache file {path} can not be read ({error.strerror})", file=sys.stderr)
        return None
    except Exception as error:  # a damaged header may ask zipfile for anything: a password, a method
        print(f"cache file {path.name} is damaged ({error}); making it anew", file=sys.stderr)
        return None


def _member(stored: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read one array to the end of its member: only there zipfile compares the CRC."""
    with stored.open(f"{name}.npy") as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):
            raise ValueError(f"{name} is longer than its shape")
    return array


def save(kind: str, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Store arrays under this key, whole or not at all; where that can not be, it is said."""
    try:
        save_arrays(_path(kind, key), {**arrays, _KEY: np.array(key)})
    except (BenchError, OSError) as error:
        go_without(error)


def _try_to_write() -> None:
    try:
        check_folder(cache_folder())
    except OSError as error:
        go_without(error)


@cache
def _say(folder: Path, why: str) -> None:
    print(
        f"bench: the cache folder {folder} can not be written to ({why}); going on without, so that "
        "nothing is kept for the next run; set BENCH_CACHE=DIR to another",
        file=sys.stderr,
    )


def go_without(error: BenchError | OSError) -> None:
    """Say once for each folder that nothing can be kept."""
    cause = error if isinstance(error, OSError) else error.__cause__
    why = cause.strerror if isinstance(cause, OSError) else None
    _say(cache_folder(), why or str(error))


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Store arrays in one file, whole or not at all."""
    with whole_file(path, keep=False) as part:
        np.savez(part, allow_pickle=False, **arrays)


def sha256_of(file: Path) -> str:
    """Return the sha256 of a file, read anew unless path, inode, size and times are what they were.

    No program can set the time of the last change (ctime), so a file that was replaced or written to is
    read, whatever its other times say. A file that changed within the last two seconds is not
    remembered: it could change again and carry the same time. The hashes of large files are kept in the
    cache folder, for the next process. Raises `BenchError` when the file can not be read.
    """
    require_regular(file)
    try:
        seen = file.stat()
        times = (seen.st_mtime_ns, seen.st_ctime_ns)
        key = key_of({"file": [str(file.absolute()), seen.st_ino, seen.st_size, *times]})
        if time.time_ns() - max(times) < _SETTLED_NS:
            return _read_sha256(file)
        if key not in _hashes:
            large = seen.st_size >= _LARGE
            stored = load("sha256", key, ["sha256"]) if large else None
            _hashes[key] = str(stored["sha256"]) if stored else _read_sha256(file)
            if large and stored is None:
                save("sha256", key, {"sha256": np.array(_hashes[key])})
    except OSError as error:
        raise BenchError(f"cannot read {file}: {error.strerror}; check the path") from error
    return _hashes[key]


def _read_sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _path(kind: str, key: str) -> Path:
    return cache_folder() / kind / key[:2] / f"{key}.npz"
