"""What the unjudged documents could add to rank-biased precision, were all of them relevant.

RBP's residual (Moffat & Zobel 2008, Rank-Biased Precision for Measurement of Retrieval Effectiveness):
the weight (1 - p) p^(i - 1) of each place i that holds an unjudged document, and p^n of all places after
the n that are filled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.measures import Measure
from bench.types import NO_DOC, Collection, Qrels, Queries, Run


def residual(
    run: Run, queries: Queries, qrels: Qrels, collection: Collection, p: float
) -> NDArray[np.float64]:
    """Return (n_queries,): how much higher RBP of persistence p could be at most."""
    found = np.empty(len(queries))
    for row, query in enumerate(queries.ids):
        docs = run.docs[row][run.docs[row] != NO_DOC]
        judged = qrels.judged(query)
        unjudged = np.array(
            [not qrels.complete and doc not in judged for doc in collection.ids(docs)], dtype=bool
        )
        weights = (1 - p) * p ** np.arange(len(docs))
        found[row] = weights[unjudged].sum() + p ** len(docs)
    return found


def residuals(
    run: Run, queries: Queries, qrels: Qrels, collection: Collection, measures: Sequence[Measure]
) -> dict[str, float]:
    """Return measure → mean residual of each RBP; none where everything was judged."""
    patient = {str(one): one.patience for one in measures if one.patience is not None}
    if qrels.complete:
        return {}
    return {
        name: float(residual(run, queries, qrels, collection, p).mean()) for name, p in patient.items()
    }
