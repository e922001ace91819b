"""Intervals: what must hold of any data, what other libraries say, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from bench.evidence.intervals import (
    SKEWED,
    _hall_inverse,
    difference_intervals,
    excess,
    hall,
    mean_intervals,
    set_mean_intervals,
    set_weights,
    t_quantile,
    unseen,
)
from bench.evidence.strata import Strata, moments

VALUES = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 3), st.integers(2, 20)), elements=st.floats(0, 1, width=32)
)


def one_set(n):
    return Strata.of(["all"] * n)


@given(VALUES, st.data())
def test_an_interval_is_ordered_within_0_and_1_about_the_mean_and_has_a_width(values, data):
    n = values.shape[1]
    sets = data.draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    cases = [(mean_intervals(values, Strata.of(sets)), values.mean(axis=1))]
    if min(map(sets.count, sets)) > 1:
        cases.append((set_mean_intervals(values, sets), (values * set_weights(sets)).mean(axis=1)))
    for found, means in cases:
        assert (found.low >= 0).all()
        assert (found.high <= 1).all()
        assert (found.low <= means + 1e-9).all()
        assert (found.high >= means - 1e-9).all()
        assert (found.low < found.high).all()


@given(VALUES)
def test_a_row_gets_its_interval_whatever_stands_beside_it(values):
    strata = one_set(values.shape[1])
    alone, together = mean_intervals(values[:1], strata), mean_intervals(values, strata)
    assert (alone.low[0], alone.high[0]) == pytest.approx((together.low[0], together.high[0]))


def test_one_query_has_no_interval():
    assert np.isnan(mean_intervals(np.array([[0.5]]), one_set(1)).low).all()


def test_without_skewness_and_sets_it_is_the_t_interval_of_scipy():
    values = np.random.default_rng(5).normal(0.5, 0.1, 40)
    found = mean_intervals(values, one_set(40))
    low, high = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert not found.wide


def test_two_sets_of_one_size_are_judged_as_welch_judges_two_samples():
    rng = np.random.default_rng(6)
    one, other = rng.normal(0.2, 0.02, 12), rng.normal(0.7, 0.1, 12)
    found = mean_intervals(np.concatenate([one, other]), Strata.of(["a"] * 12 + ["b"] * 12))
    welch = stats.ttest_ind(one, -other, equal_var=False).confidence_interval(0.95)
    assert (found.low * 2, found.high * 2) == pytest.approx((welch.low, welch.high))


def test_the_spread_between_sets_is_no_error():
    rng = np.random.default_rng(7)
    sets = ["a"] * 30 + ["b"] * 30
    values = np.clip(rng.normal(0.5, 0.1, 60) + np.repeat([-0.3, 0.3], 30), 0, 1)
    stratified = mean_intervals(values, Strata.of(sets))
    plain = mean_intervals(values, one_set(60))
    assert stratified.high - stratified.low < 0.6 * (plain.high - plain.low)


def test_a_set_of_one_query_is_put_with_another():
    values = np.array([0.1, 0.5, 0.9, 0.3])
    merged = mean_intervals(values, Strata.of(["a", "a", "a", "b"]))
    assert merged.low == mean_intervals(values, one_set(4)).low
    assert [len(m) for m in Strata.of(["a", "b", "c", "a"]).members] == [2, 2]
    assert [len(m) for m in Strata.of(["a", "b"]).members] == [2]


@given(st.floats(-2, 2), st.floats(-5, 5))
def test_halls_transformation_and_its_inverse(skew, t):
    if abs(skew) > 1e-6:
        assert _hall_inverse(hall(np.array(t), np.array(skew)), np.array(skew)) == pytest.approx(
            t, abs=1e-4
        )
    # increasing, so that an interval can be read off it
    assert hall(np.array(t + 0.1), np.array(skew)) >= hall(np.array(t), np.array(skew)) - 1e-12


def test_skewness_is_that_of_the_mean_by_scipy():
    values = np.random.default_rng(8).beta(0.3, 2, 30)
    expected = stats.skew(values, bias=False)
    # k3 / n² over (s²/n)^1.5
    k3 = stats.kstat(values, 3)
    assert moments(values, one_set(30)).skew == pytest.approx(
        k3 / 30**2 / (values.var(ddof=1) / 30) ** 1.5
    )
    assert moments(values, one_set(30)).skew == pytest.approx(expected / np.sqrt(30), rel=0.1)


def test_a_sample_without_spread_gets_the_bound_of_clopper_and_pearson():
    exact = stats.binomtest(0, 24).proportion_ci(0.95, "exact")
    found = mean_intervals(np.zeros(24), one_set(24))
    assert (found.low, found.high) == (0.0, pytest.approx(exact.high))
    assert found.wide
    assert (1 - unseen(24, 0.05)) ** 24 == pytest.approx(0.025)
    ones = mean_intervals(np.ones(24), one_set(24))
    assert (ones.low, ones.high) == (pytest.approx(1 - exact.high), 1.0)


@pytest.mark.parametrize("hits", [1, 2, 12, 22, 23])
def test_a_mean_of_zeros_and_ones_gets_the_interval_of_clopper_and_pearson(hits):
    values = np.repeat([1.0, 0.0], [hits, 24 - hits])
    exact = stats.binomtest(hits, 24).proportion_ci(0.95, "exact")
    found = mean_intervals(values, one_set(24))
    if hits == 12:  # even: t is good enough
        assert not found.wide
    else:
        assert found.wide
        assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("shape", [(0.3, 2), (2, 0.3), (0.1, 0.3), (5, 0.5)])
def test_a_skewed_mean_gets_the_bound_of_gaffke_as_drawn_from_the_dirichlet_distribution(shape):
    rng = np.random.default_rng(11)
    values = rng.beta(*shape, 30)
    found = mean_intervals(values, one_set(30))
    weights = rng.dirichlet(np.ones(31), 200_000)
    low = np.quantile(weights @ np.append(values, 0.0), 0.025)
    high = np.quantile(weights @ np.append(values, 1.0), 0.975)
    assert found.wide
    # The beta distribution of the same mean and variance is not the same one; 0.01 is a tenth of the width.
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


def test_strata_of_one_spread_get_the_bound_that_they_would_get_as_one():
    """Sets that differ in nothing but their level: what varies within them is all that counts."""
    rng = np.random.default_rng(12)
    away = rng.choice([0.0] * 11 + [0.4], 60)
    values = np.concatenate([away, away[::-1]])
    level = np.repeat([0.2, 0.6], 60)
    together = mean_intervals(0.4 + values, one_set(120))
    apart = mean_intervals(level + values, Strata.of(["a"] * 60 + ["b"] * 60))
    assert (together.wide, apart.wide) == (True, True)
    assert (apart.low, apart.high) == pytest.approx((together.low, together.high), abs=0.01)


def test_few_differences_are_marked_and_get_a_wider_interval():
    values = np.zeros(24)
    values[:2] = 0.4
    found = moments(values, one_set(24))
    bounds = difference_intervals(values, found, t_quantile(found.df, 0.95), 0.05)
    half = stats.t.ppf(0.975, 23) * stats.sem(values)
    assert bounds.wide
    assert bounds.high > values.mean() + half
    assert abs(found.skew) > SKEWED


@given(VALUES, st.floats(0.5, 6))
def test_a_difference_is_left_out_just_where_excess_says(values, critical):
    differences = values - values[:, ::-1] * 0.5
    strata = one_set(values.shape[1])
    found = moments(differences, strata)
    beyond, level = excess(differences, found)
    bounds = difference_intervals(differences, found, np.full(len(values), critical), 0.05)
    outside = (bounds.low > 0) | (bounds.high < 0)
    spread = found.se > 0
    clear = np.abs(beyond - critical) > 1e-6
    assert (outside == (beyond > critical))[spread & clear].all()
    flat = ~spread & (np.abs(level - 0.05) > 1e-9)
    assert (outside == (level < 0.05))[flat].all()


def test_tiny_changes_have_tiny_intervals_however_few_they_are():
    differences = np.zeros(165)
    differences[:3] = [1e-4, -2e-4, 3e-4]
    found = moments(differences, one_set(165))
    bounds = difference_intervals(differences, found, t_quantile(found.df, 0.95), 0.05)
    assert -1e-4 < bounds.low < 0 < bounds.high < 1e-4


POPULATIONS = {
    "even": np.linspace(0, 1, 40),
    "nearly all 0": np.array([0.0] * 30 + [0.05, 0.1, 0.1, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 0.9]),
    "nearly all 1": np.array([1.0] * 34 + [0.0, 0.2, 0.4, 0.5, 0.5, 0.6]),
    # Dense retrieval on `question` and `constraint`, test: many samples miss the few low values.
    "question": np.array(
        [0.2, 0.25, 0.66, 0.73, 0.8, 0.83, 0.83, 0.85, 0.87, 0.91, 0.92, 0.94, 0.95, 0.97] + [1.0] * 10
    ),
    "constraint": np.array(
        [0.3, 0.42, 0.6, 0.6, *[0.74] * 5, *[0.8] * 3, 0.84, 0.85, *[0.88] * 4, 0.91, 0.92, 0.94, 0.98]
    ),
    "one answer in ten": np.array([0.1] * 17 + [0.2, 0.2, 0.3, 0.4, 0.6]),
}


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("n", [23, 50, 165])
def test_means_are_held_as_often_as_promised_near_0_and_near_1_too(name, n):
    """0.94 is promised; of 4,000 samples 0.93 is three standard errors below."""
    population = POPULATIONS[name]
    drawn = np.random.default_rng(n).choice(population, (4000, n))
    found = mean_intervals(drawn, one_set(n))
    held = (found.low <= population.mean()) & (population.mean() <= found.high)
    assert held.mean() >= 0.93


@pytest.mark.parametrize(
    ("small", "chance"), [(2, 0.3), (5, 0.2), (8, 0.1), (23, 0.05)], ids=lambda v: str(v)
)
def test_means_over_sets_of_very_unequal_sizes_are_held_as_often_as_promised(small, chance):
    """All queries of a small set are often alike: nothing of its spread is seen, and it counts as much."""
    rng = np.random.default_rng(small)
    values = np.concatenate(
        [rng.uniform(0.3, 1, (2000, 150)), rng.random((2000, small)) < chance], axis=1
    )
    found = set_mean_intervals(values, ["large"] * 150 + ["small"] * small)
    truth = (0.65 + chance) / 2
    assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.935
    assert found.wide.all()


def test_a_mean_over_sets_has_no_interval_where_a_set_has_one_query():
    found = set_mean_intervals(np.full((2, 5), 0.9), ["a", "a", "a", "b", "c"])
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()
    assert not found.wide.any()


def test_intervals_do_not_depend_on_the_order_of_the_queries():
    rng = np.random.default_rng(13)
    values = rng.beta(0.5, 1, 15)
    sets = np.array(["a"] * 10 + ["b"] * 2 + ["c"] * 2 + ["d"])
    expected = mean_intervals(values, Strata.of(list(sets)))
    for _ in range(5):
        order = rng.permutation(15)
        found = mean_intervals(values[order], Strata.of(list(sets[order])))
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_stratified_means_are_held_as_often_as_promised_and_not_much_more():
    """Designed sets with means from 0.1 to 0.9: plain t would hold all of them."""
    rng = np.random.default_rng(9)
    means = np.linspace(0.1, 0.9, 7)
    values = np.concatenate([rng.beta(8 * m, 8 * (1 - m), (1500, 8)) for m in means], axis=1)
    found = mean_intervals(values, Strata.of([s for s in "abcdefg" for _ in range(8)]))
    held = ((found.low <= 0.5) & (found.high >= 0.5)).mean()
    assert 0.933 <= held <= 0.967
