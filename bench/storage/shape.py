"""Checks of what was read from JSON, put together from small ones.

A check yields what is wrong with a value, in words that begin with the place of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any, str], Iterator[str]]


def _is_number(value: Any) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def in_words(value: Any) -> str:
    """The words for a value that should not be there, never long."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, int) and abs(value) >= 2**64:  # Python may refuse to print it
        return "a huge whole number"
    return "null" if value is None else repr(value)[:40]


def holds(fits: Callable[[Any], bool], words: str) -> Check:
    """Return a check that a value fits; `words` say what it must be."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not fits(value):
            yield f"{where} must be {words}, found {in_words(value)}"

    return check


anything = holds(lambda _: True, "anything")
text = holds(lambda value: isinstance(value, str), "text")
number = holds(_is_number, "a finite number")
whole = holds(lambda value: type(value) is int, "a whole number")
count = holds(lambda value: type(value) is int and value >= 0, "a whole number from 0 on")
size = holds(lambda value: _is_number(value) and value >= 0, "a number from 0 on")
truth = holds(lambda value: isinstance(value, bool), "true or false")
fact = holds(
    lambda value: value is None or isinstance(value, (str, bool)) or _is_number(value),
    "text, a finite number, true, false or null",
)
any_object = holds(lambda value: isinstance(value, Mapping), "an object")
any_list = holds(lambda value: isinstance(value, list), "a list")


def optional(check: Check) -> Check:
    """Return a check that lets null pass."""

    def absent_or(value: Any, where: str) -> Iterator[str]:
        if value is not None:
            yield from check(value, where)

    return absent_or


def list_of(check: Check, *, unique: bool = False, filled: bool = False) -> Check:
    """Return a check of every entry of a list."""

    def every(value: Any, where: str) -> Iterator[str]:
        yield from any_list(value, where)
        for place, one in enumerate(value):
            yield from check(one, f"{where}[{place}]")
        if unique and len(set(value)) < len(value):
            twice = next(one for place, one in enumerate(value) if one in value[:place])
            yield f"{where} holds {in_words(twice)} twice"
        if filled and not value:
            yield f"{where} is empty"

    return every


def object_of(check: Check, key: Check = anything, *, filled: bool = False) -> Check:
    """Return a check of every value of an object, and of its keys."""

    def every(value: Any, where: str) -> Iterator[str]:
        yield from any_object(value, where)
        for name, one in value.items():
            yield from key(name, f"a key of {where}")
            yield from check(one, f"{where}.{name}")
        if filled and not value:
            yield f"{where} is empty"

    return every


def keys_of(checks: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Return a check of an object that must have these keys, and may have the optional ones."""

    def each(value: Any, where: str) -> Iterator[str]:
        yield from any_object(value, where or "the whole")
        for name, check in checks.items():
            place = f"{where}.{name}" if where else name
            if name not in value:
                yield f"{place} is missing"
            yield from check(value[name], place)
        for name, check in (optional or {}).items():
            if name in value:
                yield from check(value[name], f"{where}.{name}" if where else name)

    return each
