"""The words for the values of a table, not yet escaped: every printer but CSV begins with these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.table import Cell, Column, Counts, Interval, Keep, Kind, Number, Table, Text

NONE = "–"
# Set behind an interval of the wider kind.
WIDE = "°"


@dataclass(frozen=True)
class Words:
    """A cell in words: what stands in it, the mark behind that, and letters set above the line."""

    text: str
    strong: bool = False
    mark: str = ""
    raised: str = ""


@dataclass(frozen=True)
class Strip:
    """A column as it is printed; one of values with their intervals apart makes two.

    name  what a note calls it, as its title alone may not tell
    of    the place of the values, where these are their intervals
    """

    title: str
    name: str
    kind: Kind
    keep: Keep
    cells: tuple[Words, ...]
    of: int | None = None


def strips(table: Table) -> list[Strip]:
    """Return the columns as they are printed."""
    found = []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        title = _title(column)
        words = tuple(_words(cell, column) for cell in cells)
        found.append(Strip(title, column.title, column.kind, column.keep, words))
        if column.apart:
            name = f"{column.apart} of {column.title}"
            keep = min(column.keep, Keep.USUAL)
            intervals, of = _intervals(cells, column), len(found) - 1
            found.append(Strip(column.apart, name, column.kind, keep, intervals, of))
    return found


def rows(shown: Sequence[Strip]) -> list[tuple[Words, ...]]:
    """Return the rows of what is printed."""
    return list(zip(*(strip.cells for strip in shown), strict=True))


def number_words(value: float, decimals: int | None, *, signed: bool = False) -> str:
    """Return a number with so many decimals, with as few as tell it where that is None."""
    sign = "+" if signed else ""
    return f"{value:{sign}g}" if decimals is None else f"{value:{sign}.{decimals}f}"


def interval_words(interval: Interval, decimals: int = 3, *, signed: bool = False) -> str:
    """Return "[low, high]", without the mark of a wider one."""
    low, high = (number_words(end, decimals, signed=signed) for end in (interval.low, interval.high))
    return f"[{low}, {high}]"


def _title(column: Column) -> str:
    if column.queries is None:
        return column.title
    return f"{column.title} ({column.queries}{'*' if column.few else ''})"


def _words(cell: Cell, column: Column) -> Words:
    match cell:
        case None:
            return Words(NONE)
        case Text(text, strong, letter, flag):
            return Words(" ".join(filter(None, (letter, text, flag))), strong)
        case Counts(values):
            form = "{:,}" if column.grouped else "{}"
            return Words(column.between.join(map(form.format, values)))
        case Number(value, interval, strong, letters):
            text = number_words(value, column.decimals, signed=column.signed)
            if interval is None or column.apart:
                return Words(text, strong, raised=letters)
            text += " " + interval_words(interval, column.within, signed=column.signed)
            return Words(text, strong, WIDE if interval.wide else "", letters)


def _intervals(cells: Sequence[Cell], column: Column) -> tuple[Words, ...]:
    found = []
    for cell in cells:
        interval = cell.interval if isinstance(cell, Number) else None
        if interval is None:
            found.append(Words(NONE))
        else:
            text = interval_words(interval, column.within, signed=column.signed)
            found.append(Words(text, mark=WIDE if interval.wide else ""))
    return tuple(found)
