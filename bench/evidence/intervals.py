"""Intervals of means and differences over queries, stratified by query set.

The stratified t interval keeps its level on values like ours from 23 queries on, but for means whose
own distribution is skewed: sets where nearly every value is 0 or 1, changes that few queries feel. What
is shown there is wider, and marked.

- A mean gets the bound of Gaffke (2005; Learned-Miller & Thomas 2020), which has held its level on every
  bounded population it was tried on, and is that of Clopper & Pearson (1934) where values are 0 or 1.
- A difference gets the hull of t and of t after Hall's transformation (1992), which takes the skewness
  out, and does not care for the size of differences: a change too small to matter stays so, while a
  bound that knows only "between -1 and 1" would call it undecided for want of queries. It is not always
  wide enough where one query in twenty differs (results/statistics.md).
- Where every value is its set's mean, the bound is an exact one on what such a sample can have missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.evidence.strata import Moments, Strata, Values, deviations, moments

CONFIDENCE = 0.95
# A mean over fewer queries than this is marked wherever it is shown.
FEW_QUERIES = 15
# From this skewness on, of a mean and of a mean difference, the t interval does not keep its level.
SKEWED_MEAN = 0.1
SKEWED = 0.2
# From this weight of a query in a mean over sets on: a small set whose queries happen to be alike shows
# no spread, however much of the mean it makes.
UNEVEN = 1.5


@dataclass(frozen=True, eq=False)
class Intervals:
    """Bounds of one shape, and `wide`: where the wider, marked method was taken."""

    low: Values
    high: Values
    wide: NDArray[np.bool_]


def mean_intervals(values: Values, strata: Strata, confidence: float = CONFIDENCE) -> Intervals:
    """Return intervals of means of (..., n_queries) values between 0 and 1; nan below two queries."""
    return _mean_intervals(values, np.ones(values.shape[-1]), strata, confidence)


def set_mean_intervals(values: Values, sets: Sequence[str], confidence: float = CONFIDENCE) -> Intervals:
    """Return intervals of the means over query sets, each set counting the same (see `set_weights`), of
    (..., n_queries) values between 0 and 1; nan where a set has a single query, whose error nothing
    tells."""
    if 1 in Counter(sets).values():
        return _unknown(values.shape[:-1])
    return _mean_intervals(values, set_weights(sets), Strata.of(sets), confidence)


def _mean_intervals(values: Values, weights: Values, strata: Strata, confidence: float) -> Intervals:
    n = values.shape[-1]
    if n < 2:
        return _unknown(values.shape[:-1])
    found = moments(values * weights, strata)
    half = t_quantile(found.df, confidence) * found.se
    wide = (np.abs(found.skew) > SKEWED_MEAN) | (found.se == 0) | (weights.max() > UNEVEN)
    low, high = found.mean - half, found.mean + half
    if wide.any():
        level = (1 - confidence) / 2
        low = np.where(wide, found.mean - _rise(1 - values, weights, strata, level), low)
        high = np.where(wide, found.mean + _rise(values, weights, strata, level), high)
    return Intervals(np.clip(low, 0, 1), np.clip(high, 0, 1), wide)


def _unknown(shape: tuple[int, ...]) -> Intervals:
    nothing = np.full(shape, np.nan)
    return Intervals(nothing, nothing, np.zeros(shape, dtype=bool))


def _rise(values: Values, weights: Values, strata: Strata, level: float) -> Values:
    """Return how far above a sample's mean Gaffke's upper bound lies, for values up to 1.

    It is the 1 - level quantile of the mean of the values and of one more, the largest that there could
    be, under weights that are uniform on all that sum to 1. Here the values are deviations from their
    set's mean, the quantile is that of the beta distribution of the same range, mean and variance: exact
    where there are two values.
    """
    from scipy.special import betaincinv

    n = strata.n
    away = np.zeros(values.shape)
    room = np.zeros(values.shape[:-1])
    for group, size in zip(strata.members, strata.sizes, strict=True):
        # A small set's deviations are too small, as its mean is its own; one set alone needs no more.
        correction = np.sqrt(size / (size - 1) * (n - 1) / n) if size > 1 else 1.0
        away[..., group] = correction * deviations(values[..., group] * weights[group])
        room = np.maximum(room, weights[group].max() * (1 - values[..., group].mean(axis=-1)))
    room = np.maximum(room, 0.0)
    lowest, highest = away.min(axis=-1), np.maximum(away.max(axis=-1), room)
    reach = highest - lowest
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (room / (n + 1) - lowest) / reach
        variance = ((away**2).sum(axis=-1) + room**2 - room**2 / (n + 1)) / (n + 1) / (n + 2) / reach**2
        counts = mean * (1 - mean) / variance - 1
        share = betaincinv(mean * counts, (1 - mean) * counts, 1 - level)
    rise: Values = np.where(reach > 0, np.maximum(lowest + reach * share, 0.0), 0.0)
    return rise


def set_weights(sets: Sequence[str]) -> Values:
    """Return (n_queries,) weights whose mean is 1, by which the mean over queries is that over sets."""
    sizes = Counter(sets)
    return np.array([len(sets) / (len(sizes) * sizes[name]) for name in sets])


def difference_intervals(
    differences: Values, found: Moments, critical: Values, level: float
) -> Intervals:
    """Return intervals of mean differences, (..., n_queries) between -1 and 1, for critical values of t.

    `level` is the error that the exact bound may make, where no difference differs from its set's mean.
    """
    skewed, flat = np.abs(found.skew) > SKEWED, found.se == 0
    low, high = found.mean - critical * found.se, found.mean + critical * found.se
    least = found.mean - _hall_inverse(critical, found.skew) * found.se
    most = found.mean - _hall_inverse(-critical, found.skew) * found.se
    low, high = (
        np.where(skewed, np.minimum(low, least), low),
        np.where(skewed, np.maximum(high, most), high),
    )
    share = unseen(differences.shape[-1], level)
    low = np.where(flat, found.mean - (differences.max(axis=-1) + 1) * share, low)
    high = np.where(flat, found.mean + (1 - differences.min(axis=-1)) * share, high)
    return Intervals(np.clip(low, -1, 1), np.clip(high, -1, 1), skewed | flat)


def excess(differences: Values, found: Moments) -> tuple[Values, Values]:
    """Return how far outside 0 lies: the critical value below which `difference_intervals` leaves it
    out and, where there is no spread, the level above which it does (0 elsewhere)."""
    t = np.divide(found.mean, found.se, out=np.zeros_like(found.mean), where=found.se > 0)
    corrected = np.where(np.abs(found.skew) > SKEWED, hall(t, found.skew), t)
    critical = np.where(found.se > 0, np.minimum(np.abs(t), np.abs(corrected)), np.inf)
    toward = np.where(found.mean > 0, differences.max(axis=-1), -differences.min(axis=-1))
    room = np.abs(found.mean) / (toward + 1)
    level = np.where(found.se > 0, 0.0, np.minimum(1.0, 2 * (1 - room) ** differences.shape[-1]))
    return critical, level


def hall(t: Values, skew: Values) -> Values:
    """Return t + γt²/3 + γ²t³/27 + γ/6 (Hall 1992, On the removal of skewness by transformation), where
    γ is the skewness of the mean: free of skewness to the second order, and increasing in t."""
    transformed: Values = t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6
    return transformed


def _hall_inverse(z: Values, skew: Values) -> Values:
    with np.errstate(invalid="ignore", divide="ignore"):
        t = 3 * (np.cbrt(1 + skew * (z - skew / 6)) - 1) / skew
    return np.where(np.abs(skew) < 1e-8, z, t)


def unseen(n: int, level: float) -> float:
    """Return the largest share of queries that n may all have missed with a chance of `level`/2: what
    can still be behind a sample without any spread (Clopper & Pearson 1934, no success)."""
    return float(1 - (level / 2) ** (1 / n))


def t_quantile(df: Values, confidence: float) -> Values:
    """Return the value that |t| exceeds with a chance of 1 - confidence."""
    from scipy.special import stdtrit

    quantile: Values = stdtrit(df, 1 - (1 - confidence) / 2)
    return quantile


def t_tail(t: Values, df: Values) -> Values:
    """Return the chance that |t| is larger than this."""
    from scipy.special import stdtr

    tail: Values = 2 * stdtr(df, -np.abs(t))
    return tail
