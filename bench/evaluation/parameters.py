"""Which values a parameter of a measure may have: of its type, and such as can be computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from bench.errors import require

# cwl_eval looks at 1,000 places and lets their weights add up to 1, which more patience makes wrong:
# what lies beyond is 0.00004 of all weight at p=0.99. At T=1 it is 0.0015 already, which is how INST
# is defined in practice, and 0.02 at T=10.
_PLACES = 1000
_MOST_PATIENCE = 0.99
_MOST_GAIN_WANTED = 10
_HIGHEST_GRADE = 2**31 - 1  # of trec_eval's int
_GRADE = f"at least 1 and at most {_HIGHEST_GRADE}"
# trec_eval takes 8 bytes for each gain up to the highest; without so many it answers 0 and says nothing.
HIGHEST_GAIN = 1_000_000
_Range = tuple[Callable[[Any], bool], str]
_WITHIN_PLACES: _Range = (
    lambda k: 1 <= k <= _PLACES,
    f"at least 1 and at most {_PLACES}, as cwl_eval sees no more",
)
# Parameter, or that of one measure → whether a value can be meant, and which can.
_RANGES: dict[str, _Range] = {
    "p": (lambda p: 0 < p <= _MOST_PATIENCE, f"above 0 and at most {_MOST_PATIENCE}"),
    "recall": (
        lambda r: 0 <= r <= 1 and round(r, 2) == r,
        "between 0 and 1, with at most two decimals",
    ),
    "gains": (
        lambda gains: bool(gains) and all(0 <= g <= HIGHEST_GAIN for g in gains.values()),
        f"whole numbers of at least 0 and at most {HIGHEST_GAIN}",
    ),
    "T": (lambda t: 0 < t <= _MOST_GAIN_WANTED, f"above 0 and at most {_MOST_GAIN_WANTED}"),
    "BPM.T": (lambda t: 0 < t < math.inf, "above 0 and finite"),  # its cut-off ends it
    # trec_eval is given it in digits, and reads 1e-05 as none at all.
    "beta": (lambda beta: 0.0001 <= beta <= 10_000, "at least 0.0001 and at most 10000"),
    "cutoff": (lambda k: k >= 1, "at least 1"),
    **{f"{name}.cutoff": _WITHIN_PLACES for name in ("BPM", "NERR8", "NERR9", "SDCG")},
    "rel": (lambda grade: 1 <= grade <= _HIGHEST_GRADE, _GRADE),
    "min_rel": (lambda grade: 0 <= grade <= _HIGHEST_GRADE, f"at least 0 and at most {_HIGHEST_GRADE}"),
    "max_rel": (lambda grade: 1 <= grade <= _HIGHEST_GRADE, _GRADE),
}


def checked(text: str, name: str, key: str, value: Any, info: Any) -> Any:
    """Return the value of a parameter, of the type that ir_measures asks for and in its range.

    text, name  the measure; info: what ir_measures says of the parameter. Raises `BenchError`.
    """
    if info.dtype is float and type(value) is int:
        value = float(value)
    plain = dict(value) if info.dtype is dict and isinstance(value, tuple) else value
    kind = {int: "a whole number", float: "a number", bool: "True or False", str: "in quotes"}
    require(
        type(plain) is info.dtype,
        f"measure '{text}': {key} is {plain!r}, and must be "
        + kind.get(info.dtype, "a mapping, such as {1:1,2:3}"),
    )
    require(
        info.validate(plain),
        f"measure '{text}': {key} is {plain!r}, and must be one of "
        + ", ".join(map(repr, info.choices if isinstance(info.choices, list) else ())),
    )
    holds, says = _RANGES.get(f"{name}.{key}") or _RANGES.get(key) or (lambda _: True, "")
    require(holds(plain), f"measure '{text}': {key} is {plain!r}, and must be {says}")
    return value
