"""What is compared: systems of saved runs and single run files, on the same queries and labels."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.collections.run_file import ReadRun
from bench.errors import BenchError, did_you_mean, require
from bench.evaluation.measures import Measure, answerable, evaluate
from bench.ranking import namesakes, ties_of, without
from bench.runs.comparable import longest_list, shallow
from bench.runs.naming import run_and_system, system_titles
from bench.runs.reach import OpenedFile, Reach
from bench.runs.record import Record
from bench.storage.sources import is_unknown
from bench.types import NO_DOC, TestCollection

MEASURES = ("nDCG@10", "Recall@5", "Recall@10", "Recall@20", "Recall@100", "MRR@10", "MAP", "P@5")


@dataclass(frozen=True, eq=False)
class Contenders:
    """Per-query values of all systems: `values` float64 (n_systems, n_measures, n_queries).

    `notes` say what a reader must know of how they came about; `origins` has the argument and the name
    in it of each system, "" for the name of one in a run file.
    """

    systems: tuple[str, ...]
    measures: tuple[str, ...]
    query_ids: tuple[str, ...]
    sets: tuple[str, ...]
    values: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()

    def place(self, name: str) -> int:
        """Return the row of a system. Raises `BenchError` with the nearest names."""
        given = [name in (source, f"{source}:{system}") for source, system in self.origins]
        if given.count(True) == 1:
            return given.index(True)
        require(name in self.systems, f"no system '{name}'; {did_you_mean(name, self.systems)}")
        return self.systems.index(name)


@dataclass(frozen=True, eq=False)
class _Source:
    """One argument, read: its systems and what they were measured on."""

    name: str
    systems: tuple[str, ...]
    measures: tuple[str, ...]
    query_ids: tuple[str, ...]
    sets: tuple[str, ...]
    labels: str
    corpus: str
    queries: str
    depth: int
    values: NDArray[np.float64]
    identities: tuple[object, ...]  # the fingerprint of each system; None where it is not known
    notes: tuple[str, ...] = ()
    config: Mapping[str, Any] | None = None  # of a run


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
    read = [_read(name, test) for name in names]
    runs = [one for one in read if isinstance(one, _Source)]
    files = [one for one in read if isinstance(one, OpenedFile)]
    reach = Reach.of(files, runs[0].depth if runs else None, test)
    depth = runs[0].depth if runs else reach.common
    sources = [one if isinstance(one, _Source) else _measured(one, test, asked, depth) for one in read]
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
        tuple(notes),
        tuple((one.name, system if one.config else "") for one in sources for system in one.systems),
    )


def _read(name: str, test: TestCollection | None) -> _Source | OpenedFile:
    path, system = run_and_system(name)
    require(path.exists(), f"{path} does not exist; name a run's folder or a run file")
    if path.is_file() and path.name != "record.json":
        require(not system, f"{path} is a run file, one system; leave ':{system}' out")
        return _read_run_file(path, test)
    record = Record.load(path)
    systems = record.systems
    if system:
        require(system in systems, f"{path} has no system '{system}'; {did_you_mean(system, systems)}")
    kept = [systems.index(system)] if system else list(range(len(systems)))
    longest = functools.partial(longest_list, path if path.is_dir() else path.parent, record)
    # What was declared confirmatory comes first, and is what is tested if nothing else is named.
    measures = list(dict.fromkeys([record.primary, *record.measures]))
    return _Source(
        name,
        tuple(systems[place] for place in kept),
        tuple(measures),
        tuple(record.query_ids),
        tuple(record.sets),
        record.content["labels"]["fingerprint"],
        record.content["collection"]["fingerprint"],
        record.content["queries"]["fingerprint"],
        record.depth,
        np.stack([record.values(measure)[kept] for measure in measures], axis=1),
        tuple(record.content["systems"][systems[place]].get("fingerprint") for place in kept),
        tuple(shallow(record, [systems[place] for place in kept], longest)),
        record.content["config"],
    )


def _read_run_file(file: Path, test: TestCollection | None) -> OpenedFile:
    if test is None:
        raise BenchError(
            f"{file} is a run file and holds no measures; say on what to measure it with "
            "--collection DIR (a BEIR folder, or digest) or --qrels FILE"
        )
    answers = ReadRun.read(file, test.collection)
    longest = answers.longest
    if test.qrels.ignore_identical_ids:  # the query's own document is no part of the depth
        own = namesakes(test.queries, test.collection)
        found = answers.of(test.queries, longest, ties_of(test.collection))
        found = without(found, own, longest)
        lengths = (found.docs != NO_DOC).sum(axis=1)
        whole = len(test.collection)  # and a list of all but it leaves nothing out
        longest = whole if any(lengths + (own != NO_DOC) >= whole) else int(lengths.max())
    return OpenedFile(str(file), answers, longest)


def _measured(
    file: OpenedFile, test: TestCollection | None, measures: Sequence[Measure], depth: int
) -> _Source:
    """Measure the first `depth` documents of each query; note where a value is not what it seems."""
    assert test is not None  # or the file could not have been read
    has_answer = answerable(test.queries, test.qrels)
    queries = test.queries.select([int(i) for i in np.flatnonzero(has_answer)])
    require(len(queries) > 0, f"no query of '{test.collection.name}' has a relevant document")
    kept = min(depth, len(test.collection))
    ignored = test.qrels.ignore_identical_ids
    file.answers.require_some(queries)
    run = file.answers.of(queries, min(kept + ignored, len(test.collection)), ties_of(test.collection))
    if ignored:
        run = without(run, namesakes(queries, test.collection), kept)
    notes = []
    if unanswered := int((run.docs[:, 0] == NO_DOC).sum()):
        notes.append(
            f"{file.name} does not answer {unanswered} of {len(queries)} queries: each counts as 0"
        )
    if file.depth > kept:
        notes.append(f"{file.name} has up to {file.depth} documents a query: cut to {kept}, as all are")
    return _Source(
        file.name,
        (Path(file.name).stem,),
        tuple(map(str, measures)),
        queries.ids,
        queries.sets,
        test.qrels.fingerprint,
        test.collection.fingerprint,
        queries.fingerprint,
        depth,
        evaluate(run, queries, test.qrels, test.collection, measures).values[None],
        (None,),
        tuple(notes),
    )


def _same(titles: Sequence[str], identities: Sequence[object]) -> Iterator[str]:
    """Name the systems that are one and the same, so that nothing but chance can tell them apart."""
    for (one, its), (other, theirs) in itertools.combinations(zip(titles, identities, strict=True), 2):
        known = isinstance(its, Mapping) and not is_unknown(its["code"])
        if known and its == theirs:
            yield f"{one} and {other} are one system: equal settings, code, files and libraries"


def _in_sets_of(run: _Source, file: _Source) -> _Source:
    """A run file has no query sets of its own, and its collection may have been read by others."""
    if file.sets == run.sets:
        return file
    said = f"{file.name} is compared by the query sets of {run.name}, which are not the collection's own"
    return replace(file, sets=run.sets, notes=(*file.notes, said))


def _require_same(one: _Source, other: _Source) -> None:
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
