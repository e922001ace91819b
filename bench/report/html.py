"""Tables as HTML, for a page or a notebook: escaped, without scripts or styles of their own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.errors import visible
from bench.report.form import Words, rows, strips
from bench.report.table import Table


def html(tables: Sequence[Table]) -> str:
    """Return the tables as HTML."""
    return "\n".join(map(_html, tables)) + "\n"


def _html(table: Table) -> str:
    shown = strips(table)
    sides = ["" if one.kind.left else ' style="text-align: right"' for one in shown]
    head = "".join(f"<th{side}>{_text(one.title)}</th>" for one, side in zip(shown, sides, strict=True))
    lines = [
        "<table>",
        f"<caption>{_text(table.title)}</caption>",
        f"<thead><tr>{head}</tr></thead>",
        "<tbody>",
        *(
            "<tr>" + "".join(map(_cell, row, sides)) + "</tr>"  # a cell's side is its column's
            for row in rows(shown)
        ),
        "</tbody>",
        "</table>",
        *(f"<p>{_text(note)}</p>" for note in table.notes),
    ]
    return "\n".join(lines)


def _cell(words: Words, side: str) -> str:
    text = _text(words.text + words.mark)
    if words.strong:
        text = f"<strong>{text}</strong>"
    raised = f"<sup>{_text(words.raised)}</sup>" if words.raised else ""
    return f"<td{side}>{text}{raised}</td>"


def _text(text: str) -> str:
    return escape(visible(text))
