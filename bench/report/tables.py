"""The tables of a run: one model, drawn for the terminal, for Markdown and for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.measure import RECALL_DEPTH
from bench.record import Record
from bench.report.summary import ALL, Row, best_systems, select, set_names
from bench.statistics import FEW_QUERIES

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table."""

    text: str
    bold: bool = False


@dataclass(frozen=True)
class Grid:
    """A table before it has a form: a title, a header, cells, and the notes below it."""

    title: str
    header: tuple[str, ...]
    body: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def interval(row: Row) -> str:
    """Return "[low, high]", or a dash where one query has none."""
    return "–" if row.low != row.low else f"[{row.low:.3f}, {row.high:.3f}]"


def main_table(record: Record) -> Grid:
    """System × measures over all queries, with the interval of the primary measure."""
    vs_exact = f"recall@{RECALL_DEPTH}_vs_exact"
    approximate = any(s[vs_exact] is not None for s in record.content["systems"].values())
    shown = [m for m in record.measures if m != record.primary]
    header = ["system", record.primary, "95 % interval", *shown]
    if approximate:
        header.append("vs exact")
    body = []
    best = {measure: best_systems(record, ALL, measure) for measure in record.measures}
    n = len(record.query_ids)
    for system in record.systems:
        row = {r.measure: r for r in select(record) if r.system == system}
        primary = row[record.primary]
        cells = [
            Cell(system),
            Cell(f"{primary.mean:.4f}", system in best[record.primary]),
            Cell(interval(primary)),
            *(Cell(f"{row[m].mean:.4f}", system in best[m]) for m in shown),
        ]
        if approximate:
            recall = record.content["systems"][system][vs_exact]
            cells.append(Cell("–" if recall is None else f"{recall:.4f}"))
        body.append(tuple(cells))
    collection, labels = record.content["collection"], record.content["labels"]
    notes = [
        (
            f"{n} queries, {collection['documents']} documents. Binary measures count grades of "
            f"{labels['relevant']} or more as relevant; nDCG has linear gains. Interval: bootstrap over "
            "queries. Bold: highest mean, which alone does not say that the difference is real."
        )
    ]
    if approximate:
        notes.append(
            f"vs exact: share of the exact top {RECALL_DEPTH} that an approximate search found; "
            "– where nothing is approximate."
        )
    left_out, no_answer = (record.content["queries"][key] for key in ("left_out", "no_answer"))
    if left_out:
        notes.append(
            f"Left out, having no relevant document: {', '.join(left_out)}. "
            "Mark them no_answer if that is meant."
        )
    if no_answer:
        notes.append(f"{len(no_answer)} queries are marked as having no answer and not counted.")
    for system, result in record.content["systems"].items():
        if result["unanswered"]:
            notes.append(
                f"{system} gave no answer to {result['unanswered']} of {n} queries; they count as 0."
            )
    notes.extend(_cut_notes(record))
    splits = "+".join(sorted(set(record.content["queries"]["splits"])))
    return Grid(
        f"{collection['name']}, {splits} queries (n = {n})",
        tuple(header),
        tuple(body),
        tuple(notes),
    )


def _cut_notes(record: Record) -> list[str]:
    """Say, once for the same encoding, how much text the encoder did not read."""
    said: dict[str, list[str]] = {}
    for system, result in record.content["systems"].items():
        facts = result["facts"]
        for prefix in sorted(key[: -len("texts_cut")] for key in facts if key.endswith("texts_cut")):
            cut, texts = facts[f"{prefix}texts_cut"], facts[f"{prefix}texts"]
            if cut:
                share = facts[f"{prefix}tokens_cut"] / facts[f"{prefix}tokens"]
                said.setdefault(
                    f"{cut} of {texts} texts are longer than the encoder reads; "
                    f"{share:.1%} of all tokens were cut off (see passages.sentences)",
                    [],
                ).append(system)
    return [f"{', '.join(dict.fromkeys(systems))}: {text}." for text, systems in said.items()]


def set_table(record: Record) -> Grid | None:
    """System × query set for the primary measure, None where there is one set only."""
    groups = set_names(record)
    if not groups:
        return None
    sizes = {group: select(record, group=group)[0] for group in groups}
    header = ["system", *(f"{g} ({sizes[g].n}{'*' if sizes[g].few else ''})" for g in groups)]
    best = {group: best_systems(record, group, record.primary) for group in groups}
    body = []
    for system in record.systems:
        cells = [Cell(system)]
        for group in groups:
            row = next(
                r for r in select(record, group=group, measure=record.primary) if r.system == system
            )
            cells.append(Cell(f"{row.mean:.3f} {interval(row)}", system in best[group]))
        body.append(tuple(cells))
    few = any(row.few for row in sizes.values())
    notes = [f"* fewer than {FEW_QUERIES} queries: read with care."] if few else []
    return Grid(
        f"{record.primary} by query set (number of queries), with 95 % intervals",
        tuple(header),
        tuple(body),
        tuple(notes),
    )


def grids(record: Record) -> list[Grid]:
    """Return every table of a run."""
    return [grid for grid in (main_table(record), set_table(record)) if grid is not None]


def markdown(tables: Sequence[Grid]) -> str:
    """Return the tables as GitHub-flavoured Markdown."""
    parts = []
    for grid in tables:
        lines = [
            f"**{grid.title}**",
            "",
            "| " + " | ".join(grid.header) + " |",
            "|---|" + "---:|" * (len(grid.header) - 1),
            *(
                "| " + " | ".join(f"**{c.text}**" if c.bold else c.text for c in row) + " |"
                for row in grid.body
            ),
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
            *(
                " & ".join(rf"\textbf{{{_tex(c.text)}}}" if c.bold else _tex(c.text) for c in row)
                + r" \\"
                for row in grid.body
            ),
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\footnotesize {_tex(note)}" for note in grid.notes),
            r"\end{table}",
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


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
        table.add_row(*(Text(cell.text, style="bold" if cell.bold else "") for cell in row))
    return table
