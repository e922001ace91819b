"""Tables for LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.report.escape import latex_text
from bench.report.form import Words, rows, strips
from bench.report.table import Table


def latex(tables: Sequence[Table]) -> str:
    """Return the tables for LaTeX with the booktabs package."""
    return "\n\n".join(map(_latex, tables)) + "\n"


def _latex(table: Table) -> str:
    shown = strips(table)
    lines = [
        r"\begin{table}",
        rf"\caption{{{latex_text(table.title)}}}",
        rf"\begin{{tabular}}{{{''.join('l' if one.kind.left else 'r' for one in shown)}}}",
        r"\toprule",
        _row(latex_text(one.title) for one in shown),
        r"\midrule",
        *(_row(map(_cell, row)) for row in rows(shown)),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {latex_text(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    row = " & ".join(cells)
    # After the end of a row a star or a bracket would be an argument of it.
    return ("{}" if row.lstrip().startswith(("*", "[")) else "") + row + r" \\"


def _cell(words: Words) -> str:
    text = latex_text(words.text + words.mark)
    if words.strong:
        text = rf"\textbf{{{text}}}"
    return rf"{text}\textsuperscript{{{latex_text(words.raised)}}}" if words.raised else text
