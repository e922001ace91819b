"""The tables of a run, made from its record."""

from __future__ import annotations

from functools import lru_cache

from bench.measure import RECALL_DEPTH
from bench.record import Record
from bench.report.grid import Cell, Grid
from bench.report.significance import better_than, letter, note
from bench.report.summary import ALL, Row, best_systems, select, set_names, values_of
from bench.statistics import FEW_QUERIES


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
    # What share of a ranking was judged is no quality that systems compete in.
    tested = [m for m in record.measures if not m.startswith("Judged")]
    found, family = better_than([record.values(m) for m in tested], record.seed)
    marks = dict(zip(tested, found, strict=True))
    n = len(record.query_ids)
    for place, system in enumerate(record.systems):
        row = {r.measure: r for r in select(record) if r.system == system}

        def cell(
            measure: str, row: dict[str, Row] = row, place: int = place, system: str = system
        ) -> Cell:
            mark = marks[measure][place] if measure in marks else ""
            return Cell(f"{row[measure].mean:.4f}", system in best[measure], mark)

        primary = cell(record.primary)
        cells = [
            Cell(f"{letter(place)} {system}" if family else system),
            primary,
            Cell(interval(row[record.primary])),
            *(cell(m) for m in shown),
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
        ),
        *([note(family)] if family else ()),
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
    notes.extend(_tie_notes(record))
    notes.extend(_cut_notes(record))
    splits = "+".join(sorted(set(record.content["queries"]["splits"])))
    return Grid(
        f"{collection['name']}, {splits} queries (n = {n})",
        tuple(header),
        tuple(body),
        tuple(notes),
    )


def _tie_notes(record: Record) -> list[str]:
    """Say how far tied documents could move a mean, where that shows in the table."""
    notes = []
    for system in record.systems:
        moved = [
            f"{measure} {low:.4f} to {high:.4f} ({expected:.4f} expected)"
            for measure, (low, expected, high) in record.content["systems"][system]["ties"].items()
            if f"{low:.4f}" != f"{high:.4f}" and measure in record.measures
        ]
        if moved:
            notes.append(f"{system}: over all orders of equal scores: {', '.join(moved)}.")
    return notes


def _cut_notes(record: Record) -> list[str]:
    """Say, once for the same encoding, how much text the encoder did not read."""
    said: dict[str, list[str]] = {}
    for system, result in record.content["systems"].items():
        facts = result["facts"]
        for prefix in sorted(key[: -len("texts_cut")] for key in facts if key.endswith("texts_cut")):
            counts = [facts.get(prefix + key) for key in ("texts_cut", "texts", "tokens_cut", "tokens")]
            # a retriever from outside may mean something else by such a name
            if all(isinstance(count, (int, float)) and count > 0 for count in counts):
                cut, texts, tokens_cut, tokens = counts
                share = tokens_cut / tokens
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
    found, family = better_than([values_of(record, g, record.primary) for g in groups], record.seed)
    body = []
    for place, system in enumerate(record.systems):
        cells = [Cell(f"{letter(place)} {system}" if family else system)]
        for column, group in enumerate(groups):
            row = next(
                r for r in select(record, group=group, measure=record.primary) if r.system == system
            )
            text = f"{row.mean:.3f} {interval(row)}"
            cells.append(Cell(text, system in best[group], found[column][place]))
        body.append(tuple(cells))
    few = any(row.few for row in sizes.values())
    notes = [f"* fewer than {FEW_QUERIES} queries: read with care."] if few else []
    if family:
        notes.append(note(family))
    return Grid(
        f"{record.primary} by query set (number of queries), with 95 % intervals",
        tuple(header),
        tuple(body),
        tuple(notes),
    )


@lru_cache(maxsize=4)
def grids(record: Record) -> list[Grid]:
    """Return every table of a run. They are written and then printed: the tests in them are run once."""
    return [grid for grid in (main_table(record), set_table(record)) if grid is not None]
