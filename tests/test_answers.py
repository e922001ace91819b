"""Answers are checked wherever they leave a searcher: alone, as a part, and as a first stage."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pytest
from conftest import DOCUMENTS, make_queries

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.evaluation.measures import Measure
from bench.evaluation.systems import run_systems
from bench.retrievers.bm25 import BM25
from bench.retrievers.fuse import Fused
from bench.retrievers.rerank import PairScorer, Reranked
from bench.storage.indexes import IndexStore
from bench.types import Qrels, Run, TestCollection

TINY = InMemory("tiny", list(DOCUMENTS), *map(list, zip(*DOCUMENTS.values(), strict=True)))
QUERIES = make_queries("notes of music")
TEST = TestCollection(TINY, QUERIES, Qrels({"q0": {"d03": 1}}))


@dataclass(frozen=True)
class Gives:
    """Returns these answers, whatever is asked."""

    docs: tuple[int, ...]
    scores: tuple[float, ...]

    def index(self, collection, store):
        return Answers(self)


@dataclass(frozen=True)
class Answers:
    gives: Gives
    nbytes: int = 0
    exact: None = None

    @property
    def facts(self):
        return {}

    def search(self, queries, k):
        if not self.gives.docs:
            return None
        return Run(np.array([self.gives.docs], np.int32), np.array([self.gives.scores], np.float32))


@dataclass(frozen=True)
class Long(PairScorer):
    """A scorer that has nothing to say against any document."""

    def score_pairs(self, pairs):
        return [float(len(text)) for _, text in pairs]


PLACES = {
    "alone": ("own", lambda one: one),
    "part": ("hybrid.parts.own", lambda one: Fused({"bm25": BM25(), "own": one})),
    "convex": ("hybrid.parts.own", lambda one: Fused({"bm25": BM25(), "own": one}, method="convex")),
    "first": ("reranked.first", lambda one: Reranked(one, Long())),
    "deep": ("hybrid.parts.own", lambda one: Reranked(Fused({"a": BM25(), "own": one}), Long())),
}
MALFORMED = {
    "scores that increase": ((1, 2), (1.0, 2.0)),
    "a document twice": ((1, 1), (2.0, 1.0)),
    "an empty place before a document": ((-1, 1), (-np.inf, 1.0)),
    "document numbers outside 0..11": ((-2, 1), (2.0, 1.0)),
    "document numbers outside": ((1, 12), (2.0, 1.0)),
    "NaN among the scores": ((1, 2), (np.nan, 1.0)),
    "search returned NoneType": ((), ()),
    "returned 13 documents a query, where 12 were asked": ((*range(12), -1), (*range(12, 0, -1), -np.inf)),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("said", MALFORMED)
def test_malformed_answers_are_refused_wherever_they_come_from(place, said):
    name, put = PLACES[place]
    with pytest.raises(BenchError, match=re.escape(f"'{name}'") + ".*" + re.escape(said)):
        run_systems(TEST, {"own": put(Gives(*MALFORMED[said]))}, [Measure.parse("nDCG@10")], 1000)


def test_a_part_is_asked_for_its_depth_and_may_give_no_more():
    whole = Gives((2, 1), (2.0, 1.0))
    for put in (Fused({"a": BM25(), "own": whole}, depth=1), Reranked(whole, Long(), depth=1)):
        with pytest.raises(BenchError, match="returned 2 documents a query, where 1 were asked for"):
            put.index(TINY, IndexStore()).search(QUERIES, 5)
