"""Sign flips equal scipy's and plain enumeration, on values like those of real runs."""

from __future__ import annotations

import csv
import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.evidence.randomisation import CENTRED_DRAWS, DRAWS, largest_by_chance, randomise
from bench.evidence.strata import Strata

# six standard errors of a share of 100,000 draws
NEAR = 6 * math.sqrt(0.25 / DRAWS)


def real_values():
    """(system, measure) → per-query values of the committed baseline, and the set of each query."""
    found, sets = defaultdict(list), {}
    with (ROOT / "results" / "baseline" / "per_query.csv").open() as lines:
        for row in csv.DictReader(lines):
            found[row["system"], row["measure"]].append(float(row["value"]))
            sets[row["query"]] = row["set"]
    return {key: np.array(values) for key, values in found.items()}, list(sets.values())


REAL, SETS = real_values()
MEASURES = ("nDCG@10", "Recall@10", "MAP", "P@5", "MRR@10")


@st.composite
def pairs(draw, most):
    """Two systems with a large common part: the same values of one real system but on `most` queries or
    fewer, where the other has more, less, or another real system's value."""
    n = draw(st.integers(2, 300))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    measure = draw(st.sampled_from(MEASURES))
    places = rng.integers(len(SETS), size=n)
    one = REAL["dense", measure][places]
    other = one.copy()
    changed = rng.choice(n, size=min(n, draw(st.integers(1, most))), replace=False)
    size = draw(st.sampled_from([1e-9, 0.02, 0.3, None]))
    if size is None:
        other[changed] = REAL["bm25", measure][places][changed]
    else:
        # rounded, so that sums of different flips are often equal
        other[changed] += np.round(rng.uniform(-0.2, 1.0, len(changed)), 1) * size
    return one, other, [SETS[place] for place in places]


def scipy_p(differences, statistic, resamples=np.inf, seed=0):
    """scipy's own flips, of the queries that differ; the statistic gets all of them."""
    differing = np.flatnonzero(differences)
    if len(differing) == 1:  # scipy wants two; the sign of a 0 changes nothing
        differing = np.array([differing[0], (differing[0] + 1) % len(differences)])

    def whole(x, y, axis):
        apart = np.zeros((*np.broadcast_shapes(x.shape, y.shape)[:-1], len(differences)))
        apart[..., differing] = x - y
        return statistic(apart)

    kept = differences[differing]
    return stats.permutation_test(
        (kept, np.zeros(len(kept))), whole, permutation_type="samples", vectorized=True, axis=-1,
        n_resamples=resamples, rng=np.random.default_rng(seed),
    ).pvalue  # fmt: skip


def mean(apart):
    # in steps of 1e-13, so that equal sums are equal whatever their order
    return np.round(apart.sum(axis=-1) / np.abs(apart).sum(axis=-1).max(), 13)


def stratified_t(sets):
    """mean / standard error, written plainly."""

    def statistic(apart):
        n = apart.shape[-1]
        variance = 0.0
        for name in set(sets):
            own = apart[..., [s == name for s in sets]]
            size = own.shape[-1]
            variance = variance + (size / n) ** 2 * own.var(axis=-1, ddof=1) / size
        with np.errstate(invalid="ignore", divide="ignore"):
            t = apart.mean(axis=-1) / np.sqrt(variance)
        # scipy compares with a tolerance of its own, which infinity has none of
        return np.round(np.nan_to_num(np.clip(t, -1e6, 1e6)), 7)

    return statistic


@given(pairs(most=11))
@settings(max_examples=250, deadline=None)
def test_p_is_that_of_scipy_over_all_flips(drawn):
    one, other, _ = drawn
    differences = np.round(other - one, 12)
    if not differences.any():
        return
    found = randomise(differences[None], Strata.of(["all"] * len(one)))
    assert found.exact
    assert found.p[0] == pytest.approx(scipy_p(differences, mean), abs=1e-12)
    assert found.p_family[0] == found.p[0]


@given(pairs(most=10))
@settings(max_examples=100, deadline=None)
def test_p_with_strata_is_that_of_the_stratified_t_over_all_flips(drawn):
    one, other, sets = drawn
    differences = np.round(other - one, 12)
    strata = Strata.of(sets)
    if not differences.any():
        return
    merged = [""] * len(sets)
    for number, group in enumerate(strata.members):
        for place in group:
            merged[place] = str(number)
    found = randomise(differences[None], strata)
    assert found.p[0] == pytest.approx(scipy_p(differences, stratified_t(merged)), abs=1e-12)


@given(pairs(most=300), st.booleans())
@settings(max_examples=25, deadline=None)
def test_drawn_p_is_near_that_of_scipy(drawn, stratified):
    one, other, sets = drawn
    differences = np.round(other - one, 12)
    if (differences != 0).sum() <= 16 or any(sets.count(s) < 2 for s in sets):
        return
    statistic = stratified_t(sets) if stratified else mean
    found = randomise(differences[None], Strata.of(sets if stratified else ["all"] * len(one)))
    assert not found.exact
    assert found.p[0] == pytest.approx(
        scipy_p(differences, statistic, 10_000), abs=6 * math.sqrt(0.25 / 10_000)
    )


@pytest.mark.parametrize(("raised", "exact"), [(2, 0.5), (3, 0.25), (5, 0.0625), (7, 0.015625)])
def test_a_few_raised_queries_of_many_are_judged_by_those_few_alone(raised, exact):
    rng = np.random.default_rng(raised)
    base = rng.random(165)
    other = base.copy()
    other[:raised] += rng.uniform(0, 0.02, raised)
    found = randomise((other - base)[None], Strata.of(SETS[:165]))
    assert found.p[0] == exact


def plain_t(rows, strata):
    n = rows.shape[-1]
    variance = sum(
        (len(g) / n) ** 2 * rows[..., g].var(axis=-1, ddof=1) / len(g) for g in strata.members
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(np.nan_to_num(rows.mean(axis=-1) / np.sqrt(variance)))


def every_flip(n):
    return np.array(list(itertools.product([1.0, -1.0], repeat=n)))


@pytest.mark.parametrize("sets", [["a"] * 9, ["a"] * 4 + ["b"] * 5])
def test_the_family_is_judged_by_the_largest_statistic_of_all_its_rows(sets):
    rng = np.random.default_rng(3)
    strata = Strata.of(sets)
    rows = rng.normal([[0.1], [0.5], [0.0]], [[1.0], [0.4], [3.0]], (3, 9))
    flipped = plain_t(rows[:, None] * every_flip(9), strata)
    observed = plain_t(rows, strata)
    expected = [(flipped.max(axis=0) >= t - 1e-9).mean() for t in observed]
    found = randomise(rows, strata)
    assert found.exact
    assert found.p_family == pytest.approx(expected)
    assert found.p == pytest.approx(
        [(f >= t - 1e-9).mean() for f, t in zip(flipped, observed, strict=True)]
    )


def test_drawn_families_are_near_all_flips():
    rng = np.random.default_rng(4)
    strata = Strata.of(["a"] * 8 + ["b"] * 9)
    # 70 rows: more than are looked at in one go
    rows = rng.normal(0.35, 1.0, (70, 17))
    signs = every_flip(17)[: 2**16]  # the other half is its mirror
    largest = np.zeros(len(signs))
    for row in rows:
        np.maximum(largest, plain_t(row * signs, strata), out=largest)
    found = randomise(rows, strata)
    assert not found.exact
    expected = np.maximum([(largest >= t - 1e-9).mean() for t in plain_t(rows, strata)], found.p)
    assert found.p_family == pytest.approx(expected, abs=NEAR)


def test_a_comparison_has_the_same_p_in_any_company_and_any_order():
    rows = np.random.default_rng(1).normal(0.1, 1, (130, 40))
    strata = Strata.of(["a", "b"] * 20)
    together = randomise(rows, strata, draws=2500, seed=7)
    assert together.p[[0, 64, 129]].tolist() == [
        randomise(rows[[place]], strata, draws=2500, seed=7).p[0] for place in (0, 64, 129)
    ]
    assert randomise(rows[::-1], strata, draws=2500, seed=7).p_family[::-1].tolist() == (
        together.p_family.tolist()
    )
    assert (together.p_family >= together.p).all()


def test_alike_rows_cost_a_family_nothing():
    rng = np.random.default_rng(2)
    rows = rng.normal(0.3, 1, (2, 60))
    strata = Strata.of(["a"] * 60)
    alone = randomise(rows, strata, draws=5000)
    assert randomise(np.concatenate([rows, rows, -rows]), strata, draws=5000).p_family[:2].tolist() == (
        alone.p_family.tolist()
    )


def test_p_is_never_zero_and_has_no_limit_of_resolution_in_a_large_family():
    rng = np.random.default_rng(5)
    rows = rng.normal(0.0, 1, (400, 60))
    rows[0] += 3
    found = randomise(rows, Strata.of(["a"] * 60))
    assert found.p[0] == 1 / (1 + DRAWS)
    assert found.p_family[0] == 1 / (1 + DRAWS)


def test_what_may_come_by_chance_is_judged_about_the_sets_own_means():
    rng = np.random.default_rng(6)
    strata = Strata.of(["a"] * 5 + ["b"] * 6)
    rows = rng.normal(0, 1, (2, 11)) + 5
    rows[:, :5] -= 7
    centred = rows.copy()
    for group in strata.members:
        centred[:, group] -= centred[:, group].mean(axis=1, keepdims=True)
    largest = plain_t(centred[:, None] * every_flip(11), strata).max(axis=0)
    found = largest_by_chance(rows, strata)
    assert len(found) == CENTRED_DRAWS
    for share in (0.5, 0.9, 0.95):
        limit = np.quantile(largest, share)
        assert (found <= limit + 1e-9).mean() == pytest.approx(
            (largest <= limit + 1e-9).mean(), abs=6 * math.sqrt(0.25 / CENTRED_DRAWS)
        )
    assert largest_by_chance(np.full((1, 11), 0.3), strata).tolist() == [0.0]
