"""Whether the order of systems is theirs or the design's: what one query set alone decides."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.evidence.intervals import set_weights
from bench.evidence.strata import Values

# Means that are printed alike, with four decimals, have no order.
_PRINTED = 5e-5


@dataclass(frozen=True)
class Reversal:
    """`leader` has the higher mean over all queries, and no longer without the query set `without`; or,
    where that is None, when each set counts the same."""

    leader: str
    other: str
    without: str | None


def reversals(values: Values, systems: Sequence[str], sets: Sequence[str]) -> list[Reversal]:
    """Return every pair of systems whose order depends on one set, or on how sets are weighed.

    values (n_systems, n_queries) of one measure.
    """
    names = np.array(sets, dtype=str)
    groups = list(dict.fromkeys(sets))
    if len(groups) < 2:
        return []
    means = values.mean(axis=1)
    other_means: list[tuple[str | None, Values]] = [(None, (values * set_weights(sets)).mean(axis=1))]
    other_means += [(group, values[:, names != group].mean(axis=1)) for group in groups]
    return [
        Reversal(systems[a], systems[b], without)
        for without, others in other_means
        for a, b in _ordered(means)
        if others[a] - others[b] <= _PRINTED
    ]


def _ordered(means: Values) -> Iterator[tuple[int, int]]:
    """Yield each pair of places, the one with the higher mean first."""
    for a, b in itertools.combinations(range(len(means)), 2):
        if abs(means[a] - means[b]) > _PRINTED:
            yield (a, b) if means[a] > means[b] else (b, a)
