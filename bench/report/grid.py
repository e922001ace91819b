"""A table before and in its forms: for the terminal, for Markdown and for LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.errors import visible
from bench.report.escape import latex_text, markdown_line, markdown_text

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table; `mark` are letters set above it."""

    text: str
    bold: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """A table before it has a form: a title, a header, cells, and the notes below it. Columns of numbers
    stand at the right; the first and those named in `left` at the left. The first `keys` columns tell
    rows apart."""

    title: str
    header: tuple[str, ...]
    body: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    keys: int = 1


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


# Between columns: the padding of one, and the box's own.
_GAP = 2


def terminal(grid: Grid, width: int = 200) -> list[Text | Table]:
    """Return title and table for a rich console of this width, the table in parts where it is too wide.

    Headers and text break at spaces; a number or an interval is never broken. Each part begins with the
    columns that tell its rows apart.
    """
    from rich.text import Text

    # Not rich's own title, which is no wider than the table.
    return [Text(visible(grid.title), style="bold"), *(_table(p, width) for p in _parts(grid, width))]


def _table(grid: Grid, width: int) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    widths = _widths(grid, width)
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=sum(widths) + (_GAP + 1) * len(widths) > width,
    )
    for place, name in enumerate(grid.header):
        table.add_column(
            Text(visible(name)),
            justify="left" if place == 0 or name in grid.left else "right",
            overflow="fold",
            width=widths[place],
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


def _parts(grid: Grid, width: int) -> list[Grid]:
    """Return the table in as few parts as fit, the columns in their order."""
    least = _least(grid)
    keys = list(range(grid.keys))
    parts: list[list[int]] = []
    for place in range(grid.keys, len(grid.header)):
        if parts and sum(least[column] + _GAP for column in [*keys, *parts[-1], place]) <= width:
            parts[-1].append(place)
        else:
            parts.append([place])
    if len(parts) < 2:
        return [grid]
    return [
        replace(
            grid,
            header=tuple(grid.header[column] for column in [*keys, *part]),
            body=tuple(tuple(row[column] for column in [*keys, *part]) for row in grid.body),
        )
        for part in parts
    ]


def _texts(grid: Grid, place: int) -> list[str]:
    return [visible(row[place].text) + row[place].mark for row in grid.body]


def _least(grid: Grid) -> list[int]:
    """Return the least width of each column: its longest cell, or the longest word of a text."""
    from rich.cells import cell_len

    found = []
    for place, name in enumerate(grid.header):
        texts = _texts(grid, place)
        if place == 0 or name in grid.left:
            texts = [word for text in texts for word in text.split(" ")]
        found.append(max(map(cell_len, [*texts, *visible(name).split(" ")])))
    return found


def _widths(grid: Grid, width: int) -> list[int]:
    """Return the width of each column; those with most to spare are made narrower first."""
    from rich.cells import cell_len

    room = width - _GAP * len(grid.header)
    widths = [
        max(map(cell_len, [visible(name), *_texts(grid, place)]))
        for place, name in enumerate(grid.header)
    ]
    least = _least(grid)
    while sum(widths) > room:
        spare = [now - lowest for now, lowest in zip(widths, least, strict=True)]
        widest = spare.index(max(spare)) if max(spare) > 0 else widths.index(max(widths))
        if widths[widest] == 1:
            break
        widths[widest] -= 1
    return widths
