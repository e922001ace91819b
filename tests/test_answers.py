"""Answers are checked wherever they leave a searcher: alone, as a part, and as a first stage."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from conftest import DOCUMENTS, make_queries

from bench import evaluate
from bench.cli import app
from bench.collections.memory import InMemory
from bench.collections.run_file import ReadRun
from bench.collections.trec import write_run
from bench.errors import BenchError
from bench.evaluation.measures import Measure
from bench.evaluation.systems import run_systems
from bench.ranking import empty, ties_of
from bench.retrievers.bm25 import BM25
from bench.retrievers.cascade import Cascade
from bench.retrievers.expand import Expanded, FeedbackText
from bench.retrievers.fuse import Fused
from bench.retrievers.rerank import PairScorer, Reranked
from bench.runs.record import Record
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


@pytest.mark.parametrize("place", PLACES)
def test_ties_of_ones_own_are_put_in_the_fixed_order_where_they_leave_the_searcher(place):
    """d12, d11 and d10 have one score, and come in another order than by id, descending."""
    _, put = PLACES[place]
    docs, fixed = (0, 9, 11, 10, 1), (0, 11, 10, 9, 1)
    scores = (3.0, 2.0, 2.0, 2.0, 1.0)
    values = [
        run_systems(TEST, {"own": put(Gives(given, scores))}, [Measure.parse("nDCG@10")], 1000)
        for given in (docs, fixed)
    ]
    first, second = (one.systems["own"].run for one in values)
    assert first.docs.tolist() == second.docs.tolist()
    assert first.scores.tolist() == second.scores.tolist()
    if place == "alone":
        assert first.docs[0, :5].tolist() == list(fixed)


def test_a_run_file_gives_the_order_that_was_measured(tmp_path):
    own = {"own": Gives((0, 9, 11, 10, 1), (3.0, 2.0, 2.0, 2.0, 1.0))}
    measured = run_systems(TEST, own, [Measure.parse("nDCG@10")], 1000).systems["own"].run
    write_run(tmp_path / "own.trec", measured, QUERIES, TINY, "own")
    read = ReadRun.read(tmp_path / "own.trec", TINY).of(QUERIES, 5, ties_of(TINY))
    assert read.docs.tolist() == measured.docs[:, :5].tolist()


def test_a_collection_that_can_not_be_referred_to_weakly_is_told():
    with pytest.raises(BenchError, match=r"collection Slotted can not be referred to.*__slots__"):
        ties_of(Slotted())


def test_collections_that_are_equal_have_each_its_own_order_of_ties():
    one, other = ByPath("p", ("a", "b", "c")), ByPath("p", ("c", "b", "a"))
    assert one == other
    assert ties_of(one).tolist() == [2, 1, 0]
    assert ties_of(other).tolist() == [0, 1, 2]


def test_a_collection_that_changes_between_two_evaluations_has_the_order_of_now():
    """Equal scores fall by id, descending: of two documents that tie the second id is first."""
    found = []
    held = ByPath("p", tuple(TINY.ids(range(len(TINY)))))
    for ids in (held.doc_ids, held.doc_ids[::-1]):
        object.__setattr__(held, "doc_ids", ids)
        own = {"own": Gives((0, 1, 2), (1.0, 1.0, 1.0))}
        run = run_systems(replace(TEST, collection=held), own, [Measure.parse("nDCG@10")], 1000)
        found.append([ids[doc] for doc in run.systems["own"].run.docs[0, :3]])
    assert found[0] == sorted(found[0], reverse=True)
    assert found[1] == sorted(found[1], reverse=True)


class Slotted:
    """No weak reference to it is possible."""

    __slots__ = ()


@dataclass(frozen=True)
class ByPath:
    """Equal to another of the same path, whatever is in the file there."""

    name: str
    doc_ids: tuple[str, ...] = field(compare=False)

    @property
    def fingerprint(self):
        return "".join(self.doc_ids)

    def __len__(self):
        return len(self.doc_ids)

    def ids(self, docs):
        return [self.doc_ids[int(doc)] for doc in docs]

    def texts(self, docs, fields=("title", "text")):
        return ["text" for _ in docs]

    def batches(self, size):
        yield from np.array_split(np.arange(len(self)), max(1, len(self) // size))


def test_a_part_is_asked_for_its_depth_and_may_give_no_more():
    whole = Gives((2, 1), (2.0, 1.0))
    for put in (Fused({"a": BM25(), "own": whole}, depth=1), Reranked(whole, Long(), depth=1)):
        with pytest.raises(BenchError, match="returned 2 documents a query, where 1 were asked for"):
            put.index(TINY, IndexStore()).search(QUERIES, 5)


@dataclass(frozen=True)
class Nothing:
    """Finds nothing for any query, and says so in rows of so many empty places."""

    places: int

    def index(self, collection, store):
        return NothingFound(self.places)


@dataclass(frozen=True)
class NothingFound:
    places: int
    nbytes: int = 0
    exact: None = None

    @property
    def facts(self):
        return {}

    def search(self, queries, k):
        return empty(len(queries), self.places)


ROLES = {
    **{name: put for name, (_, put) in PLACES.items()},
    "cheap": lambda one: Cascade(one, BM25(), 0.0, None),
    "costly": lambda one: Cascade(BM25(), one, 0.0, None),
    "feedback": lambda one: Expanded(one, FeedbackText(), BM25()),
    "second": lambda one: Expanded(BM25(), FeedbackText(), one),
}


@pytest.mark.parametrize("ignore", [False, True])
@pytest.mark.parametrize("role", ROLES)
def test_nothing_found_may_be_rows_without_any_place(role, ignore, tmp_path, capsys):
    queries = make_queries("notes of music", "sparse retrieval")
    qrels = Qrels({"q0": {"d03": 1, "d01": 0}, "q1": {"d01": 2}}, ignore_identical_ids=ignore)
    measures = ["nDCG@2", "MAP", "Judged@2", "Success@1", "Bpref", "RBP(p=0.8)"]
    kept = []
    for places in (0, 2):
        systems = {"own": ROLES[role](Nothing(places))}
        test = TestCollection(TINY, queries, qrels)
        made = evaluate(test, systems, measures=measures, depth=5)
        run = made.save(tmp_path / str(places))
        kept.append(Record.load(run))
        assert app._command(["show", str(run)]) == 0
        said = " ".join(capsys.readouterr().out.split())
        if role in ("alone", "first", "second"):
            assert made.content["systems"]["own"]["unanswered"] == 2
            assert "own gave no answer to 2 of 2 queries; they count as 0." in said
            assert (run / "own.trec").read_text().count(" Q0 ") == 0
    none, empty_places = kept
    assert np.array_equal(none.all_values, empty_places.all_values)
    for key in ("unanswered", "tied_at_cut", "ties", "ties_unknown", "residuals", "judged@10"):
        assert none.content["systems"]["own"][key] == empty_places.content["systems"]["own"][key]
