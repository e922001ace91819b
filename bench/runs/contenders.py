"""What is compared: systems of saved runs and single run files, on the same queries and labels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, did_you_mean, require
from bench.evaluation.measures import Measure
from bench.evidence.sway import Sway
from bench.runs.naming import system_titles
from bench.runs.notes import Basis
from bench.runs.opened import Source, measured, read_source
from bench.runs.reach import OpenedFile, Reach
from bench.storage.sources import is_unknown
from bench.types import TestCollection

MEASURES = ("nDCG@10", "Recall@5", "Recall@10", "Recall@20", "Recall@100", "MRR@10", "MAP", "P@5")


@dataclass(frozen=True, eq=False)
class Contenders:
    """Per-query values of all systems: `values` float64 (n_systems, n_measures, n_queries).

    `notes` say what a reader must know of how they came about; `origins` has the argument and the name
    in it of each system, "" for the name of one in a run file. `basis` has what notes on the data are
    made from.
    """

    systems: tuple[str, ...]
    measures: tuple[str, ...]
    query_ids: tuple[str, ...]
    sets: tuple[str, ...]
    values: NDArray[np.float64]
    basis: Basis
    notes: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()

    @property
    def means(self) -> dict[tuple[str, str], float]:
        """(system, measure) → its mean."""
        return {
            (system, measure): float(mean)
            for system, row in zip(self.systems, self.values.mean(axis=-1), strict=True)
            for measure, mean in zip(self.measures, row, strict=True)
        }

    @property
    def sways(self) -> dict[tuple[str, str], Sway]:
        """(system, measure) → how far other orders of equal scores could move its mean."""
        return {(one, by): self.basis.sway(one, by, mean) for (one, by), mean in self.means.items()}

    def place(self, name: str) -> int:
        """Return the row of a system. Raises `BenchError` with the nearest names."""
        given = [name in (source, f"{source}:{system}") for source, system in self.origins]
        if given.count(True) == 1:
            return given.index(True)
        require(name in self.systems, f"no system '{name}'; {did_you_mean(name, self.systems)}")
        return self.systems.index(name)


def gather(
    names: Sequence[str], test: TestCollection | None, measures: Sequence[str] = ()
) -> Contenders:
    """Read runs (`FOLDER` for all its systems, `FOLDER:SYSTEM` for one) and run files (`FILE.trec`).

    Run files are measured on `test`, at the depth and by the query sets of the runs beside them. Without
    runs, all are cut to the shallowest file. Where no measures are named, those that all have are taken,
    without those that look deeper than the shallowest file. Raises `BenchError` when two sources differ
    in corpus, labels, queries or depth, or two runs in query sets, and for a named measure that looks
    deeper.
    """
    asked = [Measure.read(measure) for measure in measures or MEASURES]
    measures = list(dict.fromkeys(map(str, asked))) if measures else ()
    read = [read_source(name, test) for name in names]
    runs = [one for one in read if isinstance(one, Source)]
    files = [one for one in read if isinstance(one, OpenedFile)]
    reach = Reach.of(files, runs[0].depth if runs else None, test)
    depth = runs[0].depth if runs else reach.common
    sources = [one if isinstance(one, Source) else measured(one, test, asked, depth) for one in read]
    if runs:
        sources = [one if one in runs else _in_sets_of(runs[0], one) for one in sources]
    first = sources[0]
    for source in sources[1:]:
        _require_same(first, source)
    shared = [m for m in first.measures if all(m in source.measures for source in sources)]
    for measure in measures:
        require(
            measure in shared, f"{measure} was not measured in all runs; {did_you_mean(measure, shared)}"
        )
    unlike = [m for m in measures or shared if not reach.alike(Measure.read(m))]
    if unlike and (measures or unlike == shared):
        raise BenchError(reach.refusal(Measure.read(unlike[0])))
    chosen = tuple(measures) or tuple(m for m in shared if m not in unlike)
    require(bool(chosen), "the runs have no measure in common; run them with the same measures")
    titles, names_said = system_titles([(one.name, one.systems, one.config) for one in sources])
    require(
        len(set(titles)) == len(titles),
        f"'{max(titles, key=titles.count)}' stands twice; name each system once",
    )
    values = [source.values[:, [source.measures.index(m) for m in chosen]] for source in sources]
    notes = [*names_said, *(note for source in sources for note in source.notes)]
    if unlike:
        notes.append(f"{', '.join(unlike)} left out: {reach.why}")
    if not runs and (beyond := reach.beyond(chosen)):
        notes.append(
            f"no file has more than {reach.common} documents a query: {', '.join(beyond)} looks no "
            "deeper"
        )
    notes += _same(titles, [identity for source in sources for identity in source.identities])
    return Contenders(
        tuple(titles),
        chosen,
        first.query_ids,
        first.sets,
        np.concatenate(values),
        _basis(sources, titles, chosen),
        tuple(notes),
        tuple((one.name, system if one.config else "") for one in sources for system in one.systems),
    )


def _basis(sources: Sequence[Source], titles: Sequence[str], measures: Sequence[str]) -> Basis:
    """Return what notes are made from, by the titles of the systems; of a system that failed the run is
    named where there are several."""
    left, parts = list(titles), []
    for source in sources:
        called = {system: left.pop(0) for system in source.systems}
        if len(sources) > 1:
            called |= {system: f"{source.name}:{system}" for system in source.basis.failed}
        parts.append((source.basis, called))
    return Basis.merged(parts, measures)


def _same(titles: Sequence[str], identities: Sequence[object]) -> Iterator[str]:
    """Name the systems that are one and the same, so that nothing but chance can tell them apart."""
    for (one, its), (other, theirs) in itertools.combinations(zip(titles, identities, strict=True), 2):
        known = isinstance(its, Mapping) and not is_unknown(its["code"])
        if known and its == theirs:
            yield f"{one} and {other} are one system: equal settings, code, files and libraries"


def _in_sets_of(run: Source, file: Source) -> Source:
    """A run file has no query sets of its own, and its collection may have been read by others."""
    if file.sets == run.sets:
        return file
    said = f"{file.name} is compared by the query sets of {run.name}, which are not the collection's own"
    return replace(file, sets=run.sets, notes=(*file.notes, said))


def _require_same(one: Source, other: Source) -> None:
    require(one.corpus == other.corpus, f"{other.name} ran on another corpus than {one.name}")
    for here, there in ((one, other), (other, one)):
        known = set(there.query_ids)
        missing = [query for query in here.query_ids if query not in known]
        require(
            not missing,
            f"{there.name} has no query '{missing[0] if missing else ''}', which {here.name} has "
            f"({len(missing)} such); compare runs on the same queries",
        )
    require(
        one.query_ids == other.query_ids,
        f"{other.name} has its queries in another order than {one.name}; run both with this version",
    )
    require(
        one.queries == other.queries,
        f"{other.name} asked other texts than {one.name} by the same query ids; ask both the same",
    )
    require(
        one.sets == other.sets,
        f"{other.name} has its queries in other sets than {one.name}; run it again with the "
        "collection.group_by of the other, or name its SYSTEM.trec in its place, with --collection",
    )
    require(one.labels == other.labels, f"{other.name} was measured with other labels than {one.name}")
    require(
        one.depth == other.depth,
        f"{other.name} keeps {other.depth} documents a query and {one.name} {one.depth}: their values "
        f"do not mean the same; run one again with depth={min(one.depth, other.depth)}",
    )
