"""Tables as GitHub-flavoured Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.report.escape import markdown_line, markdown_text
from bench.report.form import Words, rows, strips
from bench.report.table import Table


def markdown(tables: Sequence[Table]) -> str:
    """Return the tables as GitHub-flavoured Markdown."""
    return "\n\n".join(map(_markdown, tables)) + "\n"


def _markdown(table: Table) -> str:
    shown = strips(table)
    lines = [
        f"**{markdown_text(table.title)}**",
        "",
        _row(markdown_text(one.title) for one in shown),
        "|" + "".join("---|" if one.kind.left else "---:|" for one in shown),
        *(_row(map(_cell, row)) for row in rows(shown)),
        *(line for note in table.notes for line in ("", markdown_line(note))),
    ]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(words: Words) -> str:
    text = markdown_text(words.text + words.mark)
    if words.strong:
        text = f"**{text}**"
    return f"{text}<sup>{markdown_text(words.raised)}</sup>" if words.raised else text
