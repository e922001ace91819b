"""Whether the run files of a saved run hold the answers that its record's values are of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.collections.run_file import ReadRun
from bench.errors import BenchError, require
from bench.evaluation.measures import Measure, evaluate
from bench.runs.record import Record
from bench.types import Queries, TestCollection

# Another version of trec_eval's code may round otherwise.
_ROUNDING = 1e-6


def require_run_files(run: Path, record: Record, test: TestCollection) -> None:
    """Raise `BenchError` unless a run's folder has a run file of each system, and each gives its values.

    test  what the run was measured on
    """
    ids = record.query_ids
    kept = min(record.depth, len(test.collection))
    place = {query: row for row, query in enumerate(test.queries.ids)}
    mend = "restore it, or run again"
    gone = [query for query in ids if query not in place]
    require(not gone, f"the collection has no query '{''.join(gone[:1])}', which {run} has; {mend}")
    queries = test.queries.select([place[query] for query in ids])
    for row, system in enumerate(record.systems):
        file = run / f"{system}.trec"
        require(file.is_file(), f"{file}, the answers of {system}, is not there; {mend}")
        answers = ReadRun.read(file, test.collection, own=True)
        unknown = sorted(answers.rows.keys() - ids)
        require(
            not unknown, f"{file} answers '{''.join(unknown[:1])}', which the record has not; {mend}"
        )
        answered = len(ids) - record.content["systems"][system]["unanswered"]
        require(
            len(answers.rows) == answered,
            f"{file} answers {len(answers.rows):,} queries, and by the record {answered:,}; {mend}",
        )
        require(
            answers.longest <= kept,
            f"{file} has {answers.longest:,} documents for a query, and the run kept {kept:,}; {mend}",
        )
        require_values(answers, queries, test, record.measures, record.all_values[row])


def require_values(
    answers: ReadRun,
    queries: Queries,
    test: TestCollection,
    measures: Sequence[str],
    recorded: NDArray[np.float64],
) -> None:
    """Raise `BenchError` where a run file, measured again, gives another value than its record has.

    recorded  (n_measures, n_queries)

    The lines are taken in their order. Of a run of today that is the order which scores and ids give; an
    earlier one may have measured the ties of a plug-in as they came.
    """
    run = answers.as_it_stands(queries)
    mend = "one of them was changed; run again"
    for row in np.flatnonzero((run.scores[:, 1:] > run.scores[:, :-1]).any(axis=1))[:1]:
        raise BenchError(
            f"{answers.path} has a score for '{queries.ids[row]}' that is above the one before it, and "
            f"its record is of rankings: {mend}"
        )
    parsed = [Measure.parse(name) for name in measures]
    now = evaluate(run, queries, test.qrels, test.collection, parsed).values
    for line, row in np.argwhere(~(np.abs(now - recorded) < _ROUNDING))[:1]:
        raise BenchError(
            f"{answers.path} gives {measures[line]} {now[line, row]:.4f} for '{queries.ids[row]}', and "
            f"its record says {recorded[line, row]:.4f}: {mend}"
        )
