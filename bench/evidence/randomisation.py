"""Paired randomisation tests: within each query, which of two systems got which value is drawn anew.

That turns the sign of the query's difference (Fisher 1935; Smucker, Allan & Carterette 2007). The
statistic is the mean difference over its stratified standard error, both of the flipped differences:
exact where systems are exchangeable within queries, and right for many queries also where only their
means are equal (Janssen 1997; Chung & Romano 2013). Without strata its p is that of the mean itself.

Families use the same flips for all their comparisons and look at the largest statistic (max-T,
Westfall & Young 1993; Romano & Wolf 2005), so that the correction knows how comparisons hang together.
Flipping signs pair by pair, and not dealing the values of all systems anew as the randomised Tukey HSD
does (Carterette 2012; Sakai 2018), keeps the level also where some systems differ and scatter more than
others (results/statistics.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.evidence.strata import Strata, Values

DRAWS = 100_000
# At most so many differing queries are enumerated: 2^15 flips, as the first sign changes nothing.
ENUMERATED = 16
# Of what decides no p, but the critical values of intervals.
CENTRED_DRAWS = 20_000
# Statistics, as shares between 0 and 1, that lie closer are equal up to rounding.
_EQUAL = 1e-9
# Fewer differing queries can not reach p = 0.05 in any way: 2/2⁵ is more.
_FEWEST = 6
# Flips drawn at a time, and comparisons looked at in one go: their arrays stay in the processor's cache.
_FLIPS, _ROWS = 1000, 64


@dataclass(frozen=True, eq=False)
class Randomised:
    """What sign flips say of m comparisons.

    p          (m,) two-sided, each for itself
    p_family   (m,) by the largest statistic of all of them
    exact      whether all flips of the family were enumerated
    """

    p: Values
    p_family: Values
    exact: bool


def randomise(differences: Values, strata: Strata, *, draws: int = DRAWS, seed: int = 0) -> Randomised:
    """Test (m, n_queries) differences, none of whose rows is all 0.

    A row that differs on at most 16 queries is enumerated; so is the family, where all its rows together
    differ on no more. Otherwise `draws` flips are drawn, and p = (1 + hits) / (1 + draws), never 0.
    """
    differing = (differences != 0).sum(axis=1)
    # A comparison that can not be significant is kept out of the largest (Tarone 1990): where it differs
    # within one small stratum only, its t is infinite at many flips, and would hide every other.
    able = differing >= _FEWEST
    together = np.flatnonzero((differences[able] != 0).any(axis=0))
    exact = len(together) <= ENUMERATED
    p, p_family = np.ones(len(differences)), np.ones(len(differences))
    if able.any() and exact:
        p_family[able] = _enumerated(differences[np.ix_(able, together)], strata.among(together))
    elif able.any():
        hits, largest = _drawn(differences[able], strata, draws, seed)
        observed = _Statistic(differences[able], strata).observed
        p[able] = (1 + hits) / (1 + draws)
        p_family[able] = (1 + _reaching(largest, observed)) / (1 + draws)
    for row in np.flatnonzero(differing <= ENUMERATED):
        places = np.flatnonzero(differences[row])
        p[row] = _enumerated(differences[row : row + 1, places], strata.among(places))[0]
    # Bonferroni, for those alone.
    p_family = np.where(able, np.maximum(p, p_family), np.minimum(p * len(p), 1.0))
    return Randomised(p, p_family, exact)


def largest_by_chance(differences: Values, strata: Strata, *, seed: int = 0) -> Values:
    """Return the largest |t| of (m, n_queries) differences at each of 20,000 flips of what they differ
    from their stratum's mean, ascending: how far t may go by chance whatever the true differences are,
    and so the critical values of simultaneous intervals. Left out are rows without spread, and those
    that differ on too few queries to be significant."""
    centred = differences[(differences != 0).sum(axis=1) >= _FEWEST]
    largest_value = np.abs(centred).max(axis=1, keepdims=True, initial=0.0)
    for group in strata.members:
        centred[:, group] -= centred[:, group].mean(axis=1, keepdims=True)
    centred[np.abs(centred) <= 1e-13 * largest_value] = 0.0
    centred = centred[(centred != 0).any(axis=1)]
    if not len(centred):
        return np.zeros(1)
    _, largest = _drawn(centred, strata, CENTRED_DRAWS, seed)
    with np.errstate(divide="ignore"):
        t: Values = np.sqrt(largest / (1 - largest))
    return t


def _drawn(differences: Values, strata: Strata, draws: int, seed: int) -> tuple[Values, Values]:
    """Return how often random flips reached each row's statistic, and the largest of all rows at each
    flip, ascending."""
    statistic = _Statistic(differences, strata)
    hits = np.zeros(len(differences))
    largest = []
    for signs in _random_flips(strata.n, draws, seed):
        most = np.zeros(signs.shape[1])
        for rows, found in statistic.of(signs):
            hits[rows] += np.count_nonzero(found >= statistic.observed[rows, None], axis=1)
            np.maximum(most, found.max(axis=0), out=most)
        largest.append(most)
    return hits, np.sort(np.concatenate(largest))


def _enumerated(differences: Values, strata: Strata) -> Values:
    """Return each row's share of all flips at which the largest statistic reaches its own."""
    statistic = _Statistic(differences, strata)
    hits = np.zeros(len(differences))
    flips = 0
    for signs in _every_flip(differences.shape[1]):
        flips += signs.shape[1]
        most = np.zeros(signs.shape[1])
        for _, found in statistic.of(signs):
            np.maximum(most, found.max(axis=0), out=most)
        hits += _reaching(np.sort(most), statistic.observed)
    return np.maximum(hits, 1) / flips


def _reaching(largest: Values, observed: Values) -> Values:
    """How many of the ascending values are at least as large, for each observed one."""
    return (len(largest) - np.searchsorted(largest, observed)).astype(np.float64)


class _Statistic:
    """s² / (s² + v) of each row of (m, n) differences under flips, where s is the flipped sum and v is
    n² times its stratified variance: as good as t² = s² / v, and of one size where v is nothing.

    Rows are brought to Σd² = 1, which changes no t. `observed` is a little below that of the differences
    as they are, so that what is equal up to rounding reaches it.
    """

    def __init__(self, differences: Values, strata: Strata) -> None:
        rows = differences / np.sqrt((differences**2).sum(axis=1, keepdims=True))
        self._parts = [np.ascontiguousarray(rows[:, group]) for group in strata.members]
        # of each stratum: n/(n-1), by which its sum of squares becomes a variance
        self._free = [size / max(size - 1, 1) for size in strata.sizes]
        self._sizes = strata.sizes
        self._members = strata.members
        scattered = [f * (part**2).sum(axis=1) for f, part in zip(self._free, self._parts, strict=True)]
        self._scattered = np.sum(scattered, axis=0)[:, None]
        alone = np.ones((differences.shape[1], 1))
        self.observed = np.concatenate([found[:, 0] for _, found in self.of(alone)]) - _EQUAL

    def of(self, signs: Values) -> Iterator[tuple[slice, Values]]:
        """Yield some rows, and their (rows, flips) statistics, until all rows were told."""
        own_signs = [signs[group] for group in self._members]
        for start in range(0, len(self._scattered), _ROWS):
            rows = slice(start, start + _ROWS)
            total, lost = None, None
            for part, flips, free, size in zip(
                self._parts, own_signs, self._free, self._sizes, strict=True
            ):
                sums = part[rows] @ flips
                total = sums.copy() if total is None else np.add(total, sums, out=total)
                np.multiply(sums, sums, out=sums)
                sums *= free / size
                lost = sums if lost is None else np.add(lost, sums, out=lost)
            assert total is not None
            assert lost is not None
            np.subtract(self._scattered[rows], lost, out=lost)
            np.maximum(lost, 0.0, out=lost)
            np.multiply(total, total, out=total)
            np.add(total, lost, out=lost)
            # Nothing over nothing is no difference.
            np.maximum(lost, np.finfo(np.float64).tiny, out=lost)
            yield rows, np.divide(total, lost, out=total)


def _every_flip(n: int) -> Iterator[Values]:
    """Yield all flips of n queries, (n, flips) each, up to a change of all signs at once."""
    for start in range(0, 2 ** (n - 1), _FLIPS):
        number = np.arange(start, min(start + _FLIPS, 2 ** (n - 1)))
        signs = np.ones((n, len(number)))
        signs[1:] = 1.0 - 2.0 * ((number >> np.arange(n - 1)[:, None]) & 1)
        yield signs


def _random_flips(n: int, draws: int, seed: int) -> Iterator[Values]:
    """Yield `draws` random flips, (n, flips) each. They depend on n and the seed alone, so that a
    comparison has the same p in any company."""
    rng = np.random.default_rng(seed)
    for start in range(0, draws, _FLIPS):
        count = min(_FLIPS, draws - start)
        bits = rng.integers(256, size=(n, _FLIPS // 8), dtype=np.uint8)
        signs = np.unpackbits(bits, axis=1)[:, :count].astype(np.float64)
        signs *= -2.0
        signs += 1.0
        yield signs
