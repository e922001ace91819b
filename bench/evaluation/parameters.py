"""Which values a parameter of a measure may have: of its type, and such as can be computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from bench.errors import require

# cwl_eval looks at 1,000 places and lets their weights add up to 1, which more patience makes wrong.
_MOST_PATIENCE = 0.99
_HIGHEST_GRADE = 2**31 - 1  # of trec_eval's int
_GRADE = f"at least 1 and at most {_HIGHEST_GRADE}"
# Parameter → whether a value can be meant, and which can.
_RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "p": (lambda p: 0 < p <= _MOST_PATIENCE, f"above 0 and at most {_MOST_PATIENCE}"),
    "recall": (
        lambda r: 0 <= r <= 1 and round(r, 2) == r,
        "between 0 and 1, with at most two decimals",
    ),
    "gains": (
        lambda gains: bool(gains) and all(0 <= g <= _HIGHEST_GRADE for g in gains.values()),
        "whole numbers of at least 0",
    ),
    "T": (lambda t: 0 < t < math.inf, "above 0 and finite"),
    "beta": (lambda beta: 0 < beta < math.inf, "above 0 and finite"),
    "cutoff": (lambda k: k >= 1, "at least 1"),
    "rel": (lambda grade: 1 <= grade <= _HIGHEST_GRADE, _GRADE),
    "min_rel": (lambda grade: 0 <= grade <= _HIGHEST_GRADE, "at least 0"),
    "max_rel": (lambda grade: 1 <= grade <= _HIGHEST_GRADE, _GRADE),
}


def checked(text: str, key: str, value: Any, info: Any) -> Any:
    """Return the value of a parameter, of the type that ir_measures asks for and in its range.

    text  the measure; info: what ir_measures says of the parameter. Raises `BenchError`.
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
    holds, says = _RANGES.get(key, (None, ""))
    require(holds is None or holds(plain), f"measure '{text}': {key} is {plain!r}, and must be {says}")
    return value
