"""The one error that users see: a single line that says what is wrong, where, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """Bad input of any kind. The command line prints its text as one line and exits with 2."""


def require(condition: bool, message: str) -> None:
    """Raise `BenchError(message)` unless `condition` holds."""
    if not condition:
        raise BenchError(message)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a phrase with the nearest known names, or all of them where none is near.

    >>> did_you_mean("dens", ["bm25", "dense"])
    "did you mean 'dense'?"
    """
    names = sorted({str(one) for one in known})
    folded = {known_name.casefold(): known_name for known_name in names}
    near = difflib.get_close_matches(str(name).casefold(), folded, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(folded[n]) for n in near) + "?"
    return "known: " + ", ".join(names)
