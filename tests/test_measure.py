"""Measures: hand-computed values, trec_eval's own arithmetic, and the queries that it would lose."""

from __future__ import annotations

import math

import numpy as np
import pytest
import pytrec_eval
from conftest import make_queries
from hypothesis import given
from hypothesis import strategies as st

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.evaluation.measures import Measure, answerable, evaluate, recall_against
from bench.ranking import best, tie_ranks
from bench.types import Qrels, Run

IDS = [f"d{i}" for i in range(8)]
COLLECTION = InMemory("eight", IDS, [""] * 8, ["x"] * 8)


def run_of(*rankings: list[int]) -> Run:
    k = max(map(len, rankings))
    docs = np.array([row + [-1] * (k - len(row)) for row in rankings], dtype=np.int32)
    places = np.arange(k, 0, -1, dtype=np.float32)
    return Run(docs, np.where(docs >= 0, places, -np.inf).astype(np.float32))


def value(measure: str, run: Run, grades: dict[str, int], **qrels) -> float:
    judged = Qrels({"q0": grades}, **qrels)
    result = evaluate(run, make_queries("?"), judged, COLLECTION, [Measure.parse(measure)])
    return float(result.row(measure)[0])


def test_ndcg_has_linear_gains_and_the_ideal_of_all_judged_documents():
    gained = 1 / math.log2(2) + 3 / math.log2(3) + 0 + 2 / math.log2(5)
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 2 / math.log2(4) + 1 / math.log2(5)
    run = run_of([0, 1, 2, 3])
    assert value("nDCG@10", run, {"d0": 1, "d1": 3, "d3": 2, "d7": 2}) == pytest.approx(gained / ideal)


def test_ndcg_is_cut_at_k_in_gain_and_in_ideal():
    run = run_of([0, 1, 2])
    assert value("nDCG@1", run, {"d0": 1, "d1": 3}) == pytest.approx(1 / 3)


def test_binary_measures_count_from_the_relevant_grade_on():
    run, grades = run_of([0, 1, 2, 3, 4]), {"d0": 1, "d1": 3, "d3": 2, "d7": 2}
    expected = {"Recall@2": 1 / 3, "Recall@5": 2 / 3, "P@5": 2 / 5, "MRR@10": 1 / 2}
    expected |= {"MAP": (1 / 2 + 2 / 4) / 3, "Success@1": 0.0, "MAP@2": (1 / 2) / 3}
    for name, wanted in expected.items():
        assert value(name, run, grades, relevant=2) == pytest.approx(wanted), name
    assert value("Recall@2", run, grades, relevant=1) == pytest.approx(2 / 4)


def test_mrr_is_zero_just_beyond_its_cutoff():
    run = run_of([0, 1, 2])
    assert value("MRR@3", run, {"d2": 1}) == pytest.approx(1 / 3)
    assert value("MRR@2", run, {"d2": 1}) == 0.0


def test_judged_counts_what_was_judged_and_is_one_where_everything_was():
    run, grades = run_of([0, 1, 2, 3]), {"d0": 0, "d2": 1}
    assert value("Judged@2", run, grades) == 1 / 2
    assert value("Judged@10", run, grades) == 2 / 4
    assert value("Judged@10", run, grades, complete=True) == 1.0


def test_a_query_without_an_answer_counts_as_zero():
    qrels = Qrels({"q0": {"d0": 1}, "q1": {"d0": 1}})
    run = run_of([0], [])
    found = evaluate(
        run, make_queries("a", "b"), qrels, COLLECTION, [Measure("nDCG", 10), Measure("MAP")]
    )
    assert found.values.tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_a_query_without_a_relevant_document_has_no_value():
    qrels = Qrels({"q0": {"d0": 1}, "q1": {"d0": 2}}, relevant=2)
    queries = make_queries("a", "b", "c")
    assert answerable(queries, qrels).tolist() == [False, True, False]
    with pytest.raises(ValueError, match="q0"):
        evaluate(run_of([0], [0], [0]), queries, qrels, COLLECTION, [Measure("MAP")])


GRADES = st.dictionaries(st.sampled_from(IDS), st.integers(0, 3), min_size=1)


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.5]), min_size=8, max_size=8),
    GRADES.filter(lambda g: max(g.values()) >= 2),
)
def test_equals_trec_eval_on_runs_full_of_ties(scores, grades):
    """trec_eval, given the tied scores themselves, breaks the ties as our ranking did."""
    run = best(np.array([scores], dtype=np.float32), tie_ranks(IDS), 8)
    names = {
        "nDCG@3": "ndcg_cut_3",
        "Recall@2": "recall_2",
        "MAP": "map",
        "P@5": "P_5",
        "MRR": "recip_rank",
    }
    evaluator = pytrec_eval.RelevanceEvaluator(
        {"q0": grades}, {"ndcg_cut.3", "recall.2", "map", "P.5", "recip_rank"}, relevance_level=2
    )
    theirs = evaluator.evaluate({"q0": dict(zip(IDS, scores, strict=True))})["q0"]
    for ours, name in names.items():
        assert value(ours, run, grades, relevant=2) == pytest.approx(theirs[name], abs=1e-12), ours


@given(st.sampled_from(["nDCG", "Recall", "MRR", "MAP", "P", "Judged", "Success"]), st.integers(1, 1000))
def test_a_measure_prints_as_it_is_written(name, cutoff):
    assert str(Measure.parse(f"{name}@{cutoff}")) == f"{name}@{cutoff}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ndcg@10", "did you mean 'nDCG'"),
        ("nDCG@0", "at least 1"),
        ("Recall", "Recall@10"),
        ("P@x", "malformed"),
    ],
)
def test_a_malformed_measure_is_refused(text, says):
    with pytest.raises(BenchError, match=says):
        Measure.parse(text)


def test_recall_against_exact_search():
    assert recall_against(run_of([0, 1, 2], [5]), run_of([0, 2, 3], [5, 6]), 2) == (1 / 2 + 1 / 2) / 2
    assert math.isnan(recall_against(run_of([0]), Run(*map(np.array, ([[-1]], [[-np.inf]]))), 1))
