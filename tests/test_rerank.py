"""A reranker orders what its first stage found by its scorer, and adds and invents nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pytest
from conftest import DOCUMENTS, ROOT, make_queries, only_run
from hypothesis import given
from hypothesis import strategies as st

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.retrievers.bm25 import BM25
from bench.retrievers.rerank import PairScorer, Reranked
from bench.runs.comparable import changed_models
from bench.runs.record import Record
from bench.storage.indexes import IndexStore
from bench.types import NO_DOC, Searcher, check_run

TINY = InMemory("tiny", list(DOCUMENTS), *map(list, zip(*DOCUMENTS.values(), strict=True)))
QUERIES = make_queries("notes of music", "graph search", "retrieval of documents", "zzzyqx", "")


@dataclass(frozen=True)
class Says(PairScorer):
    """Returns what it is given, for as many pairs as there are."""

    numbers: tuple[float, ...]

    def score_pairs(self, pairs):
        return [self.numbers[len(text) % len(self.numbers)] for _, text in pairs]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=7), st.integers(1, 15), st.integers(1, 15))
def test_the_candidates_are_those_of_the_first_stage_in_the_order_of_the_scores(numbers, depth, k):
    scorer = Says(tuple(map(float, numbers)))
    found = Reranked(BM25(), scorer, depth).index(TINY, IndexStore()).search(QUERIES, k)
    check_run(found, len(TINY), len(QUERIES), "reranked")
    first = BM25().index(TINY, IndexStore()).search(QUERIES, depth)
    ids = list(DOCUMENTS)
    for row in range(len(QUERIES)):
        candidates = [ids[doc] for doc in first.docs[row] if doc != NO_DOC]
        score = {
            doc: scorer.numbers[len(" ".join(filter(None, DOCUMENTS[doc]))) % len(numbers)]
            for doc in candidates
        }
        # trec_eval: higher first, then the id that is later in the alphabet
        expected = sorted(sorted(candidates, reverse=True), key=lambda doc: -score[doc])
        assert [ids[doc] for doc in found.docs[row] if doc != NO_DOC] == expected[:k]


@dataclass(frozen=True)
class Returns(PairScorer):
    value: object

    def score_pairs(self, pairs):
        return self.value(pairs) if callable(self.value) else self.value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([0.5], r"shape \(1,\) for \d+ pairs"),
        (3, r"shape \(\)"),
        (None, "scorer Returns returned"),
        ("abc", "returned no numbers"),
        (lambda pairs: [float("nan")] * len(pairs), "no finite float32 for the query 'notes of music'"),
        (lambda pairs: [1e39] * len(pairs), "no finite float32"),
        (lambda pairs: [[1, 2]] * len(pairs), r"shape \(\d+, 2\)"),
    ],
)
def test_a_scorer_that_breaks_its_word_is_named(value, said):
    searcher = Reranked(BM25(), Returns(value)).index(TINY, IndexStore())
    with pytest.raises(BenchError, match=said):
        searcher.search(QUERIES, 5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"first": Says((1.0,))}, "first is no retriever"),
        ({"scorer": BM25()}, r"no method score\(queries, candidates, collection\)"),
        ({"depth": 0}, "depth must be at least 1"),
    ],
)
def test_settings_without_meaning_are_refused(settings, said):
    with pytest.raises(BenchError, match=said):
        Reranked(**{"first": BM25(), "scorer": Says((1.0,)), **settings})


def test_what_is_read_and_where_it_comes_from():
    seen = []

    def note(pairs):
        seen.extend(pairs)
        return np.zeros(len(pairs), dtype=np.float16)

    searcher = Reranked(BM25(), Returns(note, fields=("title",)), depth=1).index(TINY, IndexStore())
    assert isinstance(searcher, Searcher)
    searcher.search(make_queries("notes of music"), 5)
    assert seen == [("notes of music", "Music transcription")]
    assert searcher.facts["longest_list"] == 1
    assert searcher.nbytes == BM25().index(TINY, IndexStore()).nbytes
    assert searcher.exact is None


@dataclass(frozen=True)
class Approximate:
    """BM25 that finds no more than the first document, beside the whole of it as its exact twin."""

    def index(self, collection, store):
        whole = BM25().index(collection, store)
        return ApproximateSearcher(whole)


@dataclass(frozen=True)
class ApproximateSearcher:
    exact: Searcher
    nbytes: int = 1

    @property
    def facts(self):
        return {}

    def search(self, queries, k):
        return self.exact.search(queries, 1)


def test_on_an_approximate_first_stage_the_exact_one_is_reranked_too():
    scorer = Says((1.0, 2.0, 3.0))
    searcher = Reranked(Approximate(), scorer).index(TINY, IndexStore())
    exact = searcher.exact.search(QUERIES, 12)
    assert np.array_equal(
        exact.docs, Reranked(BM25(), scorer).index(TINY, IndexStore()).search(QUERIES, 12).docs
    )
    assert (searcher.search(QUERIES, 12).docs[:, 1] == NO_DOC).all()


SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("## Your own reranker\n")[1]
EARLY, YAML = re.findall(r"```(?:python|yaml)\n(.*?)```", SECTION, re.S)[:2]


def test_an_own_reranker_on_bm25(bench, beir, tmp_path):
    (tmp_path / "early.py").write_text(EARLY)
    (tmp_path / "my_conf" / "retriever").mkdir(parents=True)
    (tmp_path / "my_conf" / "retriever" / "early.yaml").write_text(YAML)
    assert len(EARLY.splitlines()) <= 15
    command = ("run", "--config-dir", "my_conf", "--allow", "early", "retriever=[bm25,early]")
    done = bench(
        *command, "retrievers.early.first.k1=0.9", "collection=beir", f"collection.path={beir}", "output=out"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path / "out")
    record = Record.load(run)
    assert record.systems == ["bm25", "early"]
    assert record.content["config"]["retrievers"]["early"]["first"]["k1"] == 0.9
    texts = {doc: " ".join(filter(None, both)) for doc, both in DOCUMENTS.items()}
    asked = {"sparse", "retrieval", "with", "an", "inverted", "index"}
    rows = [line.split() for line in (run / "early.trec").read_text().splitlines()]
    for _, _, doc, _, score, _ in [row for row in rows if row[0] == "q1"]:
        assert float(score) == len(asked & set(texts[doc].lower().split()[:20]))
    # its code is part of what the system is
    (tmp_path / "early.py").write_text(EARLY.replace("query.lower()", "query.upper()"))
    again = bench("verify", str(run), "--set", f"collection.path={beir}", "--allow", "early")
    assert again.returncode == 1, again.stderr
    assert "early: other code" in again.stdout


@dataclass(frozen=True)
class Short:
    """BM25 that tells how long its lists are."""

    longest: int

    def index(self, collection, store):
        return Tells(BM25().index(collection, store), self.longest)


@dataclass(frozen=True)
class Tells:
    whole: Searcher
    longest: int
    nbytes: int = 1
    exact: None = None

    @property
    def facts(self):
        return {"longest_list": self.longest}

    def search(self, queries, k):
        return self.whole.search(queries, min(k, self.longest))


@pytest.mark.parametrize(("longest", "depth", "told"), [(3, 5, 3), (5, 3, 3), (4, 4, 4)])
def test_the_longest_list_is_no_longer_than_that_of_the_first_stage(longest, depth, told):
    searcher = Reranked(Short(longest), Says((1.0,)), depth).index(TINY, IndexStore())
    assert searcher.facts["longest_list"] == told
    lengths = (searcher.search(make_queries("retrieval of documents"), 12).docs != NO_DOC).sum(axis=1)
    assert lengths.max() <= told


@dataclass(frozen=True)
class Weighted(Says):
    """A scorer with weights."""

    weights: str = "w1"

    @property
    def facts(self):
        return {"weights_sha256": self.weights}


def test_a_scorer_with_other_weights_is_another_model():
    def told(weights):
        facts = Reranked(BM25(), Weighted((1.0,), weights)).index(TINY, IndexStore()).facts
        return Record({"systems": {"early": {"facts": facts}}}, np.empty((1, 0, 0)))

    assert changed_models(told("w1"), told("w1")) == []
    assert changed_models(told("w1"), told("w2")) == [("early", "w1", "w2")]
