"""The canonical order: by float32 score, then by document id descending; the same everywhere."""

from __future__ import annotations

import numpy as np
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench import ranking
from bench.collections.memory import InMemory
from bench.ranking import (
    best,
    best_passages,
    empty,
    rank,
    sum_by_document,
    tie_ranks,
    with_ties_in_order,
    without,
)
from bench.types import NO_DOC, NO_SCORE, Run, check_run

# Few distinct values, so that ties are the rule; -inf is "not retrieved".
TIED = st.sampled_from([0.0, 0.25, 0.5, 1.0, -1.0, -np.inf])
MATRICES = hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=TIED)


def ids_of(n: int) -> list[str]:
    """Ids whose order differs from their numbers."""
    return [f"doc{(7 * i) % n:03d}" if n % 7 else f"doc{i:03d}" for i in range(n)]


def plainly(scores: np.ndarray, ids: list[str], k: int) -> list[list[int]]:
    rows = []
    for row in scores:
        held = [i for i in range(len(row)) if row[i] != -np.inf]
        rows.append(sorted(sorted(held, key=ids.__getitem__, reverse=True), key=lambda i: -row[i])[:k])
    return rows


def documents(run: Run) -> list[list[int]]:
    return [[int(d) for d in row if d != NO_DOC] for row in run.docs]


@given(MATRICES, st.integers(1, 40))
def test_best_is_a_sort_by_score_then_id_descending(scores, k):
    ids = ids_of(scores.shape[1])
    run = check_run(best(scores, tie_ranks(ids), k), len(ids), len(scores), "best")
    assert run.docs.shape == (len(scores), k)
    assert documents(run) == plainly(scores, ids, k)


@given(MATRICES, st.integers(1, 7))
def test_the_partitioned_path_equals_the_full_sort(scores, k):
    ties = tie_ranks(ids_of(scores.shape[1]))
    whole = best(scores, ties, k)
    limit, ranking._SORT_ALL = ranking._SORT_ALL, 0
    try:
        parted = best(scores, ties, k)
    finally:
        ranking._SORT_ALL = limit
    assert np.array_equal(whole.docs, parted.docs)
    assert np.array_equal(whole.scores, parted.scores)


@given(MATRICES, st.randoms(use_true_random=False))
def test_ties_in_any_order_get_the_fixed_one_and_those_that_have_it_stay(scores, random):
    n = scores.shape[1]
    ids = ids_of(n)
    collection = InMemory("c", ids, [""] * n, [""] * n)
    run = empty(len(scores), n)
    for row, values in enumerate(scores):
        held = [doc for doc in range(n) if values[doc] != NO_SCORE]
        random.shuffle(held)
        held.sort(key=lambda doc: -values[doc])  # equal ones stay as they were shuffled
        run.docs[row, : len(held)] = held
        run.scores[row, : len(held)] = values[held]
    found = with_ties_in_order(run, collection)
    assert documents(found) == plainly(scores, ids, n)
    assert found.scores.tolist() == run.scores.tolist()
    assert (found is run) == (documents(found) == documents(run))
    assert with_ties_in_order(found, collection) is found


@given(MATRICES)
def test_trec_eval_reads_the_same_order(scores):
    """One relevant document at each place in turn: its reciprocal rank is where trec_eval put it."""
    n = scores.shape[1]
    ids = ids_of(n)
    run = best(scores, tie_ranks(ids), n)
    for row in range(len(scores)):
        answers = {
            ids[d]: float(s) for d, s in zip(run.docs[row], run.scores[row], strict=True) if d >= 0
        }
        for place, doc in enumerate(documents(run)[row], 1):
            evaluator = pytrec_eval.RelevanceEvaluator({"q": {ids[doc]: 1}}, {"recip_rank"})
            assert evaluator.evaluate({"q": answers})["q"]["recip_rank"] == 1 / place


@given(
    hnp.arrays(np.int32, st.tuples(st.integers(1, 3), st.integers(1, 20)), elements=st.integers(-1, 6)),
    st.integers(1, 9),
    st.randoms(use_true_random=False),
)
def test_sum_by_document_equals_a_dictionary(docs, k, random):
    parts = np.array([[random.choice([0.5, 0.25, 1.0]) for _ in row] for row in docs])
    ids = ids_of(7)
    sums = np.full((len(docs), 7), -np.inf, dtype=np.float32)
    for q, row in enumerate(docs):
        collected: dict[int, float] = {}
        for d, part in zip(row, parts[q], strict=True):
            if d >= 0:
                collected[d] = collected.get(d, 0.0) + part
        for d, value in collected.items():
            sums[q, d] = value
    assert documents(sum_by_document(docs, parts, tie_ranks(ids), k)) == plainly(sums, ids, k)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.integers(1, 8), st.data())
def test_the_best_passage_stands_for_its_document(lengths, k, data):
    owner = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    values = data.draw(st.lists(TIED.filter(np.isfinite), min_size=len(owner), max_size=len(owner)))
    scores = np.array([values], dtype=np.float32)
    found = np.arange(len(owner), dtype=np.int64)[None]
    top = np.full((1, len(lengths)), NO_SCORE, dtype=np.float32)
    np.maximum.at(top[0], owner, scores[0])
    ids = ids_of(len(lengths))
    run = best_passages(found, scores, owner, tie_ranks(ids), k)
    assert documents(run) == plainly(top, ids, k)


def test_ids_are_compared_as_trec_eval_does_by_bytes():
    assert list(tie_ranks(["a", "b", "é", "B", "a1"])) == [3, 1, 0, 4, 2]


def test_an_empty_row_and_no_candidates_at_all():
    ties = tie_ranks(["a", "b"])
    none = rank(np.empty((2, 0), np.int32), np.empty((2, 0), np.float32), ties, 3)
    assert (none.docs == NO_DOC).all()
    assert none.docs.shape == (2, 3)
    assert (best(np.full((1, 2), NO_SCORE), ties, 2).docs == NO_DOC).all()


@given(MATRICES, st.data())
def test_without_one_document_is_the_ranking_that_never_had_it(scores, data):
    n_queries, n = scores.shape
    unwanted = np.array(
        data.draw(st.lists(st.integers(-1, n - 1), min_size=n_queries, max_size=n_queries))
    )
    k = data.draw(st.integers(1, n))
    ties = tie_ranks(ids_of(n))
    found = without(best(scores, ties, k + 1), unwanted.astype(np.int32), k)
    rest = scores.copy()
    rest[unwanted >= 0, unwanted[unwanted >= 0]] = -np.inf
    expected = best(rest, ties, k)
    check_run(found, n, n_queries, "without")
    assert np.array_equal(found.docs, expected.docs)
    assert np.array_equal(found.scores, expected.scores)
