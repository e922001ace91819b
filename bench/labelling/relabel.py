"""Would other labels have changed the conclusions? Saved runs under each pass and the final labels."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.collections.run_file import ReadRun
from bench.errors import require
from bench.evaluation.measures import Measure, answerable, evaluate
from bench.evidence.strata import apart
from bench.labelling.passes import Pair, ToJudge
from bench.labelling.settling import labels_with
from bench.ranking import ties_of
from bench.runs.naming import system_titles
from bench.runs.record import Record
from bench.types import Qrels, Queries


@dataclass(frozen=True)
class Relabelled:
    """Means (n_labels, n_systems, n_measures) of the same runs under several labellings.

    `n_standing` counts the queries that have grades in qrels/ alone, which no labelling changes, and
    `n_outside` those of the runs that were not to be measured.
    `left_out` are the queries that have no relevant document under some of the labellings, `names` says
    which run a system is of where there are several, and `relevant` is the lowest grade that the binary
    measures count.
    """

    labels: tuple[str, ...]
    systems: tuple[str, ...]
    measures: tuple[str, ...]
    means: NDArray[np.float64]
    n_queries: int
    n_standing: int
    n_outside: int
    left_out: tuple[str, ...]
    names: tuple[str, ...]
    relevant: int

    @property
    def largest_change(self) -> float:
        """The largest difference between two labellings in any mean."""
        return float(np.ptp(self.means, axis=0).max())

    def order_tau(self) -> dict[tuple[str, str, str], float]:
        """(labels, labels, measure) → Kendall's τ-b (1945) between the orders of two systems or more.

        It is the mean product of what both say of two systems, 1, -1 or 0 for a tie, over that of each
        with itself. Means that rounding alone tells apart tie; nan where all of a labelling do.
        """
        one, other = np.triu_indices(len(self.systems), 1)
        signs = np.sign(apart(self.means[:, one], self.means[:, other]))
        products = np.einsum("apm,bpm->abm", signs, signs)
        spread = np.sqrt(np.einsum("aam->am", products))
        with np.errstate(invalid="ignore"):
            tau = products / (spread[:, None] * spread)
        return {
            (self.labels[a], self.labels[b], measure): float(tau[a, b, m])
            for a, b in itertools.combinations(range(len(self.labels)), 2)
            for m, measure in enumerate(self.measures)
        }


def relabel(
    runs: Sequence[Path],
    to_judge: ToJudge,
    labels: Mapping[str, Mapping[Pair, int]],
    among: Collection[str] | None = None,
) -> Relabelled:
    """Measure the run files of these run folders under each labelling: name → pair → grade. What qrels/
    says of other pairs is part of each, as it is when the grades are written there.

    among  the queries to measure, such as a sample; None for all

    Raises `BenchError` for a folder that is no run, one that is named twice, one of another collection,
    and one of other queries, measures or depth.
    """
    places = [run.resolve() for run in runs]
    twice = [run for n, run in enumerate(runs) if places[n] in places[:n]]
    require(not twice, f"{twice[0] if twice else ''} is named twice; name each run once")
    records = [Record.load(run) for run in runs]
    first = records[0]
    relevant, ignored = int(first.content["labels"]["relevant"]), _ignores(first)
    n_docs = len(to_judge.corpus)
    complete = _complete(first)
    qrels = {
        name: Qrels(labels_with(to_judge, grades), complete, relevant, ignored)
        for name, grades in labels.items()
    }
    known = set.intersection(*(set(one.grades) for one in qrels.values()))
    for run, record in zip(runs, records, strict=True):
        require(
            record.content["collection"]["fingerprint"] == to_judge.corpus.fingerprint,
            f"{run} is a run on another collection than {to_judge.folder}; name one on this",
        )
        require(
            record.query_ids == first.query_ids and record.measures == first.measures,
            f"{run} has other queries or measures than {runs[0]}; name runs of one config",
        )
        require(
            record.content["labels"]["relevant"] == relevant,
            f"{run} counts grades from {record.content['labels']['relevant']} on as relevant, and "
            f"{runs[0]} from {relevant} on; name runs of one collection.relevant",
        )
        require(
            _complete(record) == complete,
            f"{run} {'does not count' if complete else 'counts'} a pair without a label as grade 0, "
            f"unlike {runs[0]}; name runs of one collection.complete",
        )
        require(
            _ignores(record) == ignored,
            f"{run} was measured {'with' if ignored else 'without'} documents of the query's own id, "
            f"and {runs[0]} was not; name runs of one collection.ignore_identical_ids",
        )
        require(
            min(record.depth, n_docs) == min(first.depth, n_docs),
            f"{run} keeps {record.depth} documents a query, and {runs[0]} keeps {first.depth}, so their "
            "values do not mean the same; name runs of one depth",
        )
    strange = [query for query in first.query_ids if query not in to_judge.queries]
    require(
        not strange,
        f"{runs[0]} asks '{strange[0] if strange else ''}', which {to_judge.folder} has not; name a run "
        "on its queries",
    )
    asked = Queries(
        tuple(first.query_ids),
        tuple(to_judge.queries[query][0] for query in first.query_ids),
        tuple(first.sets),
        tuple(first.content["queries"]["splits"]),
    )
    for run, record in zip(runs, records, strict=True):
        require(
            record.content["queries"]["fingerprint"] == asked.fingerprint,
            f"{run} asked other texts than {to_judge.folder} has now by the same query ids; name a run "
            "on these",
        )
    if among is not None:
        asked = asked.select([n for n, query in enumerate(asked.ids) if query in among])
        require(
            len(asked) > 0,
            f"{runs[0]} asks no query of the sample; name another run, or leave out --sample",
        )
    unknown = [query for query in asked.ids if query not in known]
    require(
        not unknown,
        f"{runs[0]} asks '{unknown[0] if unknown else ''}', which neither the passes nor "
        f"{to_judge.folder / 'qrels'} judge; judge it with bench judge",
    )
    has_answer = np.all([answerable(asked, one) for one in qrels.values()], axis=0)
    queries = asked.select([int(i) for i in np.flatnonzero(has_answer)])
    require(len(queries) > 0, "no query has a relevant document under all labels; judge more")
    measures = [Measure.parse(name) for name in first.measures]
    titles, names = system_titles(
        [
            (str(run), record.systems, record.content["config"])
            for run, record in zip(runs, records, strict=True)
        ]
    )
    files = [
        run / f"{system}.trec"
        for run, record in zip(runs, records, strict=True)
        for system in record.systems
    ]
    means = np.empty((len(qrels), len(files), len(measures)))
    for s, file in enumerate(files):
        read = ReadRun.read(file, to_judge.corpus, own=True)
        answers = read.of(queries, n_docs, ties_of(to_judge.corpus))
        for n, one in enumerate(qrels.values()):
            means[n, s] = evaluate(answers, queries, one, to_judge.corpus, measures).values.mean(axis=1)
    return Relabelled(
        tuple(labels),
        tuple(titles),
        tuple(first.measures),
        means,
        len(queries),
        len(set(queries.ids) - {query for grades in labels.values() for query, _ in grades}),
        len(first.query_ids) - len(asked),
        tuple(q for q, kept in zip(asked.ids, has_answer, strict=True) if not kept),
        tuple(names),
        relevant,
    )


def _ignores(record: Record) -> bool:
    return bool(record.content["labels"].get("ignore_identical_ids"))


def _complete(record: Record) -> bool:
    return bool(record.content["labels"].get("complete"))
