"""Agreement of two assessors on the same pairs, with bootstrap intervals over queries.

Where nothing differs, every resample is the sample, and the bootstrap would call the agreement certain.
There the bound is what so many queries can have missed.

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

    `flat` says that no query shows a disagreement, so that the bound is that of `unseen`.
    """

    value: float
    low: float
    high: float
    flat: bool = False


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
        value = float(statistic(grading(whole)))
        if len(queries) < 2 or np.isnan(value):
            return Estimate(value, np.nan, np.nan)
        if np.trace(graded := grading(whole)) == graded.sum():
            low = 1 - unseen(_telling(grading(matrices)), 1 - CONFIDENCE)
            return Estimate(value, low, 1.0, flat=True)
        return Estimate(value, *percentile_interval(statistic(grading(drawn)), CONFIDENCE))

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


def _telling(matrices: Matrix) -> int:
    """Return how many queries have a pair that someone grades above the lowest: none other could show
    that the assessors differ on what they find."""
    return int((matrices.sum(axis=(-2, -1)) > matrices[..., 0, 0]).sum())
