"""How far a mean over queries can be trusted. The unit is the query."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
CONFIDENCE = 0.95
# A mean over fewer queries than this is marked wherever it is shown.
FEW_QUERIES = 15
# Draws held at one time: 16 MB an array, whatever the number of queries.
_BLOCK = 2_000_000


def bootstrap_intervals(
    values: NDArray[np.float64],
    seed: int,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> NDArray[np.float64]:
    """Percentile bootstrap over queries (Efron & Tibshirani 1993, ch. 13).

    values (..., n_queries) → (..., 2): low and high of the mean. All rows are resampled with the same
    draws, so they stay paired. With fewer than two queries there is no interval: nan.
    """
    n = values.shape[-1]
    if n < 2:
        return np.full((*values.shape[:-1], 2), np.nan)
    rng = np.random.default_rng(seed)
    rows = values.reshape(-1, n)
    means = np.empty((len(rows), resamples))
    block = max(1, _BLOCK // n)
    for start in range(0, resamples, block):
        some = means[:, start : start + block]
        some[:] = rows @ _draws(rng, n, some.shape[1]) / n
    tail = (1 - confidence) / 2
    bounds = np.quantile(means, [tail, 1 - tail], axis=1)
    intervals: NDArray[np.float64] = np.moveaxis(bounds, 0, -1).reshape(*values.shape[:-1], 2)
    return intervals


def resampling_counts(seed: int, n: int, resamples: int) -> NDArray[np.float64]:
    """Return (n, resamples): how often each of n queries stands in each resample."""
    return _draws(np.random.default_rng(seed), n, resamples)


def percentile_interval(statistics: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the bounds that hold the middle `confidence` of (resamples,) values, undefined ones left
    out; nan where all are."""
    defined = statistics[~np.isnan(statistics)]
    if not len(defined):
        return np.nan, np.nan
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def _draws(rng: np.random.Generator, n: int, resamples: int) -> NDArray[np.float64]:
    """How often each of n queries is drawn, (n, resamples): with it, resampling is a matrix product."""
    drawn = rng.integers(n, size=(resamples, n))
    cells = drawn * resamples + np.arange(resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=n * resamples)
    return counts.reshape(n, resamples).astype(np.float64)
