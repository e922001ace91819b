"""What a measure could have been, had documents with equal scores stood in another order.

The canonical order of `bench.ranking` is one of many that a searcher's scores allow. Here are the
lowest and the highest value over all orders within the returned list, and the expected value of an
order drawn at random (McSherry & Najork 2008, Computing Information Retrieval Performance Measures
Efficiently in the Presence of Tied Scores).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.measures import Measure, evaluate
from bench.types import NO_DOC, Collection, Measures, Qrels, Queries, Run

Levels = NDArray[np.int64]
_UNJUDGED = -1
_ABSENT = -2


@dataclass(frozen=True, eq=False)
class TieRange:
    """Bounds and mean of each measure for each query over all orders of tied documents.

    `low`, `expected` and `high` are float64 (n_measures, n_queries), low ≤ expected ≤ high; all three
    are the canonical value where ties can not change it.
    """

    names: tuple[str, ...]
    low: NDArray[np.float64]
    expected: NDArray[np.float64]
    high: NDArray[np.float64]


def tie_range(
    run: Run,
    queries: Queries,
    qrels: Qrels,
    collection: Collection,
    measures: Sequence[Measure],
    canonical: Measures | None = None,
) -> TieRange | None:
    """Return the range of each measure over all orders of tied documents, None where ties change none.

    `canonical` is what `evaluate` gave for these measures, where it was asked already.

    The run is one that `check_run` let pass, and the measures are of our own: of others the range is not
    known. A tie counts where its documents differ in grade, or where they differ in being judged and a
    measure asks for that; a negative grade gains nothing, and is none. Raises ValueError, as `evaluate`
    does, if there is a range to give and a query has no relevant document.
    """
    # In a complete set an absent pair is a judged 0, and only Judged@k can tell one from the other.
    tells = not qrels.complete and any(measure.name == "Judged" for measure in measures)
    least = _UNJUDGED if tells else 0
    rows, levels = _mixed(run, queries, qrels, collection, least, least)
    if not len(rows):
        return None
    part, asked = Run(run.docs[rows], run.scores[rows]), queries.select(rows.tolist())
    # Number the groups of equal scores from 0 on; empty places, at -inf, come last as their own.
    groups = np.cumsum(part.scores[:, 1:] != part.scores[:, :-1], axis=1)
    groups = np.pad(groups, ((0, 0), (1, 0)))

    # To put the higher of two neighbours first lowers no measure: nDCG discounts it less; P, Recall,
    # Success, MRR and MAP see a relevant document rise past another or see nothing, as a grade makes
    # relevance; Judged@k likewise, as every judged level lies above the unjudged. Every order comes to
    # the descending one by such exchanges, and the ascending one comes to every order.
    def bound(keys: Levels) -> NDArray[np.float64]:
        return evaluate(_reorder(part, groups, keys), asked, qrels, collection, measures).values

    canonical = canonical or evaluate(run, queries, qrels, collection, measures)
    low, expected, high = (canonical.values.copy() for _ in range(3))
    low[:, rows], high[:, rows] = bound(levels), bound(-levels)
    for row, query, docs, level, group in zip(rows, asked.ids, part.docs, levels, groups, strict=True):
        held = docs != NO_DOC
        places = _Places.of(level[held], group[held], query, qrels)
        for line, measure in enumerate(measures):
            expected[line, row] = _EXPECTED[measure.name](places, measure.cutoff or sys.maxsize)
    # Where no tie reaches a measure its bounds meet, and the mean must not miss them by a rounding.
    return TieRange(canonical.names, low, np.clip(expected, low, high), high)


def tied_means(
    run: Run,
    queries: Queries,
    qrels: Qrels,
    collection: Collection,
    measures: Sequence[Measure],
    values: Measures,
) -> tuple[dict[str, tuple[float, float, float]], tuple[str, ...]]:
    """Return measure → lowest, expected and highest mean where tied documents could change it; and the
    measures that they may change nobody knows how far. `values` has what `evaluate` gave for all."""
    own, others = [m for m in measures if m.own], [str(m) for m in measures if not m.own]
    names = tuple(map(str, own))
    rows = [values.names.index(name) for name in names]
    canonical = Measures(names, values.query_ids, values.values[rows])
    found = tie_range(run, queries, qrels, collection, own, canonical)
    unknown = others and ties_matter(run, queries, qrels, collection)
    ranges = {}
    if found is not None:
        means = np.stack([found.low, found.expected, found.high]).mean(axis=-1)
        ranges = {
            name: (float(low), float(expected), float(high))
            for name, low, expected, high in zip(found.names, *means, strict=True)
            if low < high
        }
    return ranges, tuple(others if unknown else ())


def tied_at_cut(run: Run, depth: int, n_docs: int) -> int:
    """Return how many lists were cut at `depth` documents, the last two of which have equal scores: what
    was cut off may tie with them, and no range counts that."""
    if not 2 <= depth <= run.docs.shape[1] or depth >= n_docs:
        return 0
    docs, scores = run.docs[:, depth - 2 : depth], run.scores[:, depth - 2 : depth]
    return int(((docs[:, 1] != NO_DOC) & (scores[:, 0] == scores[:, 1])).sum())


def ties_matter(run: Run, queries: Queries, qrels: Qrels, collection: Collection) -> bool:
    """Whether tied documents differ in grade or in being judged, so that another order could have given
    another value of a measure that sees both."""
    absent = 0 if qrels.complete else _ABSENT  # infAP tells one from a negative grade
    return len(_mixed(run, queries, qrels, collection, _UNJUDGED, absent)[0]) > 0


def _mixed(
    run: Run, queries: Queries, qrels: Qrels, collection: Collection, least: int, absent: int
) -> tuple[NDArray[np.intp], Levels]:
    """Return the rows where ties stand between documents of different levels, and these rows' levels."""
    tied = (run.scores[:, 1:] == run.scores[:, :-1]) & (run.docs[:, 1:] != NO_DOC)
    rows = np.flatnonzero(tied.any(axis=1))
    levels = _levels(run, rows, queries, qrels, collection, least, absent)
    mixed = (tied[rows] & (levels[:, 1:] != levels[:, :-1])).any(axis=1)
    return rows[mixed], levels[mixed]


def _levels(
    run: Run,
    rows: NDArray[np.intp],
    queries: Queries,
    qrels: Qrels,
    collection: Collection,
    least: int,
    absent: int,
) -> Levels:
    """Return (n_rows, k): the grade of each document, `least` for lower ones, `absent` for none."""
    levels = np.full((len(rows), run.docs.shape[1]), absent, dtype=np.int64)
    for line, row in enumerate(rows):
        grades = qrels.grades.get(queries.ids[row], {})
        grades = {doc: max(grade, least) for doc, grade in grades.items()}
        docs = run.docs[row][run.docs[row] != NO_DOC]
        levels[line, : len(docs)] = [grades.get(doc, absent) for doc in collection.ids(docs)]
    return levels


def _reorder(run: Run, groups: NDArray[np.int64], keys: Levels) -> Run:
    """Return the run with the documents of each group in ascending order of their keys."""
    order = np.lexsort((keys, groups), axis=-1)
    return Run(np.take_along_axis(run.docs, order, axis=1), run.scores)


@dataclass(frozen=True, eq=False)
class _Places:
    """One answer, place by place, without empty places: every array but `ideal` is (n,).

    `place` counts from 1, and `nth` from 1 within the group, which holds `size` documents; `relevant`
    of them are relevant, and `before` more in the groups above. `gain` is the group's mean grade and
    `judged` the share of it that was judged. `ideal` has the grades of all judged documents, best first.
    """

    place: NDArray[np.float64]
    nth: NDArray[np.float64]
    size: NDArray[np.float64]
    relevant: NDArray[np.float64]
    before: NDArray[np.float64]
    gain: NDArray[np.float64]
    judged: NDArray[np.float64]
    ideal: NDArray[np.float64]
    n_relevant: int

    @classmethod
    def of(cls, levels: Levels, groups: NDArray[np.int64], query: str, qrels: Qrels) -> _Places:
        sizes = np.bincount(groups)
        relevant = np.bincount(groups, levels >= qrels.relevant).astype(np.float64)
        grades = np.array(list(qrels.grades[query].values()), dtype=np.float64)
        place = np.arange(1.0, len(groups) + 1)
        return cls(
            place=place,
            nth=place - (np.cumsum(sizes) - sizes)[groups],
            size=sizes[groups].astype(np.float64),
            relevant=relevant[groups],
            before=(np.cumsum(relevant) - relevant)[groups],
            gain=(np.bincount(groups, np.maximum(levels, 0)) / sizes)[groups],
            judged=(np.bincount(groups, levels != _UNJUDGED) / sizes)[groups],
            ideal=np.sort(np.maximum(grades, 0))[::-1],
            n_relevant=qrels.n_relevant(query),
        )

    def nothing_until(self) -> NDArray[np.float64]:
        """Return (n,): the chance that no relevant document stands at a place or above it.

        Drawn without replacement: after i misses m of the n - i documents left are relevant.
        """
        found = np.minimum(1.0, self.relevant / (self.size - self.nth + 1))
        return np.cumprod(1.0 - found, dtype=np.float64)


def _discounted(gains: NDArray[np.float64]) -> float:
    return float(np.sum(gains / np.log2(np.arange(2, len(gains) + 2))))


def _ndcg(at: _Places, k: int) -> float:
    return _discounted(at.gain[:k]) / _discounted(at.ideal[:k])


def _precision(at: _Places, k: int) -> float:
    return float(np.sum((at.relevant / at.size)[:k])) / k


def _recall(at: _Places, k: int) -> float:
    return float(np.sum((at.relevant / at.size)[:k])) / at.n_relevant


def _average_precision(at: _Places, k: int) -> float:
    # Beside a relevant document, m - 1 of the other n - 1 in its group are relevant.
    others = (at.nth - 1) * (at.relevant - 1) / np.maximum(at.size - 1, 1)
    precision = (at.before + others + 1) / at.place
    return float(np.sum((at.relevant / at.size * precision)[:k])) / at.n_relevant


def _reciprocal_rank(at: _Places, k: int) -> float:
    first = -np.diff(at.nothing_until(), prepend=1.0)
    return float(np.sum((first / at.place)[:k]))


def _success(at: _Places, k: int) -> float:
    return 1.0 - float(at.nothing_until()[:k][-1])


def _judged(at: _Places, k: int) -> float:
    return float(np.mean(at.judged[:k]))


_EXPECTED: dict[str, Callable[[_Places, int], float]] = {
    "nDCG": _ndcg,
    "MAP": _average_precision,
    "MRR": _reciprocal_rank,
    "P": _precision,
    "Recall": _recall,
    "Success": _success,
    "Judged": _judged,
}
