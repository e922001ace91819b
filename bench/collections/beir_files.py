"""The files of a BEIR folder: corpus.jsonl, queries.jsonl and qrels/<split>.tsv, line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path

from bench.collections.memory import InMemory
from bench.collections.trec import id_problem
from bench.errors import BenchError, did_you_mean, require
from bench.storage.files import read_json_lines, read_lines
from bench.types import ALL_SETS

UNLABELLED = "unlabelled"
_HIGHEST_GRADE = 1000
_NO_INTEGER = "is no integer; use 0, 1, 2, …"


def _text(row: Mapping[str, object], key: str, where: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str):
        raise BenchError(f"{where}: '{key}' must be a string, found {value!r}")
    require("\0" not in value, f"{where}: '{key}' has NUL in it, which ends a text; take it out")
    return value


def _new_id(row: Mapping[str, object], seen: Mapping[str, object] | set[str], where: str) -> str:
    name = row.get("_id")
    if not isinstance(name, str):
        raise BenchError(f"{where}: '_id' must be a string without white space, found {name!r}")
    problem = id_problem(name)
    require(
        problem is None,
        f"{where}: '_id' must be a string without white space or control characters, and {name!r} "
        f"{problem}; give it another",
    )
    require(name not in seen, f"{where}: id '{name}' stands twice; ids must be unique")
    return name


def read_corpus(file: Path, name: str) -> InMemory:
    """Read corpus.jsonl: `_id`, `title`, `text` a line."""
    ids: list[str] = []
    titles: list[str] = []
    texts: list[str] = []
    seen: set[str] = set()
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        doc = _new_id(row, seen, where)
        require("text" in row or "title" in row, f"{where}: neither 'title' nor 'text'; add one")
        seen.add(doc)
        ids.append(doc)
        titles.append(_text(row, "title", where))
        texts.append(_text(row, "text", where))
    require(bool(ids), f"{file} has no documents; a corpus needs at least one line")
    return InMemory(name, ids, titles, texts)


def read_queries(file: Path, group_by: str = "set") -> tuple[dict[str, tuple[str, str]], set[str]]:
    """Read queries.jsonl → {id: (text, set)} in file order, and the ids marked `no_answer`.

    The metadata `group_by` says the set. A query without it belongs to the set "unlabelled"; that none
    has it is refused, but for the usual `set`. White space makes no other set.
    """
    queries: dict[str, tuple[str, str]] = {}
    no_answer: set[str] = set()
    keys: set[str] = {"set"}
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        query = _new_id(row, queries, where)
        text = _text(row, "text", where)
        require(text.strip() != "", f"{where}: query '{query}' has no text")
        metadata = row.get("metadata") or {}
        require(isinstance(metadata, dict), f"{where}: 'metadata' must be an object")
        keys |= metadata.keys()
        group = " ".join(_text(metadata, group_by, where).split()) or UNLABELLED
        require(
            group != ALL_SETS, f"{where}: the set '{ALL_SETS}' is the name of all sets; choose another"
        )
        queries[query] = (text, group)
        marked = metadata.get("no_answer", False)
        require(
            isinstance(marked, bool), f"{where}: 'no_answer' must be true or false, found {marked!r}"
        )
        if marked:
            no_answer.add(query)
    require(bool(queries), f"{file} has no queries; a query set needs at least one line")
    require(
        group_by in keys,
        f"{file}: no query has metadata '{group_by}' to group by; " + did_you_mean(group_by, keys),
    )
    return queries, no_answer


def read_metadata(file: Path, key: str) -> dict[str, str]:
    """Return query id → metadata of this key, such as the narrative; queries without it are left out."""
    found = {
        str(row["_id"]): _text(row.get("metadata") or {}, key, f"{file}:{number}")
        for number, row in read_json_lines(file)
        if (row.get("metadata") or {}).get(key) is not None
    }
    return {query: value for query, value in found.items() if value}


def read_qrels(
    file: Path, queries: set[str], docs: set[str], *, strict: bool
) -> dict[str, dict[str, int]]:
    """Read a BEIR qrels file (query-id, corpus-id, score; tab-separated, with a header line).

    Raises `BenchError` with file and line for a malformed line, a query that is not in the collection,
    a grade that is no integer, and a pair that stands twice; for a document that is not in the
    collection if `strict`, and for a file that names no document which is.
    """
    grades: dict[str, dict[str, int]] = {}
    for place, (number, line) in enumerate(read_lines(file)):
        where = f"{file}:{number}"
        columns = line.split("\t")
        if place == 0 and columns[:1] == ["query-id"]:
            continue
        require(
            len(columns) == 3,
            f"{where}: expected 'query-id<TAB>corpus-id<TAB>score', found {len(columns)} column(s)",
        )
        query, doc, grade = (column.strip() for column in columns)
        if query not in queries:
            raise BenchError(f"{where}: unknown query '{query}'; " + did_you_mean(query, queries))
        if doc not in docs and (problem := id_problem(doc)):
            raise BenchError(f"{where}: document id {doc!r} {problem}; mend it")
        if strict and doc not in docs:
            raise BenchError(f"{where}: unknown document '{doc}'; {_near_document(doc, docs)}")
        judged = grades.setdefault(query, {})
        require(doc not in judged, f"{where}: the pair {query}, {doc} stands twice; keep one")
        judged[doc] = read_grade(grade, where)
    require(bool(grades), f"{file} has no judgements; qrels need at least one line")
    require(
        any(not docs.isdisjoint(judged) for judged in grades.values()),
        f"{file}: none of its documents is in corpus.jsonl; are these the qrels of this corpus?",
    )
    return grades


def read_grade(text: str, where: str) -> int:
    """Return the grade that a text says. Raises `BenchError` as `whole_grade` does."""
    # int() alone takes 1_0 for 10, and digits of every script.
    require(re.fullmatch(r"[+-]?[0-9]+", text) is not None, f"{where}: grade '{text}' {_NO_INTEGER}")
    try:
        grade = int(text)
    except ValueError:  # Python reads no more than 4,300 digits
        raise BenchError(f"{where}: a grade of {len(text)} digits is above {_HIGHEST_GRADE}") from None
    return whole_grade(grade, where)


def whole_grade(grade: object, where: str) -> int:
    """Return a grade as Python's own int, which JSON and trec_eval take; numpy's integers are none.

    Raises `BenchError` for what is no integer, truth values too, and for one out of all reason.
    """
    if not isinstance(grade, Integral) or isinstance(grade, bool):
        raise BenchError(f"{where}: grade {grade!r} {_NO_INTEGER}")
    whole = int(grade)
    shown = f"grade {whole}" if abs(whole) < 10**30 else "a grade of over 30 digits"
    # trec_eval counts through all grades up to the highest
    require(whole <= _HIGHEST_GRADE, f"{where}: {shown} is above {_HIGHEST_GRADE}")
    require(whole >= -_HIGHEST_GRADE, f"{where}: {shown} is below -{_HIGHEST_GRADE}")
    return whole


def _near_document(doc: str, docs: set[str]) -> str:
    """Name the nearest ids, but never list a whole corpus."""
    if len(docs) > 20_000:
        return "it is not in corpus.jsonl"
    hint = did_you_mean(doc, docs)
    return hint if hint.startswith("did") else "it is not in corpus.jsonl"
