"""The table at the end of `bench run -m`: what each combination of values came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.grid import Cell, Grid
from bench.report.summary import select
from bench.runs.naming import short_keys
from bench.runs.record import Record

_FLATTERS = (
    "Bold: the highest of a system, which flatters: it was chosen on the queries that it is shown for. "
    "bench tune chooses on dev; bench compare says whether a difference is real."
)


def sweep_table(jobs: Sequence[tuple[Mapping[str, str], Record]]) -> Grid:
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
        texts = [f"{its[system]:.4f}" if system in its else "–" for system in systems]
        cells = [Cell(text, text == best[one]) for one, text in zip(systems, texts, strict=True)]
        body.append((*(Cell(swept[key]) for key in names), *cells))
    notes = [_FLATTERS]
    if len(measures) > 1:
        notes.append("Runs have other primary measures: their means do not mean the same.")
    return Grid(
        f"{len(jobs)} runs, {' or '.join(measures)}",
        (*names.values(), *systems),
        tuple(body),
        tuple(notes),
    )
