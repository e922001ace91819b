"""The table at the end of `bench run -m`: what each combination of values came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.errors import listed
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
    differing = _differing([record for _, record in jobs])
    means = [
        {row.system: row.mean for row in select(record, measure=record.primary)} for _, record in jobs
    ]
    best = {}
    for system in systems:
        found = [f"{its[system]:.4f}" for its in means if system in its]
        best[system] = max(found) if len(set(found)) > 1 and not differing else ""
    body = []
    for (swept, _), its in zip(jobs, means, strict=True):
        cells: list[Cell] = [Text(swept[key]) for key in names]
        for system in systems:
            mean = its.get(system)
            strong = mean is not None and f"{mean:.4f}" == best[system]
            cells.append(None if mean is None else Number(mean, strong=strong))
        body.append(tuple(cells))
    note = _FLATTERS
    if differing:
        note = f"Runs differ in {listed(differing)}: their means do not mean the same, and none is bold."
    keeps = [Keep.ALWAYS, *[Keep.USUAL] * (len(systems) - 1)]
    means_of = (Column(system, keep=keep) for system, keep in zip(systems, keeps, strict=True))
    return Table(
        f"{len(jobs)} runs, {' or '.join(measures)}",
        (*map(name_column, names.values()), *means_of),
        tuple(body),
        (note,),
    )


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
