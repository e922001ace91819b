"""What a run's values say, as plain numbers that its record keeps: every report is drawn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from bench.evidence.comparison import ALPHA, compare
from bench.evidence.family import Plan
from bench.evidence.intervals import CONFIDENCE, mean_intervals, set_mean_intervals, set_weights
from bench.evidence.orders import reversals
from bench.evidence.randomisation import CENTRED_DRAWS, DRAWS
from bench.evidence.strata import Strata, Values
from bench.types import ALL_SETS

_METHODS = {
    "interval of a mean": (
        "stratified t (Welch-Satterthwaite); Gaffke's bound where the mean is skewed or sets are uneven"
    ),
    "interval of a difference": (
        "stratified t, simultaneous over the family; hull with Hall's transformation where skewed"
    ),
    "test": "paired randomisation by sign flips, two-sided, over the stratified standard error",
    "correction": "largest statistic of the family over shared flips (max-T)",
}


def findings(
    values: Values,
    systems: Sequence[str],
    measures: Sequence[str],
    sets: Sequence[str],
    plan: Plan,
    seed: int,
) -> dict[str, Any]:
    """Return means with intervals by query set, the planned family, and what one set alone decides.

    values (n_systems, n_measures, n_queries). A family without a pair is empty: one system alone.
    """
    groups = list(dict.fromkeys(sets))
    names = np.array(sets, dtype=str)
    places = {ALL_SETS: np.ones(len(sets), dtype=bool)}
    if len(groups) > 1:
        places |= {group: names == group for group in groups}
    return {
        "confidence": CONFIDENCE,
        "alpha": ALPHA,
        "seed": seed,
        "draws": DRAWS,
        "draws_of_intervals": CENTRED_DRAWS,
        "methods": _METHODS,
        "means": {
            group: _means(
                values[..., kept], systems, measures, [s for s, k in zip(sets, kept, strict=True) if k]
            )
            for group, kept in places.items()
        },
        "set_means": _set_means(values, systems, measures, sets),
        "family": _family(values, systems, measures, sets, plan, seed),
        "reversals": [
            asdict(one) for one in reversals(values[:, measures.index(plan.measures[0])], systems, sets)
        ],
    }


def _means(
    values: Values, systems: Sequence[str], measures: Sequence[str], sets: Sequence[str]
) -> dict[str, Any]:
    """measure → system → mean, its interval, and whether that is the wider one."""
    bounds = mean_intervals(values, Strata.of(sets))
    return _by_name(values.mean(axis=-1), bounds.low, bounds.high, bounds.wide, systems, measures)


def _set_means(
    values: Values, systems: Sequence[str], measures: Sequence[str], sets: Sequence[str]
) -> dict[str, Any]:
    bounds = set_mean_intervals(values, sets)
    means = (values * set_weights(sets)).mean(axis=-1)
    return _by_name(means, bounds.low, bounds.high, bounds.wide, systems, measures)


def _by_name(
    means: Values, low: Values, high: Values, wide: Any, systems: Sequence[str], measures: Sequence[str]
) -> dict[str, Any]:
    def cell(s: int, m: int) -> Mapping[str, Any]:
        ends = (None, None) if np.isnan(low[s, m]) else (float(low[s, m]), float(high[s, m]))
        return {"mean": float(means[s, m]), "low": ends[0], "high": ends[1], "wide": bool(wide[s, m])}

    return {
        measure: {system: cell(s, m) for s, system in enumerate(systems)}
        for m, measure in enumerate(measures)
    }


def _family(
    values: Values,
    systems: Sequence[str],
    measures: Sequence[str],
    sets: Sequence[str],
    plan: Plan,
    seed: int,
) -> dict[str, Any]:
    if not plan.pairs or len(sets) < 2:
        empty: dict[str, Any] = {"hypotheses": 0, "critical": 0.0, "exact": True, "comparisons": []}
        return {"measures": list(plan.measures), **empty}
    pairs = [(systems.index(one), systems.index(other)) for one, other in plan.pairs]
    columns = [measures.index(measure) for measure in plan.measures]
    family = compare(
        values[:, columns], systems, plan.measures, pairs, sets, margins=plan.margins, seed=seed
    )
    return {
        "measures": list(plan.measures),
        "hypotheses": family.hypotheses,
        "critical": family.critical if np.isfinite(family.critical) else None,
        "exact": family.exact,
        "comparisons": [asdict(one) for one in family.comparisons],
    }
