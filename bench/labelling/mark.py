"""Which words of a paper are words of the query."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_WORD = re.compile(r"\w\w+")


def matches(text: str, query: str) -> list[tuple[int, int]]:
    """Return (start, end) of each word of the text that has the stem of a query word, stop words aside.

    >>> matches("Pruned networks", "how to prune a network")
    [(0, 6), (7, 15)]
    """
    wanted = {_stem(word) for word in _WORD.findall(query.lower()) if word not in _stopwords()}
    return [found.span() for found in _WORD.finditer(text) if _stem(found[0].lower()) in wanted]


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


@lru_cache(maxsize=1)
def _stopwords() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_EN_PLUS

    return frozenset(STOPWORDS_EN_PLUS)
