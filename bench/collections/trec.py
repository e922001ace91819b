"""TREC run files: `query Q0 document rank score tag`, white space between; "# " begins a comment."""

from __future__ import annotations

import itertools
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.collections.run_lines import MANY, blocks_of_lines
from bench.errors import BenchError, require, shortened, visible
from bench.storage.files import read_lines, text_file, whole_file
from bench.types import NO_DOC, Collection, Queries, Run, TestCollection

# From here on a number rounds to infinity in float32: half a step above the largest.
BEYOND_FLOAT32 = 2.0**128 - 2.0**103

# NUL ends a text in trec_eval; a byte order mark is taken off where a file begins with it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufeff]")

_Doc = TypeVar("_Doc", int, str)


def id_problem(name: str) -> str | None:
    """Return why a TREC file can not carry an id, None where it can.

    >>> id_problem("d1"), id_problem("#1"), id_problem("my id")
    (None, None, 'has white space in it')
    """
    if name == "":
        return "is empty"
    if name.split() != [name]:
        return "has white space in it"
    if name == "#":
        return "begins a comment in run files"
    if _CONTROL.search(name):
        return "has a control character in it"
    return None


def read_run(
    file: Path, doc_numbers: Mapping[str, int], *, own: bool = False
) -> dict[str, dict[int, float]]:
    """Read a run file → query id → document number → score, a float32; `own` for one that bench wrote.

    Raises `BenchError` with file and line as `read_scores` does, and for an unknown document.
    """

    def number(doc: str, where: str) -> int:
        if doc not in doc_numbers:
            raise BenchError(f"{where}: document '{doc}' is not in the collection; is it its run?")
        return doc_numbers[doc]

    found = _read(file, number, own=own)
    # A system of ours may have found nothing.
    require(own or bool(found), f"{file} has no lines; a run needs at least one answer")
    return found


def read_scores(file: Path) -> dict[str, list[tuple[str, float]]]:
    """Read a file of a run's own folder → query id → (document id, float32 score) in the order of its
    lines. That ties fall by document id is said of other tools' files only: ours are written so.

    Raises `BenchError` with file and line for a line that has not six columns, a document twice for
    one query, and a score that is no finite number or that float32 can not hold.
    """
    found = _read(file, lambda doc, _: doc, own=True)
    return {query: list(answers.items()) for query, answers in found.items()}


def _read(
    file: Path, key: Callable[[str, str], _Doc], *, own: bool = False
) -> dict[str, dict[_Doc, float]]:
    """Read a run file → query id → `key(document id, where)` → score; `own` for one that bench wrote."""
    found: dict[str, dict[_Doc, float]] = {}
    written: dict[str, list[float]] = {}
    ranks: dict[str, list[str]] = {}
    for number, line in read_lines(file):
        columns = line.split()
        if columns[0] == "#":  # "#1" may be a query
            continue
        where = f"{file}:{number}"
        require(
            len(columns) == 6,
            f"{where}: expected 6 columns (query Q0 document rank score tag), found {len(columns)}",
        )
        require("\0" not in line, f"{where}: NUL, at which trec_eval would cut the id; take it out")
        query, _, name, rank, text, _ = columns
        doc = key(name, where)
        answers = found.setdefault(query, {})
        require(
            doc not in answers, f"{where}: document '{name}' stands twice for query '{query}'; keep one"
        )
        score = _score(text, where)
        answers[doc] = float(np.float32(score))
        written.setdefault(query, []).append(score)
        ranks.setdefault(query, []).append(rank)
    scores = {query: list(answers.values()) for query, answers in found.items()}
    for note in _notes(scores, written, ranks, own=own):
        print(f"{file}: {note}", file=sys.stderr)
    return found


def _notes(
    scores: Mapping[str, Sequence[float]],
    written: Mapping[str, Sequence[float]],
    ranks: Mapping[str, Sequence[str]],
    *,
    own: bool,
) -> Iterator[str]:
    """Say of how many queries the scores do not give the order that the file seems to have.

    written  the scores before they were rounded to float32
    """
    against = sum(_contradicts(scores[query], ranks[query]) for query in scores)
    if against:
        yield (
            f"scores contradict the rank column in {against} of {len(scores)} queries; scores alone "
            "decide, as in trec_eval"
        )
    merged = [query for query in scores if len(set(scores[query])) < len(set(written[query]))]
    if merged and not own:
        yield merged_note(merged, len(scores))
    # A list or two of equal scores is nothing rare; a file of them has no order but that of its ids.
    # Single answers show nothing, so a file that is mostly of those is not one.
    several = [one for one in scores.values() if len(one) > 1]
    equal = 2 * len(several) >= len(scores) > 0 and all(len(set(one)) == 1 for one in several)
    if equal and not own and len(merged) < len(several):  # or that note says it all
        yield (
            "all scores of a query are equal, in every query; scores alone decide, as in trec_eval, and "
            "equal ones fall by document id, descending"
        )


def merged_note(queries: Sequence[str], n_queries: int) -> str:
    """Say that in these queries of a file scores that differ in it are equal as float32."""
    return (
        f"scores that differ are equal in float32, as trec_eval reads them, in {len(queries)} of "
        f"{n_queries} queries, the first '{visible(shortened(queries[0]))}', and fall by document id, "
        "descending; to keep their order, write ranks as scores: -1, -2, …"
    )


def _contradicts(scores: Sequence[float], ranks: Sequence[str]) -> bool:
    """Return whether a document has a better rank and a lower score than another."""
    try:
        numbers = [int(rank) for rank in ranks]
    except ValueError:  # a column that holds something else
        return False
    lines = sorted(zip(numbers, (-score for score in scores), strict=True))
    return any(one[1] > other[1] for one, other in itertools.pairwise(lines))


def _score(text: str, where: str) -> float:
    """Return a score as it is written.

    What float32 can not hold is refused: trec_eval would read an infinity, which for us is no answer at
    all. What differs only beyond float32 becomes a tie, and what is next to 0 becomes 0.
    """
    try:
        # float() alone takes 1_0 for 10, and digits of every script.
        score = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        score = math.nan
    require(math.isfinite(score), f"{where}: score '{text}' is not a finite number")
    require(
        abs(score) < BEYOND_FLOAT32,
        f"{where}: score '{text}' is beyond float32, in which trec_eval reads scores; scale the scores",
    )
    return score


def _lines(run: Run, queries: Queries, collection: Collection, tag: str) -> Iterator[str]:
    """Yield the lines of one query after those of another."""
    for row, query in enumerate(queries.ids):
        held = run.docs[row] != NO_DOC
        ids = collection.ids(run.docs[row][held])
        # a float32 as text is its shortest exact form, so trec_eval reads the very same score
        scores = run.scores[row][held].astype(str).tolist()
        ranked = enumerate(zip(ids, scores, strict=True), 1)
        yield "".join(f"{query} Q0 {doc} {place} {score} {tag}\n" for place, (doc, score) in ranked)


def write_run(
    file: Path,
    run: Run,
    queries: Queries,
    collection: Collection,
    tag: str,
    header: Iterable[str] = (),
) -> None:
    """Write a run file that trec_eval reads in the same order; `header` are comment lines before it."""
    with whole_file(file) as part, part.open("wb") as out:
        out.writelines(line.encode() for line in header)
        if run.docs.size < MANY:
            out.writelines(lines.encode() for lines in _lines(run, queries, collection, tag))
        else:
            out.writelines(blocks_of_lines(run, queries, collection, tag))


def write_topics(file: Path, queries: Queries, narratives: Mapping[str, str]) -> list[str]:
    """Write TREC topics: number, title (the query), and the narrative where there is one.

    Angle brackets would read as tags and become spaces. Returns the queries whose text or narrative
    was changed so.
    """
    plain = str.maketrans("<>", "  ")
    changed = []
    with text_file(file) as out:
        for query, text in zip(queries.ids, queries.texts, strict=True):
            out.write(f"<top>\n<num> Number: {query}\n<title> {text.translate(plain)}\n")
            if query in narratives:
                out.write(f"<narr> Narrative:\n{narratives[query].translate(plain)}\n")
            out.write("</top>\n\n")
            told = text + narratives.get(query, "")
            if told != told.translate(plain):
                changed.append(query)
    return changed


def write_qrels(file: Path, test: TestCollection) -> int:
    """Write TREC qrels, `query 0 document grade`, and return the number of lines.

    Where the judgements are complete, every pair has a line, zeros too.
    """
    every = test.collection.ids(range(len(test.collection))) if test.qrels.complete else []
    lines = 0
    with text_file(file) as out:
        for query in test.queries.ids:
            judged = test.qrels.grades.get(query, {})
            for doc in [*every, *sorted(judged.keys() - every)]:
                out.write(f"{query} 0 {doc} {judged.get(doc, 0)}\n")
                lines += 1
    return lines
