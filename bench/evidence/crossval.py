"""Choosing among settings by cross-validation: the grid, the folds, and what the choice is worth.

In each fold the best setting of the other folds is measured on queries that had no part in choosing it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.evidence.comparison import Comparison

DEFAULT = "default"

# Means of the same values in another order differ by less.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Tuned:
    """What a search found. `means` has a dev mean for each setting tried, in their order; the default is
    the first.

    chosen         the setting with the highest mean on all dev queries
    validated      mean on dev of settings that were chosen without the fold in which they are measured
    on_dev         those against the default, on the same queries
    fold_choices   the setting that each fold would have chosen
    test_means     default and chosen on test; None where the default was chosen, as are the next two
    on_test        chosen against default on test
    look           which look at these labels of test that was, by the ledger
    choice_notes   on the data of dev, and where the choice rests on the order of equal scores
    verdict_notes  where a verdict rests on it, on dev or on test
    """

    retriever: str
    measure: str
    n_dev: int
    means: Mapping[str, float]
    chosen: str
    validated: float
    on_dev: Comparison
    fold_choices: tuple[str, ...]
    test_means: tuple[float, float] | None = None
    on_test: Comparison | None = None
    look: int | None = None
    choice_notes: tuple[str, ...] = ()
    verdict_notes: tuple[str, ...] = ()


def grid(space: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield every combination of a space, key → values.

    >>> list(grid({"k1": [1, 2], "b": [0]}))
    [{'k1': 1, 'b': 0}, {'k1': 2, 'b': 0}]
    """
    for values in itertools.product(*space.values()):
        yield dict(zip(space, values, strict=True))


def in_one_word(setting: Mapping[str, Any]) -> str:
    """Return a setting in one word, such as `k1=0.9 b=0.4`."""
    return " ".join(f"{key}={json.dumps(value)}" for key, value in setting.items())


def folds_of(query_ids: Sequence[str], sets: Sequence[str], folds: int) -> NDArray[np.int64]:
    """Return (n_queries,) fold numbers: each query set is dealt out evenly, in the order of a hash of
    the ids, so that nothing but ids and sets decides."""
    fold = np.empty(len(query_ids), dtype=np.int64)
    dealt = 0
    for group in sorted(set(sets)):
        members = [place for place, name in enumerate(sets) if name == group]
        members.sort(key=lambda place: hashlib.sha256(query_ids[place].encode()).hexdigest())
        for place in members:
            fold[place] = dealt % folds
            dealt += 1
    return fold


def first_best(means: Sequence[float] | NDArray[np.float64]) -> int:
    """Return the place of the highest mean; of means that differ by rounding alone, the first.

    >>> first_best([0.3, 0.1 + 0.2, 0.2])
    0
    """
    return int(np.argmax(np.asarray(means) >= np.max(means) - _ROUNDING))


def cross_validate(
    values: NDArray[np.float64], fold: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[int]]:
    """Return (n_queries,) values, each by the setting that is best on the other folds, and the setting
    that each fold chose. values (n_settings, n_queries); of equal means the first setting wins."""
    held_out = np.empty(values.shape[1])
    choices = []
    for number in range(int(fold.max()) + 1):
        inside = fold == number
        best = first_best(values[:, ~inside].mean(axis=1))
        choices.append(best)
        held_out[inside] = values[best, inside]
    return held_out, choices
