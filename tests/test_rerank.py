"""A reranker orders what its first stage found by its scorer, and adds and invents nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import DOCUMENTS, ROOT, Approximate, make_queries, only_run
from hypothesis import given
from hypothesis import strategies as st

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.retrievers.bm25 import BM25
from bench.retrievers.rerank import PairScorer, Reranked
from bench.runs.comparable import changed_models
from bench.runs.record import Record
from bench.storage.identity import fingerprint
from bench.storage.indexes import IndexStore
from bench.testing import check_retriever
from bench.types import NO_DOC, Run, Searcher, check_run

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
class Shuffles:
    """Scores document n with numbers[n], and returns the candidates in another order, padded."""

    numbers: tuple[float, ...]
    seed: int
    padded: int
    kind: str

    def score(self, queries, candidates, collection):
        rng = np.random.default_rng(self.seed)
        docs = np.pad(candidates.docs.astype(self.kind), ((0, 0), (0, self.padded)), constant_values=-1)
        docs = rng.permuted(docs, axis=1)
        scores = np.array(self.numbers)[docs]  # of an empty place too, where it says nothing
        return Run(docs, scores)


@given(
    st.lists(st.integers(-3, 3).map(float), min_size=12, max_size=12),
    st.integers(0, 99),
    st.integers(0, 3),
    st.sampled_from(["int32", "int64", "int16"]),
    st.integers(1, 15),
    st.integers(1, 15),
)
def test_a_scorer_of_runs_may_answer_in_any_order(numbers, seed, padded, kind, depth, k):
    scorer = Shuffles(tuple(numbers), seed, padded, kind)
    found = Reranked(BM25(), scorer, depth).index(TINY, IndexStore()).search(QUERIES, k)
    check_run(found, len(TINY), len(QUERIES), "reranked")
    first = BM25().index(TINY, IndexStore()).search(QUERIES, depth)
    for row in range(len(QUERIES)):
        candidates = [int(doc) for doc in first.docs[row] if doc != NO_DOC]
        # trec_eval: higher first, then the id that is later in the alphabet, here the higher number
        expected = sorted(candidates, key=lambda doc: (-numbers[doc], -doc))[:k]
        held = found.docs[row] != NO_DOC
        assert found.docs[row][held].tolist() == expected
        assert found.scores[row][held].tolist() == [numbers[doc] for doc in expected]


@dataclass(frozen=True)
class Answers:
    """Returns what it is given, or what that makes of the candidates."""

    value: object

    def score(self, queries, candidates, collection):
        return (
            self.value(candidates.docs.copy(), candidates.scores.copy())
            if callable(self.value)
            else self.value
        )


def put(place, doc, score=1.0):
    """One document of the first query is another."""

    def change(docs, scores):
        docs[0, place], scores[0, place] = doc, score
        return Run(docs, scores)

    return change


def scored(value):
    def change(docs, scores):
        scores[1, 0] = value
        return Run(docs, scores)

    return change


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "scorer Answers returned NoneType, not a bench.types.Run"),
        ([1.0], "scorer Answers returned list, not a bench.types.Run"),
        (lambda d, s: (d, s), "scorer Answers returned tuple, not"),
        (lambda d, s: Run(d[:1], s[:1]), "returned 1 rows for 2 queries; return one a query"),
        (lambda d, s: Run(d.astype(float), s), "returned documents of type float64, not their numbers"),
        (lambda d, s: Run(d[:, 1:], s[:, 1:]), "candidates of 'notes of music' (lost 3)"),
        (lambda d, s: Run(d[:, :0], s[:, :0]), "candidates of 'notes of music' (lost 2, 3)"),
        (put(0, -1, -np.inf), "candidates of 'notes of music' (lost 3)"),
        (put(0, 7), "candidates of 'notes of music' (lost 3; added 7)"),
        (put(0, 99), "candidates of 'notes of music' (lost 3; added 99)"),
        (put(0, -5), "candidates of 'notes of music' (lost 3; added -5)"),
        (put(2, 3), "candidates of 'notes of music' (doubled 3)"),
        (put(1, 3), "candidates of 'notes of music' (lost 2; doubled 3)"),
        (lambda d, s: Run(d[::-1], s[::-1]), "candidates of 'notes of music' (lost 2, 3; added 4)"),
        (scored(np.nan), "scorer Answers returned a score that is no finite float32 for the query 'graph"),
        (scored(-np.inf), "no finite float32 for the query 'graph search'; mend its score"),
        (lambda d, s: Run(d, s.astype(float) * 1e300), "no finite float32 for the query 'notes of music'"),
        (lambda d, s: Run(d, np.full(s.shape, "high")), "scorer Answers returned no numbers: could not"),
        (lambda d, s: Run(d, s[:1]), "reranked.scorer: Answers.score failed at test_rerank.py:"),
        (lambda d, s: {}[1], "reranked.scorer: Answers.score failed at test_rerank.py:"),
    ],
)  # fmt: skip
def test_a_scorer_of_runs_that_breaks_its_word_is_named(value, said):
    queries = make_queries("notes of music", "graph search")
    searcher = Reranked(BM25(), Answers(value), 3).index(TINY, IndexStore())
    with pytest.raises(BenchError, match=re.escape(said)) as refused:
        searcher.search(queries, 5)
    assert "\n" not in str(refused.value)


def sorts(scores):
    scores.sort()


@dataclass(frozen=True)
class Scribbles:
    def score(self, queries, candidates, collection):
        sorts(candidates.scores)
        return candidates


def test_candidates_can_not_be_written_to_for_others_have_them_too():
    store = IndexStore()
    first = store.searcher(BM25(), TINY, "bm25")
    before = first.search(QUERIES, 3).scores.copy()
    with pytest.raises(BenchError, match=r"Scribbles\.score failed at .* read-only"):
        Reranked(BM25(), Scribbles(), 3).index(TINY, store).search(QUERIES, 5)
    assert np.array_equal(first.search(QUERIES, 3).scores, before)


@dataclass(frozen=True)
class First:
    """The same score for all: no order is better than another, and trec_eval's is taken."""

    def score(self, queries, candidates, collection):
        return Run(candidates.docs, np.zeros_like(candidates.scores))


@pytest.mark.parametrize("depth", [1, 3, 500])
def test_the_contract_holds(depth):
    for scorer in (First(), Says((1.0, 2.0, 0.5)), Shuffles(tuple(range(12)), 1, 2, "int64")):
        check_retriever(Reranked(BM25(), scorer, depth))
        check_retriever(Reranked(Reranked(BM25(), scorer, depth), scorer, 2))


def test_where_all_scores_are_equal_the_order_is_that_of_ties():
    found = (
        Reranked(BM25(), First()).index(TINY, IndexStore()).search(make_queries("of", "retrieval"), 12)
    )
    for row in found.docs:
        held = [doc for doc in row.tolist() if doc != NO_DOC]
        assert held == sorted(held, reverse=True)


def test_one_document_is_reranked():
    one = InMemory("one", ["a"], [""], ["bread"])
    found = (
        Reranked(BM25(), Says((2.5,))).index(one, IndexStore()).search(make_queries("bread", "tea"), 3)
    )
    assert found.docs.tolist() == [[0, -1, -1], [-1, -1, -1]]
    assert found.scores[0, 0] == 2.5


@dataclass(frozen=True)
class Returns(PairScorer):
    value: object

    def score_pairs(self, pairs):
        return self.value(pairs) if callable(self.value) else self.value


class Gradient:
    """A tensor that has a gradient refuses to become an array so."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad")


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
        (
            lambda pairs: Gradient(),
            "scorer Returns returned no numbers: .* requires grad; mend its score_pairs",
        ),
        (
            lambda pairs: 1 / 0,
            r"reranked\.scorer: Returns\.score_pairs failed at test_rerank\.py:\d+ with Zero",
        ),
        (lambda pairs: int("x"), r"Returns\.score_pairs failed at test_rerank\.py:\d+ with ValueError"),
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


def test_a_scorer_of_texts_must_say_how_it_scores():
    with pytest.raises(TypeError, match="abstract"):
        PairScorer()


@pytest.mark.parametrize("fields", [(), ("titel",), ("title", "title"), "title"])
def test_fields_are_some_of_the_documents(fields):
    with pytest.raises(BenchError, match=r"Says\.fields must name some of title, text, each once"):
        Says((1.0,), fields=fields)


def test_a_text_is_the_fields_in_their_order():
    def first(pairs):
        return [float(text.startswith("Music")) for _, text in pairs]

    for fields, score in ((("title", "text"), 1.0), (("text", "title"), 0.0)):
        searcher = Reranked(BM25(), Returns(first, fields=fields)).index(TINY, IndexStore())
        assert searcher.search(make_queries("notes of music"), 1).scores[0, 0] == score


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


def test_on_an_approximate_first_stage_the_exact_one_is_reranked_too():
    scorer = Says((1.0, 2.0, 3.0))
    searcher = Reranked(Approximate(BM25()), scorer).index(TINY, IndexStore())
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


@dataclass(frozen=True)
class OfFile(Says):
    path: str = ""

    def reads(self):
        return {"path": Path(self.path)}


def test_every_setting_of_the_scorer_and_the_content_of_its_file_is_the_identity(tmp_path):
    for name, content in (("one", "a"), ("two", "a"), ("three", "b")):
        (tmp_path / name).write_text(content)
    one, two, three = (str(tmp_path / name) for name in ("one", "two", "three"))
    made = [
        Reranked(BM25(), Says((1.0,))),
        Reranked(BM25(), Says((2.0,))),
        Reranked(BM25(), Says((1.0,), fields=("title",))),
        Reranked(BM25(k1=2.0), Says((1.0,))),
        Reranked(BM25(), Says((1.0,)), 7),
        Reranked(BM25(), Weighted((1.0,))),
        Reranked(BM25(), OfFile((1.0,), path=one)),
        Reranked(BM25(), OfFile((1.0,), path=three)),
    ]
    assert len({fingerprint(each).key for each in made}) == len(made)
    same = fingerprint(Reranked(BM25(), OfFile((1.0,), path=two)))
    assert same == fingerprint(made[6])


def test_a_scorer_with_other_weights_is_another_model():
    def told(weights):
        facts = Reranked(BM25(), Weighted((1.0,), weights)).index(TINY, IndexStore()).facts
        return Record({"systems": {"early": {"facts": facts}}}, np.empty((1, 0, 0)))

    assert changed_models(told("w1"), told("w1")) == []
    assert changed_models(told("w1"), told("w2")) == [("early", "w1", "w2")]
