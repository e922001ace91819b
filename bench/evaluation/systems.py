"""Index, search, check, measure: one system after the other, timed from outside."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from bench import progress
from bench.errors import BenchError, require
from bench.evaluation.facts import check_facts, check_nbytes
from bench.evaluation.measures import RECALL_DEPTH, Measure, answerable, evaluate, recall_against
from bench.evaluation.residual import residuals
from bench.evaluation.results import Results, SystemResult
from bench.evaluation.ties import tie_range, ties_matter
from bench.outside import calling
from bench.ranking import namesakes, without
from bench.storage.identity import Fingerprint, files_of, fingerprint, hash_of_files
from bench.storage.indexes import index_once
from bench.types import (
    Queries,
    Retriever,
    Run,
    Searcher,
    TestCollection,
    check_run,
)


class Kept(Protocol):
    """Where finished systems are kept, so that a run that was killed goes on."""

    def load(
        self, name: str, identity: Fingerprint, queries: Queries, measures: tuple[Measure, ...]
    ) -> SystemResult | None: ...
    def save(self, name: str, result: SystemResult) -> None: ...


def run_systems(
    test: TestCollection,
    retrievers: Mapping[str, Retriever],
    measures: Sequence[Measure],
    depth: int,
    unfinished: Kept | None = None,
) -> Results:
    """Evaluate every retriever on every query that has a relevant document.

    What an interrupted run has finished is taken over, and what this one finishes is kept for the next.
    Raises `BenchError` for a depth below 1, an empty set of systems, measures or queries, and a
    retriever that breaks the contract.
    """
    require(depth >= 1, f"depth must be at least 1, got {depth}")
    require(bool(retrievers), "no retriever chosen; name some, such as 'retriever=[bm25,dense]'")
    require(bool(measures), "no measure chosen; name some, such as 'measures=[nDCG@10]'")
    require(
        len(set(measures)) == len(measures),
        "a measure stands twice in measures; name each once",
    )
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
    systems = {}
    for name, retriever in retrievers.items():
        with calling(retriever, f"retriever '{name}'", "reads"):
            identity = fingerprint(retriever)
        kept = unfinished.load(name, identity, queries, tuple(measures)) if unfinished else None
        systems[name] = kept or _run_system(name, retriever, identity, test, queries, measures, depth)
        if unfinished and kept is None:
            unfinished.save(name, systems[name])
    return Results(
        queries,
        systems,
        tuple(q for q in missing if q not in test.no_answer),
        tuple(q for q in missing if q in test.no_answer),
    )


def _run_system(
    name: str,
    retriever: Retriever,
    identity: Fingerprint,
    test: TestCollection,
    queries: Queries,
    measures: Sequence[Measure],
    depth: int,
) -> SystemResult:
    require(
        isinstance(retriever, Retriever),
        f"retriever '{name}' has no index(collection) method; see bench.types.Retriever",
    )
    require(
        type(retriever).__hash__ is not None,
        f"retriever '{name}' can not be hashed; make its class a @dataclass(frozen=True)",
    )
    read = files_of(retriever)
    clock = _Clock()
    with progress.waiting(f"{name}, index"), calling(retriever, f"retriever '{name}'", "index"):
        searcher = index_once(retriever, test.collection)
    with calling(searcher, f"retriever '{name}'", "facts"):
        complete = isinstance(searcher, Searcher)  # looks at its properties
    if not complete:
        raise BenchError(
            f"retriever '{name}': what index() returned lacks search, nbytes, facts or exact; "
            "see bench.types.Searcher"
        )
    clock.lap("index")
    run = _search(searcher, name, test, queries, depth)
    clock.lap("search")
    values = evaluate(run, queries, test.qrels, test.collection, measures)
    own, others = [m for m in measures if m.own], [str(m) for m in measures if not m.own]
    ties = _tied_means(run, queries, test, own)
    unknown = others and ties_matter(run, queries, test.qrels, test.collection)
    unseen = residuals(run, queries, test.qrels, test.collection, measures)
    recall = None
    if searcher.exact is not None:
        exact = _search(searcher.exact, f"{name}.exact", test, queries, depth)
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
        tuple(others if unknown else ()),
        unseen,
    )


def _tied_means(
    run: Run, queries: Queries, test: TestCollection, measures: Sequence[Measure]
) -> dict[str, tuple[float, float, float]]:
    """Lowest, expected and highest mean of each measure that tied documents could change."""
    found = tie_range(run, queries, test.qrels, test.collection, measures)
    if found is None:
        return {}
    means = np.stack([found.low, found.expected, found.high]).mean(axis=-1)
    return {
        name: (float(low), float(expected), float(high))
        for name, low, expected, high in zip(found.names, *means, strict=True)
        if low < high
    }


def _search(searcher: Searcher, name: str, test: TestCollection, queries: Queries, depth: int) -> Run:
    n_docs = len(test.collection)
    ignored = test.qrels.ignore_identical_ids
    asked = min(depth + ignored, n_docs)
    with (
        progress.waiting(f"{name}, {len(queries):,} queries"),
        calling(searcher, f"retriever '{name}'", "search"),
    ):
        run = searcher.search(queries, asked)
    require(
        isinstance(run, Run),
        f"retriever '{name}': search returned {type(run).__name__}, not a bench.types.Run; mend it",
    )
    check_run(run, n_docs, len(queries), name)
    require(
        run.docs.shape[1] <= asked,
        f"retriever '{name}' returned {run.docs.shape[1]} documents a query, where {asked} were asked "
        "for; mend its search",
    )
    return without(run, namesakes(queries, test.collection), depth) if ignored else run


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        now = time.perf_counter()
        self.seconds[phase] = round(now - self._last, 4)
        self._last = now
