"""Whether a verdict would be another, had documents with equal scores stood in another order.

Over all orders only the means are known. So the interval is moved, as it is, as far as the two means can
move the difference, and decided again; how wide it would be with another order is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.evidence.comparison import FEWEST_EQUIVALENT, Comparison, Verdict

# Equal values that were summed on two machines differ by less.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Sway:
    """How far below and above its value another order of equal scores could put a mean."""

    below: float = 0.0
    above: float = 0.0

    @classmethod
    def of(cls, mean: float, over_orders: Sequence[float] | None) -> Sway:
        """Return that of a mean, given the lowest and the highest over all orders; none where that does
        not show."""
        if over_orders is None or not shows(over_orders):
            return cls()
        return cls(max(0.0, mean - over_orders[0]), max(0.0, over_orders[-1] - mean))

    def times(self, by: float) -> Sway:
        """So many times as far."""
        return Sway(self.below * by, self.above * by)

    def like(self, other: Sway) -> bool:
        """Whether both are the same but for rounding."""
        apart = abs(self.below - other.below), abs(self.above - other.above)
        return max(apart) <= _ROUNDING


def shows(over_orders: Sequence[float]) -> bool:
    """Whether the lowest and the highest mean, which stand first and last, differ as means are shown."""
    return f"{over_orders[0]:.4f}" != f"{over_orders[-1]:.4f}"


def challengers(means: Mapping[str, float], sways: Mapping[str, Sway], chosen: str) -> list[str]:
    """Return the others that could have a higher mean than the chosen one with another order of equal
    scores, the highest first. What equals it and ties alike is none."""
    lowest = means[chosen] - sways[chosen].below
    could = {
        name: mean + sways[name].above
        for name, mean in means.items()
        if abs(mean - means[chosen]) > _ROUNDING or not sways[name].like(sways[chosen])
    }
    above = [name for name, highest in could.items() if highest > lowest + _ROUNDING]
    return sorted(above, key=lambda name: -could[name])


def resting(
    comparisons: Sequence[Comparison], sways: Mapping[tuple[str, str], Sway]
) -> list[Comparison]:
    """Return the comparisons whose verdict another order of equal scores could change.

    sways  of each (system, measure)
    """
    return [
        one
        for one in comparisons
        for system, baseline in [(sways[one.system, one.measure], sways[one.baseline, one.measure])]
        if any(its.verdict is not one.verdict for its in moved(one, system, baseline))
    ]


def moved(one: Comparison, system: Sway, baseline: Sway) -> Iterator[Comparison]:
    """Yield the comparison as it could become: moved down and up as far as may be, and to where it is
    nearest to 0; what lies between says nothing else. Where systems are alike and tie alike, what moves
    one moves the other, and the comparison stays."""
    down, up = -(system.below + baseline.above), system.above + baseline.below
    if one.verdict is Verdict.ALIKE and system.like(baseline):
        down = up = 0.0
    nearest = min(max(-(one.low + one.high) / 2, down), up)
    return (_moved(one, by) for by in (down, up, nearest))


def _moved(one: Comparison, by: float) -> Comparison:
    if by == 0:
        return one
    # What is alike has no spread, and its interval is of what other queries might have shown.
    bounds = (0.0, 0.0) if one.verdict is Verdict.ALIKE else (one.low, one.high)
    low, high = (bound + by for bound in bounds)
    if low > 0 or high < 0:
        verdict = Verdict.BETTER if low > 0 else Verdict.WORSE
    elif one.n >= FEWEST_EQUIVALENT and -one.margin < low and high < one.margin:
        verdict = Verdict.EQUIVALENT
    else:
        verdict = Verdict.UNDECIDED
    return replace(one, difference=one.difference + by, low=low, high=high, verdict=verdict)
