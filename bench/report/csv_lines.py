"""A table as CSV, for programs: plain numbers, and each end of an interval by itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Literal

from bench.report.form import number_words
from bench.report.table import Cell, Column, Counts, Number, Table, Text


def table_csv(table: Table) -> str:
    """Return the columns of the table, names as they are and what is missing empty.

    A column with intervals is followed by its "low", "high" and "wide"; one with letters by "letters".
    """
    header: list[str] = []
    columns: list[list[str]] = []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        for name, values in _columns(column, cells).items():
            header.append(f"{column.title} {name}".rstrip() if name else column.title)
            columns.append(values)
    return lines_csv(header, zip(*columns, strict=True))


def lines_csv(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return header and lines as CSV."""
    rows = [header, *lines]
    text = _written(rows, csv.QUOTE_MINIMAL)
    # A carriage return ends a line for most readers, and Python 3.11 does not quote it.
    return _written(rows, csv.QUOTE_ALL) if "\r" in text else text


def _written(rows: Iterable[Sequence[object]], quoting: Literal[0, 1]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows(rows)
    return text.getvalue()


def _columns(column: Column, cells: Sequence[Cell]) -> dict[str, list[str]]:
    found = {"": [_value(cell, column) for cell in cells]}
    numbers = [cell if isinstance(cell, Number) else None for cell in cells]
    intervals = [number.interval if number else None for number in numbers]
    if any(intervals):
        for end in ("low", "high"):
            found[end] = [
                number_words(getattr(one, end), column.within) if one else "" for one in intervals
            ]
        found["wide"] = [str(int(one.wide)) if one else "" for one in intervals]
    if any(number and number.letters for number in numbers):
        found["letters"] = [number.letters if number else "" for number in numbers]
    if any(isinstance(cell, Text) and cell.letter for cell in cells):
        found["letter"] = [cell.letter if isinstance(cell, Text) else "" for cell in cells]
    return found


def _value(cell: Cell, column: Column) -> str:
    match cell:
        case None:
            return ""
        case Text(text):
            return text
        case Counts(values):
            return column.between.join(map(str, values))
        case Number(value):
            return number_words(value, column.decimals)
