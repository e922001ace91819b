"""Intervals: what must hold of any data, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench.statistics import bootstrap_intervals

VALUES = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 3), st.integers(2, 20)), elements=st.floats(0, 1, width=32)
)


@given(VALUES)
def test_an_interval_lies_within_the_values_and_is_ordered(values):
    bounds = bootstrap_intervals(values, seed=1, resamples=200)
    assert bounds.shape == (len(values), 2)
    assert (bounds[:, 0] <= bounds[:, 1]).all()
    assert (bounds[:, 0] >= values.min(axis=1) - 1e-12).all()
    assert (bounds[:, 1] <= values.max(axis=1) + 1e-12).all()


@given(VALUES)
def test_equal_rows_get_equal_intervals_whatever_stands_beside_them(values):
    alone = bootstrap_intervals(values[:1], seed=3, resamples=100)
    assert np.allclose(bootstrap_intervals(values, seed=3, resamples=100)[:1], alone)


def test_one_query_has_no_interval():
    assert np.isnan(bootstrap_intervals(np.array([[0.5]]), seed=0)).all()


def test_agrees_with_the_normal_interval_on_many_queries():
    values = np.random.default_rng(5).normal(0.5, 0.2, 2000)
    low, high = bootstrap_intervals(values, seed=0)
    half = 1.959964 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=3e-4)
    assert high == pytest.approx(values.mean() + half, abs=3e-4)


def test_holds_the_true_mean_about_as_often_as_it_says():
    """400 samples of 60 skewed values: 95 % ± 3 standard errors of that share is 0.917 to 0.983."""
    rng = np.random.default_rng(7)
    bounds = bootstrap_intervals(rng.beta(0.6, 0.9, size=(400, 60)), seed=0, resamples=2000)
    share = ((bounds[:, 0] <= 0.4) & (bounds[:, 1] >= 0.4)).mean()
    assert 0.917 <= share <= 0.983
