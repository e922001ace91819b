"""A table before and in its forms: for the terminal, for Markdown and for LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import visible
from bench.report.escape import latex_text, markdown_line, markdown_text

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
    """A table before it has a form: a title, a header, cells, and the notes below it. Columns of numbers
    stand at the right; the first and those named in `left` at the left."""

    title: str
    header: tuple[str, ...]
    body: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def markdown(tables: Sequence[Grid]) -> str:
    """Return the tables as GitHub-flavoured Markdown."""
    parts = []
    for grid in tables:
        lines = [
            f"**{markdown_text(grid.title)}**",
            "",
            "| " + " | ".join(map(markdown_text, grid.header)) + " |",
            "|---|" + "---:|" * (len(grid.header) - 1),
            *("| " + " | ".join(map(_markdown_cell, row)) + " |" for row in grid.body),
            *(line for note in grid.notes for line in ("", markdown_line(note))),
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _markdown_cell(cell: Cell) -> str:
    text = f"**{markdown_text(cell.text)}**" if cell.bold else markdown_text(cell.text)
    return f"{text}<sup>{markdown_text(cell.mark)}</sup>" if cell.mark else text


def latex(tables: Sequence[Grid]) -> str:
    """Return the tables for LaTeX with the booktabs package."""
    parts = []
    for grid in tables:
        lines = [
            r"\begin{table}",
            rf"\caption{{{latex_text(grid.title)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(grid.header) - 1)}}}",
            r"\toprule",
            _latex_row(map(latex_text, grid.header)),
            r"\midrule",
            *(_latex_row(map(_latex_cell, row)) for row in grid.body),
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\footnotesize {latex_text(note)}" for note in grid.notes),
            r"\end{table}",
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _latex_row(cells: Iterable[str]) -> str:
    row = " & ".join(cells)
    # After the end of a row a star or a bracket would be an argument of it.
    return ("{}" if row.lstrip().startswith(("*", "[")) else "") + row + r" \\"


def _latex_cell(cell: Cell) -> str:
    text = rf"\textbf{{{latex_text(cell.text)}}}" if cell.bold else latex_text(cell.text)
    return rf"{text}\textsuperscript{{{latex_text(cell.mark)}}}" if cell.mark else text


# There is no raised q, and not every capital: such letters stay on the line.
_RAISED = str.maketrans("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")


def _raised(mark: str) -> str:
    return visible(mark).translate(_RAISED)


def terminal(grid: Grid, width: int = 200) -> Table:
    """Return the table for a rich console of this width; where it is too wide, cells break at spaces."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(visible(grid.title), style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    widths = _widths(grid, width, gap=3)
    if widths is None:
        widths = _widths(grid, width, gap=2) or []
        table.collapse_padding = bool(widths)
    for place, name in enumerate(grid.header):
        table.add_column(
            Text(visible(name)),
            justify="left" if place == 0 or name in grid.left else "right",
            overflow="fold",
            no_wrap=place == 0 and not widths,
            width=widths[place] if widths else None,
        )
    for row in grid.body:
        table.add_row(
            *(
                Text.assemble(
                    (visible(cell.text), "bold" if cell.bold else ""), (_raised(cell.mark), "dim")
                )
                for cell in row
            )
        )
    return table


def _widths(grid: Grid, available: int, gap: int) -> list[int] | None:
    """Return the width of each column so that the table fits and no word is broken: none where it fits
    as it is, None where it can not. Rich breaks words while there are spaces left to break at."""
    from rich.cells import cell_len

    columns = [
        [visible(name), *(visible(row[place].text) + row[place].mark for row in grid.body)]
        for place, name in enumerate(grid.header)
    ]
    room = available - gap * (len(columns) - 1) - 2  # what stands between and around them
    widths = [max(map(cell_len, texts)) for texts in columns]
    words = [max(cell_len(word) for text in texts for word in text.split(" ")) for texts in columns]
    if sum(widths) <= room:
        return []
    if sum(words) > room:
        return None
    while sum(widths) > room:
        spare = [width - word for width, word in zip(widths, words, strict=True)]
        widths[spare.index(max(spare))] -= 1
    return widths
