"""BM25: scores are those of the papers' formulas, the two engines agree where theirs do, and only matching
documents are retrieved."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import make_queries
from hypothesis import example, given
from hypothesis import strategies as st

from bench.collections.beir import digest
from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.retrievers.bm25 import BM25, VARIANTS, Tokenizer
from bench.storage.indexes import IndexStore

PLAIN = Tokenizer(stopwords=None, stemmer=None, pattern=r"\w+")


def corpus(*texts: str) -> InMemory:
    return InMemory("c", [f"d{i}" for i in range(len(texts))], [""] * len(texts), texts)


def scores(settings: BM25, documents: InMemory, query: str) -> dict[int, float]:
    run = settings.index(documents, IndexStore()).search(make_queries(query), len(documents))
    return {int(d): float(s) for d, s in zip(run.docs[0], run.scores[0], strict=True) if d >= 0}


def okapi_scale(variant: str, k1: float) -> float:
    """rank_bm25's Okapi keeps the constant factor k1 + 1; bm25s' robertson leaves it out."""
    return k1 + 1 if variant == "robertson" else 1.0


def test_the_lucene_formula_by_hand():
    """idf · tf / (tf + k1 (1 - b + b · length / mean length)), idf = ln(1 + (N - df + ½) / (df + ½))."""
    found = scores(BM25(tokenizer=PLAIN, k1=1.2, b=0.75), corpus("a b", "a a c d", "e f"), "a")
    idf = np.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    mean = (2 + 4 + 2) / 3
    assert found[0] == pytest.approx(idf * 1 / (1 + 1.2 * (0.25 + 0.75 * 2 / mean)), rel=1e-5)
    assert found[1] == pytest.approx(idf * 2 / (2 + 1.2 * (0.25 + 0.75 * 4 / mean)), rel=1e-5)


def test_engines_agree_on_the_digest_where_no_term_is_in_half_of_the_documents():
    """robertson = Okapi up to its factor, to 1e-4, for terms in fewer than half of the papers."""
    documents = digest("all").load().collection
    n_docs = len(documents)
    tokens = [set(t) for t in Tokenizer()(documents.texts(range(n_docs)))]
    query = "retrieval music pruning diffusion graph speech"
    assert all(sum(w in t for t in tokens) < n_docs / 2 for w in Tokenizer()([query])[0])
    ours = scores(BM25(variant="robertson"), documents, query)
    theirs = scores(
        BM25(variant="robertson", engine="rank_bm25"),
        documents,
        "retrieval music pruning diffusion graph speech",
    )
    assert ours.keys() == theirs.keys()
    assert len(ours) > 30
    for doc, score in theirs.items():
        assert ours[doc] * okapi_scale("robertson", 1.2) == pytest.approx(score, rel=1e-4)


def test_where_the_engines_can_not_agree_idf_flooring():
    """A term in more than half of the documents: Okapi floors its negative IDF at ¼ of the mean IDF,
    bm25s at 0. In exactly half, both give 0."""
    more = corpus("a x", "a y", "a z", "w v")
    ours, theirs = (
        scores(BM25(variant="robertson", engine=e, tokenizer=PLAIN), more, "a")
        for e in ("bm25s", "rank_bm25")
    )
    assert set(ours.values()) == {0.0}
    assert min(theirs.values()) > 0
    half = corpus("a x", "a y", "w z", "w v")
    for engine in ("bm25s", "rank_bm25"):
        assert set(
            scores(BM25(variant="robertson", engine=engine, tokenizer=PLAIN), half, "a").values()
        ) == {0.0}


@given(
    st.sampled_from(["bm25s", "rank_bm25"]),
    st.lists(st.lists(st.sampled_from("abcdef"), max_size=12), min_size=2, max_size=6).filter(any),
    st.lists(st.sampled_from("abcx"), min_size=1, max_size=4),
    st.sampled_from([0, 0.4, 1.2]),
    st.sampled_from([0, 0.75, 1]),
)
@example("rank_bm25", ["a", "b", "c", "d"], ["a", "b"], 0, 0.75)
@example("rank_bm25", ["a", "b", "c", ""], ["a"], 1.2, 1)
def test_robertson_by_either_engine_written_out(engine, texts, query, k1, b):
    """Also where k1 = 0 and a term is absent, and where b = 1 and a document is empty: 0 / 0."""
    mean = sum(map(len, texts)) / len(texts)
    dfs = {term: sum(term in text for text in texts) for term in set().union(*texts)}
    idf = {term: math.log((len(texts) - df + 0.5) / (df + 0.5)) for term, df in dfs.items()}
    floor = 0 if engine == "bm25s" else sum(idf.values()) / len(idf) / 4
    idf = {term: floor if value < 0 else value for term, value in idf.items()}
    wanted = {
        doc: sum(
            idf[term] * tf / (tf + k1 * (1 - b + b * len(text) / mean))
            for term in query
            if (tf := text.count(term))
        )
        * (k1 + 1 if engine == "rank_bm25" else 1)
        for doc, text in enumerate(texts)
        if set(query) & set(text)
    }
    settings = BM25(engine=engine, variant="robertson", k1=k1, b=b, tokenizer=PLAIN)
    found = scores(settings, corpus(*map(" ".join, texts)), " ".join(query))
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-6)


def of_the_papers(
    variant: str, texts: list[list[str]], query: list[str], k1: float, b: float, delta: float
) -> dict[int, float]:
    """BM25L (Lv & Zhai 2011a, equation 11) and BM25+ (Lv & Zhai 2011b): sums over the terms that query
    and document share, a term that the query repeats counting again."""
    mean = sum(map(len, texts)) / len(texts)
    found = {}
    for at, text in enumerate(texts):
        norm = 1 - b + b * len(text) / mean
        parts = []
        for term in query:
            tf, df = text.count(term), sum(term in one for one in texts)
            if tf == 0:
                continue
            if variant == "bm25l":
                c = tf / norm + delta
                parts.append(math.log((len(texts) + 1) / (df + 0.5)) * (k1 + 1) * c / (k1 + c))
            else:
                tfc = (k1 + 1) * tf / (k1 * norm + tf) + delta
                parts.append(math.log((len(texts) + 1) / df) * tfc)
        if parts:
            found[at] = sum(parts)
    return found


@given(
    st.sampled_from(["bm25l", "bm25+"]),
    st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12), min_size=2, max_size=6),
    st.lists(st.sampled_from("abcx"), min_size=1, max_size=4),
    st.sampled_from([0, 0.4, 1.2, 3.0]),
    st.sampled_from([0, 0.3, 0.75, 1]),
    st.sampled_from([0, 0.5, 1.0, 50.0]),
)
def test_bm25l_and_bm25plus_are_those_of_their_papers(variant, texts, query, k1, b, delta):
    settings = BM25(variant=variant, k1=k1, b=b, delta=delta, tokenizer=PLAIN)
    found = scores(settings, corpus(*map(" ".join, texts)), " ".join(query))
    assert found == pytest.approx(of_the_papers(variant, texts, query, k1, b, delta), rel=1e-5)


@pytest.mark.parametrize("variant", ["bm25l", "bm25+"])
def test_delta_lifts_a_long_document_with_both_terms_over_a_short_one_with_one(variant):
    """What delta is for. Given to absent terms too, it changes no difference, and so no ranking."""
    fill = [" ".join(f"w{i}" for i in range(60)), *(f"other o{i}" for i in range(6))]
    documents = corpus(f"apple banana {fill[0]}", "apple apple apple apple", *fill[1:])
    found = scores(BM25(variant=variant, delta=50, tokenizer=PLAIN), documents, "apple banana")
    assert found[0] > 1.5 * found[1]


@given(
    st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=5), min_size=2, max_size=6),
    st.sampled_from(VARIANTS),
    st.lists(st.sampled_from("abcxy"), max_size=3),
)
def test_a_document_is_retrieved_exactly_if_it_shares_a_term(texts, variant, query):
    documents = corpus(*(" ".join(text) for text in texts))
    found = scores(BM25(variant=variant, tokenizer=PLAIN), documents, " ".join(query))
    assert set(found) == {i for i, text in enumerate(texts) if set(text) & set(query)}


def test_tokenizer_switches():
    text = ["The Pruning of MODELS is 3.3 NDCG@10"]
    assert Tokenizer()(text) == [["prune", "model", "ndcg", "10"]]
    assert Tokenizer(stemmer=None)(text) == [["pruning", "models", "ndcg", "10"]]
    assert Tokenizer(stopwords=None, stemmer=None)(text) == [
        ["the", "pruning", "of", "models", "is", "ndcg", "10"]
    ]
    assert Tokenizer(stemmer=None, pattern=r"[\w.@]+")(text) == [["pruning", "models", "3.3", "ndcg@10"]]


def test_fields_choose_what_is_searched():
    documents = InMemory("c", ["d0", "d1"], ["alpha", "beta"], ["beta", "gamma"])
    assert set(scores(BM25(fields=("title",)), documents, "beta")) == {1}
    assert set(scores(BM25(fields=("text",)), documents, "beta")) == {0}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"engine": "bm25"}, "did you mean 'bm25s'"),
        ({"variant": "lucen"}, "did you mean 'lucene'"),
        ({"engine": "rank_bm25"}, "variant=robertson or engine=bm25s"),
        ({"engine": "rank_bm25", "variant": "bm25l"}, "other formulas .* engine=bm25s"),
        ({"engine": "rank_bm25", "variant": "bm25+"}, "other formulas .* engine=bm25s"),
        ({"fields": ["abstract"]}, "'abstract' is unknown"),
        ({"fields": []}, "empty"),
        ({"b": 1.5}, "between 0 and 1"),
        ({"k1": -1}, "at least 0"),
        ({"k1": 1e300}, r"bm25\.k1 must be at least 0 and at most 1000, got 1e\+300"),
        ({"delta": 1e300}, r"bm25\.delta must be at least 0 and at most 1000, got 1e\+300"),
        ({"b": 1e300}, "between 0 and 1"),
        ({"k1": math.nan}, "at most 1000, got nan"),
        ({"delta": math.inf}, "at most 1000, got inf"),
    ],
)
def test_bad_settings_are_refused(settings, says):
    with pytest.raises(BenchError, match=says):
        BM25(**settings)


def test_bad_tokenizers_and_empty_corpora_are_refused():
    with pytest.raises(BenchError, match="did you mean 'english'"):
        Tokenizer(stemmer="englich")
    with pytest.raises(BenchError, match="stop"):
        Tokenizer(stopwords="german")
    with pytest.raises(BenchError, match="no document"):
        BM25().index(corpus("the", "of"), IndexStore())
