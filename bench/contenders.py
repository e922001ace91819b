"""What is compared: systems of saved runs and single run files, on the same queries and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, did_you_mean, require
from bench.measure import Measure, answerable, evaluate
from bench.record import Record
from bench.retrievers.runfile import RunFile
from bench.types import TestCollection

MEASURES = ("nDCG@10", "Recall@5", "Recall@10", "Recall@20", "Recall@100", "MRR@10", "MAP", "P@5")
_DEPTH = 1000


@dataclass(frozen=True, eq=False)
class Contenders:
    """Per-query values of all systems: `values` float64 (n_systems, n_measures, n_queries)."""

    systems: tuple[str, ...]
    measures: tuple[str, ...]
    query_ids: tuple[str, ...]
    sets: tuple[str, ...]
    values: NDArray[np.float64]

    def place(self, name: str) -> int:
        """Return the row of a system. Raises `BenchError` with the nearest names."""
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
    values: NDArray[np.float64]


def gather(
    names: Sequence[str], test: TestCollection | None, measures: Sequence[str] = ()
) -> Contenders:
    """Read runs (`FOLDER` for all its systems, `FOLDER:SYSTEM` for one) and run files (`FILE.trec`).

    Run files are measured on `test`. Where no measures are named, those that all have are taken.
    Raises `BenchError` when two sources differ in corpus, labels or queries.
    """
    for measure in measures:
        Measure.parse(measure)
    sources = [_read(name, test, measures or MEASURES) for name in names]
    first = sources[0]
    for source in sources[1:]:
        _require_same(first, source)
    shared = [m for m in first.measures if all(m in source.measures for source in sources)]
    for measure in measures:
        require(
            measure in shared, f"{measure} was not measured in all runs; {did_you_mean(measure, shared)}"
        )
    chosen = tuple(measures) or tuple(shared)
    require(bool(chosen), "the runs have no measure in common; run them with the same measures")
    several = len(sources) > 1
    titles = [
        f"{source.name}:{system}"
        if several and len(source.systems) > 1
        else (source.name if several else system)
        for source in sources
        for system in source.systems
    ]
    require(
        len(set(titles)) == len(titles),
        f"'{max(titles, key=titles.count)}' stands twice; name each system once",
    )
    values = [source.values[:, [source.measures.index(m) for m in chosen]] for source in sources]
    return Contenders(tuple(titles), chosen, first.query_ids, first.sets, np.concatenate(values))


def _read(name: str, test: TestCollection | None, measures: Sequence[str]) -> _Source:
    path, system = Path(name), ""
    if not path.exists() and ":" in name:
        path, system = Path(name.rpartition(":")[0]), name.rpartition(":")[2]
    require(path.exists(), f"{path} does not exist; name a run's folder or a run file")
    if path.is_file() and path.name != "record.json":
        return _read_run_file(path, test, measures)
    record = Record.load(path)
    systems = record.systems
    if system:
        require(system in systems, f"{path} has no system '{system}'; {did_you_mean(system, systems)}")
    kept = [systems.index(system)] if system else list(range(len(systems)))
    return _Source(
        name,
        tuple(systems[place] for place in kept),
        tuple(record.measures),
        tuple(record.query_ids),
        tuple(record.sets),
        record.content["labels"]["fingerprint"],
        record.content["collection"]["fingerprint"],
        np.stack([record.values(measure)[kept] for measure in record.measures], axis=1),
    )


def _read_run_file(file: Path, test: TestCollection | None, measures: Sequence[str]) -> _Source:
    if test is None:
        raise BenchError(
            f"{file} is a run file and holds no measures; say on what to measure it with "
            "--collection DIR (a BEIR folder, or digest)"
        )
    has_answer = answerable(test.queries, test.qrels)
    queries = test.queries.select([int(i) for i in np.flatnonzero(has_answer)])
    require(len(queries) > 0, f"no query of '{test.collection.name}' has a relevant document")
    depth = min(_DEPTH, len(test.collection))
    run = RunFile(str(file)).index(test.collection).search(queries, depth)
    parsed = [Measure.parse(measure) for measure in measures]
    values = evaluate(run, queries, test.qrels, test.collection, parsed).values
    return _Source(
        str(file),
        (file.stem,),
        tuple(measures),
        queries.ids,
        queries.sets,
        test.qrels.fingerprint,
        test.collection.fingerprint,
        values[None],
    )


def _require_same(one: _Source, other: _Source) -> None:
    require(one.corpus == other.corpus, f"{other.name} ran on another corpus than {one.name}")
    for here, there in ((one, other), (other, one)):
        missing = [query for query in here.query_ids if query not in set(there.query_ids)]
        require(
            not missing,
            f"{there.name} has no query '{missing[0] if missing else ''}', which {here.name} has "
            f"({len(missing)} such); compare runs on the same queries",
        )
    require(
        one.query_ids == other.query_ids,
        f"{other.name} has its queries in another order than {one.name}; run both with this version",
    )
    require(one.labels == other.labels, f"{other.name} was measured with other labels than {one.name}")
