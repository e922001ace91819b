"""Resampling of queries, for statistics that are no means (Efron & Tibshirani 1993, ch. 13)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000


def resampling_counts(seed: int, n: int, resamples: int) -> NDArray[np.float64]:
    """Return (n, resamples): how often each of n queries stands in each resample. With it, resampling
    what adds up over queries is a matrix product."""
    drawn = np.random.default_rng(seed).integers(n, size=(resamples, n))
    cells = drawn * resamples + np.arange(resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=n * resamples)
    return counts.reshape(n, resamples).astype(np.float64)


def percentile_interval(statistics: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the bounds that hold the middle `confidence` of (resamples,) values, undefined ones left
    out; nan where all are."""
    defined = statistics[~np.isnan(statistics)]
    if not len(defined):
        return np.nan, np.nan
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)
