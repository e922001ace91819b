"""What the gate says of a comparison with the baseline.

Non-inferiority on one interval, simultaneous over all that is gated (Piaggio et al. 2012): *passed*
when its lower end is above −tolerance, *regressed* when it is not and the difference is significantly
below 0, *undecidable* otherwise.

What passes still passes with a smaller loss on all queries alike, and never with a significant loss of
the tolerance or more. A larger loss of some queries can make the values more alike, and the interval
narrower: of 165 queries, three that lose 0.2 are undecidable where four pass.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import repeat

from bench.evidence.comparison import Comparison, Verdict
from bench.evidence.sway import Sway, moved


class Outcome(StrEnum):
    """What the gate says of one system and measure; the first three pass."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    IMPROVED = "improved"
    UNDECIDABLE = "undecidable"
    REGRESSED = "regressed"

    @property
    def passes(self) -> bool:
        """Whether a loss of the tolerance is ruled out."""
        return self in (Outcome.UNCHANGED, Outcome.CHANGED, Outcome.IMPROVED)


def outcome_of(
    last: Comparison, best: Comparison | None, tolerance: float, reranked: int | None = None
) -> Outcome:
    """Apply the rule to a comparison with the baseline, and one with the best ever accepted."""
    outcomes = {non_inferior(one, tolerance) for one in (last, best) if one is not None}
    for stop in (Outcome.REGRESSED, Outcome.UNDECIDABLE):
        if stop in outcomes:
            return stop
    if last.verdict is Verdict.BETTER:
        return Outcome.IMPROVED
    return Outcome.CHANGED if reranked or last.verdict is not Verdict.ALIKE else Outcome.UNCHANGED


def non_inferior(one: Comparison, tolerance: float) -> Outcome:
    """Return changed (passed), regressed or undecidable; values that are alike pass."""
    if one.verdict is Verdict.ALIKE or one.low > -tolerance:
        return Outcome.CHANGED
    return Outcome.REGRESSED if one.high < 0 else Outcome.UNDECIDABLE


def rests_on_order(
    last: Comparison, best: Comparison | None, tolerance: float, now: Sway, then: Sway
) -> bool:
    """Whether another order of equal scores, now or then, could change what the gate says; that a value
    changed at all is no such thing. Of the best ever accepted no other order is known."""
    here = _stop(outcome_of(last, best, tolerance))
    bests = repeat(None) if best is None else moved(best, now, Sway())
    ends = list(zip(moved(last, now, then), bests, strict=False))[:2]
    return any(_stop(outcome_of(one, other, tolerance)) is not here for one, other in ends)


def _stop(outcome: Outcome) -> Outcome:
    return Outcome.CHANGED if outcome is Outcome.UNCHANGED else outcome
