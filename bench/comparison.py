"""Paired comparisons of systems: interval, randomisation test, correction, power and a verdict.

The protocol is that of the measurement page: the query is the unit, every comparison is paired, and one
correction covers the whole family of comparisons that are shown together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bench.errors import require
from bench.statistics import CONFIDENCE, RESAMPLES, resampling_counts

ALPHA = 0.05
DRAWS = 100_000
MARGIN = 0.02
# Normal quantiles: (z of 0.975 + z of 0.8) times the standard error is found in 80 % of all samples.
_POWER_FACTOR = 1.959964 + 0.841621
_CONFIDENCE_FACTOR = 1.959964
# Sign flips held at one time: 4 bytes a query and flip.
_BLOCK_CELLS = 8_000_000
# float32 sums that differ by less than this share of Σ|d| are ties, and count as hits.
_TIE = 1e-5

Values = NDArray[np.float64]


class Verdict(StrEnum):
    """What a comparison says, in words."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Comparison:
    """One system against one baseline by one measure; `difference` is system minus baseline.

    low, high      95 % bootstrap interval of the difference
    p, p_holm      two-sided randomisation test, as it is and corrected for the family
    effect         mean difference / its standard deviation (Cohen's d for pairs); nan where all are 0
    detectable     smallest true difference found with 80 % power at α = 0.05
    needed         queries that would decide an undecided comparison; None where it is decided
    """

    system: str
    baseline: str
    measure: str
    n: int
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    effect: float
    wins: int
    ties: int
    losses: int
    detectable: float
    verdict: Verdict
    needed: int | None

    @property
    def significant(self) -> bool:
        """Whether the difference stands after correction."""
        return self.p_holm < ALPHA


def compare(
    values: Values,
    systems: Sequence[str],
    measures: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    *,
    seed: int,
    margin: float = MARGIN,
    draws: int = DRAWS,
) -> list[Comparison]:
    """Compare pairs (system, baseline) of rows by every measure: one family, one correction.

    values (n_systems, n_measures, n_queries). Raises `BenchError` for fewer than two queries, NaN, and
    an empty family.
    """
    n = values.shape[-1]
    require(n >= 2, f"a comparison needs at least 2 queries, got {n}; use more queries")
    require(bool(pairs) and bool(measures), "nothing to compare; name two systems and a measure")
    for place in np.argwhere(np.isnan(values))[:1]:
        system, measure, query = (int(index) for index in place)
        require(
            False,
            f"{systems[system]} has no value of {measures[measure]} for query number {query + 1}; "
            "a missing answer must count as 0",
        )
    one, other = (np.array(side) for side in zip(*pairs, strict=True))
    observed = (values[one] - values[other]).reshape(-1, n)
    p = sign_flip_p(values, one, other, draws, seed)
    corrected = holm(p)
    low, high = _difference_intervals(values, one, other, seed)
    names = [(systems[a], systems[b], measure) for a, b in pairs for measure in measures]
    return [
        _describe(name, difference, interval, both_p, margin)
        for name, difference, interval, both_p in zip(
            names,
            observed,
            zip(low.tolist(), high.tolist(), strict=True),
            zip(p.tolist(), corrected.tolist(), strict=True),
            strict=True,
        )
    ]


def _describe(
    names: tuple[str, str, str],
    differences: Values,
    interval: tuple[float, float],
    p: tuple[float, float],
    margin: float,
) -> Comparison:
    n, mean = len(differences), float(differences.mean())
    spread = float(differences.std(ddof=1))
    if p[1] < ALPHA:
        verdict = Verdict.BETTER if mean > 0 else Verdict.WORSE
    elif -margin < interval[0] and interval[1] < margin:
        verdict = Verdict.EQUIVALENT
    else:
        verdict = Verdict.UNDECIDED
    undecided = verdict is Verdict.UNDECIDED
    certain = math.copysign(math.inf, mean) if mean else math.nan
    return Comparison(
        *names,
        n,
        mean,
        *interval,
        *p,
        mean / spread if spread else certain,
        int((differences > 0).sum()),
        int((differences == 0).sum()),
        int((differences < 0).sum()),
        _POWER_FACTOR * spread / math.sqrt(n),
        verdict,
        max(queries_needed(mean, spread, margin), n + 1) if undecided else None,
    )


def queries_needed(difference: float, spread: float, margin: float) -> int:
    """Return how many queries would decide, should mean and spread stay what they are: either enough to
    find a difference of this size with 80 % power, or enough for an interval inside ± the margin."""
    to_find = (_POWER_FACTOR * spread / abs(difference)) ** 2 if difference else math.inf
    room = margin - abs(difference)
    to_equate = (_CONFIDENCE_FACTOR * spread / room) ** 2 if room > 0 else math.inf
    return math.ceil(min(to_find, to_equate))


def sign_flip_p(
    values: Values, one: NDArray[np.intp], other: NDArray[np.intp], draws: int, seed: int
) -> Values:
    """Paired randomisation test (Fisher 1935; Smucker, Allan & Carterette 2007), two-sided.

    For each pair of rows and each measure: how often is the mean difference, with the sign of each
    query's difference drawn anew, as large as the one observed? p = (1 + hits) / (1 + draws), never 0.
    All comparisons share the draws. Returns (n_pairs · n_measures,).

    A flipped difference of two systems is the difference of their flipped sums, so the draws are
    multiplied with each system once and not with each pair.
    """
    n_systems, n_measures, n = values.shape
    rows = values.reshape(-1, n)
    observed = values[one] - values[other]
    threshold = np.abs(observed.sum(axis=-1)) - _TIE * np.abs(observed).sum(axis=-1)
    hits = np.zeros(threshold.shape, dtype=np.int64)
    rng = np.random.default_rng(seed)
    flat, total = rows.astype(np.float32), rows.sum(axis=1)[:, None].astype(np.float32)
    block = max(8, _BLOCK_CELLS // (8 * n) * 8)
    for start in range(0, draws, block):
        count = min(block, draws - start)
        heads = _coins(rng, n, count)
        # signs are 2·heads - 1
        flipped = (2 * (flat @ heads) - total).reshape(n_systems, n_measures, count)
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            apart = np.abs(flipped[a] - flipped[b])
            hits[place] += (apart >= threshold[place][:, None]).sum(axis=-1)
    p: Values = (1 + hits.reshape(-1)) / (1 + draws)
    return p


def _coins(rng: np.random.Generator, n: int, draws: int) -> NDArray[np.float32]:
    """Return (n, draws) of fair 0 and 1, from one random bit each."""
    packed = rng.integers(256, size=(n, -(-draws // 8)), dtype=np.uint8)
    return np.unpackbits(packed, axis=1, count=draws).astype(np.float32)


def holm(p: Values) -> Values:
    """Return p corrected for the whole family (Holm 1979): no false alarm at all with 95 %."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def _difference_intervals(
    values: Values, one: NDArray[np.intp], other: NDArray[np.intp], seed: int
) -> tuple[Values, Values]:
    """Percentile bootstrap of each difference, (n_pairs · n_measures,) twice; resamples are shared."""
    n_systems, n_measures, n = values.shape
    counts = resampling_counts(seed, n, RESAMPLES)
    means = (values.reshape(-1, n) @ counts / n).reshape(n_systems, n_measures, -1)
    tail = (1 - CONFIDENCE) / 2
    bounds = [
        np.quantile(means[a] - means[b], [tail, 1 - tail], axis=-1)
        for a, b in zip(one, other, strict=True)
    ]
    low, high = np.concatenate(bounds, axis=1)
    return low, high
