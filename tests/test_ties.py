"""Ranges over tied documents: hand-computed values, and all orders written out one by one."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from conftest import make_queries
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.collections.memory import InMemory
from bench.evaluation import measures, ties
from bench.evaluation.measures import Measure, evaluate
from bench.evaluation.ties import TieRange, tie_range
from bench.types import Qrels, Run, check_run

IDS = [f"d{i}" for i in range(9)]
COLLECTION = InMemory("nine", IDS, [""] * 9, ["x"] * 9)
WHOLE = ["nDCG", "MAP", "MRR"]
CUT = ["nDCG", "MAP", "MRR", "P", "Recall", "Success", "Judged"]
MEASURES = [Measure(name) for name in WHOLE] + [Measure(name, k) for name in CUT for k in (1, 3, 4, 10)]


def run_of(*answers: dict[int, float]) -> Run:
    """One row for each mapping of document number to score, padded to the longest and one more."""
    k = 1 + max(map(len, answers))
    docs = np.full((len(answers), k), -1, dtype=np.int32)
    scores = np.full((len(answers), k), -np.inf, dtype=np.float32)
    for row, answer in enumerate(answers):
        docs[row, : len(answer)] = list(answer)
        scores[row, : len(answer)] = list(answer.values())
    return check_run(Run(docs, scores), len(COLLECTION), len(answers), "test")


def range_of(answer: dict[int, float], grades: dict[str, int], *measures: str, **qrels):
    """The (low, expected, high) of each measure for one query, or None."""
    asked = [Measure.parse(name) for name in measures]
    found = tie_range(
        run_of(answer), make_queries("?"), Qrels({"q0": grades}, **qrels), COLLECTION, asked
    )
    if found is None:
        return None
    assert found.names == measures
    return [tuple(line) for line in np.stack([found.low, found.expected, found.high], axis=-1)[:, 0]]


def test_hand_computed():
    """d0, then d1, d2 and d3 in any order. d2 and d3 are relevant; d7 is too, but was not found."""
    answer = {0: 2.0, 1: 1.0, 2: 1.0, 3: 1.0}
    grades = {"d1": 0, "d2": 1, "d3": 3, "d7": 2}
    ideal = 3 + 2 / math.log2(3) + 1 / 2
    best = 3 / math.log2(3) + 1 / 2
    worst = 1 / 2 + 3 / math.log2(5)
    mean = 4 / 3 * (1 / math.log2(3) + 1 / 2 + 1 / math.log2(5))
    # The places that d2 and d3 share: 2 and 3, 2 and 4, or 3 and 4, each as likely as the others.
    expected = {
        "nDCG": (worst / ideal, mean / ideal, best / ideal),
        "MAP": (
            (1 / 3 + 2 / 4) / 3,
            ((1 / 2 + 2 / 3) + (1 / 2 + 2 / 4) + (1 / 3 + 2 / 4)) / 3 / 3,
            (1 / 2 + 2 / 3) / 3,
        ),
        "MAP@2": (0.0, 2 / 3 * 1 / 2 / 3, 1 / 2 / 3),
        "MRR": (1 / 3, (1 / 2 + 1 / 2 + 1 / 3) / 3, 1 / 2),
        "MRR@2": (0.0, 2 / 3 * 1 / 2, 1 / 2),
        "P@3": (1 / 3, (2 + 1 + 1) / 3 / 3, 2 / 3),
        "Recall@3": (1 / 3, (2 + 1 + 1) / 3 / 3, 2 / 3),
        "Success@2": (0.0, 2 / 3, 1.0),
        "Success@3": (1.0, 1.0, 1.0),
        "Judged@2": (1 / 2, 1 / 2, 1 / 2),
    }
    found = range_of(answer, grades, *expected)
    for (name, wanted), values in zip(expected.items(), found, strict=True):
        assert values == pytest.approx(wanted, abs=1e-12), name


def test_one_relevant_among_a_thousand_tied():
    """It stands at each place with the same chance: E[MRR] = H(1000) / 1000, Success@10 = 10 / 1000."""
    n = 1000
    many = InMemory("many", [str(i) for i in range(n)], [""] * n, ["x"] * n)
    run = Run(np.arange(n, dtype=np.int32)[None], np.ones((1, n), dtype=np.float32))
    asked = [Measure("MRR"), Measure("MAP"), Measure("Success", 10), Measure("Recall", 10)]
    found = tie_range(run, make_queries("?"), Qrels({"q0": {"7": 1}}), many, asked)
    harmonic = sum(1 / i for i in range(1, n + 1)) / n
    assert found.expected[:, 0] == pytest.approx([harmonic, harmonic, 10 / n, 10 / n], abs=1e-12)
    assert found.low[:, 0] == pytest.approx([1 / n, 1 / n, 0, 0])
    assert found.high[:, 0].tolist() == [1, 1, 1, 1]


def all_orders(answer: dict[int, float], qrels: Qrels) -> np.ndarray:
    """Return (n_measures, n_orders): each measure for each order of the tied documents."""
    groups = [list(group) for _, group in itertools.groupby(answer, key=answer.__getitem__)]
    orders = [
        dict(zip(itertools.chain(*order), answer.values(), strict=True))
        for order in itertools.product(*map(itertools.permutations, groups))
    ]
    queries = make_queries(*["?"] * len(orders))
    copies = Qrels(dict.fromkeys(queries.ids, qrels.grades["q0"]), qrels.complete, qrels.relevant)
    return evaluate(run_of(*orders), queries, copies, COLLECTION, MEASURES).values


@st.composite
def answers(draw) -> dict[int, float]:
    docs = draw(st.lists(st.integers(0, 8), min_size=1, max_size=7, unique=True))
    level = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
    scores = draw(st.lists(level, min_size=len(docs), max_size=len(docs)))
    return dict(zip(docs, sorted(scores, reverse=True), strict=True))


@st.composite
def judgements(draw) -> Qrels:
    relevant = draw(st.integers(1, 2))
    grades = draw(st.dictionaries(st.sampled_from(IDS), st.integers(-1, 3)))
    grades[draw(st.sampled_from(IDS))] = draw(st.integers(relevant, 3))
    return Qrels({f"q{i}": grades for i in range(3)}, draw(st.booleans()), relevant)


@settings(max_examples=60, deadline=None)
@given(answers(), judgements())
def test_equals_all_orders_written_out(answer, qrels):
    """Beside it stand a query without ties and one without an answer: both keep their value."""
    untied = {doc: float(-place) for place, doc in enumerate(answer)}
    run, queries = run_of(answer, untied, {}), make_queries("a", "b", "c")
    found = tie_range(run, queries, qrels, COLLECTION, MEASURES)
    canonical = evaluate(run, queries, qrels, COLLECTION, MEASURES).values
    if found is None:
        found = TieRange(tuple(map(str, MEASURES)), canonical, canonical, canonical)
    values = all_orders(answer, qrels)
    assert found.low[:, 0] == pytest.approx(values.min(axis=1), abs=1e-12)
    assert found.high[:, 0] == pytest.approx(values.max(axis=1), abs=1e-12)
    for name, ours, theirs in zip(found.names, found.expected[:, 0], values.mean(axis=1), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-12), name
    for bounds in (found.low, found.expected, found.high):
        assert (bounds[:, 1:] == canonical[:, 1:]).all()


@settings(max_examples=60, deadline=None)
@given(answers(), answers(), judgements())
def test_the_canonical_and_the_expected_value_lie_within_the_bounds(one, two, qrels):
    run, queries = run_of(one, two), make_queries("a", "b")
    found = tie_range(run, queries, qrels, COLLECTION, MEASURES)
    if found is not None:
        canonical = evaluate(run, queries, qrels, COLLECTION, MEASURES).values
        for values in (canonical, found.expected):
            assert (found.low <= values).all()
            assert (values <= found.high).all()


@settings(max_examples=30, deadline=None)
@given(answers(), judgements())
def test_a_list_without_ties_has_no_range(answer, qrels):
    untied = {doc: float(-place) for place, doc in enumerate(answer)}
    assert tie_range(run_of(untied), make_queries("?"), qrels, COLLECTION, MEASURES) is None


@pytest.mark.parametrize(
    ("grades", "measures"),
    [
        ({"d0": 2, "d1": 2}, ["nDCG@1", "MAP", "Judged@1"]),
        ({"d0": 0, "d7": 1}, ["nDCG@1", "MAP"]),
        ({"d0": -1, "d1": 0, "d7": 1}, ["nDCG@1", "MAP"]),
        ({"d0": -1, "d7": 1}, ["nDCG@1", "MAP", "Judged@1"]),
    ],
    ids=["equal", "an unjudged one and a 0", "a negative one and a 0", "a negative one and none"],
)
def test_ties_of_equal_grade_have_no_range(grades, measures):
    assert range_of({0: 1.0, 1: 1.0}, grades, *measures) is None


def test_an_unjudged_document_differs_from_a_judged_0_for_judged_alone():
    answer, grades = {0: 1.0, 1: 1.0}, {"d0": 0, "d7": 1}
    assert range_of(answer, grades, "P@1", "Judged@1") == [(0, 0, 0), (0, 1 / 2, 1)]
    assert range_of(answer, grades, "P@1", "Judged@1", complete=True) is None


def test_empty_places_are_no_tie():
    run, queries = run_of({0: 1.0}, {1: 2.0, 2: 1.0, 3: 0.0}, {}), make_queries("a", "b", "c")
    qrels = Qrels({f"q{i}": {"d0": 1, "d2": 2} for i in range(3)})
    assert (run.docs[0] == -1).sum() == 3
    assert tie_range(run, queries, qrels, COLLECTION, MEASURES) is None


def test_neighbours_of_different_score_are_no_tie():
    """Two groups with the same two grades each, in an order that mixes grades only across them."""
    grades = {"d0": 1, "d1": 1, "d2": 0, "d3": 0}
    assert range_of({0: 2.0, 1: 2.0, 2: 1.0, 3: 1.0}, grades, "nDCG@3", "MAP") is None


def test_every_measure_has_an_expected_value():
    assert set(ties._EXPECTED) == set(measures._TREC_NAMES)
