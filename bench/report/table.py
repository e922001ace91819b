"""A table of values: what stands in it, before any printer makes text of it.

A printer (`terminal`, `markdown`, `latex`, `csv`, `html`) escapes names and decides what fits; the words
for a number are in `form`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


@dataclass(frozen=True)
class Text:
    """A name or a word. `letter` stands for it in other cells; `flag` is set behind it."""

    text: str
    strong: bool = False
    letter: str = ""
    flag: str = ""


@dataclass(frozen=True)
class Interval:
    """An interval; `wide` marks one of the wider kind (`bench.evidence.intervals`)."""

    low: float
    high: float
    wide: bool = False


@dataclass(frozen=True)
class Number:
    """A number that is finite, with its interval where it has one.

    strong   it stands out, as the best or as significant: the notes of the table say which
    letters  of the rows that it is significantly better than
    """

    value: float
    interval: Interval | None = None
    strong: bool = False
    letters: str = ""


@dataclass(frozen=True)
class Counts:
    """One count, or several that are read together, such as wins, ties and losses."""

    values: tuple[int, ...]


# None: there is no value, as of a test that was not made.
Cell = Text | Number | Counts | None


class Kind(Enum):
    """What a column holds, which decides its side and what becomes of it where there is no room."""

    NAME = "at the left; too long a name loses its middle on a terminal"
    PROSE = "at the left; too long a text loses its end on a terminal"
    VALUE = "at the right; never cut"

    @property
    def left(self) -> bool:
        """Whether its cells stand at the left."""
        return self is not Kind.VALUE


class Keep(IntEnum):
    """How long a column stays where the terminal is narrow; of equals the last goes first."""

    LEAST = 0
    USUAL = 1
    ALWAYS = 2


@dataclass(frozen=True)
class Column:
    """A column and the form of its numbers.

    decimals  of a number; None for as few as tell it, as of a setting
    within    decimals of an interval
    apart     title of a column of its own for the intervals; without one they follow the value
    queries   number of queries that the column is about, shown behind its title; `few` marks too few
    between   what stands between counts; `grouped` sets thousands apart
    """

    title: str
    kind: Kind = Kind.VALUE
    keep: Keep = Keep.USUAL
    decimals: int | None = 4
    signed: bool = False
    within: int = 3
    apart: str = ""
    queries: int | None = None
    few: bool = False
    between: str = "/"
    grouped: bool = False


@dataclass(frozen=True)
class Table:
    """A title, columns, rows with a cell for each column, and the notes below. The first column names
    the rows and is always shown."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"a row of '{self.title}' does not have a cell for each column")


def name_column(title: str) -> Column:
    """Return a column of names, which tell rows apart and so are always shown."""
    return Column(title, Kind.NAME, Keep.ALWAYS)
