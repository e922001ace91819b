"""A cascade gives each query the list of one retriever whole, chosen by the margin of the cheap one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import hydra
import numpy as np
import pytest
from conftest import DOCUMENTS, ROOT, make_queries
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.experiment.build import build
from bench.retrievers.bm25 import BM25
from bench.retrievers.cascade import Cascade
from bench.retrievers.rerank import PairScorer, Reranked
from bench.retrievers.runfile import RunFile
from bench.storage.identity import fingerprint
from bench.storage.indexes import IndexStore
from bench.testing import check_retriever
from bench.types import NO_DOC, Run, Searcher

TINY = InMemory("tiny", list(DOCUMENTS), *map(list, zip(*DOCUMENTS.values(), strict=True)))
IDS = list(DOCUMENTS)


@dataclass(frozen=True)
class Knows:
    """Answers a query by its text: a list of (document, score), best first. Notes what it is asked."""

    lists: tuple[tuple[tuple[int, float], ...], ...]
    narrow: bool = False
    facts: tuple[tuple[str, int], ...] = ()
    asked: list = field(default_factory=list, compare=False, hash=False)

    def index(self, collection, store):
        return KnowsSearcher(self)


@dataclass(frozen=True)
class KnowsSearcher:
    settings: Knows
    nbytes: int = 7
    exact: Searcher | None = None

    @property
    def facts(self):
        return dict(self.settings.facts)

    def search(self, queries, k):
        self.settings.asked.append(queries.texts)
        rows = [self.settings.lists[int(text)][:k] for text in queries.texts]
        # it need not fill up to k
        width = max(map(len, rows), default=0) if self.settings.narrow else k
        docs = np.full((len(rows), width), -1, np.int32)
        scores = np.full((len(rows), width), -np.inf, np.float32)
        for place, row in enumerate(rows):
            for column, (doc, score) in enumerate(row):
                docs[place, column], scores[place, column] = doc, score
        return Run(docs, scores)


def listed(scores):
    """Documents 0, 1, … with these scores; equal ones as trec_eval has them, the later id first."""
    return tuple(sorted(enumerate(scores), key=lambda pair: (-pair[1], -pair[0])))


def told(run):
    """The run as a list of (document, score) for each query."""
    return [
        [(int(d), float(s)) for d, s in zip(docs, scores, strict=True) if d != NO_DOC]
        for docs, scores in zip(run.docs, run.scores, strict=True)
    ]


LISTS = st.lists(st.lists(st.integers(-4, 4).map(float), max_size=6).map(listed), min_size=1, max_size=6)
WINDOW = st.tuples(
    st.sampled_from([0, 0.0, 0.5, 1, 2, 3]), st.one_of(st.none(), st.sampled_from([0.0, 1, 2.5, 3, 8]))
).filter(lambda ends: ends[1] is None or ends[0] <= ends[1])


def naive(cheap, costly, low, high, k):
    """What each query gets, in plain words."""
    found, handed_on = [], []
    for number, row in enumerate(cheap):
        if not row:
            unsure = True
        elif len(row) == 1:
            unsure = high is None
        else:
            margin = row[0][1] - row[1][1]
            unsure = margin >= low and (high is None or margin <= high)
        found.append(list((costly[number] if unsure else row)[:k]))
        if unsure:
            handed_on.append(str(number))
    return found, handed_on


@given(LISTS, st.data(), WINDOW, st.integers(1, 8), st.booleans(), st.booleans())
def test_a_query_has_the_whole_list_of_the_one_or_the_other(lists, data, window, k, one, other):
    n = len(lists)
    others = data.draw(
        st.lists(
            st.lists(st.integers(10, 20).map(float), max_size=6).map(listed), min_size=n, max_size=n
        )
    )
    # a fact of its own, for equal ones would be one index
    cheap, costly = Knows(tuple(lists), one), Knows(tuple(others), other, (("costly", 1),))
    searcher = Cascade(cheap, costly, *window).index(TINY, IndexStore())
    queries = make_queries(*map(str, range(n)))
    run = searcher.search(queries, k)
    expected, handed_on = naive(lists, others, *window, k)
    assert run.docs.shape == (n, k)
    assert told(run) == expected
    # only for what is handed on is the costly one paid, and not at all where that is nothing
    assert costly.asked == ([tuple(handed_on)] if handed_on else [])
    # beside other queries a query has the answers that it has alone
    for number in range(n):
        assert told(searcher.search(queries.select([number]), k)) == [expected[number]]


def margin_of(gap):
    return listed((5.0, 5.0 - gap))


@pytest.mark.parametrize(
    ("row", "low", "high", "handed_on"),
    [
        (margin_of(1.0), 0, 1, True),
        (margin_of(1.0), 1, 1, True),
        (margin_of(1.0), 1, 2, True),
        (margin_of(1.0), 0, 0.999, False),
        (margin_of(1.0), 1.001, 2, False),
        (margin_of(1.0), 1.001, None, False),
        (margin_of(0.0), 0, 0, True),  # a tie is the least sure of all
        (margin_of(0.0), 0.1, 1, False),
        (listed((5.0,)), 0, 1e30, False),
        (listed((5.0,)), 0, None, True),
        (listed(()), 0, 0, True),
        (listed(()), 7, 8, True),
        (listed((2.0**127, -(2.0**127))), 0, 3.4e38, False),  # no float32 holds this margin
        (listed((2.0**127, -(2.0**127))), 3.4e38, 3.5e38, True),
    ],
)
@pytest.mark.parametrize("k", [1, 5])
def test_both_ends_are_in_the_window_whatever_depth_is_asked_for(row, low, high, handed_on, k):
    costly = Knows((listed((9.0,)),))
    run = (
        Cascade(Knows((row,)), costly, low, high).index(TINY, IndexStore()).search(make_queries("0"), k)
    )
    assert bool(costly.asked) == handed_on
    assert told(run) == [list((listed((9.0,)) if handed_on else row)[:k])]


def test_where_all_documents_are_tied_all_queries_are_handed_on():
    tied = Knows((listed((1.0,) * 4),) * 3)
    costly = Knows((listed((9.0, 8.0)),) * 3)
    run = Cascade(tied, costly, 0, 0).index(TINY, IndexStore()).search(make_queries("0", "1", "2"), 12)
    assert told(run) == [[(0, 9.0), (1, 8.0)]] * 3


def test_a_collection_of_one_document_is_searched():
    one = InMemory("one", ["a"], [""], ["bread"])
    first = BM25()
    run = Cascade(first, BM25(k1=2.0), 0, 1).index(one, IndexStore()).search(make_queries("bread"), 3)
    assert told(run) == told(first.index(one, IndexStore()).search(make_queries("bread"), 3))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cheap": "bm25"}, "cascade.cheap is no retriever: str"),
        ({"costly": [BM25()]}, "cascade.costly is no retriever: list"),
        ({"low": -0.1}, "cascade.low must be at least 0 and finite, got -0.1"),
        ({"low": math.nan}, "cascade.low must be at least 0 and finite, got nan"),
        ({"low": math.inf}, "cascade.low must be at least 0 and finite, got inf"),
        ({"low": 2, "high": 1}, "cascade.high must be finite and not below cascade.low, which is 2"),
        ({"high": math.nan}, "or null for no end, got nan"),
        ({"high": math.inf}, "or null for no end, got inf"),
    ],
)
def test_settings_without_meaning_are_refused(settings, said):
    with pytest.raises(BenchError, match=re.escape(said)):
        Cascade(**{"cheap": BM25(), "costly": BM25(k1=2.0), "low": 0, "high": 1, **settings})


def test_malformed_answers_of_a_part_name_it():
    wrong = Knows((((0, 1.0), (1, 2.0)),))
    for parts, name in (((wrong, BM25()), "cascade.cheap"), ((Knows(((),)), wrong), "cascade.costly")):
        with pytest.raises(BenchError, match=f"retriever '{name}' returned a malformed run"):
            Cascade(*parts, 0, None).index(TINY, IndexStore()).search(make_queries("0"), 5)


@dataclass(frozen=True)
class Length(PairScorer):
    def score_pairs(self, pairs):
        return [float(len(text)) for _, text in pairs]


def test_the_costly_one_may_be_a_reranker_and_all_of_it_keeps_the_contract():
    cheap, costly = BM25(), Reranked(BM25(), Length(), 5)
    for window in ((0, 0), (0, 0.3), (0, None), (5, 6)):
        check_retriever(Cascade(cheap, costly, *window))
        check_retriever(Cascade(costly, Cascade(cheap, costly, 0, 1), *window))


@dataclass(frozen=True)
class Approximate:
    """Its one document is another than that of its exact twin."""

    doc: int

    def index(self, collection, store):
        exact = KnowsSearcher(Knows((((self.doc + 1, 5.0), (self.doc + 2, 4.0)),)))
        return KnowsSearcher(Knows((((self.doc, 5.0), (self.doc + 2, 4.0)),)), exact=exact)


def test_the_exact_search_is_a_cascade_of_exact_ones():
    sure, whole = Knows((((0, 5.0), (1, 1.0)),)), Knows((((9, 5.0),),))
    for cascade, found, exact in (
        (Cascade(Approximate(3), whole, 0, 0), 3, 4),
        (Cascade(Approximate(3), Approximate(6), 0, 1), 6, 7),
        (Cascade(sure, Approximate(6), 0, None), 6, 7),
        (Cascade(sure, Approximate(6), 0, 1), 0, 0),
    ):
        searcher = cascade.index(TINY, IndexStore())
        assert searcher.search(make_queries("0"), 5).docs[0, 0] == found
        assert searcher.exact.search(make_queries("0"), 5).docs[0, 0] == exact
        assert searcher.exact.exact is None
    assert Cascade(sure, whole, 0, 1).index(TINY, IndexStore()).exact is None


@pytest.mark.parametrize(
    ("cheap", "costly", "longest"), [(3, 5, 5), (5, 3, 5), (None, 3, None), (3, None, None)]
)
def test_facts_and_bytes_are_those_of_the_parts(cheap, costly, longest):
    def part(number, own):
        facts = (("texts_cut", own), *((("longest_list", number),) if number else ()))
        return Knows((listed((2.0, 1.0)),), facts=facts)

    searcher = Cascade(part(cheap, 1), part(costly, 2), 0, 1).index(TINY, IndexStore())
    assert searcher.nbytes == 14
    facts = dict(searcher.facts)
    assert (facts["cheap.texts_cut"], facts["costly.texts_cut"]) == (1, 2)
    # a query may have the list of either
    assert facts.get("longest_list") == longest


def test_every_setting_of_it_and_of_its_parts_is_its_identity():
    made = [
        Cascade(BM25(), BM25(k1=2.0), 0, 1),
        Cascade(BM25(k1=2.0), BM25(), 0, 1),
        Cascade(BM25(), BM25(k1=2.5), 0, 1),
        Cascade(BM25(), BM25(k1=2.0), 0.5, 1),
        Cascade(BM25(), BM25(k1=2.0), 0, 2),
        Cascade(BM25(), BM25(k1=2.0), 0, None),
    ]
    assert len({fingerprint(one).key for one in made}) == len(set(made)) == len(made)
    assert fingerprint(Cascade(BM25(), BM25(k1=2.0), 0.0, 1.0)) == fingerprint(made[0])


def test_the_file_that_a_part_reads_is_part_of_its_identity(tmp_path):
    file = tmp_path / "a.trec"
    keys = set()
    for score in (1, 2):
        file.write_text(f"q0 Q0 d03 1 {score} t\n")
        keys.add(fingerprint(Cascade(BM25(), RunFile(str(file)), 0, 1)).key)
    assert len(keys) == 2


def test_the_yaml_takes_null_for_no_end_and_refuses_infinity():
    def made(*overrides):
        with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            config = hydra.compose("config", ["retriever=[cascade]", *overrides])
            settings = OmegaConf.to_container(config.retrievers.cascade, resolve=True)
        return build(settings, "retrievers.cascade")

    assert (made().low, made().high) == (0, 1)
    assert made("retrievers.cascade.high=null").high is None
    assert made("retrievers.cascade.cheap.k1=0.9").cheap == BM25(k1=0.9)
    with pytest.raises(BenchError, match="null for no end, got inf"):
        made("retrievers.cascade.high=inf")
