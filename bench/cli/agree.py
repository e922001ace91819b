"""`bench agree`: how far assessors agree."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import Labelled, Passes, Pooled, run_folder_of
from bench.errors import BenchError, require, visible

if TYPE_CHECKING:
    from bench.labelling.passes import Pair, Pass, ToJudge


def agree(
    folder: Labelled,
    passes: Passes = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN", help="A run's folder; repeatable. Would its means change under either pass?"
        ),
    ] = None,
    relevant: Annotated[int, typer.Option(min=1, help="The lowest grade that is relevant.")] = 2,
    pooled: Pooled = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Compare the queries that both judged; one judged a sample.")
    ] = False,
    by: Annotated[
        str, typer.Option(metavar="KEY", help="The metadata of queries.jsonl that groups the queries.")
    ] = "set",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the tables there, as Markdown.")
    ] = None,
) -> None:
    """Agreement of assessors on relevance: κ, α and overlap by query set, with intervals."""
    from bench.labelling.agreement import agreement
    from bench.labelling.passes import ToJudge, of_both, passes_to_compare, require_same_pairs
    from bench.report.agreement import agreement_table, relabelled_tables
    from bench.report.markdown import markdown
    from bench.report.write import beside, print_grids
    from bench.storage.files import check_file, write_text

    check_file(out)
    runs = [run_folder_of(run) for run in runs or ()]
    to_judge = ToJudge.load(folder, by)
    compared = passes_to_compare(to_judge, passes)
    require(
        not runs or len(compared) == 1,
        "--runs is measured under the labels of two passes, and there are more; name the two with "
        "--pass A --pass B",
    )
    tables = []
    for whole in compared:
        first, second = of_both(*whole) if sample else whole
        queries = require_same_pairs(first, second, to_judge, pooled=pooled)
        set_of = {query: to_judge.queries[query][1] for query in queries}
        groups = {
            name: [q for q in queries if set_of[q] == name] for name in dict.fromkeys(set_of.values())
        }
        rows = [
            agreement(name, first.grades, second.grades, chosen, relevant, seed=0)
            for name, chosen in [*(groups.items() if len(groups) > 1 else ()), ("all", queries)]
        ]
        tables.append(agreement_table((first.name, second.name), rows, relevant, by))
        if runs:
            from bench.labelling.relabel import relabel

            labels = {first.name: first.grades, second.name: second.grades}
            settled = _settled(to_judge, first, second, queries)
            if settled is not None:
                labels["final"] = settled
            relabelled = relabel(runs, to_judge, labels, set(queries) if sample else None)
            for run in runs:
                _require_run_files(run, folder)
            tables += relabelled_tables(relabelled, relevant)
    print_grids(tables, beside(out))
    if out is not None:
        write_text(out, markdown(tables))


def _settled(
    to_judge: ToJudge, first: Pass, second: Pass, queries: Sequence[str]
) -> dict[Pair, int] | None:
    """Return the settled labels; None where nothing is adjudicated, and, as is then said, where that is
    of other passes or not finished."""
    from bench.labelling.passes import ADJUDICATION
    from bench.labelling.settling import read_settled, settle, why_unsettled

    file = to_judge.pass_file(ADJUDICATION)
    if not file.exists():
        return None
    settled = read_settled(to_judge, first, second, queries)
    for fault, _ in why_unsettled(first, second, settled, queries):
        print(visible(f"the column 'final' is left out: by {file}, {fault}"), file=sys.stderr)
        return None
    return settle(first, second, settled, queries)


def _require_run_files(run: Path, folder: Path) -> None:
    """Raise `BenchError` where a run file gives another value than its record has; say so where the
    labels of the run are not at hand, by which alone that can be told."""
    from bench.experiment.run import collection_of
    from bench.runs.record import Record
    from bench.runs.run_files import require_run_files

    record = Record.load(run)
    source = record.content["config"].get("collection")
    if isinstance(source, Mapping) and "path" in source:
        source = {**source, "path": str(folder)}
    try:
        test = collection_of(record, source, (), "FOLDER")
    except BenchError as error:
        print(visible(f"{run}: its files are not held against its record: {error}"), file=sys.stderr)
    else:
        require_run_files(run, record, test)
