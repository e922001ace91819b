"""Articles, queries and judgements in tables → a BEIR folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.collections.beir import ALL, read_grade
from bench.collections.tables import Table, missing, read_table
from bench.errors import BenchError, did_you_mean, require
from bench.storage.files import write_json_lines, write_text
from bench.storage.leftovers import part_folder

_DOC_IDS = (
    "id", "doc_id", "docid", "document_id", "article_id", "corpus_id", "paper_id", "passage_id", "pid",
    "docno",
)  # fmt: skip
_QUERY_IDS = ("id", "query_id", "qid", "topic_id", "number")
_TITLES = ("title", "headline", "heading", "name", "subject")
_TEXTS = ("text", "body", "content", "contents", "abstract", "article", "passage", "document")
_QUERIES = ("text", "query", "question", "topic", "title")
_SETS = ("set", "query_set")
_JUDGED_QUERIES = ("query_id", "qid", "query", "topic_id", "topic")
_JUDGED_DOCS = (*_DOC_IDS[1:], "document", "article", "doc", "id")
# A score beside any other may be a system's.
_GRADES = ("grade", "relevance", "relevant", "rel", "label", "judgement", "judgment", "rating", "score")


@dataclass(frozen=True)
class Columns:
    """Names of the columns that the user gave, by option; what is not given is guessed."""

    given: Mapping[str, str | None] = field(default_factory=dict)

    def of(self, table: Table, option: str, wanted: str, guesses: Sequence[str]) -> int:
        """Return the place of a column that must be there. Raises `BenchError` where it is not."""
        place = self.maybe(table, option, wanted, guesses)
        if place is None:
            raise missing(table, wanted, option)
        return place

    def maybe(self, table: Table, option: str, wanted: str, guesses: Sequence[str]) -> int | None:
        """Return the place of a column, None where there is none."""
        return table.column(wanted, self.given.get(option), guesses, option)


@dataclass(frozen=True)
class Imported:
    """A collection as the three files of a BEIR folder hold it; `notes` say how it was read."""

    documents: Mapping[str, tuple[str, str]]
    queries: Mapping[str, tuple[str, str]]
    judgements: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write the folder, whole or not at all. Raises `BenchError` where something stands there."""
        try:
            require(
                not folder.exists() or (folder.is_dir() and not any(folder.iterdir())),
                f"{folder} is there already and is not overwritten; name another with --out DIR",
            )
            place = Path(os.path.realpath(folder))  # a link stays
            with part_folder(place.parent) as part:
                new = part / "collection"
                documents = [
                    {"_id": name, "title": title, "text": text}
                    for name, (title, text) in self.documents.items()
                ]
                queries = [
                    {"_id": name, "text": text} | ({"metadata": {"set": group}} if group else {})
                    for name, (text, group) in self.queries.items()
                ]
                write_json_lines(new / "corpus.jsonl", documents)
                write_json_lines(new / "queries.jsonl", queries)
                lines = [
                    f"{query}\t{doc}\t{grade}\n"
                    for query, judged in self.judgements.items()
                    for doc, grade in judged.items()
                ]
                if lines:
                    header = "query-id\tcorpus-id\tscore\n"
                    write_text(new / "qrels" / "test.tsv", header + "".join(lines))
                new.rename(place)
        except OSError as error:
            raise BenchError(
                f"cannot write {folder}: {error.strerror}; name another with --out DIR"
            ) from error


def read_collection(
    articles: Path,
    queries: Path,
    qrels: Path | None,
    columns: Columns = Columns(),
    *,
    quotes: bool = True,
) -> Imported:
    """Read the tables; without qrels, for a collection that is to be judged.

    Raises `BenchError` with file and line for whatever is wrong in them.
    """
    notes: list[str] = []
    tables = [read_table(file, quotes=quotes) for file in (articles, queries, qrels) if file]
    documents = _documents(tables[0], columns, notes)
    asked = _queries(tables[1], columns, notes)
    judged = _judgements(tables[2], columns, documents, asked, notes) if qrels else {}
    notes += [table.line_ends for table in tables if table.line_ends]
    if qrels and (unjudged := len(asked) - len(judged)):
        notes.append(f"{unjudged:,} of {len(asked):,} queries have no judgement and are not measured")
    return Imported(documents, asked, judged, tuple(notes))


def _documents(table: Table, columns: Columns, notes: list[str]) -> dict[str, tuple[str, str]]:
    name = columns.of(table, "--id", "id of an article", _DOC_IDS)
    title = columns.maybe(table, "--title", "title", _TITLES)
    text = columns.maybe(table, "--text", "text", _TEXTS)
    if title is None and text is None:
        raise missing(table, "text of an article", "--text")
    found: dict[str, tuple[str, str]] = {}
    for (where, doc), (_, head), (_, body) in zip(
        table.cells(name), table.cells(title), table.cells(text), strict=True
    ):
        _require_new_id(doc, found, where)
        found[doc] = (head, body)
    notes.append(_read_as(table, {"id": name, "title": title, "text": text}))
    if empty := sum(not any(both) for both in found.values()):
        notes.append(f"{empty:,} articles have neither title nor text: nothing finds them")
    return found


def _queries(table: Table, columns: Columns, notes: list[str]) -> dict[str, tuple[str, str]]:
    name = columns.of(table, "--query-id", "id of a query", _QUERY_IDS)
    text = columns.of(table, "--query", "text of a query", _QUERIES)
    group = columns.maybe(table, "--set", "query set", _SETS)
    found: dict[str, tuple[str, str]] = {}
    for (where, query), (_, asked), (_, its_set) in zip(
        table.cells(name), table.cells(text), table.cells(group), strict=True
    ):
        _require_new_id(query, found, where)
        require(asked != "", f"{where}: query '{query}' has no text; write one, or leave the row out")
        require(its_set != ALL, f"{where}: the set '{ALL}' is the name of all sets; choose another")
        found[query] = (asked, its_set)
    notes.append(_read_as(table, {"id": name, "text": text, "set": group}))
    return found


def _judgements(
    table: Table,
    columns: Columns,
    documents: Mapping[str, object],
    queries: Mapping[str, object],
    notes: list[str],
) -> dict[str, dict[str, int]]:
    query_at = columns.of(table, "--judged-query", "query of a judgement", _JUDGED_QUERIES)
    doc_at = columns.of(table, "--judged-id", "article of a judgement", _JUDGED_DOCS)
    grade_at = columns.maybe(table, "--grade", "grade", _GRADES)
    # A third column that nobody knows may be the grade: only a list of pairs has none.
    if grade_at is None and len(table.columns) > 2:
        raise missing(table, "grade of a judgement", "--grade")
    found: dict[str, dict[str, int]] = {}
    for (where, query), (_, doc), (_, grade) in zip(
        table.cells(query_at), table.cells(doc_at), table.cells(grade_at), strict=True
    ):
        require(query in queries, f"{where}: unknown query '{query}'; {_near(query, queries)}")
        require(doc in documents, f"{where}: unknown article '{doc}'; {_near(doc, documents)}")
        judged = found.setdefault(query, {})
        require(doc not in judged, f"{where}: the pair {query}, {doc} stands twice; keep one")
        # A spreadsheet makes 2.0 of a 2.
        judged[doc] = 1 if grade_at is None else read_grade(re.sub(r"\.0+$", "", grade), where)
    notes.append(_read_as(table, {"query": query_at, "article": doc_at, "grade": grade_at}))
    if grade_at is None:
        notes.append(f"{table.file} has no grades: each pair counts as 1")
    return found


def _require_new_id(name: str, seen: Mapping[str, object], where: str) -> None:
    require(name != "", f"{where}: the id is empty; every row needs one")
    require(
        name.split() == [name] and name.isprintable() and name != "#",
        f"{where}: id {name!r} is a comment sign, or holds white space or what can not be printed: no "
        "run file can carry it; change it, there and in the judgements",
    )
    require(name not in seen, f"{where}: id '{name}' stands twice; ids must be unique")


def _near(name: str, known: Mapping[str, object]) -> str:
    hint = did_you_mean(name, known) if len(known) <= 20_000 else ""
    return hint if hint.startswith("did") else "add it there, or leave the judgement out"


def _read_as(table: Table, places: Mapping[str, int | None]) -> str:
    """Say which column was taken for what, and which were not."""
    taken = {what: table.columns[at] for what, at in places.items() if at is not None}
    unused = [name or "(no name)" for at, name in enumerate(table.columns) if at not in places.values()]
    read = ", ".join(f"{what} = {name}" for what, name in taken.items())
    return f"{table.said}: {read}" + (f"; not used: {', '.join(unused)}" if unused else "")
