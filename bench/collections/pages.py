"""Saved "Daily Papers" pages → corpus.jsonl."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError, require
from bench.storage.files import read_lines

# The page's own date ("Mar 14") is the last line of its furniture.
_DATE = re.compile(r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{1,2}")
_ID_LENGTH = 60
# The longest title of the two pages has 176 characters, the shortest abstract 1,370: a block that is
# on the wrong side of this border is out of step with its page.
_TITLE_LENGTH = 300


@dataclass(frozen=True)
class Paper:
    """One paper: a readable id, its title, its abstract as printed, and where it stood."""

    id: str
    title: str
    text: str
    places: list[dict[str, Any]] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """Return the line of corpus.jsonl."""
        return {
            "_id": self.id,
            "title": self.title,
            "text": self.text,
            "metadata": {"pages": self.places},
        }


def paper_id(title: str) -> str:
    """Return a readable id made from nothing but the title, cut at a word within 60 characters.

    >>> paper_id("MUVERA: Multi-Vector Retrieval")
    'muvera-multi-vector-retrieval'
    """
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = ""
    for word in re.findall(r"[a-z0-9]+", ascii_title):
        longer = f"{slug}-{word}" if slug else word
        if len(longer) > _ID_LENGTH and slug:
            break
        slug = longer
    return slug


def _blocks(page: Path) -> list[tuple[int, str]]:
    """Return (line, text) of each block after the page's furniture; blank lines part the blocks."""
    blocks: list[tuple[int, str]] = []
    previous = -1
    for number, line in read_lines(page):
        if number == previous + 1 and blocks:
            start, text = blocks[-1]
            blocks[-1] = (start, f"{text}\n{line.strip()}")
        else:
            blocks.append((number, line.strip()))
        previous = number
    for place, (_, text) in enumerate(blocks):
        if _DATE.fullmatch(text):
            return blocks[place + 1 :]
    raise BenchError(f"{page}: no date line such as 'Mar 14', after which the papers would start")


def _is_title(text: str) -> bool:
    return len(text) <= _TITLE_LENGTH and "\n" not in text


def read_pages(pages: Sequence[Path]) -> list[Paper]:
    """Read pages in the order given; a paper on several pages stands once, with all its places.

    Raises `BenchError`, with page and line, for a title without an abstract (and so for a page with
    an odd number of blocks), an abstract without a title, one title with two abstracts, a title
    twice on one page, and two titles that would share an id.
    """
    papers: dict[str, Paper] = {}
    for page in pages:
        blocks = _blocks(page)
        require(bool(blocks), f"{page}: no papers after the date line; is the page saved whole?")
        for place in range(0, len(blocks), 2):
            line, title = blocks[place]
            require(
                _is_title(title),
                f"{page}:{line}: an abstract without a title ('{title[:40]}…'); add its title",
            )
            require(
                place + 1 < len(blocks) and not _is_title(blocks[place + 1][1]),
                f"{page}:{line}: the title '{title}' has no abstract; add it or remove the title",
            )
            require(
                paper_id(title) != "",
                f"{page}:{line}: no id can be made from '{title}'; it needs a letter a-z or a digit",
            )
            text = blocks[place + 1][1]
            paper = papers.setdefault(paper_id(title), Paper(paper_id(title), title, text))
            require(
                paper.title == title,
                f"{page}:{line}: '{title}' and '{paper.title}' give the same id {paper.id}; "
                "change one title",
            )
            require(
                paper.text == text,
                f"{page}:{line}: '{title}' has another abstract than on {_first(paper)}; keep one",
            )
            require(
                all(seen["page"] != page.name for seen in paper.places),
                f"{page}:{line}: '{title}' stands twice on this page; remove one",
            )
            paper.places.append({"page": page.name, "place": place // 2 + 1})
    require(bool(papers), "no page given; name at least one saved page")
    return list(papers.values())


def _first(paper: Paper) -> str:
    return str(paper.places[0]["page"]) if paper.places else "the same page"
