"""The one error that users see: a single line that says what is wrong, where, and how to mend it."""

from __future__ import annotations

import bisect
import difflib
import errno
from collections.abc import Iterable, Sequence

# A line that can be read names no more than this.
_MOST_LISTED = 10
# difflib takes a millisecond for a hundred names, and a collection may have millions.
_MOST_COMPARED = 1000
_LONGEST_LINE = 500
# Names may be of any length; a path is rarely longer than this.
_LONGEST_WORD = 300
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class BenchError(Exception):
    """Bad input of any kind. The command line prints its text as one line and exits with 2."""


def require(condition: bool, message: str) -> None:
    """Raise `BenchError(message)` unless `condition` holds."""
    if not condition:
        raise BenchError(message)


def require_some_of(named: Sequence[str], known: Sequence[str], where: str) -> None:
    """Raise `BenchError` unless the setting `where` names some of what is known, each once."""
    require(
        bool(named) and set(named) <= set(known) and len(set(named)) == len(named),
        f"{where} must name some of {', '.join(known)}, each once, got {list(named)}",
    )


def in_one_line(message: str) -> str:
    """Return the message in one line, cut in the middle where what it quotes has no end.

    >>> in_one_line("a\\n  b"), len(in_one_line("ab " * 10_000))
    ('a b', 500)
    """
    line = shortened(" ".join(message.split()))
    half = (_LONGEST_LINE - 3) // 2
    return line if len(line) <= _LONGEST_LINE else f"{line[: half + 1]} … {line[-half:]}"


def visible(text: str) -> str:
    r"""Return the text with what can not be seen written as an escape: a terminal obeys such characters,
    and a newline ends the row of a table.

    >>> visible("\x1b[31mred\n")
    '\\x1b[31mred\\n'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str) -> str:
    """Return the text with the middle of each very long word left out.

    >>> len(shortened(f"unknown id {'x' * 10_000}; check it"))
    321
    """
    half = _LONGEST_WORD // 2
    words = text.split(" ")
    return " ".join(w if len(w) <= _LONGEST_WORD else f"{w[:half]}…{w[-half:]}" for w in words)


def listed(names: Sequence[str]) -> str:
    """Return the first ten names, and how many there are more.

    >>> listed(["a", "b"]), listed([str(n) for n in range(1012)])
    ('a, b', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … and 1,002 more')
    """
    shown = ", ".join(names[:_MOST_LISTED])
    more = len(names) - _MOST_LISTED
    return f"{shown}, … and {more:,} more" if more > 0 else shown


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a phrase with the nearest known names, or with some of them where none is near.

    Of many names only those are looked at that stand nearest in the alphabet.

    >>> did_you_mean("dens", ["bm25", "dense"])
    "did you mean 'dense'?"
    """
    names = sorted({str(one) for one in known})
    if not names:
        return "none is known"
    folded = {known_name.casefold(): known_name for known_name in names}
    wanted = str(name).casefold()
    candidates = sorted(folded)
    if len(candidates) > _MOST_COMPARED:
        start = max(0, bisect.bisect(candidates, wanted) - _MOST_COMPARED // 2)
        candidates = candidates[start : start + _MOST_COMPARED]
    near = difflib.get_close_matches(wanted, candidates, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(folded[n]) for n in near) + "?"
    return "known: " + listed(names)
