"""How far a mean over queries can be trusted. The unit is the query."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
CONFIDENCE = 0.95
# A mean over fewer queries than this is marked wherever it is shown.
FEW_QUERIES = 15


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
    means = values.reshape(-1, n) @ _draws(n, resamples, seed) / n
    tail = (1 - confidence) / 2
    bounds = np.quantile(means, [tail, 1 - tail], axis=1)
    intervals: NDArray[np.float64] = np.moveaxis(bounds, 0, -1).reshape(*values.shape[:-1], 2)
    return intervals


@lru_cache(maxsize=4)
def _draws(n: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each of n queries is drawn, (n, resamples): with it, resampling is a matrix product."""
    drawn = np.random.default_rng(seed).integers(n, size=(resamples, n))
    cells = drawn * resamples + np.arange(resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=n * resamples)
    return counts.reshape(n, resamples).astype(np.float64)
