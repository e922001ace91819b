"""What a number of queries can tell, planned from the spread alone and never from the difference
that was seen (Hoenig & Heisey 2001; Sakai 2016)."""

from __future__ import annotations

import math

POWER = 0.8
_MOST = 10_000_000


def detectable(se: float, critical: float, df: float) -> float:
    """Return the smallest true difference that is found with 80 % power, by a test with this critical
    value of t and a standard error like the one seen."""
    return se * (critical + _quantile(df, POWER))


def queries_for_difference(se: float, n: int, df: float, alpha: float, margin: float) -> int | None:
    """Return how many queries find a true difference of the margin with 80 % power.

    se, df   of the mean difference over n queries; more queries of the same kind shrink and grow them
    alpha    two-sided error of the one test, correction included

    None where so few were seen that no number can be named.
    """
    return _smallest(se, n, df, alpha, POWER, margin)


def queries_for_equivalence(se: float, n: int, df: float, alpha: float, margin: float) -> int | None:
    """Return how many queries show systems without any difference to be equivalent with 80 % power: each
    of the two one-sided tests at the margin may miss with 10 %. None as above."""
    return _smallest(se, n, df, alpha, 1 - (1 - POWER) / 2, margin)


def _smallest(se: float, n: int, df: float, alpha: float, power: float, margin: float) -> int | None:
    spread = se * math.sqrt(n)

    def found(number: int) -> bool:
        freedom = max(df * number / n, 1.0)
        reach = _quantile(freedom, 1 - alpha / 2) + _quantile(freedom, power)
        return reach * spread / math.sqrt(number) <= margin

    # More queries never find less: double, then halve the gap.
    enough = 2
    while not found(enough):
        enough *= 2
        if enough > _MOST:
            return None
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        enough, too_few = (middle, too_few) if found(middle) else (enough, middle)
    return enough


def _quantile(df: float, share: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(df, share))
