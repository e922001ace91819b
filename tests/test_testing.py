"""The contract kit: what keeps the contract passes, and each breach is found by its own words."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest

from bench.collections.beir import BeirFolder, digest
from bench.collections.memory import InMemory
from bench.ranking import best, ties_of
from bench.testing import check_collection, check_retriever, small_collection, small_queries
from bench.types import Qrels, Run, TestCollection


@dataclass(frozen=True)
class Overlap:
    """Counts shared words; `breach` says which part of the contract it breaks."""

    breach: str = ""

    def index(self, collection, store):
        texts = [set(text.lower().split()) for text in collection.texts(range(len(collection)))]
        return _Searcher(self.breach, texts, ties_of(collection))


@dataclass(eq=False)
class _Searcher:
    breach: str
    documents: list
    ties: np.ndarray
    exact: None = None
    asked: set = field(default_factory=set)
    count: itertools.count = field(default_factory=itertools.count)

    @property
    def nbytes(self):
        return -1 if self.breach == "nbytes" else 1

    @property
    def facts(self):
        return {"loss": [1]} if self.breach == "facts" else {"n": len(self.documents)}

    def search(self, queries, k):
        if self.breach == "unknown" and "unknown-id" in queries.ids:
            raise KeyError("unknown-id")
        words = [set(text.split()) for text in queries.texts]
        scores = np.array([[len(q & d) for d in self.documents] for q in words], dtype=np.float32)
        if self.breach == "random":
            scores += next(self.count)
        elif self.breach == "batch":
            scores *= len(queries)
        elif self.breach == "memory":
            self.asked.add(queries.ids)
            scores += len(self.asked)
        elif self.breach == "depth" and k > 5:
            scores = scores.max() - scores
        elif self.breach == "silent":
            scores[:] = 0
        scores[scores == 0] = -np.inf
        ties = self.ties[::-1] if self.breach == "ties" else self.ties
        run = best(scores, ties, k)
        return Run(run.docs.astype(np.int64), run.scores) if self.breach == "dtype" else run


@dataclass
class Unhashable:
    def index(self, collection, store): ...


def test_what_keeps_the_contract_passes():
    check_retriever(Overlap())
    check_retriever(Overlap(), small_collection(), small_queries())
    check_retriever(Overlap("ties"))  # in an order of its own, of which the first k are the best k
    check_retriever(Overlap(), InMemory("two", ["a", "b"], ["", ""], ["notes of", "music"]))


@pytest.mark.parametrize(
    ("breach", "said"),
    [
        ("dtype", "malformed run: dtypes int64"),
        ("random", "asked twice for 1, it answers differently"),
        ("memory", "asked after other queries, it answers differently|other scores beside"),
        ("batch", "a query has other scores beside other queries"),
        ("depth", "the best 5 are not the first 5 of 8"),
        ("silent", "it has no answer to any query"),
        ("facts", r"facts\.loss"),
        ("nbytes", "nbytes"),
        ("unknown", "search failed.*unknown-id"),
    ],
)
def test_each_breach_is_found(breach, said):
    with pytest.raises(AssertionError, match=said):
        check_retriever(Overlap(breach))


def test_what_is_no_retriever_is_found():
    with pytest.raises(AssertionError, match="no index"):
        check_retriever(object())
    with pytest.raises(AssertionError, match="can not be hashed"):
        check_retriever(Unhashable())


@dataclass(frozen=True)
class Broken:
    breach: str

    def load(self):
        if self.breach == "type":
            return {}
        ids = [
            "d1",
            "d1" if self.breach == "twice" else "d 2" if self.breach == "space" else "d2",
            "d3",
            "d4",
        ]
        fresh = str(np.random.default_rng().random()) if self.breach == "fresh" else "text"
        kind = _Torn if self.breach == "torn" else InMemory
        collection = kind("mine", ids, ["", "", "", ""], [fresh, "b", "c", "d"])
        return TestCollection(collection, small_queries(), Qrels({"q1": {"d1": 1}}))


class _Torn(InMemory):
    def batches(self, size):
        return itertools.islice(super().batches(size), 1)


def test_a_collection(beir):
    check_collection(digest())
    check_collection(BeirFolder(str(beir)))
    check_collection(Broken(""))


@pytest.mark.parametrize(
    ("breach", "said"),
    [
        ("type", "load.. returned a dict"),
        ("twice", "document id 'd1' stands twice"),
        ("space", "document id 'd 2'"),
        ("fresh", "the collection has two fingerprints"),
        ("torn", "does not give every document once"),
    ],
)
def test_each_breach_of_a_collection_is_found(breach, said):
    with pytest.raises(AssertionError, match=said):
        check_collection(Broken(breach))


def test_it_needs_no_pytest_and_nothing_heavy():
    code = "import sys, bench.testing; print({'pytest', 'torch', 'faiss', 'hydra'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
