"""The tables of a run, made from its record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from bench.evaluation.measures import RECALL_DEPTH
from bench.evidence.comparison import ALPHA, Comparison, Verdict
from bench.evidence.intervals import FEW_QUERIES
from bench.report.form import WIDE
from bench.report.summary import Row, best_systems, select, set_mean, set_names
from bench.report.table import Cell, Column, Interval, Keep, Number, Table, Text, name_column
from bench.runs.notes import Basis, data_notes
from bench.runs.record import Record
from bench.types import ALL_SETS

_INTERVAL = "95 % interval"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WIDE_NOTE = f"{WIDE} values lean to one end, where the t interval is too short: a wider one is shown."


def interval(row: Row) -> Interval | None:
    """Return the interval of a mean; None where one query has none."""
    return None if row.low is None or row.high is None else Interval(row.low, row.high, row.wide)


def letter(record: Record, system: str) -> str:
    """Return the letter of a system by its place in the table; none where there are no letters."""
    place = record.systems.index(system)
    lettered = record.evidence["family"]["hypotheses"] and _has_letters(record)
    return _LETTERS[place] if lettered else ""


def _has_letters(record: Record) -> bool:
    return len(record.systems) <= len(_LETTERS)


def worse_than(record: Record, system: str, measure: str) -> str:
    """Return the letters of the systems that this one is better than, in the confirmatory family."""
    beaten = {(one.system, one.baseline) for one in _significant(record, measure, Verdict.BETTER)}
    beaten |= {(one.baseline, one.system) for one in _significant(record, measure, Verdict.WORSE)}
    return "".join(sorted(letter(record, other) for better, other in beaten if better == system))


def _significant(record: Record, measure: str, verdict: Verdict) -> list[Comparison]:
    return [one for one in record.comparisons if one.measure == measure and one.verdict is verdict]


def main_table(record: Record) -> Table:
    """System × confirmatory measures over all queries, with intervals, and the mean over query sets."""
    vs_exact = f"recall@{RECALL_DEPTH}_vs_exact"
    systems = record.content["systems"]
    approximate = any(result[vs_exact] is not None for result in systems.values())
    family = record.evidence["family"]
    declared = family["measures"]
    columns = [name_column("system")]
    for measure in declared:
        keep = Keep.ALWAYS if measure == declared[0] else Keep.USUAL
        columns.append(Column(measure, keep=keep, apart=_INTERVAL))
    if set_names(record):
        columns.append(Column("by sets", apart=_INTERVAL))
    if approximate:
        columns.append(Column("vs exact"))
    body = []
    for system in record.systems:
        cells: list[Cell] = [Text(system, letter=letter(record, system))]
        for measure in declared:
            (row,) = [r for r in select(record, measure=measure) if r.system == system]
            best = system in best_systems(record, ALL_SETS, measure)
            letters = worse_than(record, system, measure)
            cells.append(Number(row.mean, interval(row), best, letters))
        if set_names(record):
            row = set_mean(record, declared[0], system)
            cells.append(Number(row.mean, interval(row)))
        if approximate:
            recall = systems[system][vs_exact]
            cells.append(None if recall is None else Number(recall))
        body.append(tuple(cells))
    n = len(record.query_ids)
    splits = "+".join(sorted(set(record.content["queries"]["splits"])))
    rows = tuple(body)
    return Table(
        f"{record.content['collection']['name']}, {splits} queries (n = {n})",
        tuple(columns),
        rows,
        tuple(_main_notes(record, approximate, has_wide(rows))),
    )


def has_wide(rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether an interval of the wider kind is among the cells."""
    numbers = (cell for row in rows for cell in row if isinstance(cell, Number))
    return any(one.interval is not None and one.interval.wide for one in numbers)


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
    notes += [*_family_notes(record), *_order_notes(record)]
    if wide:
        notes.append(_WIDE_NOTE)
    if approximate:
        notes.append(
            f"vs exact: share of the exact top {RECALL_DEPTH} that an approximate search found; "
            "– where nothing is approximate."
        )
    return [*notes, *data_notes(Basis.of(record)), *_cut_notes(record)]


def _family_notes(record: Record) -> Iterator[str]:
    """Say what the letters mean, or where verdicts are if there are more systems than letters."""
    family = record.evidence["family"]
    if not family["hypotheses"]:
        return
    flips = "all flips" if family["exact"] else f"{record.evidence['draws']:,} flips"
    what = "Letters: significantly higher than the system of that letter"
    if not _has_letters(record):
        what = f"Significant differences: {sum(one.significant for one in record.comparisons)}"
    yield (
        f"{what}, in the family named before the run: {', '.join(family['measures'])}, "
        f"{family['hypotheses']} {'comparison' if family['hypotheses'] == 1 else 'comparisons'} of "
        f"systems that are not alike (paired randomisation test, {flips} of signs, corrected by the "
        f"largest statistic of the family, α = {ALPHA:.2g})."
    )
    if not _has_letters(record):
        yield (
            f"More than {len(_LETTERS)} systems have no letters: record.json has each verdict, in "
            "evidence.family.comparisons."
        )


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


def exploratory_table(record: Record) -> Table | None:
    """System × the measures that were not named before the run; None where all were."""
    shown = [m for m in record.measures if m not in record.evidence["family"]["measures"]]
    if not shown:
        return None
    cells = {(row.system, row.measure): row for row in select(record)}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (Text(system), *(_mean_and_interval(cells[system, measure]) for measure in shown))
        for system in record.systems
    )
    notes = [
        "Intervals, each for itself; no test and no verdict, as these were not named before the run."
    ]
    if has_wide(rows):
        notes.append(_WIDE_NOTE)
    # The first of them stays with the names, so that a narrow terminal shows more than these.
    keeps = [Keep.ALWAYS, *[Keep.USUAL] * (len(shown) - 1)]
    columns = [
        Column(measure, keep=keep, decimals=3, within=2)
        for measure, keep in zip(shown, keeps, strict=True)
    ]
    return Table(
        "Exploratory: other measures, with 95 % intervals",
        (name_column("system"), *columns),
        rows,
        tuple(notes),
    )


def _mean_and_interval(row: Row, *, best: bool = False) -> Number:
    # What share of a ranking was judged is a fact of the run, and no sample of anything.
    whole = not row.measure.startswith("Judged")
    return Number(row.mean, interval(row) if whole else None, best)


def set_table(record: Record) -> Table | None:
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
    columns = [
        Column(
            group,
            keep=Keep.ALWAYS if group == groups[0] else Keep.USUAL,
            decimals=3,
            within=2,
            queries=sizes[group].n,
            few=sizes[group].few,
        )
        for group in groups
    ]
    best = {group: best_systems(record, group, measure) for group in groups}
    body: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Text(system),
            *(_mean_and_interval(cells[system, g], best=system in best[g]) for g in groups),
        )
        for system in record.systems
    )
    notes = [
        "Intervals, each for itself; no test and no verdict, as sets were not named before the run."
    ]
    if any(row.few for row in sizes.values()):
        notes.append(f"* fewer than {FEW_QUERIES} queries: read with care.")
    if has_wide(body):
        notes.append(_WIDE_NOTE)
    return Table(
        f"Exploratory: {measure} by query set (number of queries), with 95 % intervals",
        (name_column("system"), *columns),
        body,
        tuple(notes),
    )


@lru_cache(maxsize=4)
def run_tables(record: Record) -> list[Table]:
    """Return every table of a run; they are written and then printed."""
    tables = (main_table(record), exploratory_table(record), set_table(record))
    return [table for table in tables if table is not None]
