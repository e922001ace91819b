"""A record as rows: means with intervals, by system, query set and measure. Nothing is computed here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bench.evidence.findings import ALL
from bench.evidence.intervals import FEW_QUERIES
from bench.runs.record import Record


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
def rows(record: Record) -> tuple[Row, ...]:
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
    return _row(record, ALL, measure, system, record.evidence["set_means"][measure][system])


def _row(record: Record, group: str, measure: str, system: str, cell: dict[str, Any]) -> Row:
    split = "+".join(sorted(set(record.content["queries"]["splits"])))
    n = len(record.sets) if group == ALL else record.sets.count(group)
    return Row(system, split, group, measure, n, cell["mean"], cell["low"], cell["high"], cell["wide"])


def set_names(record: Record) -> list[str]:
    """Return the query sets, in the order in which the queries have them; none if there is but one."""
    return [group for group in record.evidence["means"] if group != ALL]


def select(record: Record, *, group: str = ALL, measure: str | None = None) -> list[Row]:
    """Return the rows of one query set, of one measure or of all."""
    return [row for row in rows(record) if row.set == group and measure in (None, row.measure)]


def best_systems(record: Record, group: str, measure: str) -> set[str]:
    """Return the systems with the highest mean as printed (four decimals); none where all are equal."""
    shown = {row.system: f"{row.mean:.4f}" for row in select(record, group=group, measure=measure)}
    top = max(shown.values())
    best = {system for system, text in shown.items() if text == top}
    return best if len(best) < len(shown) else set()


def summary_csv(record: Record) -> str:
    """Return the long table: system, split, set, measure, n, mean, low, high, wide."""
    return _csv(
        ("system", "split", "set", "measure", "n", "mean", "low", "high", "wide"),
        (
            (
                r.system,
                r.split,
                r.set,
                r.measure,
                r.n,
                _number(r.mean),
                _number(r.low),
                _number(r.high),
                int(r.wide),
            )
            for r in rows(record)
        ),
    )


def per_query_csv(record: Record) -> str:
    """Return system, query, set, measure, value for every query."""
    return _csv(
        ("system", "query", "set", "measure", "value"),
        (
            (system, query, group, measure, _number(value))
            for measure in record.measures
            for system, values in zip(record.systems, record.values(measure), strict=True)
            for query, group, value in zip(record.query_ids, record.sets, values, strict=True)
        ),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def _csv(header: Sequence[str], lines: Iterator[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()
