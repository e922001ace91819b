"""The table at the end of `bench run -m`: what each combination of values came to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bench.errors import listed
from bench.report.summary import select
from bench.report.table import Cell, Column, Keep, Number, Table, Text, name_column
from bench.runs.naming import short_keys
from bench.runs.record import Record

_FLATTERS = (
    "Bold: the highest of a system, which flatters: it was chosen on the queries that it is shown for. "
    "bench tune chooses on dev; bench compare says whether a difference is real."
)


@dataclass(frozen=True, eq=False)
class Combination:
    """One run of a sweep: what the swept settings were set to, its record where it came to one, and the
    systems that failed in it."""

    values: Mapping[str, str]
    record: Record | None = None
    failed: Collection[str] = ()

    def __str__(self) -> str:
        """The values as on the command line."""
        return " ".join(f"{key}={value}" for key, value in self.values.items())


def sweep_table(runs: Sequence[Combination]) -> Table:
    """A line a run: the values that were swept, and the mean of the primary measure of each system.

    One of the runs at least has a record.
    """
    names = short_keys(list(runs[0].values))
    records = [run.record for run in runs if run.record]
    systems = list(
        dict.fromkeys(
            system
            for run in runs
            for system in [*(run.record.systems if run.record else ()), *run.failed]
        )
    )
    measures = list(dict.fromkeys(record.primary for record in records))
    differing = _differing(records)
    means = [_means(run.record) if run.record else {} for run in runs]
    best = {}
    for system in systems:
        found = [f"{its[system]:.4f}" for its in means if system in its]
        best[system] = max(found) if len(set(found)) > 1 and not differing else ""
    body = []
    for run, its in zip(runs, means, strict=True):
        cells: list[Cell] = [Text(run.values[key]) for key in names]
        for system in systems:
            mean = its.get(system)
            if mean is None:
                cells.append(Text("failed") if system in run.failed else None)
            else:
                cells.append(Number(mean, strong=f"{mean:.4f}" == best[system]))
        body.append(tuple(cells))
    notes = [_FLATTERS]
    if differing:
        notes = [
            f"Runs differ in {listed(differing)}: their means do not mean the same, and none is bold."
        ]
    if failed := [str(run) for run in runs if run.failed]:
        notes.append(f"Failed: {listed(failed)}; stderr says why.")
    keeps = [Keep.ALWAYS, *[Keep.USUAL] * (len(systems) - 1)]
    means_of = (Column(system, keep=keep) for system, keep in zip(systems, keeps, strict=True))
    return Table(
        f"{len(runs)} runs, {' or '.join(measures)}",
        (*map(name_column, names.values()), *means_of),
        tuple(body),
        tuple(notes),
    )


def _means(record: Record) -> dict[str, float]:
    return {row.system: row.mean for row in select(record, measure=record.primary)}


def _differing(records: Sequence[Record]) -> list[str]:
    """Return in words what the means depend on beside the systems, and is not the same in all runs."""
    seen: dict[str, set[object]] = {}
    for record in records:
        content = record.content
        documents = content["collection"]["documents"]
        for what, value in (
            ("primary measure", record.primary),
            ("corpus", content["collection"]["fingerprint"]),
            ("labels", content["labels"]["fingerprint"]),
            ("queries", content["queries"]["fingerprint"]),
            ("depth", min(record.depth, documents)),
        ):
            seen.setdefault(what, set()).add(value)
    return [what for what, values in seen.items() if len(values) > 1]
