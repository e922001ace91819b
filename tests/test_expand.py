"""An expansion answers other texts of the same queries; feedback is what the first search found."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import DOCUMENTS, Approximate, make_queries
from hypothesis import given
from hypothesis import strategies as st

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.evaluation.measures import Measure
from bench.evaluation.systems import run_systems
from bench.ranking import best, ties_of
from bench.retrievers.bm25 import BM25
from bench.retrievers.cascade import Cascade
from bench.retrievers.expand import Expanded, FeedbackText
from bench.retrievers.fuse import Fused
from bench.retrievers.rerank import PairScorer, Reranked
from bench.retrievers.runfile import RunFile
from bench.runs.comparable import changed_models
from bench.runs.record import Record
from bench.storage.identity import fingerprint
from bench.storage.indexes import IndexStore
from bench.testing import check_retriever
from bench.types import NO_DOC, Qrels, Queries, Searcher, TestCollection

TINY = InMemory("tiny", list(DOCUMENTS), *map(list, zip(*DOCUMENTS.values(), strict=True)))
IDS = list(DOCUMENTS)
QUERIES = make_queries("notes of music", "graph search", "retrieval of documents", "zzzyqx", "")


@dataclass(frozen=True)
class Shares:
    """Counts how often the words of the query, each as often as it stands there, are in a document."""

    texts: tuple[str, ...] = ()

    def index(self, collection, store):
        return SharesSearcher(collection)


@dataclass(frozen=True)
class SharesSearcher:
    collection: InMemory
    nbytes: int = 3
    exact: Searcher | None = None

    @property
    def facts(self):
        return {"longest_list": 4}

    def search(self, queries, k):
        documents = [text.split() for text in self.collection.texts(range(len(self.collection)))]
        scores = [
            [float(sum(d.count(word) for word in text.split())) or -np.inf for d in documents]
            for text in queries.texts
        ]
        return best(np.array(scores, np.float32).reshape(len(queries), -1), ties_of(self.collection), k)


WORDS = st.lists(st.sampled_from("abcde"), max_size=4).map(" ".join)
CORPUS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6)
FIELDS = st.sampled_from([("title",), ("text",), ("title", "text"), ("text", "title")])


def ranked(corpus, query, k):
    """Numbers and counts of the documents that share a word, by hand: d10 is before d2, as an id."""
    counts = {}
    for number, both in enumerate(corpus):
        words = " ".join(both).split()
        count = sum(words.count(word) for word in query.split())
        if count:
            counts[number] = count
    # trec_eval: higher first, then the id that is later in the alphabet
    order = sorted(sorted(counts, key=lambda n: f"d{n}", reverse=True), key=lambda n: -counts[n])
    return [(n, counts[n]) for n in order[:k]]


@given(CORPUS, st.lists(WORDS, min_size=1, max_size=4), st.integers(1, 8), st.integers(1, 8), FIELDS)
def test_the_second_answers_the_query_and_the_texts_of_the_first_ones_best(
    corpus, asked, depth, k, fields
):
    titles, texts = zip(*corpus, strict=True)
    collection = InMemory("c", [f"d{n}" for n in range(len(corpus))], titles, texts)
    settings = Expanded(Shares(), FeedbackText(fields), Shares(("second",)), depth)
    run = settings.index(collection, IndexStore()).search(make_queries(*asked), k)
    for row, query in enumerate(asked):
        expanded = query
        for number, _ in ranked(corpus, query, depth):
            both = dict(zip(("title", "text"), corpus[number], strict=True))
            for field in fields:
                expanded += " " + both[field]
        found = [(int(d), s) for d, s in zip(run.docs[row], run.scores[row], strict=True) if d >= 0]
        assert found == ranked(corpus, expanded, k)


def test_the_text_is_the_query_and_the_titles_best_first():
    feedback = BM25().index(TINY, IndexStore()).search(QUERIES, 2)
    made = FeedbackText().expand(QUERIES, feedback, TINY)
    titles = [[DOCUMENTS[IDS[doc]][0] for doc in row if doc != NO_DOC] for row in feedback.docs]
    assert made.texts[0] == "notes of music Music transcription Music transcription"
    assert [len(one) for one in titles] == [2, 1, 2, 0, 0]
    assert made.texts[2] == f"retrieval of documents {titles[2][0]} {titles[2][1]}"
    # without feedback a query stays as it is
    assert made.texts[3:] == ("zzzyqx", "")
    assert (made.ids, made.sets, made.splits) == (QUERIES.ids, QUERIES.sets, QUERIES.splits)
    empty = feedback.head(0)
    assert FeedbackText().expand(QUERIES, empty, TINY) == QUERIES


@dataclass(frozen=True)
class Gives:
    """Returns what it is given, or what that makes of its arguments."""

    value: object

    def expand(self, queries, feedback, collection):
        return self.value(queries) if callable(self.value) else self.value


def other(**columns):
    return lambda queries: replace(queries, **columns)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "expander Gives returned NoneType, not bench.types.Queries"),
        (["a"], "expander Gives returned list, not bench.types.Queries"),
        (lambda queries: queries.select([0, 1]), "expander Gives returned queries with other ids"),
        (lambda queries: queries.select([1, 0, 2]), "returned queries with other ids"),
        (other(ids=("q0", "q1", "q9")), "returned queries with other ids"),
        (other(sets=("all", "all", "x")), "returned queries with other sets"),
        (other(splits=("dev", "test", "test")), "returned queries with other splits"),
        (other(texts=["a", "b", "c"]), "returned texts as a list; return a tuple"),
        (other(texts="abc"), "returned texts as a str; return a tuple"),
        (other(texts=("a", None, "c")), "Gives returned a NoneType for the query 'q1', not a text"),
        (other(texts=("a", "b", b"c")), "Gives returned a bytes for the query 'q2', not a text"),
        (lambda queries: Queries(queries.ids, ("a",), queries.sets, queries.splits),
         "expanded.expander: Gives.expand failed at test_expand.py:"),
        (lambda queries: {}[queries.ids], "with KeyError"),
    ],
)  # fmt: skip
def test_an_expander_that_breaks_its_word_is_named(value, said):
    searcher = Expanded(BM25(), Gives(value), BM25()).index(TINY, IndexStore())
    with pytest.raises(BenchError, match=re.escape(said)) as refused:
        searcher.search(make_queries("notes of music", "graph search", "retrieval"), 5)
    assert "\n" not in str(refused.value)


@dataclass(frozen=True)
class Scribbles:
    def expand(self, queries, feedback, collection):
        feedback.docs[:] = 0
        return queries


def test_feedback_can_not_be_written_to_for_others_have_it_too():
    store = IndexStore()
    first = store.searcher(BM25(), TINY, "bm25")
    before = first.search(QUERIES, 3).docs.copy()
    searcher = Expanded(BM25(), Scribbles(), BM25(), depth=3).index(TINY, store)
    with pytest.raises(BenchError, match=r"Scribbles\.expand failed at .* read-only"):
        searcher.search(QUERIES, 5)
    assert np.array_equal(first.search(QUERIES, 3).docs, before)


def test_the_store_tells_other_texts_of_the_same_queries_apart():
    """First and second are one index, asked for the same depth: only the texts differ."""
    store = IndexStore()
    plain = store.searcher(BM25(), TINY, "bm25").search(QUERIES, 3)
    expanded = Expanded(BM25(), FeedbackText(("title", "text")), BM25(), depth=3).index(TINY, store)
    found = expanded.search(QUERIES, 3)
    texts = tuple(
        " ".join([query, *(" ".join(DOCUMENTS[IDS[doc]]) for doc in row if doc != NO_DOC)])
        for query, row in zip(QUERIES.texts, plain.docs, strict=True)
    )
    by_hand = BM25().index(TINY, IndexStore()).search(make_queries(*texts), 3)
    assert np.array_equal(found.docs, by_hand.docs)
    assert np.array_equal(found.scores, by_hand.scores)
    assert not np.array_equal(found.scores, plain.scores)
    # nor are the answers to the new texts given to who asks the old ones
    assert np.array_equal(store.searcher(BM25(), TINY, "bm25").search(QUERIES, 3).scores, plain.scores)


@dataclass(frozen=True)
class Length(PairScorer):
    def score_pairs(self, pairs):
        return [float(len(query + text)) for query, text in pairs]


@pytest.fixture
def answers(tmp_path) -> RunFile:
    file = tmp_path / "a.trec"
    file.write_text("".join(f"q{q} Q0 d{d:02d} 1 {d} t\n" for q in range(5) for d in (1, 2, 3)))
    return RunFile(str(file))


def test_a_run_file_can_not_be_second_wherever_its_answers_would_be_taken(answers):
    for second, where in (
        (answers, "expanded.second"),
        (Fused({"own": answers, "bm25": BM25()}), "expanded.second.own"),
        (Cascade(answers, BM25(), 0, 1), "expanded.second.cheap"),
        (Cascade(BM25(), answers, 0, 1), "expanded.second.costly"),
        (Reranked(answers, Length()), "expanded.second.first"),
        (Fused({"first": answers, "bm25": BM25()}), "expanded.second.first"),
        (Expanded(BM25(), FeedbackText(), Fused({"b": BM25(), "c": BM25(k1=2.0)})), None),
    ):
        settings = Expanded(BM25(), FeedbackText(), second)
        if where is None:
            settings.index(TINY, IndexStore())
            continue
        with pytest.raises(BenchError, match=re.escape(f"{where} is a run file, which answers by")):
            settings.index(TINY, IndexStore())


def test_a_run_file_can_be_first(answers):
    searcher = Expanded(answers, FeedbackText(), BM25()).index(TINY, IndexStore())
    plain = BM25().index(TINY, IndexStore()).search(QUERIES, 5)
    assert (searcher.search(QUERIES, 5).scores[:, 0] > plain.scores[:, 0]).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"first": "bm25"}, "expanded.first is no retriever: str"),
        ({"second": FeedbackText()}, "expanded.second is no retriever: FeedbackText"),
        ({"expander": BM25()}, "expanded.expander has no method expand(queries, feedback, collection)"),
        ({"depth": 0}, "expanded.depth must be at least 1, got 0"),
    ],
)
def test_settings_without_meaning_are_refused(settings, said):
    with pytest.raises(BenchError, match=re.escape(said)):
        Expanded(**{"first": BM25(), "expander": FeedbackText(), "second": BM25(), **settings})


@pytest.mark.parametrize("fields", [(), ("titel",), ("title", "title"), "title"])
def test_fields_are_some_of_the_documents(fields):
    with pytest.raises(
        BenchError, match=r"FeedbackText\.fields must name some of title, text, each once"
    ):
        FeedbackText(fields)


def test_the_exact_search_is_made_of_the_exact_ones():
    plain = Expanded(BM25(), FeedbackText(), BM25(k1=2.0)).index(TINY, IndexStore())
    assert plain.exact is None
    for first, second in (
        (Approximate(BM25()), BM25(k1=2.0)),
        (BM25(), Approximate(BM25(k1=2.0))),
        (Approximate(BM25()), Approximate(BM25(k1=2.0))),
    ):
        searcher = Expanded(first, FeedbackText(), second).index(TINY, IndexStore())
        found, exact = searcher.search(QUERIES, 5), searcher.exact.search(QUERIES, 5)
        assert np.array_equal(exact.scores, plain.search(QUERIES, 5).scores)
        assert not np.array_equal(found.scores, exact.scores)
        assert searcher.exact.exact is None


@pytest.mark.parametrize("depth", [1, 2, 500])
def test_the_contract_holds(depth):
    check_retriever(Expanded(BM25(), FeedbackText(("title", "text")), BM25(), depth))
    check_retriever(Expanded(Shares(), FeedbackText(), Reranked(BM25(), Length(), 3), depth))


@dataclass(frozen=True)
class Weighted:
    """An expander with weights in a file."""

    path: str
    weights: str = "w1"
    strength: float = 1.0

    @property
    def facts(self):
        return {"weights_sha256": self.weights}

    def reads(self):
        return {"path": Path(self.path)}

    def expand(self, queries, feedback, collection):
        return queries


def test_facts_are_those_of_the_parts_and_of_the_expander(tmp_path):
    searcher = Expanded(BM25(), Weighted("x"), Shares()).index(TINY, IndexStore())
    assert searcher.facts["expander.weights_sha256"] == "w1"
    assert searcher.facts["second.longest_list"] == searcher.facts["longest_list"] == 4
    assert searcher.nbytes == BM25().index(TINY, IndexStore()).nbytes + 3
    first = Expanded(Shares(), FeedbackText(), BM25()).index(TINY, IndexStore()).facts
    assert first["first.longest_list"] == 4
    assert "longest_list" not in first


def test_an_expander_with_other_weights_is_another_model():
    def told(weights):
        facts = Expanded(BM25(), Weighted("x", weights), BM25()).index(TINY, IndexStore()).facts
        return Record({"systems": {"own": {"facts": facts}}}, np.empty((1, 0, 0)))

    assert changed_models(told("w1"), told("w1")) == []
    assert changed_models(told("w1"), told("w2")) == [("own", "w1", "w2")]


def test_every_setting_of_the_parts_and_the_content_of_a_file_is_the_identity(tmp_path):
    for name, content in (("one", "a"), ("two", "a"), ("three", "b")):
        (tmp_path / name).write_text(content)
    one, two, three = (str(tmp_path / name) for name in ("one", "two", "three"))
    made = [
        Expanded(BM25(), FeedbackText(), BM25(), 3),
        Expanded(BM25(), FeedbackText(), BM25(), 4),
        Expanded(BM25(), FeedbackText(("text",)), BM25(), 3),
        Expanded(BM25(k1=2.0), FeedbackText(), BM25(), 3),
        Expanded(BM25(), FeedbackText(), BM25(k1=2.0), 3),
        Expanded(BM25(), Weighted(one), BM25(), 3),
        Expanded(BM25(), Weighted(one, strength=2.0), BM25(), 3),
        Expanded(BM25(), Weighted(three), BM25(), 3),
    ]
    assert len({fingerprint(each).key for each in made}) == len(made)
    same = fingerprint(Expanded(BM25(), Weighted(two), BM25(), 3))
    assert same.files == fingerprint(made[5]).files


def test_it_is_measured_beside_others():
    test = TestCollection(TINY, QUERIES, Qrels({"q0": {"d03": 1}, "q2": {"d01": 1}}))
    systems = {"bm25": BM25(), "feedback": Expanded(BM25(), FeedbackText(), BM25())}
    found = run_systems(test, systems, [Measure.parse("nDCG@10")], 12).systems
    # the title is that of the document, which stays the first
    assert found["feedback"].measures.values.shape == (1, 2)
    assert found["feedback"].run.scores[0, 0] > found["bm25"].run.scores[0, 0]
