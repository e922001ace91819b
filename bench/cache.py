"""A content-addressed cache of arrays: the key says what is in it, so it can not be stale."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.files import whole_file

Arrays = dict[str, NDArray[Any]]


def cache_folder() -> Path:
    """Return BENCH_CACHE, or `bench` in the user's cache folder."""
    if own := os.environ.get("BENCH_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bench"


def key_of(content: Mapping[str, Any]) -> str:
    """Return the sha256 of a JSON-like description."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load(kind: str, key: str) -> Arrays | None:
    """Return the arrays under this key, None when there are none.

    Every member's CRC is checked on reading. A damaged file is said on stderr and counts as absent,
    so that it is made anew.
    """
    return load_arrays(_path(kind, key))


def load_arrays(path: Path) -> Arrays | None:
    """Return the arrays of one file, checked; None when it is absent or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        print(f"cache file {path.name} is damaged ({error}); making it anew", file=sys.stderr)
        return None


def save(kind: str, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Store arrays under this key, whole or not at all."""
    save_arrays(_path(kind, key), arrays)


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Store arrays in one file, whole or not at all."""
    with whole_file(path) as part:
        np.savez(part, allow_pickle=False, **arrays)


def _path(kind: str, key: str) -> Path:
    return cache_folder() / kind / key[:2] / f"{key}.npz"
