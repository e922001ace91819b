"""A record as rows: means with intervals, by system, query set and measure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.record import Record
from bench.statistics import FEW_QUERIES, bootstrap_intervals

ALL = "all"


@dataclass(frozen=True)
class Row:
    """Mean of one measure for one system on one query set, with its 95 % interval."""

    system: str
    split: str
    set: str
    measure: str
    n: int
    mean: float
    low: float
    high: float

    @property
    def few(self) -> bool:
        """Whether there are too few queries to read much into the mean."""
        return self.n < FEW_QUERIES


@lru_cache(maxsize=4)
def rows(record: Record) -> tuple[Row, ...]:
    """Return a row for each system × set × measure; set "all" first, then the sets in file order."""
    groups = (ALL, *set_names(record))
    return tuple(row for group in groups for row in rows_of(record, group, record.measures))


def rows_of(record: Record, group: str, measures: Sequence[str]) -> list[Row]:
    """Return a row for each system × measure on one query set."""
    split = "+".join(sorted(set(record.content["queries"]["splits"])))
    values = np.stack([values_of(record, group, measure) for measure in measures])
    means = values.mean(axis=-1)
    bounds = bootstrap_intervals(values, record.seed)
    return [
        Row(
            system,
            split,
            group,
            measure,
            values.shape[-1],
            float(means[m, s]),
            *map(float, bounds[m, s]),
        )
        for s, system in enumerate(record.systems)
        for m, measure in enumerate(measures)
    ]


def values_of(record: Record, group: str, measure: str) -> NDArray[np.float64]:
    """Return (n_systems, n_queries of the set) values of one measure."""
    values = record.values(measure)
    return values if group == ALL else values[:, np.array(record.sets) == group]


def set_names(record: Record) -> list[str]:
    """Return the query sets, in the order in which the queries have them; none if there is but one."""
    found = list(dict.fromkeys(record.sets))
    return found if len(found) > 1 else []


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
    """Return the long table: system, split, set, measure, n, mean, low, high."""
    return _csv(
        ("system", "split", "set", "measure", "n", "mean", "low", "high"),
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


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6f}"


def _csv(header: Sequence[str], lines: object) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)  # type: ignore[arg-type]
    return text.getvalue()
