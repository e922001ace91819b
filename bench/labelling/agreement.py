"""Agreement of two assessors on the same pairs, with bootstrap intervals over queries.

Where the assessors agree on the same share of every query, as on all or on nothing, every resample is
the sample, and the bootstrap would call the value certain. There the interval reaches as far as the
queries that so many can have missed would move it.

A resample of queries in which nobody finds anything has no value. It is left out, as it says nothing of
whether assessors agree on what they find, and the share of such is told.

All statistics are functions of the confusion matrix, (..., grades, grades) with the first assessor's
grade as row, so that ten thousand resamples of the queries are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.evidence.intervals import CONFIDENCE, unseen
from bench.evidence.resampling import RESAMPLES, percentile_interval, resampling_counts

Matrix = NDArray[np.float64]


def confusion(first: Sequence[int], second: Sequence[int], n_grades: int) -> Matrix:
    """Return (n_grades, n_grades): how many pairs got grade i from one and j from the other.

    >>> confusion([0, 1, 1], [0, 1, 0], 2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    cells = np.asarray(first) * n_grades + np.asarray(second)
    return np.bincount(cells, minlength=n_grades**2).reshape(n_grades, n_grades).astype(np.float64)


def binary(matrix: Matrix, relevant: int) -> Matrix:
    """Return (..., 2, 2): the confusion of not relevant and relevant, grades from `relevant` on."""
    low, high = slice(None, relevant), slice(relevant, None)
    cells = [[matrix[..., a, b].sum(axis=(-2, -1)) for b in (low, high)] for a in (low, high)]
    return np.moveaxis(np.array(cells), (0, 1), (-2, -1))


def cohen_kappa(matrix: Matrix) -> Matrix:
    """Cohen (1960): agreement beyond chance, all disagreements alike; nan without variation."""
    return _weighted(matrix, 1.0 - np.eye(matrix.shape[-1], dtype=np.float64))


def quadratic_kappa(matrix: Matrix) -> Matrix:
    """Cohen (1968) with weights (i - j)²: a disagreement by two grades counts four times."""
    grades = np.arange(matrix.shape[-1])
    return _weighted(matrix, np.square(grades[:, None] - grades[None, :], dtype=np.float64))


def _weighted(matrix: Matrix, weights: Matrix) -> Matrix:
    total = matrix.sum(axis=(-2, -1))
    rows, columns = matrix.sum(axis=-1), matrix.sum(axis=-2)
    seen = (matrix * weights).sum(axis=(-2, -1))
    expected = np.einsum("...i,ij,...j->...", rows, weights, columns)
    with np.errstate(invalid="ignore", divide="ignore"):
        kappa: Matrix = 1 - seen * total / expected
    return np.where(expected > 0, kappa, np.nan)


def ordinal_alpha(matrix: Matrix) -> Matrix:
    """Krippendorff's α (2004, ch. 11) of two assessors without gaps, with the ordinal difference."""
    together = matrix + np.swapaxes(matrix, -1, -2)  # each pair counts in both directions
    margin = together.sum(axis=-1)
    between = np.cumsum(margin, axis=-1)
    # Σ of the margins from grade c to k, their own halved
    low, high = between[..., :, None], between[..., None, :]
    ends = (margin[..., :, None] + margin[..., None, :]) / 2
    distance = (
        np.abs(high - low) + np.where(high >= low, margin[..., :, None], margin[..., None, :])
    ) - ends
    squared = distance**2
    seen = (together * squared).sum(axis=(-2, -1))
    expected = (margin[..., :, None] * margin[..., None, :] * squared).sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        alpha: Matrix = 1 - (margin.sum(axis=-1) - 1) * seen / expected
    return np.where(expected > 0, alpha, np.nan)


def overlap(two_by_two: Matrix) -> Matrix:
    """Relevant pairs of both over those of either (Voorhees 2000); nan where neither has any."""
    both = two_by_two[..., 1, 1]
    either = both + two_by_two[..., 0, 1] + two_by_two[..., 1, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Matrix = both / either
    return share


@dataclass(frozen=True)
class Estimate:
    """A statistic and its 95 % interval over queries; nan where it is not defined.

    flat       the queries are too much alike for a bootstrap: the bounds are what `unseen` ones can move
    undefined  share of the resamples that had no value and were left out
    """

    value: float
    low: float
    high: float
    flat: bool = False
    undefined: float = 0.0


@dataclass(frozen=True)
class Agreement:
    """How far two assessors agree on one group of queries."""

    group: str
    n_queries: int
    n_pairs: int
    relevant: tuple[int, int]
    differing: int
    differing_by_two: int
    kappa: Estimate
    weighted_kappa: Estimate
    alpha: Estimate
    overlap: Estimate


def agreement(
    group: str,
    first: Mapping[tuple[str, str], int],
    second: Mapping[tuple[str, str], int],
    queries: Sequence[str],
    relevant: int,
    seed: int,
) -> Agreement:
    """Compare two assessors on these queries. Both have judged the same pairs."""
    n_grades = 1 + max(relevant, *first.values(), *second.values())
    place = {query: n for n, query in enumerate(queries)}
    by_query: list[list[tuple[int, int]]] = [[] for _ in queries]
    for pair, grade in first.items():
        if pair[0] in place:
            by_query[place[pair[0]]].append((grade, second[pair]))
    matrices = np.stack(
        [confusion([a for a, _ in pairs], [b for _, b in pairs], n_grades) for pairs in by_query]
    )
    whole = matrices.sum(axis=0)
    drawn = np.tensordot(resampling_counts(seed, len(queries), RESAMPLES), matrices, axes=(0, 0))

    def estimate(
        statistic: Callable[[Matrix], Matrix], grading: Callable[[Matrix], Matrix] = np.asarray
    ) -> Estimate:
        graded = grading(whole)
        value = float(statistic(graded))
        if len(queries) < 2 or np.isnan(value):
            return Estimate(value, np.nan, np.nan)
        resampled = statistic(grading(drawn))
        undefined = float(np.isnan(resampled).mean())
        low, high = percentile_interval(resampled, CONFIDENCE)
        shares = _shares_agreed(grading(matrices))
        flat = bool(np.ptp(shares) == 0) or value in (low, high)
        if flat:
            share = unseen(len(shares), 1 - CONFIDENCE)
            ends = (_nothing_agreed(graded), *_all_agreed(graded))
            bounds = [float(statistic((1 - share) * graded + share * end)) for end in ends]
            low, high = min(low, *bounds), max(high, *bounds)
        return Estimate(value, low, high, flat, undefined)

    def two_grades(matrix: Matrix) -> Matrix:
        return binary(matrix, relevant)

    grades = np.arange(n_grades)
    apart = np.abs(grades[:, None] - grades[None, :])
    two = two_grades(whole)
    return Agreement(
        group,
        len(queries),
        int(whole.sum()),
        (int(two[1].sum()), int(two[:, 1].sum())),
        int(whole[apart >= 1].sum()),
        int(whole[apart >= 2].sum()),
        estimate(cohen_kappa, two_grades),
        estimate(quadratic_kappa),
        estimate(ordinal_alpha),
        estimate(overlap, two_grades),
    )


def _shares_agreed(matrices: Matrix) -> Matrix:
    """Return the share of the pairs on which both say the same, of each query that tells: the pairs that
    somebody grades above the lowest. A query without such a pair can not show whether they agree."""
    found = matrices.sum(axis=(-2, -1)) - matrices[..., 0, 0]
    same = np.trace(matrices, axis1=-2, axis2=-1) - matrices[..., 0, 0]
    telling = found > 0
    shares: Matrix = same[telling] / found[telling]
    return shares


def _all_agreed(matrix: Matrix) -> tuple[Matrix, Matrix]:
    """Return the confusion if both gave each pair the higher of its two grades, which moves the overlap
    most; and if both gave each grade as often as the two did on average. That one moves κ where neither
    leaves a pair to the lowest grade."""
    grades = np.arange(len(matrix))
    higher = np.bincount(np.maximum.outer(grades, grades).ravel(), weights=matrix.ravel())
    average = (matrix.sum(axis=0) + matrix.sum(axis=1)) / 2
    return np.diag(higher), np.diag(average)


def _nothing_agreed(matrix: Matrix) -> Matrix:
    """Return the confusion if both found as much, and neither anything that the other found."""
    apart = np.zeros_like(matrix)
    apart[1:, 0], apart[0, 1:] = matrix[1:].sum(axis=1), matrix[:, 1:].sum(axis=0)
    apart[0, 0] = max(matrix.sum() - apart.sum(), 0)
    return apart
