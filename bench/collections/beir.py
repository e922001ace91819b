"""A test collection as a BEIR folder: corpus.jsonl, queries.jsonl and qrels/<split>.tsv."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.collections.memory import InMemory
from bench.collections.trec import id_problem
from bench.errors import BenchError, did_you_mean, require
from bench.paths import resource
from bench.storage.files import files_in, read_json_lines, read_lines
from bench.types import ALL_SETS, Qrels, Queries, TestCollection

ALL_SPLITS = "all"
UNLABELLED = "unlabelled"
_HIGHEST_GRADE = 1000
_APART = {"dev": "test", "test": "dev"}  # what is chosen on the one is measured on the other


@dataclass(frozen=True)
class BeirFolder:
    """Settings of a BEIR folder.

    path      the folder
    name      what results call it; the folder's name if empty
    split     which qrels/<split>.tsv; `all` takes every one
    sets      query sets to keep (metadata `set` of queries.jsonl); all if empty
    relevant  the lowest grade that binary measures count as relevant
    complete  whether every pair was judged, so that an absent pair is a 0 and not unknown
    strict    whether a judgement of a document that is not in the corpus is refused. Otherwise it is
              counted, and a relevant one is a document that nothing can find: so does BEIR's own
              evaluation, which hands pytrec_eval the qrels as they are
    ignore_identical_ids  whether a document with the id of the query is taken out of its answers, as
              BEIR's evaluation does unless told otherwise (ArguAna's and Quora's queries are documents)
    """

    path: str
    name: str = ""
    split: str = "test"
    sets: Sequence[str] | None = None
    relevant: int = 1
    complete: bool = False
    strict: bool = False
    ignore_identical_ids: bool = False

    def load(self) -> TestCollection:
        """Read the folder. Raises `BenchError` with file and line for whatever is wrong in it."""
        folder = Path(self.path)
        require_folder(folder)
        require(self.relevant >= 1, f"collection.relevant must be at least 1, got {self.relevant}")
        corpus = read_corpus(folder / "corpus.jsonl", self.name or folder.resolve().name)
        queries, no_answer = read_queries(folder / "queries.jsonl")
        known_docs = set(corpus.ids(range(len(corpus))))
        grades: dict[str, dict[str, int]] = {}
        split_of: dict[str, str] = {}
        for split, file in self._split_files(folder).items():
            judgements = read_qrels(file, set(queries), known_docs, strict=self.strict)
            for query, judged in judgements.items():
                if other := split_of.get(query):
                    raise BenchError(
                        f"{file}: query '{query}' is in split '{other}' as well; "
                        + _keep_in_one(folder, [query], [split, other])
                    )
                split_of[query], grades[query] = split, judged
        _require_apart(folder, self.split, grades)
        selected = [query for query in queries if query in split_of]
        answered = [q for q in selected if q in no_answer and max(grades[q].values()) >= self.relevant]
        require(
            not answered,
            f"{folder / 'queries.jsonl'}: query '{''.join(answered[:1])}' is marked no_answer, and "
            f"qrels have a relevant document of it ({len(answered):,} such); take out one of the two",
        )
        if self.sets:
            known_sets = {queries[query][1] for query in selected}
            for name in self.sets:
                require(
                    name in known_sets,
                    f"no query set '{name}' in {folder} (split {self.split}); "
                    + did_you_mean(name, known_sets),
                )
            selected = [query for query in selected if queries[query][1] in self.sets]
        return TestCollection(
            corpus,
            Queries(
                tuple(selected),
                tuple(queries[query][0] for query in selected),
                tuple(queries[query][1] for query in selected),
                tuple(split_of[query] for query in selected),
            ),
            Qrels(
                {q: grades[q] for q in selected},
                self.complete,
                self.relevant,
                self.ignore_identical_ids,
            ),
            frozenset(no_answer & set(selected)),
            sum(len(grades[query].keys() - known_docs) for query in selected),
        )

    def _split_files(self, folder: Path) -> dict[str, Path]:
        found = {file.stem: file for file in files_in(folder / "qrels", "*.tsv")}
        require(bool(found), f"{folder / 'qrels'} has no .tsv file; add qrels/test.tsv")
        if self.split == ALL_SPLITS:
            return found
        hint = did_you_mean(self.split, [*found, ALL_SPLITS])
        if self.split in ("dev", "test"):
            hint += f"; divide the queries into dev and test with bench split {folder}"
        require(self.split in found, f"collection {folder} has no split '{self.split}'; {hint}")
        return {self.split: found[self.split]}


def _require_apart(folder: Path, split: str, grades: Mapping[str, object]) -> None:
    """Raise `BenchError` where a query of dev is in test too, whichever of the two is read.

    Of the other file only the queries are read; what else is wrong in it is told by who measures on it.
    """
    other = folder / "qrels" / f"{_APART.get(split)}.tsv"
    if split not in _APART or not other.is_file():
        return
    theirs = {line.split("\t", 1)[0].strip() for _, line in read_lines(other)}
    if both := [query for query in grades if query in theirs]:
        raise BenchError(
            f"{folder / 'qrels' / split}.tsv: query '{both[0]}' is in qrels/{other.name} as well "
            f"({len(both):,} such); {_keep_in_one(folder, both, list(_APART))}"
        )


def _keep_in_one(folder: Path, queries: Sequence[str], splits: Sequence[str]) -> str:
    """Say how queries that are in two splits get into one, and which command does it, if one can."""
    named = read_metadata(folder / "queries.jsonl", "split")
    if not named:
        return f"keep each in one, or divide all anew with bench split {folder} --force"
    if all(named.get(query) in splits for query in queries):
        return f"keep each in one, or write the labels again with bench adjudicate {folder} --write"
    return "keep each in one"


def require_folder(folder: Path, as_what: str = "") -> None:
    """Raise `BenchError` where there is no folder; `as_what` says how the command at hand names one."""
    content = f"a BEIR folder (corpus.jsonl, queries.jsonl, qrels/){as_what}"
    require(folder.exists(), f"collection folder {folder} does not exist; give {content}")
    require(folder.is_dir(), f"{folder} is a file where a collection should be; give {content}")


def digest(split: str = "test", sets: Sequence[str] | None = None) -> BeirFolder:
    """Return the digest corpus that ships with this package: complete judgements, relevant ≥ 2."""
    path = str(resource("qrels/digest"))
    return BeirFolder(path, "digest", split, sets, relevant=2, complete=True, strict=True)


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


def read_queries(file: Path) -> tuple[dict[str, tuple[str, str]], set[str]]:
    """Read queries.jsonl → {id: (text, set)} in file order, and the ids marked `no_answer`.

    A query without metadata `set` belongs to the set "unlabelled". White space makes no other set.
    """
    queries: dict[str, tuple[str, str]] = {}
    no_answer: set[str] = set()
    for number, row in read_json_lines(file):
        where = f"{file}:{number}"
        query = _new_id(row, queries, where)
        text = _text(row, "text", where)
        require(text.strip() != "", f"{where}: query '{query}' has no text")
        metadata = row.get("metadata") or {}
        require(isinstance(metadata, dict), f"{where}: 'metadata' must be an object")
        group = " ".join(_text(metadata, "set", where).split()) or UNLABELLED
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
    """Return a grade. Raises `BenchError` for what is no integer, and for one out of all reason."""
    # int() alone takes 1_0 for 10, and digits of every script.
    require(
        re.fullmatch(r"[+-]?[0-9]+", text) is not None,
        f"{where}: grade '{text}' is no integer; use 0, 1, 2, …",
    )
    try:
        grade = int(text.replace("_", "x"))  # to Python 1_0 is 10
    except ValueError:
        raise BenchError(f"{where}: a grade of {len(text)} digits is above {_HIGHEST_GRADE}") from None
    # trec_eval counts through all grades up to the highest
    require(abs(grade) <= _HIGHEST_GRADE, f"{where}: grade {text} is above {_HIGHEST_GRADE}")
    return grade


def _near_document(doc: str, docs: set[str]) -> str:
    """Name the nearest ids, but never list a whole corpus."""
    if len(docs) > 20_000:
        return "it is not in corpus.jsonl"
    hint = did_you_mean(doc, docs)
    return hint if hint.startswith("did") else "it is not in corpus.jsonl"
