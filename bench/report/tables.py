"""The tables of a run, made from its record."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from bench.errors import listed
from bench.evaluation.measures import RECALL_DEPTH
from bench.evidence.comparison import ALPHA, Comparison, Verdict
from bench.evidence.findings import ALL
from bench.evidence.intervals import FEW_QUERIES
from bench.report.grid import Cell, Grid
from bench.report.label_notes import incomplete_notes, unknown_ties
from bench.report.summary import Row, best_systems, select, set_mean, set_names
from bench.runs.record import Record

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Set behind an interval of the wider kind.
WIDE = "°"
_WIDE_NOTE = f"{WIDE} values lean to one end, where the t interval is too short: a wider one is shown."


def interval(row: Row, decimals: int = 3) -> str:
    """Return "[low, high]", or a dash where one query has none."""
    if row.low is None or row.high is None:
        return "–"
    return f"[{row.low:.{decimals}f}, {row.high:.{decimals}f}]{WIDE if row.wide else ''}"


def letter(record: Record, system: str) -> str:
    """Return the letter of a system by its place in the table; none where there are no letters."""
    place = record.systems.index(system)
    lettered = record.evidence["family"]["hypotheses"] and len(record.systems) <= len(_LETTERS)
    return _LETTERS[place] if lettered else ""


def worse_than(record: Record, system: str, measure: str) -> str:
    """Return the letters of the systems that this one is better than, in the confirmatory family."""
    beaten = {(one.system, one.baseline) for one in _significant(record, measure, Verdict.BETTER)}
    beaten |= {(one.baseline, one.system) for one in _significant(record, measure, Verdict.WORSE)}
    return "".join(sorted(letter(record, other) for better, other in beaten if better == system))


def _significant(record: Record, measure: str, verdict: Verdict) -> list[Comparison]:
    return [one for one in record.comparisons if one.measure == measure and one.verdict is verdict]


def _named(record: Record, system: str) -> Cell:
    return Cell(f"{letter(record, system)} {system}".strip())


def main_table(record: Record) -> Grid:
    """System × confirmatory measures over all queries, with intervals, and the mean over query sets."""
    vs_exact = f"recall@{RECALL_DEPTH}_vs_exact"
    systems = record.content["systems"]
    approximate = any(result[vs_exact] is not None for result in systems.values())
    family = record.evidence["family"]
    declared = family["measures"]
    header = ["system"]
    for measure in declared:
        header += [measure, "95 % interval"]
    if set_names(record):
        header += ["by sets", "95 % interval"]
    if approximate:
        header.append("vs exact")
    body = []
    for system in record.systems:
        cells = [_named(record, system)]
        for measure in declared:
            (row,) = [r for r in select(record, measure=measure) if r.system == system]
            bold = system in best_systems(record, ALL, measure)
            cells += [
                Cell(f"{row.mean:.4f}", bold, worse_than(record, system, measure)),
                Cell(interval(row)),
            ]
        if set_names(record):
            row = set_mean(record, declared[0], system)
            cells += [Cell(f"{row.mean:.4f}"), Cell(interval(row))]
        if approximate:
            recall = systems[system][vs_exact]
            cells.append(Cell("–" if recall is None else f"{recall:.4f}"))
        body.append(tuple(cells))
    n = len(record.query_ids)
    splits = "+".join(sorted(set(record.content["queries"]["splits"])))
    return Grid(
        f"{record.content['collection']['name']}, {splits} queries (n = {n})",
        tuple(header),
        tuple(body),
        tuple(_main_notes(record, approximate, _marked(body))),
    )


def _marked(body: Sequence[Sequence[Cell]]) -> bool:
    return any(cell.text.endswith(WIDE) for cells in body for cell in cells)


def _main_notes(record: Record, approximate: bool, wide: bool) -> list[str]:
    n, family = len(record.query_ids), record.evidence["family"]
    collection, labels = record.content["collection"], record.content["labels"]
    notes = [
        (
            f"{n} queries, {collection['documents']} documents. Binary measures count grades of "
            f"{labels['relevant']} or more as relevant; nDCG has linear gains. Bold: highest mean, "
            "which alone does not say that the difference is real. Intervals: stratified by query set."
        )
    ]
    if set_names(record):
        notes.append(
            f"by sets: mean of {family['measures'][0]} over query sets, each counting the same."
        )
    if family["hypotheses"]:
        flips = "all flips" if family["exact"] else f"{record.evidence['draws']:,} flips"
        notes.append(
            "Letters: significantly higher than the system of that letter, in the family named before "
            f"the run: {', '.join(family['measures'])}, {family['hypotheses']} "
            f"{'comparison' if family['hypotheses'] == 1 else 'comparisons'} of systems "
            f"that are not alike (paired randomisation test, {flips} of signs, corrected by the largest "
            f"statistic of the family, α = {ALPHA:.2g})."
        )
    notes += _order_notes(record)
    if wide:
        notes.append(_WIDE_NOTE)
    if approximate:
        notes.append(
            f"vs exact: share of the exact top {RECALL_DEPTH} that an approximate search found; "
            "– where nothing is approximate."
        )
    left_out, no_answer = (record.content["queries"][key] for key in ("left_out", "no_answer"))
    if left_out:
        notes.append(
            f"Left out, having no relevant document: {listed(left_out)}. "
            "Mark them no_answer if that is meant."
        )
    if no_answer:
        notes.append(f"{len(no_answer)} queries are marked as having no answer and not counted.")
    for system, result in record.content["systems"].items():
        if result["unanswered"]:
            notes.append(
                f"{system} gave no answer to {result['unanswered']} of {n} queries; they count as 0."
            )
    notes += [*_label_notes(record), *incomplete_notes(record)]
    return [*notes, *_tie_notes(record), *unknown_ties(record), *_cut_notes(record)]


def _order_notes(record: Record) -> list[str]:
    """Say which query set alone decides an order, and what the weight of sets does; systems that are
    alike are told once."""
    measure = record.evidence["family"]["measures"][0]
    told: dict[str, list[str]] = {}
    alike = {
        frozenset((one.system, one.baseline))
        for one in record.comparisons
        if one.measure == measure and one.verdict is Verdict.ALIKE
    }
    first = {
        system: next(o for o in record.systems if o == system or frozenset((o, system)) in alike)
        for system in record.systems
    }
    for one in record.evidence["reversals"]:
        pair = f"{first[one['leader']]} no longer leads {first[one['other']]}"
        group = one["without"]
        case = "with each set counting the same" if group is None else f"without {group}"
        if case not in told.setdefault(pair, []):
            told[pair].append(case)
    if not told:
        return []
    cases = "; ".join(f"{' or '.join(groups)}, {pair}" for pair, groups in told.items())
    return [f"The order by {measure} depends on the choice of query sets: {cases}."]


def _label_notes(record: Record) -> list[str]:
    """Say what of the labels no system can find, and what is taken out of the answers."""
    labels, notes = record.content["labels"], []
    if missing := labels.get("missing_documents"):
        notes.append(
            f"{missing} judgements name documents that are not in the corpus; relevant ones count as "
            "missed, as in BEIR's own evaluation."
        )
    if labels.get("ignore_identical_ids"):
        notes.append("Documents with the id of their query are left out of its answers.")
    return notes


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
    told: dict[str, list[str]] = {}
    for system, result in record.content["systems"].items():
        facts = result["facts"]
        for prefix in sorted(key[: -len("texts_cut")] for key in facts if key.endswith("texts_cut")):
            counts = [facts.get(prefix + key) for key in ("texts_cut", "texts", "tokens_cut", "tokens")]
            # a retriever from outside may mean something else by such a name
            if all(isinstance(count, (int, float)) and count > 0 for count in counts):
                cut, texts, tokens_cut, tokens = counts
                share = tokens_cut / tokens
                told.setdefault(
                    f"{cut} of {texts} texts are longer than the encoder reads; "
                    f"{share:.1%} of all tokens were cut off (see passages.sentences)",
                    [],
                ).append(system)
    return [f"{', '.join(dict.fromkeys(systems))}: {text}." for text, systems in told.items()]


def exploratory_table(record: Record) -> Grid | None:
    """System × the measures that were not named before the run; None where all were."""
    shown = [m for m in record.measures if m not in record.evidence["family"]["measures"]]
    if not shown:
        return None
    cells = {(row.system, row.measure): row for row in select(record)}
    body = tuple(
        (
            Cell(system),
            *(Cell(_mean_and_interval(cells[system, measure])) for measure in shown),
        )
        for system in record.systems
    )
    notes = [
        "Intervals, each for itself; no test and no verdict, as these were not named before the run."
    ]
    if _marked(body):
        notes.append(_WIDE_NOTE)
    return Grid(
        "Exploratory: other measures, with 95 % intervals", ("system", *shown), body, tuple(notes)
    )


def _mean_and_interval(row: Row) -> str:
    # What share of a ranking was judged is a fact of the run, and no sample of anything.
    whole = not row.measure.startswith("Judged")
    # Two decimals, so that a narrow terminal breaks the cell where it should.
    return f"{row.mean:.3f} {interval(row, 2)}" if whole else f"{row.mean:.3f}"


def set_table(record: Record) -> Grid | None:
    """System × query set for the primary measure, None where there is one set only."""
    groups = set_names(record)
    if not groups:
        return None
    measure = record.evidence["family"]["measures"][0]
    cells = {
        (row.system, group): row
        for group in groups
        for row in select(record, group=group, measure=measure)
    }
    sizes = {group: cells[record.systems[0], group] for group in groups}
    header = ["system", *(f"{g} ({sizes[g].n}{'*' if sizes[g].few else ''})" for g in groups)]
    best = {group: best_systems(record, group, measure) for group in groups}
    body = []
    for system in record.systems:
        rows = {group: cells[system, group] for group in groups}
        body.append(
            (
                Cell(system),
                *(Cell(_mean_and_interval(row), system in best[group]) for group, row in rows.items()),
            )
        )
    notes = [
        "Intervals, each for itself; no test and no verdict, as sets were not named before the run."
    ]
    if any(row.few for row in sizes.values()):
        notes.append(f"* fewer than {FEW_QUERIES} queries: read with care.")
    if _marked(body):
        notes.append(_WIDE_NOTE)
    return Grid(
        f"Exploratory: {measure} by query set (number of queries), with 95 % intervals",
        tuple(header),
        tuple(body),
        tuple(notes),
    )


@lru_cache(maxsize=4)
def grids(record: Record) -> list[Grid]:
    """Return every table of a run; they are written and then printed."""
    tables = (main_table(record), exploratory_table(record), set_table(record))
    return [grid for grid in tables if grid is not None]
