"""The values of a run, every system by every measure for every query, in a binary file beside it.

NumPy's own format: exact, read in milliseconds where JSON takes seconds (20 systems × 9 measures × 7,000
queries are 10 MB), and nothing but numpy is needed for it, which Parquet would be.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.storage.files import require_regular

Values = NDArray[np.float64]

VALUES = "values.npz"
# Records of this schema have the values in record.json, as lists; they are read as ever.
INLINE = 2
# Every measure lies between 0 and 1; rounding may leave the last bit outside.
_ROUNDING = 1e-9
_NAME = "values"


def values_entry(values: Values) -> dict[str, str]:
    """Return what a record says of its values, so that those of another run are not taken for them."""
    return {"file": VALUES, "sha256": _sha256(values)}


def inline_values(content: Mapping[str, Any]) -> Values:
    """Return (n_systems, n_measures, n_queries) values that stand in a record of schema 2."""
    rows = [
        [system["values"][measure] for measure in content["measures"]]
        for system in content["systems"].values()
    ]
    return np.array(rows, dtype=np.float64)


def packed(values: Values) -> bytes:
    """Return the bytes of the file, the same for the same values."""
    file = io.BytesIO()
    # No time in it, as np.savez would write one: equal runs have equal files.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packing:
        array = io.BytesIO()
        np.lib.format.write_array(array, np.ascontiguousarray(values), allow_pickle=False)
        packing.writestr(zipfile.ZipInfo(f"{_NAME}.npy"), array.getvalue(), zipfile.ZIP_DEFLATED, 1)
    return file.getvalue()


def load_values(content: Mapping[str, Any], record: Path) -> Values:
    """Read the values of a checked record, which lie beside it.

    Raises `BenchError` where they are missing, damaged, or those of another record.
    """
    file = record.parent / VALUES
    what, mend = f"{file}, the values of {record},", "restore it, or run again"
    try:
        require_regular(file)
        with zipfile.ZipFile(file) as stored, stored.open(f"{_NAME}.npy") as member:
            values: Values = np.lib.format.read_array(member, allow_pickle=False)
    except OSError as error:
        raise BenchError(f"cannot read {what.rstrip(',')}: {error.strerror}; {mend}") from error
    except Exception as error:  # a damaged file may ask zipfile for anything
        raise BenchError(f"{what} is damaged ({error}); {mend}") from error
    ids = content["queries"]["ids"]
    shape = (len(content["systems"]), len(content["measures"]), len(ids))
    if values.dtype != np.float64 or values.shape != shape:
        raise BenchError(
            f"{what} has {values.dtype} values of shape {values.shape} instead of {shape}, systems × "
            f"measures × queries; {mend}"
        )
    if _sha256(values) != content["values"]["sha256"]:
        raise BenchError(f"{what} holds those of another run; {mend}")
    for system, measure, query in np.argwhere(~((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)))[:1]:
        where = f"{list(content['systems'])[system]}, {content['measures'][measure]}"
        raise BenchError(
            f"{what} {where}: {values[system, measure, query]} for query {ids[query]} is no number "
            f"between 0 and 1; {mend}"
        )
    return values


def _sha256(values: Values) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
