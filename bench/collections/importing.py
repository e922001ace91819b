"""Articles, queries and judgements in tables → a BEIR folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.collections.beir_files import read_grade
from bench.collections.tables import TextTable, missing, plain, read_table
from bench.errors import BenchError, did_you_mean, listed, require
from bench.storage.files import write_json_lines, write_text
from bench.storage.leftovers import part_folder
from bench.types import ALL_SETS

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

    def of(self, table: TextTable, option: str, wanted: str, guesses: Sequence[str]) -> int:
        """Return the place of a column that must be there. Raises `BenchError` where it is not."""
        place = self.maybe(table, option, wanted, guesses)
        if place is None:
            raise missing(table, wanted, option)
        return place

    def maybe(self, table: TextTable, option: str, wanted: str, guesses: Sequence[str]) -> int | None:
        """Return the place of a column, None where there is none."""
        return table.column(wanted, self.given.get(option), guesses, option)

    def key(
        self,
        table: TextTable,
        option: str,
        wanted: str,
        guesses: Sequence[str],
        judged: tuple[Path, str] | None,
        others: Sequence[str],
    ) -> tuple[int, str]:
        """Return the place of the ids that judgements name, and a note where a choice was made.

        judged  the file of judgements, and its column that names these rows
        others  guesses for what the rows say: a column of those is no id

        Raises `BenchError` where there is none, and where several may be it and nothing decides.
        """
        if self.given.get(option) is not None:
            return self.of(table, option, wanted, guesses), ""
        likely = table.likely(guesses)
        named = table.likely([plain(judged[1])]) if judged else []
        if judged and named and named[0] not in table.likely(others):
            choice = len(likely) > 1 or named != likely
            return named[0], f", the name that {judged[0]} has for it" if choice else ""
        require(
            len(likely) < 2,
            f"{table.file} has several columns that may be the {wanted}: "
            f"{listed([table.columns[at] for at in likely])}; name one with {option}",
        )
        return self.of(table, option, wanted, guesses), ""


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
    of_query = of_doc = None
    if qrels:
        query_at, doc_at = _judged(tables[2], columns)
        of_query, of_doc = ((qrels, tables[2].columns[at]) for at in (query_at, doc_at))
    documents = _documents(tables[0], columns, of_doc, notes)
    asked = _queries(tables[1], columns, of_query, notes)
    judged = _judgements(tables[2], columns, documents, asked, notes) if qrels else {}
    notes += [table.line_ends for table in tables if table.line_ends]
    if qrels and (unjudged := len(asked) - len(judged)):
        notes.append(f"{unjudged:,} of {len(asked):,} queries have no judgement and are not measured")
    return Imported(documents, asked, judged, tuple(notes))


def _judged(table: TextTable, columns: Columns) -> tuple[int, int]:
    """Return the places of query and article in a table of judgements."""
    return (
        columns.of(table, "--judged-query", "query of a judgement", _JUDGED_QUERIES),
        columns.of(table, "--judged-id", "article of a judgement", _JUDGED_DOCS),
    )


def _documents(
    table: TextTable, columns: Columns, judged: tuple[Path, str] | None, notes: list[str]
) -> dict[str, tuple[str, str]]:
    others = (*_TITLES, *_TEXTS)
    name, why = columns.key(table, "--id", "id of an article", _DOC_IDS, judged, others)
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
    notes.append(_read_as(table, {"id": name, "title": title, "text": text}, why))
    if empty := sum(not any(both) for both in found.values()):
        notes.append(f"{empty:,} articles have neither title nor text: nothing finds them")
    return found


def _queries(
    table: TextTable, columns: Columns, judged: tuple[Path, str] | None, notes: list[str]
) -> dict[str, tuple[str, str]]:
    others = (*_QUERIES, *_SETS)
    name, why = columns.key(table, "--query-id", "id of a query", _QUERY_IDS, judged, others)
    text = columns.of(table, "--query", "text of a query", _QUERIES)
    group = columns.maybe(table, "--set", "query set", _SETS)
    found: dict[str, tuple[str, str]] = {}
    for (where, query), (_, asked), (_, its_set) in zip(
        table.cells(name), table.cells(text), table.cells(group), strict=True
    ):
        _require_new_id(query, found, where)
        require(asked != "", f"{where}: query '{query}' has no text; write one, or leave the row out")
        require(
            its_set != ALL_SETS, f"{where}: the set '{ALL_SETS}' is the name of all sets; choose another"
        )
        found[query] = (asked, its_set)
    notes.append(_read_as(table, {"id": name, "text": text, "set": group}, why))
    return found


def _judgements(
    table: TextTable,
    columns: Columns,
    documents: Mapping[str, object],
    queries: Mapping[str, object],
    notes: list[str],
) -> dict[str, dict[str, int]]:
    query_at, doc_at = _judged(table, columns)
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


def _read_as(table: TextTable, places: Mapping[str, int | None], why: str = "") -> str:
    """Say which column was taken for what, why the first was, and which were not taken."""
    taken = {what: table.columns[at] for what, at in places.items() if at is not None}
    unused = [name or "(no name)" for at, name in enumerate(table.columns) if at not in places.values()]
    first, *rest = (f"{what} = {name}" for what, name in taken.items())
    read = ", ".join([first + why, *rest])
    return f"{table.in_words}: {read}" + (f"; not used: {', '.join(unused)}" if unused else "")
