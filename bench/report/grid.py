"""A table before and in its forms: for the terminal, for Markdown and for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table; `mark` are letters set above it."""

    text: str
    bold: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """A table before it has a form: a title, a header, cells, and the notes below it."""

    title: str
    header: tuple[str, ...]
    body: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def markdown(tables: Sequence[Grid]) -> str:
    """Return the tables as GitHub-flavoured Markdown."""
    parts = []
    for grid in tables:
        lines = [
            f"**{grid.title}**",
            "",
            "| " + " | ".join(grid.header) + " |",
            "|---|" + "---:|" * (len(grid.header) - 1),
            *("| " + " | ".join(map(_markdown, row)) + " |" for row in grid.body),
            *(line for note in grid.notes for line in ("", note)),
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def latex(tables: Sequence[Grid]) -> str:
    """Return the tables for LaTeX with the booktabs package."""
    parts = []
    for grid in tables:
        lines = [
            r"\begin{table}",
            rf"\caption{{{_tex(grid.title)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(grid.header) - 1)}}}",
            r"\toprule",
            " & ".join(map(_tex, grid.header)) + r" \\",
            r"\midrule",
            *(" & ".join(map(_latex, row)) + r" \\" for row in grid.body),
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\footnotesize {_tex(note)}" for note in grid.notes),
            r"\end{table}",
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _markdown(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.bold else cell.text
    return f"{text}<sup>{cell.mark}</sup>" if cell.mark else text


def _latex(cell: Cell) -> str:
    text = rf"\textbf{{{_tex(cell.text)}}}" if cell.bold else _tex(cell.text)
    return rf"{text}\textsuperscript{{{cell.mark}}}" if cell.mark else text


# There is no raised q, and not every capital: such letters stay on the line.
_RAISED = str.maketrans("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")


def _raised(mark: str) -> str:
    return mark.translate(_RAISED)


_TEX_SPECIALS = {
    **{c: "\\" + c for c in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "≥": r"$\geq$",
    "–": "--",
}


def _tex(text: str) -> str:
    return "".join(_TEX_SPECIALS.get(character, character) for character in text)


def terminal(grid: Grid) -> Table:
    """Return the table for a rich console."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(grid.title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    for place, name in enumerate(grid.header):
        table.add_column(
            Text(name),
            justify="left" if place == 0 else "right",
            overflow="fold",
            no_wrap=place == 0,
        )
    for row in grid.body:
        table.add_row(
            *(
                Text.assemble((cell.text, "bold" if cell.bold else ""), (_raised(cell.mark), "dim"))
                for cell in row
            )
        )
    return table
