"""Queries in strata: the query sets, whose sizes were fixed when the collection was made.

The spread between sets is design and no sampling error, so every standard error here is of what varies
within the sets (Cochran 1977, ch. 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Strata:
    """Which queries belong together: `members[h]` are the places of stratum h, `sizes[h]` how many
    queries it has.

    A stratum has at least two queries, where there are two: a spread can not be seen in one.
    """

    members: tuple[NDArray[np.intp], ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, sets: Sequence[str]) -> Strata:
        """Return the strata of queries with these sets; sets of a single query are put together.

        >>> [list(map(int, m)) for m in Strata.of(["a", "b", "a", "c"]).members]
        [[0, 2], [1, 3]]
        """
        names = np.array(sets, dtype=str)
        # By name, so that the order of the queries does not decide who is put with whom.
        groups = [np.flatnonzero(names == name) for name in sorted(set(sets))]
        single = [group for group in groups if len(group) == 1]
        kept = [group for group in groups if len(group) > 1]
        if len(single) > 1 or not kept:
            kept.append(np.concatenate(single) if single else np.arange(0))
        elif single:
            smallest = min(range(len(kept)), key=lambda place: len(kept[place]))
            kept[smallest] = np.sort(np.append(kept[smallest], single[0]))
        return cls(tuple(kept), tuple(map(len, kept)))

    @property
    def n(self) -> int:
        """How many queries there are."""
        return sum(self.sizes)

    def among(self, places: NDArray[np.intp]) -> Strata:
        """Return the same strata, as the columns of an array that holds only these queries see them.

        `sizes` stay: a query that is left out is one whose value is 0.
        """
        column = np.full(self.n, -1)
        column[places] = np.arange(len(places))
        return Strata(tuple((own := column[group])[own >= 0] for group in self.members), self.sizes)


def apart(one: Values, other: Values) -> Values:
    """Return differences of values between 0 and 1; what the thirteenth decimal says is rounding."""
    return np.round(one - other, 12)


@dataclass(frozen=True, eq=False)
class Moments:
    """Means over queries and what is known of their error, all of one shape.

    se      standard error of the mean
    df      its degrees of freedom (Satterthwaite 1946; Welch 1947)
    skew    skewness of the mean: its third central moment over se³; 0 where se is 0
    """

    mean: Values
    se: Values
    df: Values
    skew: Values


def deviations(values: Values) -> Values:
    """Return (..., n) values less their mean; what rounding leaves of equal values is no spread."""
    away: Values = values - values.mean(axis=-1, keepdims=True)
    away[np.abs(away) <= 1e-13 * np.abs(values).max(axis=-1, keepdims=True, initial=0.0)] = 0.0
    return away


def moments(values: Values, strata: Strata) -> Moments:
    """Return the moments of the mean of (..., n_queries) values."""
    n = strata.n
    shape = values.shape[:-1]
    variance, square, third = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for group, size in zip(strata.members, strata.sizes, strict=True):
        own = values[..., group]
        apart = deviations(own)
        share = size / n
        part = share**2 * (apart**2).sum(axis=-1) / (max(size - 1, 1) * size)
        variance += part
        square += part**2 / max(size - 1, 1)
        # The unbiased third moment (Fisher 1929): two queries have none.
        unbiased = (apart**3).sum(axis=-1) * size / max((size - 1) * (size - 2), 1)
        third += share**3 * unbiased / size**2
    with np.errstate(invalid="ignore", divide="ignore"):
        df = np.where(square > 0, variance**2 / square, 1.0)
        skew = np.where(variance > 0, third / variance**1.5, 0.0)
    return Moments(values.mean(axis=-1), np.sqrt(variance), df, skew)
