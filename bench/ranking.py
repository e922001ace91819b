"""The only ordering rule of the project.

Scores are float32 and higher comes first; equal scores fall as trec_eval lets them fall, by document
id in descending order. Every search, fusion and run file goes through here, so a written run
file gives trec_eval the same order as the one that was measured.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.types import NO_DOC, NO_SCORE, Collection, DocArray, Queries, Run, ScoreArray

# Below this many documents a full sort is as fast as a partition with its corrections.
_SORT_ALL = 2048
_BATCH = 10_000

# By identity: two collections that are equal, as of one path, may hold other documents.
_ties: dict[int, tuple[weakref.ref[Collection], NDArray[np.int32]]] = {}


def tie_ranks(ids: Sequence[str]) -> NDArray[np.int32]:
    """Return (n,) int32: the place of each id when ids are sorted descending by their UTF-8 bytes.

    trec_eval compares ids with strcmp; UTF-8 keeps the order of code points, so Python's own string
    comparison gives the same order.
    """
    order = sorted(range(len(ids)), key=ids.__getitem__, reverse=True)
    ranks = np.empty(len(ids), dtype=np.int32)
    ranks[order] = np.arange(len(ids), dtype=np.int32)
    return ranks


def ties_of(collection: Collection) -> NDArray[np.int32]:
    """Return `tie_ranks` of a collection's ids, worked out once a collection and evaluation."""
    key = id(collection)
    if key in _ties:
        return _ties[key][1]
    try:
        gone = weakref.ref(collection, lambda _: _ties.pop(key, None))
    except TypeError as error:
        raise BenchError(
            f"collection {type(collection).__name__} can not be referred to weakly; make its class one "
            "without __slots__, such as a plain @dataclass"
        ) from error
    ranks = tie_ranks(collection.ids(range(len(collection))))
    _ties[key] = gone, ranks
    return ranks


def forget_ties() -> None:
    """Work out `ties_of` anew when it is asked next: a collection may have changed since."""
    _ties.clear()


def empty(n_queries: int, k: int) -> Run:
    """Return an (n_queries, k) run without any document."""
    return Run(
        np.full((n_queries, k), NO_DOC, dtype=np.int32),
        np.full((n_queries, k), NO_SCORE, dtype=np.float32),
    )


def stacked(runs: Sequence[Run]) -> Run:
    """Return the runs of batches of queries as one, padded to the longest of their lists."""
    width = max((run.docs.shape[1] for run in runs), default=0)
    if all(run.docs.shape[1] == width for run in runs):
        wide = list(runs)
    else:
        wide = [empty(len(run.docs), width) for run in runs]
        for one, run in zip(wide, runs, strict=True):
            one.docs[:, : run.docs.shape[1]] = run.docs
            one.scores[:, : run.docs.shape[1]] = run.scores
    if len(wide) == 1:
        return wide[0]
    return Run(np.concatenate([r.docs for r in wide]), np.concatenate([r.scores for r in wide]))


def rank(docs: DocArray, scores: ScoreArray, ties: NDArray[np.int32], k: int) -> Run:
    """Order candidates: docs and scores (n_queries, m), -1 / -inf for none → the k best of each row.

    Rows shorter than k are padded. A document may stand at most once in a row.
    """
    held = (docs != NO_DOC) & (scores != NO_SCORE)
    kept = np.where(held, scores, NO_SCORE).astype(np.float32, copy=False)
    order = np.tile(np.arange(docs.shape[1]), (len(docs), 1))
    # Most lists of a run file stand in order, and to see that takes a tenth of sorting them.
    falling = (kept[:, 1:] < kept[:, :-1]) | (kept[:, 1:] == NO_SCORE)
    rows = np.flatnonzero(~falling.all(axis=1))
    place = np.where(held[rows], ties[docs[rows]], len(ties))  # ties[-1] is read and thrown away
    order[rows] = np.lexsort((place, -kept[rows]), axis=-1)
    order = order[:, :k]
    run = empty(len(docs), k)
    width = order.shape[1]
    run.scores[:, :width] = np.take_along_axis(kept, order, axis=1)
    run.docs[:, :width] = np.where(
        run.scores[:, :width] == NO_SCORE, NO_DOC, np.take_along_axis(docs, order, axis=1)
    )
    return run


def with_ties_in_order(run: Run, collection: Collection) -> Run:
    """Return a run, whose scores fall, with equal ones in the order of their ids; itself if they are.

    The documents of a row stay the same: which of those of its last score were cut off is known to
    whoever cut them.
    """
    equal = (run.scores[:, 1:] == run.scores[:, :-1]) & (run.docs[:, 1:] != NO_DOC)
    if not equal.any():
        return run
    ties = ties_of(collection)
    places = ties[run.docs]
    if not (equal & (places[:, 1:] < places[:, :-1])).any():
        return run
    return rank(run.docs, run.scores, ties, run.docs.shape[1])


def best(scores: ScoreArray, ties: NDArray[np.int32], k: int) -> Run:
    """Return the k best of a full (n_queries, n_docs) score matrix; -inf means "not retrieved"."""
    n_docs = scores.shape[1]
    if n_docs <= _SORT_ALL or 4 * k >= n_docs:
        docs = np.broadcast_to(np.arange(n_docs, dtype=np.int32), scores.shape)
        return rank(docs, scores, ties, k)
    run = empty(len(scores), k)
    for row, values in enumerate(scores):
        # Whatever equals the k-th score must compete for the last places by its id.
        threshold = np.partition(values, n_docs - k)[n_docs - k]
        candidates = np.flatnonzero(values >= threshold).astype(np.int32)
        top = rank(candidates[None], values[candidates][None], ties, k)
        run.docs[row], run.scores[row] = top.docs[0], top.scores[0]
    return run


def without(run: Run, unwanted: DocArray, k: int) -> Run:
    """Return the k best of each row without one document: unwanted (n_queries,), -1 for none."""
    gone = (run.docs == unwanted[:, None]) & (run.docs != NO_DOC)
    docs, scores = np.where(gone, NO_DOC, run.docs), np.where(gone, NO_SCORE, run.scores)
    order = np.argsort(gone, axis=1, kind="stable")[:, :k]  # what follows moves up
    return Run(np.take_along_axis(docs, order, axis=1), np.take_along_axis(scores, order, axis=1))


def namesakes(queries: Queries, collection: Collection) -> DocArray:
    """Return (n_queries,): the document that has the query's own id, -1 where there is none."""
    row_of = {query: row for row, query in enumerate(queries.ids)}
    found = np.full(len(queries), NO_DOC, dtype=np.int32)
    for docs in collection.batches(_BATCH):
        for doc, name in zip(docs, collection.ids(docs), strict=True):
            if name in row_of:
                found[row_of[name]] = doc
    return found


def sum_by_document(docs: DocArray, parts: NDArray[np.float64], ties: NDArray[np.int32], k: int) -> Run:
    """Add up what each document collected: docs and parts (n_queries, m) → the k best sums.

    Unlike in `rank`, a document may stand several times in a row; sums are taken in float64 in the
    order of the columns, then compared as float32.
    """
    n_queries, n_docs = len(docs), len(ties)
    rows, columns = np.nonzero(docs != NO_DOC)
    keys = rows.astype(np.int64) * n_docs + docs[rows, columns]
    found, position = np.unique(keys, return_inverse=True)
    sums = np.bincount(position, weights=parts[rows, columns], minlength=len(found))
    row, doc = np.divmod(found, n_docs)
    counts = np.bincount(row, minlength=n_queries)
    width = int(counts.max(initial=0))
    column = np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)
    wide = empty(n_queries, width)
    wide.docs[row, column] = doc
    wide.scores[row, column] = sums
    return rank(wide.docs, wide.scores, ties, k)


def best_passages(
    passages: NDArray[np.int64],
    scores: ScoreArray,
    owner: DocArray,
    ties: NDArray[np.int32],
    k: int,
) -> Run:
    """Let the best passage stand for its document.

    passages and scores are (n_queries, m), -1 for none; `owner[p]` is the document of passage p.
    """
    docs = np.where(passages >= 0, owner[passages], NO_DOC).astype(np.int32)
    kept = np.where(passages >= 0, scores, NO_SCORE)
    # Best score first within a document, then drop all but the first of each document.
    order = np.lexsort((-kept, docs), axis=-1)
    docs = np.take_along_axis(docs, order, axis=1)
    kept = np.take_along_axis(kept, order, axis=1)
    docs[:, 1:][docs[:, 1:] == docs[:, :-1]] = NO_DOC
    return rank(docs, kept, ties, k)
