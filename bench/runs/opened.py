"""What one argument of a comparison names: a run with its values, or a run file to be measured."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.collections.run_file import ReadRun
from bench.errors import BenchError, did_you_mean, require
from bench.evaluation.measures import Measure, answerable, evaluate
from bench.evaluation.residual import residuals
from bench.evaluation.ties import tied_means
from bench.ranking import namesakes, ties_of, without
from bench.runs.comparable import longest_list, shallow
from bench.runs.naming import run_and_system
from bench.runs.notes import Basis
from bench.runs.reach import OpenedFile
from bench.runs.record import Record, answers_entry
from bench.types import NO_DOC, TestCollection


@dataclass(frozen=True, eq=False)
class Source:
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
    basis: Basis
    notes: tuple[str, ...] = ()
    config: Mapping[str, Any] | None = None  # of a run


def read_source(name: str, test: TestCollection | None) -> Source | OpenedFile:
    """Return a run with its values, or a run file that is still to be measured; of one system where one
    is named. Raises `BenchError` for what is not there, and a run file without a test collection."""
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
    return Source(
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
        Basis.of(record, [system] if system else None),
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


def measured(
    file: OpenedFile, test: TestCollection | None, measures: Sequence[Measure], depth: int
) -> Source:
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
    if file.depth > kept:
        notes.append(f"{file.name} has up to {file.depth} documents a query: cut to {kept}, as all are")
    values = evaluate(run, queries, test.qrels, test.collection, measures)
    ties, unknown = tied_means(run, queries, test.qrels, test.collection, measures, values)
    unseen = residuals(run, queries, test.qrels, test.collection, measures)
    told = answers_entry(run, queries, test, kept, ties, unknown, unseen)
    if file.depth <= kept:
        told["tied_at_cut"] = 0  # the file ends there: nothing was cut off
    name, by = Path(file.name).stem, tuple(map(str, measures))
    return Source(
        file.name,
        (name,),
        by,
        queries.ids,
        queries.sets,
        test.qrels.fingerprint,
        test.collection.fingerprint,
        queries.fingerprint,
        depth,
        values.values[None],
        (None,),
        Basis.measured(test, queries, by, kept, {name: told}, "compare deeper lists"),
        tuple(notes),
    )
