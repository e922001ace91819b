"""How a measure is written: `name`, `name@cutoff`, `name(key=value)@cutoff`, as `ir_measures` does."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import BenchError

# A mapping, such as the gains of grades, is kept as its sorted pairs: a measure can be hashed.
Value = str | int | float | bool | tuple[tuple[int, int], ...]
Params = tuple[tuple[str, Value], ...]
_FORM = re.compile(r"([A-Za-z]\w*)(?:\((.*)\))?(?:@([0-9.]+))?", re.ASCII)
_LONGEST = 300


@dataclass(frozen=True)
class Written:
    """The parts of a measure as it stands there; nothing is known of its meaning. `at` is as written."""

    name: str
    params: Mapping[str, Value]
    at: str | None


def read(text: str) -> Written:
    """Return the parts of a measure. Raises `BenchError` for what is no measure by its form."""
    match = _FORM.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        return Written(match[1], _params(match[2] or ""), match[3])
    # ast gives up in each of these ways, a backslash or deep brackets among them
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise BenchError(
            f"measure '{text}' is malformed; write it as nDCG@10, Recall@100, MAP or RBP(p=0.8)"
        ) from error


def _params(inside: str) -> dict[str, Value]:
    if "\\" in inside or len(inside) > _LONGEST:
        raise ValueError
    call = ast.parse(f"f({inside})", mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
        raise ValueError
    named = {one.arg: one.value for one in call.keywords}
    if None in named or len(named) < len(call.keywords):  # **mapping, or one that stands twice
        raise ValueError
    return {str(key): _value(ast.literal_eval(value)) for key, value in named.items()}


def _value(found: object) -> Value:
    if isinstance(found, dict):
        if not all(type(one) is int for pair in found.items() for one in pair):
            raise ValueError
        return tuple(sorted(found.items()))
    if isinstance(found, (str, int, float)):
        return found
    raise ValueError


def written(name: str, params: Params, at: object) -> str:
    """Return the text that `read` takes apart into these."""
    inside = ",".join(f"{key}={_text(value)}" for key, value in params)
    return name + (f"({inside})" if inside else "") + (f"@{at}" if at is not None else "")


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return "{" + ",".join(f"{grade}:{gain}" for grade, gain in value) + "}"
    return repr(value)
