"""TREC run files: `query Q0 document rank score tag`, white space between."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from bench.errors import BenchError, require
from bench.files import read_lines, whole_file
from bench.types import NO_DOC, Collection, Queries, Run, TestCollection


def read_run(file: Path, doc_numbers: Mapping[str, int]) -> dict[str, dict[int, float]]:
    """Read a run file → query id → document number → score.

    Raises `BenchError` with file and line for a line that has not six columns, an unknown document,
    a document twice for one query, and a score that is no finite number.
    """
    found: dict[str, dict[int, float]] = {}
    for number, line in read_lines(file):
        if line.startswith("#"):
            continue
        where = f"{file}:{number}"
        columns = line.split()
        require(
            len(columns) == 6,
            f"{where}: expected 6 columns (query Q0 document rank score tag), found {len(columns)}",
        )
        query, _, doc, _, text, _ = columns
        if doc not in doc_numbers:
            raise BenchError(f"{where}: document '{doc}' is not in the collection; is it its run?")
        try:
            score = float(text)
        except ValueError:
            score = math.nan
        require(math.isfinite(score), f"{where}: score '{text}' is not a finite number")
        answers = found.setdefault(query, {})
        require(
            doc_numbers[doc] not in answers,
            f"{where}: document '{doc}' stands twice for query '{query}'; keep one",
        )
        answers[doc_numbers[doc]] = score
    require(bool(found), f"{file} has no lines; a run needs at least one answer")
    return found


def read_scores(file: Path) -> dict[str, list[tuple[str, float]]]:
    """Read a run file that bench wrote → query id → (document id, float32 score) in its order.

    Raises `BenchError` with file and line for a line that has not six columns or no score.
    """
    found: dict[str, list[tuple[str, float]]] = {}
    for number, line in read_lines(file):
        if line.startswith("#"):
            continue
        columns = line.split()
        require(len(columns) == 6, f"{file}:{number}: expected 6 columns, found {len(columns)}")
        try:
            score = float(np.float32(columns[4]))
        except ValueError:
            raise BenchError(f"{file}:{number}: score '{columns[4]}' is not a number") from None
        found.setdefault(columns[0], []).append((columns[2], score))
    return found


def _lines(run: Run, queries: Queries, collection: Collection, tag: str) -> Iterator[str]:
    for row, query in enumerate(queries.ids):
        held = run.docs[row] != NO_DOC
        ids = collection.ids(run.docs[row][held])
        # a float32 as text is its shortest exact form, so trec_eval reads the very same score
        scores = run.scores[row][held].astype(str)
        for place, (doc, score) in enumerate(zip(ids, scores, strict=True), 1):
            yield f"{query} Q0 {doc} {place} {score} {tag}\n"


def write_run(
    file: Path,
    run: Run,
    queries: Queries,
    collection: Collection,
    tag: str,
    header: Iterable[str] = (),
) -> None:
    """Write a run file that trec_eval reads in the same order; `header` are comment lines before it."""
    with whole_file(file) as part, part.open("w", encoding="utf-8") as out:
        out.writelines(header)
        out.writelines(_lines(run, queries, collection, tag))


def write_topics(file: Path, queries: Queries, narratives: Mapping[str, str]) -> None:
    """Write TREC topics: number, title (the query), and the narrative where there is one.

    Angle brackets would read as tags and become spaces.
    """
    plain = str.maketrans("<>", "  ")
    with whole_file(file) as part, part.open("w", encoding="utf-8") as out:
        for query, text in zip(queries.ids, queries.texts, strict=True):
            out.write(f"<top>\n<num> Number: {query}\n<title> {text.translate(plain)}\n")
            if query in narratives:
                out.write(f"<narr> Narrative:\n{narratives[query].translate(plain)}\n")
            out.write("</top>\n\n")


def write_qrels(file: Path, test: TestCollection) -> int:
    """Write TREC qrels, `query 0 document grade`, and return the number of lines.

    Where the judgements are complete, every pair has a line, zeros too.
    """
    every = test.collection.ids(range(len(test.collection)))
    lines = 0
    with whole_file(file) as part, part.open("w", encoding="utf-8") as out:
        for query in test.queries.ids:
            judged = test.qrels.grades.get(query, {})
            for doc in every if test.qrels.complete else sorted(judged):
                out.write(f"{query} 0 {doc} {judged.get(doc, 0)}\n")
                lines += 1
    return lines
