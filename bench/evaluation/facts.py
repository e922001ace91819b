"""What a searcher tells of itself, checked where it enters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.storage.shape import fact, object_of, size, text
from bench.types import Facts


def check_facts(facts: Any, system: str) -> Facts:
    """Return what a searcher tells of itself as plain Python values.

    Raises `BenchError` naming system and fact for what is no text, finite number, true, false or None,
    and for a hash that is no text.
    """
    plain = facts
    if isinstance(facts, Mapping):
        plain = {_plain(key): _plain(value) for key, value in facts.items()}
    for problem in fact_problems(plain, "facts"):
        raise BenchError(f"retriever '{system}': {problem}; mend what its searcher tells")
    return dict(plain)


def check_nbytes(nbytes: Any, system: str) -> int:
    """Return the bytes of an index. Raises `BenchError` for what is no finite number from 0 on."""
    value = _plain(nbytes)
    for problem in size(value, "nbytes"):
        raise BenchError(f"retriever '{system}': {problem}; mend what its searcher tells")
    return int(value)


def _plain(value: Any) -> Any:
    """Return a numpy scalar as the Python value that JSON knows, and anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def fact_problems(facts: Any, where: str) -> Iterator[str]:
    """Facts: a hash is text, for the gate and `verify` compare hashes."""
    yield from object_of(fact, key=text)(facts, where)
    for key, value in facts.items():
        if key.endswith("_sha256"):
            yield from text(value, f"{where}.{key}")
