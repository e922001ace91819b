"""Paired comparisons of systems: interval, test, correction, power and a verdict, from one rule.

The query is the unit and every comparison is paired. What is confirmatory is one family with one
correction; the interval is simultaneous over the family, and decides the verdict together with the test:
a difference is significant where both say so, and the corrected p is the larger one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from bench.errors import BenchError, require
from bench.evidence.family import Margins
from bench.evidence.intervals import (
    CONFIDENCE,
    difference_intervals,
    excess,
    t_quantile,
    t_tail,
)
from bench.evidence.power import detectable, queries_for_difference, queries_for_equivalence
from bench.evidence.randomisation import DRAWS, largest_by_chance, randomise
from bench.evidence.strata import Moments, Strata, Values, apart, moments

ALPHA = 1 - CONFIDENCE
# Fewer queries never show that systems are equivalent.
FEWEST_EQUIVALENT = 10


class Verdict(StrEnum):
    """What a comparison says, in words. Systems that are alike answer every query alike."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"
    ALIKE = "alike"


@dataclass(frozen=True)
class Comparison:
    """One system against one baseline by one measure; `difference` is system minus baseline.

    low, high       95 % interval of the difference, simultaneous over the family
    wide            few queries differ, or all by as much: the interval is wider than it need be
    p, p_corrected  two-sided randomisation test, as it is and corrected for the family; None where the
                    comparison is exploratory, or the systems are alike
    effect          mean difference over its standard deviation (Cohen's d for pairs), or None
    detectable      smallest true difference found with 80 % power at the corrected α, or None
    needed          queries that find a true difference of the margin with 80 % power;
                    `needed_equivalent`: that show systems without any difference to be equivalent.
                    None, as `detectable`, where the interval is wide: the plan would promise too much
    verdict         None where the comparison is exploratory
    """

    system: str
    baseline: str
    measure: str
    n: int
    difference: float
    low: float
    high: float
    wide: bool
    p: float | None
    p_corrected: float | None
    effect: float | None
    wins: int
    ties: int
    losses: int
    margin: float
    detectable: float | None
    needed: int | None
    needed_equivalent: int | None
    verdict: Verdict | None

    @property
    def significant(self) -> bool:
        """Whether the difference stands after correction."""
        return self.verdict in (Verdict.BETTER, Verdict.WORSE)


@dataclass(frozen=True)
class Family:
    """Comparisons under one correction.

    hypotheses  how many of them are tested: not those of systems that are alike
    critical    value of t that the largest of the family exceeds by chance in 5 % of all cases; 0 where
                nothing is tested
    exact       whether every flip of signs was enumerated; `draws` were drawn at random otherwise
    """

    comparisons: tuple[Comparison, ...]
    hypotheses: int
    critical: float
    exact: bool
    draws: int
    seed: int


def compare(
    values: Values,
    systems: Sequence[str],
    measures: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    sets: Sequence[str],
    *,
    margins: Margins = Margins(),
    seed: int,
    draws: int = DRAWS,
) -> Family:
    """Compare pairs (system, baseline) of rows by every measure: one family, one correction.

    values (n_systems, n_measures, n_queries) between 0 and 1, sets (n_queries,). Raises `BenchError` for
    fewer than two queries, a value that is no finite number, and an empty family.
    """
    names, differences = _differences(values, systems, measures, pairs)
    strata = Strata.of(sets)
    found = moments(differences, strata)
    tested = np.flatnonzero((differences != 0).any(axis=1))
    critical, exact = 0.0, True
    p, corrected = np.ones(len(names)), np.ones(len(names))
    if len(tested):
        randomised = randomise(differences[tested], strata, draws=draws, seed=seed)
        by_chance = largest_by_chance(differences[tested], strata, seed=seed)
        exact = randomised.exact
        critical = float(np.quantile(by_chance, CONFIDENCE, method="inverted_cdf"))
        p[tested] = randomised.p
        corrected[tested] = np.maximum(
            randomised.p_family, _left_out(differences, found, by_chance)[tested]
        )
    reach = np.maximum(critical, t_quantile(found.df, CONFIDENCE))
    intervals = difference_intervals(differences, found, reach, ALPHA / max(len(tested), 1))
    # The interval leaves 0 out only where the test does too.
    kept = corrected >= ALPHA
    low = np.where(kept, np.minimum(intervals.low, 0), intervals.low)
    high = np.where(kept, np.maximum(intervals.high, 0), intervals.high)
    is_tested = np.isin(np.arange(len(names)), tested)
    comparisons = []
    for row, name in enumerate(names):
        bounds = float(low[row]), float(high[row])
        one = _describe(name, differences[row], bounds, bool(intervals.wide[row]), margins[name[2]])
        if is_tested[row]:
            power = float(found.se[row]), float(found.df[row]), float(reach[row])
            one = _decided(one, float(p[row]), float(corrected[row]), power)
        else:
            one = replace(one, verdict=Verdict.ALIKE)
        comparisons.append(one)
    return Family(tuple(comparisons), len(tested), critical, exact, draws, seed)


def explore(
    values: Values,
    systems: Sequence[str],
    measures: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    sets: Sequence[str],
    *,
    margins: Margins = Margins(),
) -> list[Comparison]:
    """Describe pairs without testing them: intervals each for itself, no p and no verdict.

    Arguments and errors are those of `compare`.
    """
    names, differences = _differences(values, systems, measures, pairs)
    found = moments(differences, Strata.of(sets))
    intervals = difference_intervals(differences, found, t_quantile(found.df, CONFIDENCE), ALPHA)
    return [
        _describe(
            name,
            differences[row],
            (float(intervals.low[row]), float(intervals.high[row])),
            bool(intervals.wide[row]),
            margins[name[2]],
        )
        for row, name in enumerate(names)
    ]


def _differences(
    values: Values, systems: Sequence[str], measures: Sequence[str], pairs: Sequence[tuple[int, int]]
) -> tuple[list[tuple[str, str, str]], Values]:
    """Return (system, baseline, measure) and the differences of each comparison, pair by pair."""
    n = values.shape[-1]
    require(n >= 2, f"a comparison needs at least 2 queries, got {n}; use more queries")
    require(bool(pairs) and bool(measures), "nothing to compare; name two systems and a measure")
    for place in np.argwhere(~np.isfinite(values))[:1]:
        system, measure, query = (int(index) for index in place)
        raise BenchError(
            f"{systems[system]} has no value of {measures[measure]} for query number {query + 1}; "
            "a missing answer must count as 0"
        )
    one, other = (np.array(side) for side in zip(*pairs, strict=True))
    names = [(systems[a], systems[b], measure) for a, b in pairs for measure in measures]
    return names, apart(values[one], values[other]).reshape(-1, n)


def _left_out(differences: Values, found: Moments, by_chance: Values) -> Values:
    """Return the smallest family-wise error at which each row's interval leaves 0 out."""
    beyond, flat_level = excess(differences, found)
    reached = len(by_chance) - np.searchsorted(by_chance, beyond * (1 - 1e-12))
    family = np.maximum((1 + reached) / (1 + len(by_chance)), t_tail(beyond, found.df))
    tested = max(int((differences != 0).any(axis=1).sum()), 1)
    return np.where(found.se > 0, family, np.minimum(flat_level * tested, 1.0))


def _describe(
    name: tuple[str, str, str],
    differences: Values,
    bounds: tuple[float, float],
    wide: bool,
    margin: float,
) -> Comparison:
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    flat = np.ptp(differences) <= 1e-12
    return Comparison(
        *name,
        n=len(differences),
        difference=mean,
        low=bounds[0],
        high=bounds[1],
        wide=wide,
        p=None,
        p_corrected=None,
        effect=None if flat else mean / spread,
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
        margin=margin,
        detectable=None,
        needed=None,
        needed_equivalent=None,
        verdict=None,
    )


def _decided(
    one: Comparison, p: float, corrected: float, power: tuple[float, float, float]
) -> Comparison:
    """Add p, power and verdict to a tested comparison; power is (standard error, df, critical t)."""
    se, df, critical = power
    if corrected < ALPHA:
        verdict = Verdict.BETTER if one.difference > 0 else Verdict.WORSE
    elif one.n >= FEWEST_EQUIVALENT and -one.margin < one.low and one.high < one.margin:
        # Two one-sided tests at the margin, each at half of α: the interval lies within it.
        verdict = Verdict.EQUIVALENT
    else:
        verdict = Verdict.UNDECIDED
    tested = replace(one, p=p, p_corrected=corrected, verdict=verdict)
    if one.wide or se == 0 or not np.isfinite(critical):
        return tested  # the plan is of the t interval, and a wider one decides
    alpha = float(t_tail(np.array(critical), np.array(df)))
    smallest = detectable(se, critical, df)
    return replace(
        tested,
        detectable=smallest if smallest <= 1 else None,
        needed=queries_for_difference(se, one.n, df, alpha, one.margin),
        needed_equivalent=_at_least_ten(queries_for_equivalence(se, one.n, df, alpha, one.margin)),
    )


def _at_least_ten(needed: int | None) -> int | None:
    return None if needed is None else max(needed, FEWEST_EQUIVALENT)
