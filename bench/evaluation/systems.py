"""Index, search, check, measure: one system after the other, timed from outside."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bench import progress
from bench.errors import require
from bench.evaluation.facts import check_facts, check_nbytes
from bench.evaluation.measures import RECALL_DEPTH, Measure, answerable, evaluate, recall_against
from bench.evaluation.residual import residuals
from bench.evaluation.results import Results, SystemResult
from bench.evaluation.ties import tied_means
from bench.outside import calling
from bench.ranking import forget_ties, namesakes, stacked, without
from bench.storage.identity import Fingerprint, files_of, fingerprint, hash_of_files
from bench.storage.indexes import AnswerStore, IndexStore
from bench.types import Queries, Retriever, Run, Searcher, TestCollection

# Queries are searched so many at a time: what a kill can lose, and what one call has to hold.
BATCH = 256


class KeptResults(Protocol):
    """Where finished systems and batches are kept, so that a run that was killed goes on."""

    @property
    def answers(self) -> AnswerStore: ...
    def load(
        self, name: str, identity: Fingerprint, queries: Queries, measures: tuple[Measure, ...]
    ) -> SystemResult | None: ...
    def save(self, name: str, result: SystemResult) -> None: ...


def run_systems(
    test: TestCollection,
    retrievers: Mapping[str, Retriever],
    measures: Sequence[Measure],
    depth: int,
    unfinished: KeptResults | None = None,
) -> Results:
    """Evaluate every retriever on every query that has a relevant document.

    What an interrupted run has finished is taken over; what this one finishes is kept for the next. A
    system that fails does not keep the others from being evaluated: `Results.failed` has its error, and
    the first is raised where no other system is left. Raises `BenchError` for a depth below 1, and an
    empty set of systems, measures or queries.
    """
    require(depth >= 1, f"depth must be at least 1, got {depth}")
    require(bool(retrievers), "no retriever chosen; name some, such as 'retriever=[bm25,dense]'")
    require(bool(measures), "no measure chosen; name some, such as 'measures=[nDCG@10]'")
    require(
        len(set(measures)) == len(measures),
        "a measure stands twice in measures; name each once",
    )
    forget_ties()
    has_answer = answerable(test.queries, test.qrels)
    queries = test.queries.select([int(i) for i in np.flatnonzero(has_answer)])
    missing = [q for q, kept in zip(test.queries.ids, has_answer, strict=True) if not kept]
    require(
        len(queries) > 0,
        f"no query of '{test.collection.name}' has a document of grade {test.qrels.relevant} or "
        "more; check the qrels, or set collection.relevant",
    )
    deepest = max((measure.cutoff or 1 for measure in measures), default=1)
    require(
        depth >= deepest,
        f"depth {depth} is less than the cut-off {deepest} of a measure; raise depth or lower it",
    )
    store = IndexStore(unfinished.answers if unfinished else None, retrievers.values())
    asked = _Asked(test, queries, tuple(measures), depth, store, unfinished)
    systems: dict[str, SystemResult] = {}
    failed: dict[str, Exception] = {}
    for name, retriever in retrievers.items():
        try:
            systems[name] = _evaluated(name, retriever, asked)
        except Exception as error:
            if len(retrievers) == 1:
                raise
            traceback.clear_frames(error.__traceback__)  # they hold the index that failed
            failed[name] = error
        store.done(retriever)
    if not systems:
        raise next(iter(failed.values()))
    return Results(
        queries,
        systems,
        tuple(q for q in missing if q not in test.no_answer),
        tuple(q for q in missing if q in test.no_answer),
        failed,
    )


@dataclass(frozen=True, eq=False)
class _Asked:
    """What every system of a run is asked."""

    test: TestCollection
    queries: Queries
    measures: tuple[Measure, ...]
    depth: int
    store: IndexStore
    unfinished: KeptResults | None


def _evaluated(name: str, retriever: Retriever, asked: _Asked) -> SystemResult:
    """Return what a system gave in this run, or in the one that was interrupted."""
    with calling(retriever, f"retriever '{name}'", "reads"):
        identity = fingerprint(retriever)
    unfinished = asked.unfinished
    if unfinished and (kept := unfinished.load(name, identity, asked.queries, asked.measures)):
        return kept
    result = _run_system(name, retriever, identity, asked)
    if unfinished:
        unfinished.save(name, result)
    return result


def _run_system(name: str, retriever: Retriever, identity: Fingerprint, asked: _Asked) -> SystemResult:
    test, queries, depth = asked.test, asked.queries, asked.depth
    read = files_of(retriever)
    clock = _Clock()
    with progress.waiting(f"{name}, index"):
        searcher = asked.store.searcher(retriever, test.collection, name)
    clock.lap("index")
    run, seconds = _search(searcher, name, asked)
    clock.add("search", seconds)
    asked.store.require_answers(queries)
    measures = asked.measures
    values = evaluate(run, queries, test.qrels, test.collection, measures)
    ties, ties_unknown = tied_means(run, queries, test.qrels, test.collection, measures, values)
    unseen = residuals(run, queries, test.qrels, test.collection, measures)
    recall = None
    if searcher.exact is not None:
        exact, _ = _search(searcher.exact, f"{name}.exact", asked)
        require(
            depth >= RECALL_DEPTH, f"depth must be at least {RECALL_DEPTH} beside {name}, got {depth}"
        )
        recall = recall_against(run, exact, RECALL_DEPTH)
    clock.lap("measure")
    require(
        hash_of_files(read) == identity.files,
        f"a file that {name} reads was changed while it ran; run again",
    )
    with calling(searcher, f"retriever '{name}'", "facts"):
        facts, nbytes = check_facts(searcher.facts, name), check_nbytes(searcher.nbytes, name)
    return SystemResult(
        run,
        values,
        facts,
        nbytes,
        recall,
        identity,
        ties,
        clock.seconds,
        ties_unknown,
        unseen,
    )


def _search(searcher: Searcher, name: str, asked: _Asked) -> tuple[Run, float]:
    """Ask batch by batch; return all answers, and the seconds that they took when they were computed."""
    test, queries = asked.test, asked.queries
    ignored = test.qrels.ignore_identical_ids
    k = min(asked.depth + ignored, len(test.collection))
    runs = []
    started, spared = time.perf_counter(), asked.store.spared
    with progress.bar(f"{name}, {len(queries):,} queries", len(queries)) as advance:
        for start in range(0, len(queries), BATCH):
            batch = queries.select(range(start, min(start + BATCH, len(queries))))
            runs.append(searcher.search(batch, k))
            advance(len(batch))
    run = stacked(runs)
    seconds = time.perf_counter() - started + asked.store.spared - spared
    if ignored:
        run = without(run, namesakes(queries, test.collection), asked.depth)
    return run, seconds


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        self.add(phase, time.perf_counter() - self._last)

    def add(self, phase: str, seconds: float) -> None:
        self.seconds[phase] = round(seconds, 4)
        self._last = time.perf_counter()
