"""Which documents of a ranking anyone judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.types import NO_DOC, Collection, Qrels, Queries, Run

JUDGED_DEPTH = 10
_BATCH = 10_000


def last_judged(run: Run, queries: Queries, qrels: Qrels, collection: Collection) -> NDArray[np.intp]:
    """Return (n_queries,) the place, from 1, of the last document that was judged; 0 where none was."""
    graded = {query: qrels.judged(query) for query in queries.ids}
    wanted = set().union(*graded.values())
    numbers: dict[str, int] = {}
    for docs in collection.batches(_BATCH):
        ids = collection.ids(docs)
        numbers |= {name: doc for name, doc in zip(ids, docs.tolist(), strict=True) if name in wanted}
    last = np.zeros(len(queries), dtype=np.intp)
    is_judged = np.zeros(len(collection) + 1, dtype=bool)  # one more, that NO_DOC finds at the end
    for row, query in enumerate(queries.ids):
        judged = [numbers[doc] for doc in graded[query] if doc in numbers]
        is_judged[judged] = True
        places = np.flatnonzero(is_judged[run.docs[row]])
        last[row] = places[-1] + 1 if len(places) else 0
        is_judged[judged] = False
    return last


def judged_share(ranking: Sequence[str], qrels: Qrels, query: str, cutoff: int) -> float:
    """Return which share of a ranking's first documents was judged: of those that there are."""
    top = ranking[:cutoff]
    if qrels.complete:
        return 1.0
    judged = qrels.judged(query)
    return sum(doc in judged for doc in top) / len(top) if top else 0.0


def mean_judged_share(
    run: Run, queries: Queries, qrels: Qrels, collection: Collection, cutoff: int
) -> float | None:
    """Return the mean of `judged_share` over the queries with an answer: an empty list is no hole in the
    labels. None where no query has one."""
    tops = (docs[docs != NO_DOC] for docs in run.docs[:, :cutoff])
    shares = [
        judged_share(collection.ids(top), qrels, query, cutoff)
        for query, top in zip(queries.ids, tops, strict=True)
        if len(top)
    ]
    return float(np.mean(shares)) if shares else None
