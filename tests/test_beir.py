"""What a BEIR folder gives is what BEIR's own evaluation gives."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
import pytrec_eval
from conftest import Bench, only_run, write_beir
from hypothesis import given
from hypothesis import strategies as st

from bench.collections.beir import BeirFolder
from bench.collections.memory import InMemory
from bench.evaluation.measures import Measure
from bench.evaluation.systems import run_systems
from bench.ranking import best, ties_of
from bench.types import Qrels, Queries, TestCollection

# Three documents are queries too, as the arguments of ArguAna are; d7 and d8 are not in the corpus.
DOCS = ["q0", "q1", "q2", "d3", "d4", "d5"]
ASKED = ["q0", "q1", "q2"]
MEASURES = {"nDCG@2": "ndcg_cut_2", "Recall@3": "recall_3", "MAP@3": "map_cut_3", "P@2": "P_2"}


@dataclass(frozen=True)
class Scored:
    """Answers every query with all documents, by a row of scores."""

    rows: tuple[tuple[float, ...], ...]

    def index(self, collection, store):
        return _Searcher(np.array(self.rows, dtype=np.float32), ties_of(collection))


@dataclass(frozen=True, eq=False)
class _Searcher:
    rows: np.ndarray
    ties: np.ndarray
    nbytes: int = 0
    exact: None = None

    @property
    def facts(self):
        return {}

    def search(self, queries, k):
        return best(self.rows[[ASKED.index(query) for query in queries.ids]], self.ties, k)


def beir_evaluate(qrels, results, ignore_identical_ids):
    """The steps of BEIR 2.2.0's EvaluateRetrieval.evaluate, restated, before it takes the means."""
    if ignore_identical_ids:
        results = {q: {d: s for d, s in found.items() if d != q} for q, found in results.items()}
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.2", "recall.3", "map_cut.3", "P.2"})
    return evaluator.evaluate(results)


JUDGED = st.dictionaries(st.sampled_from([*DOCS, "d7", "d8"]), st.integers(0, 2), min_size=1)
SCORES = st.lists(st.permutations(range(len(DOCS))), min_size=3, max_size=3)


@given(
    st.fixed_dictionaries(dict.fromkeys(ASKED, JUDGED)),
    st.sampled_from(["d3", "d7"]),
    SCORES,
    st.booleans(),
    st.sampled_from([3, 5, 6, 10]),
)
def test_values_are_those_of_beirs_evaluation(grades, relevant, scores, ignore, depth):
    grades = {query: {**judged, relevant: 1} for query, judged in grades.items()}
    n = len(DOCS)
    queries = Queries(tuple(ASKED), ("?",) * 3, ("all",) * 3, ("test",) * 3)
    test = TestCollection(
        InMemory("c", DOCS, [""] * n, ["x"] * n), queries, Qrels(grades, ignore_identical_ids=ignore)
    )
    retriever = Scored(tuple(tuple(map(float, row)) for row in scores))
    found = run_systems(test, {"s": retriever}, [Measure.parse(m) for m in MEASURES], depth).systems["s"]
    whole = {
        q: dict(zip(DOCS, map(float, row), strict=True)) for q, row in zip(ASKED, scores, strict=True)
    }
    theirs = beir_evaluate(grades, whole, ignore)
    for measure, name in MEASURES.items():
        assert found.measures.row(measure) == pytest.approx([theirs[q][name] for q in ASKED]), measure
    answered = [[DOCS[doc] for doc in row if doc >= 0] for row in found.run.docs]
    for query, docs in zip(ASKED, answered, strict=True):
        wanted = sorted(whole[query], key=whole[query].get, reverse=True)
        # the next document has moved up: the list is as long as asked for
        assert docs == [doc for doc in wanted if not ignore or doc != query][:depth]


def test_tied_documents_beside_a_relevant_one_that_is_not_there():
    grades = {query: {"d3": 1, "d7": 2} for query in ASKED}
    queries = Queries(tuple(ASKED), ("?",) * 3, ("all",) * 3, ("test",) * 3)
    test = TestCollection(InMemory("c", DOCS, [""] * 6, ["x"] * 6), queries, Qrels(grades))
    tied = Scored(((0.0, 0.0, 0.0, 1.0, 1.0, 0.0),) * 3)  # d3 and d4 lead
    found = run_systems(test, {"s": tied}, [Measure.parse("MAP"), Measure.parse("nDCG@2")], 6)
    ideal = 2 + 1 / np.log2(3)
    expected = {"MAP": (1 / 4, 1 / 2), "nDCG@2": (1 / np.log2(3) / ideal, 1 / ideal)}
    for measure, (low, high) in expected.items():
        assert found.systems["s"].ties[measure] == pytest.approx((low, (low + high) / 2, high))


def test_another_rule_for_identical_ids_is_another_set_of_labels():
    grades = {"q0": {"d3": 1}}
    assert Qrels(grades).fingerprint != Qrels(grades, ignore_identical_ids=True).fingerprint


def test_a_run_says_which_labels_nothing_can_find_and_what_is_not_counted(bench: Bench, tmp_path):
    texts = {name: ("", f"words of {name}") for name in DOCS}
    asked = {name: (f"words of {name}", "topic") for name in ASKED}
    qrels = {"q0": {"d3": 1, "d7": 1}, "q1": {"d4": 1, "d8": 1}, "q2": {"d5": 1}}
    folder = write_beir(tmp_path / "mine", texts, asked, qrels)
    own = ("collection=beir", f"collection.path={folder}", "retriever=[bm25]", "output=out")
    done = bench("run", *own, "collection.ignore_identical_ids=true")
    assert done.returncode == 0, done.stderr
    assert "2 judgements name documents that are not in the corpus" in done.stdout
    assert "Documents with the id of their query" in done.stdout
    run = only_run(tmp_path / "out")
    labels = json.loads((run / "record.json").read_text())["labels"]
    assert (labels["missing_documents"], labels["ignore_identical_ids"]) == (2, True)
    answers = [line.split() for line in (run / "bm25.trec").read_text().splitlines()]
    assert answers
    assert all(query != doc for query, _, doc, *_ in answers)
    assert bench("verify", str(run), "--set", f"collection.path={folder}").returncode == 0
    done = bench("run", *own, "collection.strict=true")
    assert done.returncode == 2
    assert "unknown document 'd7'" in done.stderr


def test_complete_labels_are_exported_with_those_of_documents_that_are_not_there(bench, tmp_path):
    folder = write_beir(tmp_path / "mine", qrels={"q1": {"d01": 1, "d99": 1}})
    assert bench("export", str(folder), "--trec", "--complete").returncode == 0
    lines = (tmp_path / "trec" / "qrels.all.txt").read_text().splitlines()
    assert lines[-1] == "q1 0 d99 1"
    assert len(lines) == len(BeirFolder(str(folder)).load().collection) + 1
