"""Judgements without a corpus: what run files are measured on where nothing else is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappush, heappushpop
from pathlib import Path

from bench.collections.beir_files import UNLABELLED, read_grade
from bench.collections.memory import InMemory
from bench.collections.trec import id_problem
from bench.errors import BenchError, require
from bench.storage.files import read_lines
from bench.types import Qrels, Queries, TestCollection

_FIRST = 10


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
    has a text; and notes of what is not measured, or on few judgements.

    Raises `BenchError` as `read_trec_qrels` does, and for a run none of whose documents is judged: its
    ids are of another collection. What else is wrong in a run file is for its own reader.
    """
    rules = Qrels(read_trec_qrels(qrels), complete, relevant, ignore_identical_ids)
    named = {doc for its in rules.grades.values() for doc in its}
    found = [_Answers.read(run, rules, named) for run in runs]
    notes = []
    for one in found:
        require(
            one.some_known or not one.example,
            f"{one.file}: none of its documents, such as '{one.example}', is judged in {qrels} for "
            "the queries that it answers; are its ids written as there?",
        )
        if unknown := len(one.queries - rules.grades.keys()):
            notes.append(
                f"{one.file}: {unknown:,} of its {len(one.queries):,} queries are not in {qrels}, and "
                "not measured"
            )
    notes += [] if complete else _poorly_judged(found)
    ids = sorted(named.union(*(one.docs for one in found)))
    none = [""] * len(ids)
    queries = tuple(rules.grades)
    same = len(queries)
    test = TestCollection(
        InMemory(qrels.name, ids, none, none),
        Queries(queries, ("",) * same, (UNLABELLED,) * same, (qrels.name,) * same),
        rules,
    )
    return test, notes


@dataclass(frozen=True)
class _Answers:
    """What a run file names, and how much of what is measured was judged.

    example     a document of a measured query, "" where it answers none
    some_known  whether any document of a measured query has a grade, a negative one too
    share       of the first ten documents of all measured queries, how many are judged
    """

    file: Path
    queries: set[str]
    docs: set[str]
    example: str
    some_known: bool
    share: float

    @classmethod
    def read(cls, file: Path, rules: Qrels, named: set[str]) -> _Answers:
        """Read a file; `named` are the documents of all queries, which are judged in complete qrels."""
        measured = {
            query: named if rules.complete else set(rules.judged(query))
            for query in rules.grades
            if rules.n_relevant(query)
        }
        queries: set[str] = set()
        docs: set[str] = set()
        best: dict[str, list[tuple[float, str]]] = {}
        example, some_known = "", False
        for _, line in read_lines(file):
            columns = line.split()
            if len(columns) != 6 or columns[0] == "#":
                continue
            query, _, doc, _, score, _ = columns
            queries.add(query)
            docs.add(doc)
            if query not in measured or (rules.ignore_identical_ids and doc == query):
                continue
            example = example or doc
            some_known = some_known or doc in measured[query] or doc in rules.grades[query]
            kept = best.setdefault(query, [])
            with suppress(ValueError):  # for the file's own reader to refuse
                (heappush if len(kept) < _FIRST else heappushpop)(kept, (float(score), doc))
        judged = [doc in measured[query] for query, kept in best.items() for _, doc in kept]
        return cls(file, queries, docs, example, some_known, sum(judged) / max(len(judged), 1))


def _poorly_judged(found: Sequence[_Answers]) -> Iterator[str]:
    """Name each run with a share of judged documents less than half of the best one's."""
    best = max(found, key=lambda one: one.share)
    for one in found:
        if one.example and one.share < best.share / 2:
            yield (
                f"{one.file}: {one.share:.0%} of the first ten documents of its queries are judged, "
                f"{best.share:.0%} of {best.file}'s: what is not judged counts as not relevant, and its "
                "values may be too low; or are its ids written otherwise?"
            )
