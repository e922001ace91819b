"""The table at the end of `bench run -m`: what each combination of values came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.summary import select
from bench.report.table import Cell, Column, Keep, Number, Table, Text, name_column
from bench.runs.naming import short_keys
from bench.runs.record import Record

_FLATTERS = (
    "Bold: the highest of a system, which flatters: it was chosen on the queries that it is shown for. "
    "bench tune chooses on dev; bench compare says whether a difference is real."
)


def sweep_table(jobs: Sequence[tuple[Mapping[str, str], Record]]) -> Table:
    """A line a run: the values that were swept, and the mean of the primary measure of each system.

    jobs  what each run's swept settings were set to, and its record
    """
    names = short_keys(list(jobs[0][0]))
    systems = list(dict.fromkeys(system for _, record in jobs for system in record.systems))
    measures = list(dict.fromkeys(record.primary for _, record in jobs))
    means = [
        {row.system: row.mean for row in select(record, measure=record.primary)} for _, record in jobs
    ]
    best = {}
    for system in systems:
        found = [f"{its[system]:.4f}" for its in means if system in its]
        best[system] = max(found) if len(set(found)) > 1 else ""
    body = []
    for (swept, _), its in zip(jobs, means, strict=True):
        cells: list[Cell] = [Text(swept[key]) for key in names]
        for system in systems:
            mean = its.get(system)
            strong = mean is not None and f"{mean:.4f}" == best[system]
            cells.append(None if mean is None else Number(mean, strong=strong))
        body.append(tuple(cells))
    notes = [_FLATTERS]
    if len(measures) > 1:
        notes.append("Runs have other primary measures: their means do not mean the same.")
    keeps = [Keep.ALWAYS, *[Keep.USUAL] * (len(systems) - 1)]
    means_of = (Column(system, keep=keep) for system, keep in zip(systems, keeps, strict=True))
    return Table(
        f"{len(jobs)} runs, {' or '.join(measures)}",
        (*map(name_column, names.values()), *means_of),
        tuple(body),
        tuple(notes),
    )
