"""Fusion: expected scores written as arithmetic, and what no fusion may break."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from conftest import make_queries
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.ranking import best, ties_of
from bench.retrievers.fuse import Fused, normalised, reciprocal_ranks
from bench.storage.indexes import IndexStore
from bench.types import Run, Searcher

N = 6


def docs(n: int = N) -> InMemory:
    return InMemory("c", [f"d{i}" for i in range(n)], [""] * n, [""] * n)


@dataclass(frozen=True)
class Fixed:
    """A retriever with given scores: one row for every query, -inf for not retrieved."""

    scores: tuple[float, ...]

    def index(self, collection, store) -> Searcher:
        return _FixedSearcher(self.scores, collection)


@dataclass(frozen=True, eq=False)
class _FixedSearcher:
    scores: tuple[float, ...]
    collection: InMemory
    nbytes: int = 0
    exact: None = None

    @property
    def facts(self):
        return {"cut": 1}

    def search(self, queries, k) -> Run:
        return best(
            np.array([self.scores] * len(queries), dtype=np.float32), ties_of(self.collection), k
        )


OUT = -np.inf


def fused(settings: Fused) -> dict[int, float]:
    run = settings.index(docs(), IndexStore()).search(make_queries("?"), N)
    return {int(d): float(s) for d, s in zip(run.docs[0], run.scores[0], strict=True) if d >= 0}


def test_rrf_sums_reciprocal_ranks_of_what_each_part_found():
    found = fused(
        Fused({"a": Fixed((3, 2, 1, OUT, OUT, OUT)), "b": Fixed((OUT, 9, OUT, 8, OUT, OUT))}, k=60)
    )
    assert found == pytest.approx(
        {1: 1 / (60 + 2) + 1 / (60 + 1), 0: 1 / (60 + 1), 3: 1 / (60 + 2), 2: 1 / (60 + 3)}, rel=1e-6
    )
    assert list(found) == [1, 0, 3, 2]


def test_rrf_weights_scale_a_part():
    parts = {"a": Fixed((3, 2, OUT, OUT, OUT, OUT)), "b": Fixed((2, 3, OUT, OUT, OUT, OUT))}
    assert list(fused(Fused(parts, weights={"a": 2.0}))) == [0, 1]
    assert list(fused(Fused(parts, weights={"a": 0.5}))) == [1, 0]


def test_convex_adds_weighted_scores_after_min_max():
    parts = {"a": Fixed((10, 6, 2, OUT, OUT, OUT)), "b": Fixed((OUT, 1.0, OUT, 0.5, OUT, OUT))}
    found = fused(Fused(parts, method="convex", weights={"a": 0.25, "b": 0.75}))
    assert found == pytest.approx({0: 0.25, 1: 0.25 * 0.5 + 0.75, 2: 0.0, 3: 0.0})


def test_z_scores_start_at_the_lowest_retrieved():
    run = Run(np.array([[0, 1, 2, -1]], np.int32), np.array([[5, 3, 1, OUT]], np.float32))
    sd = np.sqrt((4 + 0 + 4) / 3)
    assert normalised(run, "z-score")[0] == pytest.approx([4 / sd, 2 / sd, 0, 0])


def test_equal_scores_and_an_empty_list_normalise_to_numbers():
    run = Run(np.array([[0, 1], [-1, -1]], np.int32), np.array([[2, 2], [OUT, OUT]], np.float32))
    assert normalised(run, "min-max").tolist() == [[1, 1], [0, 0]]
    assert normalised(run, "z-score").tolist() == [[0, 0], [0, 0]]
    assert reciprocal_ranks(run, 0)[0].tolist() == [1, 1 / 2]


FOUND = hnp.arrays(np.float32, N, elements=st.sampled_from([OUT, 0.0, 1.0, 2.0, 5.0]))


@given(
    FOUND,
    FOUND,
    st.sampled_from([{"method": "rrf"}, {"method": "convex"}, {"method": "convex", "norm": "z-score"}]),
)
def test_finds_the_union_and_does_not_depend_on_the_order_of_parts(a, b, settings):
    one, other = Fixed(tuple(map(float, a))), Fixed(tuple(map(float, b)))
    found = fused(Fused({"a": one, "b": other}, **settings))
    assert set(found) == {i for i in range(N) if a[i] > OUT or b[i] > OUT}
    assert found == fused(Fused({"b": other, "a": one}, **settings))


# 1 + 2^-24 lies midway between two float32 numbers, so 2^-52 more decides, which is what two times
# 2^-53 come to when they are added first, and 0 when they are added last.
WEIGHTS = (1.0, 2.0**-24, 2.0**-53, 2.0**-53)
SAME = {name: Fixed((1, OUT, OUT, OUT, OUT, OUT)) for name in "abcd"}


@given(
    st.permutations("abcd"),
    st.permutations(WEIGHTS),
    st.sampled_from([{"method": "rrf", "k": 0}, {"method": "convex"}]),
)
def test_parts_in_another_order_are_the_same_fusion_to_the_last_bit(order, weights, settings):
    weight_of = dict(zip("abcd", weights, strict=True))
    one = Fused(SAME, weights=weight_of, **settings)
    other = Fused(
        {name: SAME[name] for name in order}, weights={n: weight_of[n] for n in order}, **settings
    )
    assert one == other
    assert hash(one) == hash(other)
    collection = docs()
    store = IndexStore()
    searcher = store.searcher(one, collection, "x")
    assert store.searcher(other, collection, "x").inner is searcher.inner
    assert fused(one) == fused(other)
    assert one.index(docs(), IndexStore()).facts == other.index(docs(), IndexStore()).facts


def test_a_fusion_of_other_parts_or_weights_is_another():
    one = Fused(SAME)
    swapped = {**SAME, "a": Fixed((2.0,)), "b": SAME["a"]}
    for other in (Fused(swapped), Fused(SAME, weights={"a": 2.0}), Fused(SAME, k=61)):
        assert one != other


def test_a_fusion_is_a_part_like_any_other_and_facts_are_handed_up():
    inner = Fused({"a": Fixed((1, 2, OUT, OUT, OUT, OUT)), "b": Fixed((2, 1, OUT, OUT, OUT, OUT))})
    outer = Fused({"inner": inner, "c": Fixed((OUT, OUT, 1, OUT, OUT, OUT))})
    assert set(fused(outer)) == {0, 1, 2}
    assert outer.index(docs(), IndexStore()).facts == {"inner.a.cut": 1, "inner.b.cut": 1, "c.cut": 1}


PARTS = {"a": Fixed((1.0,)), "b": Fixed((2.0,))}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"parts": {"a": Fixed((1.0,))}}, "at least two"),
        ({"parts": {"a": Fixed((1.0,)), "b": 3}}, "parts.b is no retriever"),
        ({"parts": {"a": Fixed((1.0,)), "b": (1,)}}, "parts.b is no retriever"),
        ({"parts": {"a": Fixed((1.0,)), "b": "bm25"}}, "parts.b is no retriever"),
        ({"parts": {"a": Fixed((1.0,)), "b": [Fixed((1.0,))]}}, "parts.b is no retriever"),
        ({"parts": PARTS, "method": "rff"}, "did you mean 'rrf'"),
        ({"parts": PARTS, "norm": "minmax"}, "did you mean 'min-max'"),
        ({"parts": PARTS, "weights": {"dense": 1}}, "no part 'dense'"),
        ({"parts": PARTS, "weights": {"a": -1}}, "negative"),
        ({"parts": PARTS, "depth": 0}, "at least 1"),
    ],
)
def test_bad_settings_are_refused(settings, says):
    with pytest.raises(BenchError, match=says):
        Fused(**settings)
