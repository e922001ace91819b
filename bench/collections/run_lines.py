"""The lines of a large run file, many at once: byte for byte those of `bench.collections.trec`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.types import NO_DOC, Collection, Queries, Run, ScoreArray

# Below so many places the other writer takes a fifth of a second or less.
MANY = 200_000
# Places at a time: what is joined must stay below 2 GiB.
_PLACES = 65_536
# Between these numpy writes digits with a point among them, beyond them with an exponent.
_PLAIN_FROM, _PLAIN_TO = 2e-4, 1e6


def blocks_of_lines(
    run: Run, queries: Queries, collection: Collection, tag: str
) -> Iterator[memoryview]:
    """Yield the lines of some queries after those of others, in UTF-8."""
    # only here: small runs do without
    import pyarrow as pa
    from pyarrow import compute

    n_docs = len(collection)
    names = pa.array(collection.ids(range(n_docs)), pa.string()) if n_docs <= run.docs.size else None
    places = pa.array([str(place) for place in range(1, run.docs.shape[1] + 1)])
    rows_at_once = max(_PLACES // run.docs.shape[1], 1)
    for start in range(0, len(queries), rows_at_once):
        some = slice(start, start + rows_at_once)
        docs, scores = run.docs[some], run.scores[some]
        held = docs != NO_DOC
        rows, columns = np.nonzero(held)
        lines = compute.binary_join_element_wise(
            pa.array(queries.ids[some]).take(pa.array(rows)),
            "Q0",
            names.take(pa.array(docs[held]))
            if names
            else pa.array(collection.ids(docs[held]), pa.string()),
            places.take(pa.array(columns)),
            _texts(scores[held]),
            f"{tag}\n",
            " ",
        )
        if len(lines):
            _, ends, text = lines.buffers()
            yield memoryview(text)[: np.frombuffer(ends, np.int32)[len(lines)]]


def _texts(scores: ScoreArray) -> Any:
    """Return an array of the shortest texts that give these float32 again, in numpy's spelling."""
    import pyarrow as pa
    from pyarrow import compute

    size = np.abs(scores)
    plain = (size >= _PLAIN_FROM) & (size < _PLAIN_TO)
    whole = plain & (scores == np.rint(scores))
    texts = pa.array(scores).cast(pa.string())
    if whole.any():
        texts = compute.if_else(
            pa.array(whole), compute.binary_join_element_wise(texts, "0", "."), texts
        )
    if not plain.all():
        others = pa.array(scores[~plain].astype(str).tolist(), pa.string())
        texts = compute.replace_with_mask(texts, pa.array(~plain), others)
    return texts
