"""Marks in a table: which systems are significantly better than which, over the whole table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.comparison import ALPHA, DRAWS, Comparison, compare, holm

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def letter(place: int) -> str:
    """Return the letter of a system by its place in the table; none after the last."""
    return _LETTERS[place : place + 1]


def better_than(columns: Sequence[NDArray[np.float64]], seed: int) -> tuple[list[list[str]], int]:
    """Return, for each column of a table and each system, the letters of the systems that it is
    significantly better than; and the size of the family, which is the whole table.

    columns: (n_systems, n_queries) values each. A column of one query has no comparison, and a table of
    more systems than there are letters has no marks.
    """
    n_systems = len(columns[0])
    names = _LETTERS[:n_systems]
    pairs = list(itertools.combinations(range(n_systems), 2))
    marks = [[""] * n_systems for _ in columns]
    tested = [c for c, column in enumerate(columns) if column.shape[1] > 1 and pairs]
    if not tested or n_systems > len(_LETTERS):
        return marks, 0
    by_length: dict[int, list[int]] = {}
    for c in tested:
        by_length.setdefault(columns[c].shape[1], []).append(c)
    found: list[tuple[int, Comparison]] = []
    for same in by_length.values():
        # columns of one length share their draws
        values = np.stack([columns[c] for c in same], axis=1)
        found += [
            (int(one.measure), one)
            for one in compare(values, list(names), [str(c) for c in same], pairs, seed=seed)
        ]
    corrected = holm(np.array([one.p for _, one in found]))
    for (column, one), p in zip(found, corrected, strict=True):
        if p < ALPHA:
            better, worse = (
                (one.system, one.baseline) if one.difference > 0 else (one.baseline, one.system)
            )
            marks[column][names.index(better)] += worse
    return [["".join(sorted(mark)) for mark in column] for column in marks], len(found)


def note(n_comparisons: int) -> str:
    """Say what the letters mean."""
    return (
        "Letters: significantly higher than the system of that letter (paired randomisation test, "
        f"{DRAWS:,} sign flips, Holm over the {n_comparisons} comparisons of this table, α = {ALPHA})."
    )
