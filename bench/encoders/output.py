"""What an encoder gives is checked here, once, where it leaves the encoder or the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.types import Encoded, Encoder


def encode(encoder: Encoder, texts: Sequence[str], *, query: bool) -> Encoded:
    """Return the checked answer of an encoder. Raises `BenchError` naming what it breaks."""
    given = encoder.encode(texts, query=query)
    return checked(given, texts, str(encoder.facts.get("model") or type(encoder).__name__))


def checked(given: Any, texts: Sequence[str], encoder: str) -> Encoded:
    """Return an `Encoded` that keeps its contract; raise `BenchError` naming what it breaks."""
    problem = problem_of(given, texts)
    if problem:
        raise BenchError(f"encoder '{encoder}' gave {problem}; mend or restore the model")
    answer: Encoded = given
    return answer


def problem_of(given: Any, texts: Sequence[str]) -> str | None:
    """Return what is wrong with an answer for these texts, None if nothing is.

    Only an empty text may have a vector of zeros, which finds nothing.
    """
    if not isinstance(given, Encoded) or not all(isinstance(array, np.ndarray) for array in given):
        return f"{type(given).__name__} instead of a bench.types.Encoded of arrays"
    vectors, n = given.vectors, len(texts)
    if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] == 0:
        return f"{vectors.dtype} vectors of shape {vectors.shape} instead of float32 ({n}, dim)"
    if len(vectors) != n:
        return f"{len(vectors)} vectors for {n} texts"
    for name, array in (("tokens", given.tokens), ("read", given.read)):
        if array.shape != (n,) or not np.issubdtype(array.dtype, np.integer):
            return f"{array.dtype} '{name}' of shape {array.shape} instead of whole numbers ({n},)"
    wrong = np.logical_not(np.isfinite(vectors).all(axis=1))
    if wrong.any():
        return f"NaN or infinity in {_which(wrong, texts)}"
    written = np.array([text.strip() != "" for text in texts])
    wrong = np.logical_and(written, np.logical_not(vectors.any(axis=1)))
    if wrong.any():
        return f"nothing but zeros in {_which(wrong, texts)}"
    return None


def _which(wrong: NDArray[np.bool_], texts: Sequence[str]) -> str:
    first = texts[int(wrong.argmax())]
    shown = first if len(first) <= 40 else f"{first[:40]}…"
    return f"the vectors of {wrong.sum()} of {len(texts)} texts, such as {shown!r}"
