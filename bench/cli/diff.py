"""`bench diff`: what changed from one run to another, query by query."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BenchError, did_you_mean, require

if TYPE_CHECKING:
    from bench.report.table import Table
    from bench.runs.contenders import Contenders
    from bench.runs.diff import SystemChange
    from bench.runs.record import Record
    from bench.types import TestCollection

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, or FOLDER:SYSTEM.")]


def diff(
    before: Run,
    after: Run,
    system: Annotated[
        str | None, typer.Argument(metavar="SYSTEM", help="Only this system of both runs.")
    ] = None,
    measure: Annotated[
        str | None, typer.Option(metavar="MEASURE", help="By this one; the primary if not given.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(metavar="ID", help="The two rankings of this query, side by side.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many queries, or ranks of --query.")] = 10,
    collection: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where the runs' BEIR folder is now, for texts and grades."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE", help="Module besides bench that a _target_ may name."),
    ] = None,
) -> None:
    """Which queries changed from one run to another: settings, queries by size, two rankings."""
    from bench.report.diff import queries_table, settings_table, systems_table
    from bench.report.write import print_grids
    from bench.runs.contenders import gather
    from bench.runs.diff import system_changes
    from bench.runs.naming import differing
    from bench.runs.record import Record
    from bench.runs.reproduction import differences

    for run in (before, after):
        require(
            Path(_folder(run)).is_dir() or Path(run).name == "record.json",
            f"{run} is no run's folder, and a diff needs two, for their settings; name one",
        )
    require(
        system is None or (_folder(before) == before and _folder(after) == after),
        f"'{system}' names the system of both runs; leave ':SYSTEM' out of their names",
    )
    names = [f"{run}:{system}" if system else run for run in (before, after)]
    found = gather(names, None, [] if measure is None else [measure])
    by = found.measures[0]
    changes = system_changes(found, by)
    records = [Record.load(Path(_folder(run))) for run in (before, after)]
    tables: list[Table] = []
    names = [found.origins[row][1] for row in changes[0].rows]
    if names[0] != names[1]:
        pair = zip(records, names, strict=True)
        settings = differing([one.content["config"]["retrievers"].get(name, {}) for one, name in pair])
        tables.append(settings_table(settings, []))
    elif records[0].content != records[1].content:
        settings = differing([record.content["config"] for record in records])
        settings.pop("output", None)
        tables.append(settings_table(settings, differences(*records)))
    test = _collection_of(records[1], collection, allow or ())
    if query is None:
        texts = dict(zip(test.queries.ids, test.queries.texts, strict=True)) if test else {}
        tables.append(systems_table(by, changes))
        tables += [queries_table(by, one, top, texts) for one in changes if one.changed]
    else:
        require(query in found.query_ids, f"no query '{query}'; {did_you_mean(query, found.query_ids)}")
        for one in changes:
            files = [
                Path(_folder(run)) / f"{found.origins[row][1]}.trec"
                for run, row in zip((before, after), one.rows, strict=True)
            ]
            if test is not None:
                _require_same_values(query, found, one.rows, files, test)
            tables += _rankings(query, by, one, files, top, test)
    print_grids(tables)


def _require_same_values(
    query: str, found: Contenders, rows: Sequence[int], files: Sequence[Path], test: TestCollection
) -> None:
    """Raise `BenchError` where a run file gives another value than its record has."""
    from bench.collections.run_file import ReadRun
    from bench.runs.run_files import require_values

    asked = test.queries.select([test.queries.ids.index(query)])
    recorded = found.values[:, :, [list(found.query_ids).index(query)]]
    for file, row in zip(files, rows, strict=True):
        answers = ReadRun.read(file, test.collection, own=True)
        require_values(answers, asked, test, found.measures, recorded[row])


def _rankings(
    query: str,
    measure: str,
    one: SystemChange,
    files: Sequence[Path],
    top: int,
    test: TestCollection | None,
) -> list[Table]:
    """One query in two run files: the first ranks beside each other, and where the relevant ones are."""
    from bench.collections.trec import read_scores
    from bench.report.diff import rankings_table, relevant_table

    first, second = ([doc for doc, _ in read_scores(file).get(query, ())] for file in files)
    asked, relevant = "", list[str]()
    titles: dict[str, str] = {}
    grades: Mapping[str, str] = {}
    if test is not None:
        asked = dict(zip(test.queries.ids, test.queries.texts, strict=True)).get(query, "")
        judged = test.qrels.grades.get(query, {})
        shown = {*first, *second, *judged}
        every = range(len(test.collection))
        ids, heads = test.collection.ids(every), test.collection.texts(every, ("title",))
        titles = {doc: head for doc, head in zip(ids, heads, strict=True) if doc in shown}
        unjudged = dict.fromkeys(shown, "0") if test.qrels.complete else {}
        grades = unjudged | {doc: str(grade) for doc, grade in judged.items()}
        relevant = [doc for doc, grade in judged.items() if grade >= test.qrels.relevant]
        relevant.sort(key=lambda doc: -judged[doc])
    (value,) = [change for change in one.queries if change.query == query]
    title = f"{one.system}, {measure} {value.before:.4f} → {value.after:.4f}, {query}"
    rankings = (first, second)
    tables = [rankings_table(title, asked, rankings, top, titles, grades)]
    return [*tables, relevant_table(rankings, relevant, titles, grades)] if relevant else tables


def _collection_of(record: Record, folder: str | None, allowed: Sequence[str]) -> TestCollection | None:
    """Return what the run was measured on, None with a line on stderr where it is not at hand."""
    from bench.experiment.run import collection_of

    source = record.content["config"].get("collection")
    try:
        if folder is not None and isinstance(source, Mapping):
            require("path" in source, "the run's collection has no folder; leave --collection out")
            source = {**source, "path": folder}
        return collection_of(record, source, allowed, "--collection DIR")
    except BenchError as error:
        if folder is not None:
            raise
        print(f"without texts, titles and grades: {error}", file=sys.stderr)
        return None


def _folder(run: str) -> str:
    """Return the folder of FOLDER, FOLDER/record.json or either with :SYSTEM."""
    from bench.runs.naming import run_and_system

    path, _ = run_and_system(run)
    return str(path.parent if path.name == "record.json" else path)
