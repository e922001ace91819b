"""Judgements without a corpus: what run files are measured on where nothing else is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.collections.beir import UNLABELLED, read_grade
from bench.collections.memory import InMemory
from bench.collections.trec import id_problem
from bench.errors import BenchError, require
from bench.files import read_lines
from bench.types import Qrels, Queries, TestCollection


def read_trec_qrels(file: Path) -> dict[str, dict[str, int]]:
    """Read trec_eval's qrels, `query 0 document grade` with white space between, or BEIR's three columns
    below their header → query id → document id → grade.

    Raises `BenchError` with file and line for another number of columns, an id that no run file can
    carry, a grade that is no integer and a pair that stands twice.
    """
    grades: dict[str, dict[str, int]] = {}
    beir = False
    for place, (number, line) in enumerate(read_lines(file)):
        columns = line.split()
        if place == 0 and columns[0] == "query-id":
            beir = True
            continue
        where = f"{file}:{number}"
        names = "query-id corpus-id score" if beir else "query 0 document grade"
        require(
            len(columns) == (3 if beir else 4),
            f"{where}: expected '{names}', found {len(columns)} column(s)",
        )
        query, doc, grade = columns if beir else (columns[0], *columns[2:])
        for name in (query, doc):
            if problem := id_problem(name):
                raise BenchError(f"{where}: id {name!r} {problem}; mend it")
        judged = grades.setdefault(query, {})
        require(doc not in judged, f"{where}: the pair {query}, {doc} stands twice; keep one")
        judged[doc] = read_grade(grade, where)
    require(bool(grades), f"{file} has no judgements; qrels need at least one line")
    return grades


def judged(
    qrels: Path,
    runs: Sequence[Path],
    relevant: int = 1,
    *,
    complete: bool = False,
    ignore_identical_ids: bool = False,
) -> tuple[TestCollection, list[str]]:
    """Return the judged queries, on the documents that the qrels and these run files name, none of which
    has a text; and notes of what is not measured.

    Raises `BenchError` as `read_trec_qrels` does. What is wrong in a run file is for its own reader.
    """
    grades = read_trec_qrels(qrels)
    docs = {doc for its in grades.values() for doc in its}
    notes = []
    for run in runs:
        asked: set[str] = set()
        for _, line in read_lines(run):
            columns = line.split(None, 3)
            if len(columns) == 4 and columns[0] != "#":
                asked.add(columns[0])
                docs.add(columns[2])
        if unknown := len(asked - grades.keys()):
            notes.append(
                f"{run}: {unknown:,} of its {len(asked):,} queries are not in {qrels}, and not measured"
            )
    ids = sorted(docs)
    none = [""] * len(ids)
    queries = tuple(grades)
    same = len(queries)
    test = TestCollection(
        InMemory(qrels.name, ids, none, none),
        Queries(queries, ("",) * same, (UNLABELLED,) * same, (qrels.name,) * same),
        Qrels(grades, complete, relevant, ignore_identical_ids),
    )
    if none_relevant := sum(test.qrels.n_relevant(query) == 0 for query in queries):
        notes.append(
            f"{none_relevant:,} of {len(queries):,} queries of {qrels} have no document of grade "
            f"{relevant} or more: left out"
        )
    return test, notes
