"""A parameter search that sees only `dev`, and tells its outcome once on `test`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.build import build, require_allowed
from bench.crossval import DEFAULT, Tuned, cross_validate, folds_of, grid, said
from bench.errors import BenchError, require
from bench.evidence.comparison import compare
from bench.evidence.intervals import mean_intervals
from bench.evidence.strata import Strata
from bench.execute import changed
from bench.experiment import run_systems
from bench.measure import Measure
from bench.types import TestCollection

DEV, TEST = "dev", "test"


def tune(
    settings: Mapping[str, Any],
    retriever: str,
    space: Mapping[str, Sequence[Any]],
    folds: int,
    allowed: Sequence[str] = (),
) -> Tuned:
    """Search a space of one retriever's settings by the primary measure of these settings.

    space    key below the retriever → values to try
    Raises `BenchError` when the settings name another split than dev, for a key that is no setting,
    and for fewer queries than folds.
    """
    require_allowed(settings, allowed)
    split = settings["collection"].get("split", TEST)
    require(
        split == DEV,
        f"tuning sees the dev queries only, but collection.split is '{split}'; leave it out",
    )
    require(bool(space) and all(space.values()), "nothing to search; give a space, such as k1=[0.9,1.2]")
    base = settings["retrievers"][retriever]
    found = {DEFAULT: base}
    for setting in grid(space):
        made = base
        for key, value in setting.items():
            made = changed(made, key, value)
        if made != base:
            found[said(setting)] = made
    measure = Measure.parse(settings["measures"][0])
    dev = _measured(settings, found, measure, DEV)
    n = dev.values.shape[1]
    require(2 <= folds <= n, f"{folds} folds are not possible with {n} queries; set tune.folds")
    means = dict(zip(found, map(float, dev.values.mean(axis=1)), strict=True))
    held_out, choices = cross_validate(dev.values, folds_of(dev.query_ids, dev.sets, folds))
    bounds = mean_intervals(held_out, Strata.of(dev.sets))
    low, high = float(bounds.low), float(bounds.high)
    names = list(found)
    chosen = max(names, key=means.__getitem__)
    # The only look at test: two settings, once.
    asked = {name: found[name] for name in dict.fromkeys((DEFAULT, chosen))}
    test = _measured(settings, asked, measure, TEST)
    on_test = None
    if chosen != DEFAULT:
        (on_test,) = compare(
            test.values[:, None], list(asked), [str(measure)], [(1, 0)], test.sets, seed=settings["seed"]
        ).comparisons
    test_means = test.values.mean(axis=1)
    return Tuned(
        retriever,
        str(measure),
        n,
        means,
        chosen,
        (float(held_out.mean()), low, high),
        tuple(names[place] for place in choices),
        (float(test_means[0]), float(test_means[-1])),
        on_test,
    )


@dataclass(frozen=True, eq=False)
class _Measured:
    query_ids: tuple[str, ...]
    sets: tuple[str, ...]
    values: NDArray[np.float64]


def _measured(
    settings: Mapping[str, Any], retrievers: Mapping[str, Any], measure: Measure, split: str
) -> _Measured:
    """Measure these retrievers on one split: values (n_retrievers, n_queries)."""
    collection = {**settings["collection"], "split": split}
    try:
        test: TestCollection = build(collection, "collection").load()
    except BenchError as error:
        raise BenchError(f"{error} (tuning needs the splits dev and test)") from error
    built = {name: build(one, f"retrievers.{name}") for name, one in retrievers.items()}
    results = run_systems(test, built, [measure], settings["depth"])
    rows = [system.measures.row(str(measure)) for system in results.systems.values()]
    return _Measured(results.queries.ids, results.queries.sets, np.stack(rows))
