"""A record as rows: means with intervals, by system, query set and measure. Nothing is computed here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bench.evidence.intervals import FEW_QUERIES
from bench.report.csv_lines import lines_csv, table_csv
from bench.report.table import Cell, Column, Counts, Keep, Kind, Number, Table, Text
from bench.runs.record import Record
from bench.types import ALL_SETS

# Of a value in a file.
_DECIMALS = 6


@dataclass(frozen=True)
class Row:
    """Mean of one measure for one system on one query set, with its 95 % interval; without one where
    there is a single query. `wide` marks an interval of the wider kind (`bench.evidence.intervals`)."""

    system: str
    split: str
    set: str
    measure: str
    n: int
    mean: float
    low: float | None
    high: float | None
    wide: bool

    @property
    def few(self) -> bool:
        """Whether there are too few queries to read much into the mean."""
        return self.n < FEW_QUERIES


@lru_cache(maxsize=4)
def summary_rows(record: Record) -> tuple[Row, ...]:
    """Return a row for each system × set × measure; set "all" first, then the sets in file order."""
    return tuple(
        _row(record, group, measure, system, cell)
        for group, by_measure in record.evidence["means"].items()
        for system in record.systems
        for measure, by_system in by_measure.items()
        for cell in (by_system[system],)
    )


def set_mean(record: Record, measure: str, system: str) -> Row:
    """Return the mean over query sets, each counting the same."""
    return _row(record, ALL_SETS, measure, system, record.evidence["set_means"][measure][system])


def _row(record: Record, group: str, measure: str, system: str, cell: dict[str, Any]) -> Row:
    split = "+".join(sorted(set(record.content["queries"]["splits"])))
    n = len(record.sets) if group == ALL_SETS else record.sets.count(group)
    return Row(system, split, group, measure, n, cell["mean"], cell["low"], cell["high"], cell["wide"])


def set_names(record: Record) -> list[str]:
    """Return the query sets, in the order in which the queries have them; none if there is but one."""
    return [group for group in record.evidence["means"] if group != ALL_SETS]


def select(record: Record, *, group: str = ALL_SETS, measure: str | None = None) -> list[Row]:
    """Return the rows of one query set, of one measure or of all."""
    return [row for row in summary_rows(record) if row.set == group and measure in (None, row.measure)]


def best_systems(record: Record, group: str, measure: str) -> set[str]:
    """Return the systems with the highest mean as printed (four decimals); none where all are equal."""
    shown = {row.system: f"{row.mean:.4f}" for row in select(record, group=group, measure=measure)}
    top = max(shown.values())
    best = {system for system, text in shown.items() if text == top}
    return best if len(best) < len(shown) else set()


def summary_table(record: Record) -> Table:
    """Return the long table: system, split, set, measure, n, mean, low, high, wide."""
    names = [Column(name, Kind.NAME, Keep.ALWAYS) for name in ("system", "split", "set", "measure")]
    values = [Column(name, decimals=_DECIMALS) for name in ("mean", "low", "high")]
    return Table(
        "Means",
        (*names, Column("n"), *values, Column("wide")),
        tuple(
            (
                *map(Text, (row.system, row.split, row.set, row.measure)),
                Counts((row.n,)),
                *map(_number, (row.mean, row.low, row.high)),
                Counts((int(row.wide),)),
            )
            for row in summary_rows(record)
        ),
    )


def _number(value: float | None) -> Cell:
    return None if value is None else Number(value)


def summary_csv(record: Record) -> str:
    """Return the long table as CSV."""
    return table_csv(summary_table(record))


def per_query_csv(record: Record) -> str:
    """Return system, query, set, measure, value for every query. It is never shown, and too long to be
    a table of cells."""
    return lines_csv(
        ("system", "query", "set", "measure", "value"),
        (
            (system, query, group, measure, f"{value:.{_DECIMALS}f}")
            for measure in record.measures
            for system, values in zip(record.systems, record.values(measure), strict=True)
            for query, group, value in zip(record.query_ids, record.sets, values, strict=True)
        ),
    )
