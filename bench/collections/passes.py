"""Passes: what one assessor said of every pair, in `passes/<assessor>.tsv`, and their adjudication.

The form is that of BEIR qrels, with zeros written out and a fourth column for notes: a pass without a
pair did not look at it, which an omitted zero could not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.collections.beir import (
    ALL,
    BeirFolder,
    read_corpus,
    read_grade,
    read_metadata,
    read_queries,
    require_folder,
)
from bench.collections.memory import InMemory
from bench.errors import BenchError, did_you_mean, require
from bench.files import files_in, is_file_name, keep_earlier, read_lines, write_text
from bench.types import TestCollection

FOLDER = "passes"
ADJUDICATION = "adjudication"
HEADER = "query-id\tcorpus-id\tscore\tnote"
Pair = tuple[str, str]


@dataclass(frozen=True)
class Pass:
    """The judgements of one assessor, zeros included: (query, document) → grade, and → note."""

    name: str
    grades: Mapping[Pair, int]
    notes: Mapping[Pair, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ToJudge:
    """A BEIR folder as an assessor sees it: no qrels, no runs."""

    folder: Path
    corpus: InMemory
    queries: Mapping[str, tuple[str, str]]
    narratives: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path) -> ToJudge:
        """Read corpus and queries. Raises `BenchError` with file and line."""
        require_folder(folder)
        corpus = read_corpus(folder / "corpus.jsonl", folder.resolve().name)
        queries, _ = read_queries(folder / "queries.jsonl")
        return cls(folder, corpus, queries, read_metadata(folder / "queries.jsonl", "narrative"))

    @property
    def doc_ids(self) -> list[str]:
        return self.corpus.ids(range(len(self.corpus)))

    def pass_file(self, name: str) -> Path:
        """Where the pass of this assessor is kept. Raises `BenchError` for a name that names no file."""
        named = is_file_name(name) and "." not in name
        require(named, f"assessor '{name}' can not name a file; use letters, digits and dashes")
        return self.folder / FOLDER / f"{name}.tsv"

    def assessors(self) -> list[str]:
        """Return the names of all who have a pass here, the adjudicator left out."""
        files = files_in(self.folder / FOLDER, "*.tsv")
        return [file.stem for file in files if file.stem != ADJUDICATION]

    def read(self, name: str) -> Pass:
        """Read one pass. Raises `BenchError` with file and line; nothing is said of missing pairs."""
        names = self.assessors()
        require(
            name == ADJUDICATION or name in names,
            f"no pass '{name}' in {self.folder / FOLDER}; "
            + (did_you_mean(name, names) if names else "make one with bench judge"),
        )
        return read_pass(self.pass_file(name), set(self.queries), set(self.doc_ids))

    def labels(self) -> TestCollection | None:
        """Return what qrels/ says now, None where it says nothing yet."""
        if not files_in(self.folder / "qrels", "*.tsv"):
            return None
        return BeirFolder(str(self.folder), split="all").load()


def read_pass(file: Path, queries: set[str], docs: set[str]) -> Pass:
    """Read a pass: query-id, corpus-id, score and perhaps a note, tab-separated.

    Raises `BenchError` with file and line for a malformed line, an id that the collection has not,
    a grade that is no whole number from 0 on, and a pair repeated with another grade.
    """
    grades: dict[Pair, int] = {}
    notes: dict[Pair, str] = {}
    first_line: dict[Pair, int] = {}
    for place, (number, line) in enumerate(read_lines(file)):
        where = f"{file}:{number}"
        columns = [column.strip() for column in line.split("\t")]
        if place == 0 and columns[0] == "query-id":
            continue
        require(
            len(columns) in (3, 4),
            f"{where}: expected 'query-id<TAB>corpus-id<TAB>score', perhaps with a note, "
            f"found {len(columns)} column(s)",
        )
        query, doc = columns[:2]
        if query not in queries:
            raise BenchError(f"{where}: unknown query '{query}'; {did_you_mean(query, queries)}")
        require(doc in docs, f"{where}: unknown document '{doc}'; it is not in corpus.jsonl")
        grade = read_grade(columns[2], where)
        require(grade >= 0, f"{where}: grade {grade} is below 0; use 0, 1, 2, …")
        pair = (query, doc)
        require(
            grades.get(pair, grade) == grade,
            f"{where}: the pair {query}, {doc} has grade {grade} here and {grades.get(pair)} in line "
            f"{first_line.get(pair)}; keep one",
        )
        grades[pair] = grade
        first_line.setdefault(pair, number)
        if len(columns) == 4 and columns[3]:
            notes[pair] = columns[3]
    return Pass(file.stem, grades, notes)


def lines_of(judged: Pass) -> Iterator[str]:
    """Yield the lines of a pass file, header first."""
    yield f"{HEADER}\n"
    yield from (
        line_of(pair, grade, judged.notes.get(pair, "")) for pair, grade in judged.grades.items()
    )


def line_of(pair: Pair, grade: int, note: str) -> str:
    """Return one line of a pass file; white space in a note becomes single spaces."""
    return f"{pair[0]}\t{pair[1]}\t{grade}\t{' '.join(note.split())}\n"


def write_pass(file: Path, judged: Pass) -> None:
    """Write a pass, whole or not at all."""
    write_text(file, "".join(lines_of(judged)), keep=False)


def require_same_pairs(first: Pass, second: Pass, to_judge: ToJudge, *, pooled: bool) -> list[str]:
    """Return the queries that both passes judged, in the collection's order.

    Raises `BenchError` when one has a query or a pair that the other has not, and, unless the
    collection was `pooled`, when a pair of theirs was judged by neither.
    """
    asked = [{query for query, _ in judged.grades} for judged in (first, second)]
    _refuse_missing(sorted(asked[0] - asked[1]), f"pass '{second.name}' has no query", first.name)
    _refuse_missing(sorted(asked[1] - asked[0]), f"pass '{first.name}' has no query", second.name)
    queries = [query for query in to_judge.queries if query in asked[0]]
    require(bool(queries), f"passes '{first.name}' and '{second.name}' have no judgement in common")
    for one, other in ((first, second), (second, first)):
        missing = [f"{q}, {d}" for q, d in one.grades if (q, d) not in other.grades]
        _refuse_missing(missing, f"pass '{other.name}' misses the pair", one.name)
    if not pooled:
        every = [(query, doc) for query in queries for doc in to_judge.doc_ids]
        missing = [f"{q}, {d}" for q, d in every if (q, d) not in first.grades]
        _refuse_missing(
            missing, f"passes '{first.name}' and '{second.name}' miss the pair", "the corpus"
        )
    return queries


def _refuse_missing(missing: Sequence[str], what: str, held_by: str) -> None:
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    require(
        not missing,
        f"{what} {missing[0] if missing else ''}{more}, which {held_by} has; judge what is missing "
        "with bench judge",
    )


def disagreements(first: Pass, second: Pass, queries: Iterable[str]) -> list[Pair]:
    """Return the pairs of these queries that the passes grade differently, in the first one's order."""
    chosen = set(queries)
    return [
        pair
        for pair, grade in first.grades.items()
        if pair[0] in chosen and grade != second.grades[pair]
    ]


def settle(first: Pass, second: Pass, adjudication: Pass, queries: Sequence[str]) -> dict[Pair, int]:
    """Return the final grade of every pair: what both say, and the adjudication where they differ.

    Raises `BenchError` for a disagreement that was not settled, one of two grades or more that was
    settled without a reason, and a settled pair on which the passes agree.
    """
    open_pairs = disagreements(first, second, queries)
    for pair in open_pairs:
        name = f"{pair[0]}, {pair[1]}"
        grades = first.grades[pair], second.grades[pair]
        require(
            pair in adjudication.grades,
            f"{name} is not settled yet ({grades[0]} or {grades[1]}); run bench adjudicate",
        )
        require(
            needs_reason(*grades) <= (pair in adjudication.notes),
            f"{name} was settled without a reason, though the passes differ by two or more; add it",
        )
    for pair in adjudication.grades.keys() - set(open_pairs):
        raise BenchError(
            f"{pair[0]}, {pair[1]} is settled in {ADJUDICATION}.tsv, but the passes do not differ; "
            "remove the line"
        )
    chosen = set(queries)
    agreed = {pair: grade for pair, grade in first.grades.items() if pair[0] in chosen}
    return agreed | dict(adjudication.grades)


def needs_reason(one: int, other: int) -> bool:
    """Whether two grades are so far apart that settling them takes a reason."""
    return abs(one - other) >= 2


def by_query(grades: Mapping[Pair, int]) -> dict[str, dict[str, int]]:
    """Return query → document → grade.

    >>> by_query({("q", "a"): 1, ("q", "b"): 0})
    {'q': {'a': 1, 'b': 0}}
    """
    found: dict[str, dict[str, int]] = {}
    for (query, doc), grade in grades.items():
        found.setdefault(query, {})[doc] = grade
    return found


def write_labels(to_judge: ToJudge, grades: Mapping[Pair, int]) -> dict[Path, int]:
    """Write qrels/<split>.tsv for each split that the queries' metadata name; a query without goes
    where it was. What qrels/ says of pairs without a grade here stays.

    Zeros are written where their absence would say something else: in a pool, that nobody judged the
    pair; in a query without another grade, that nobody asked it.

    A query that moves is in its new file before it leaves the old one, so that a kill between the two
    loses no grade: whoever reads both is told to keep one. A file that changes is kept as .bak before.

    Returns file → number of lines, 0 for one that no query was left for and that is gone. Raises
    `BenchError` for a query without a split.
    """
    split_of = read_metadata(to_judge.folder / "queries.jsonl", "split")
    before: Mapping[str, Mapping[str, int]] = {}
    former: dict[str, str] = {}
    if labels := to_judge.labels():
        before = labels.qrels.grades
        former = dict(zip(labels.queries.ids, labels.queries.splits, strict=True))
        split_of = former | split_of
    place = {doc: n for n, doc in enumerate(to_judge.doc_ids)}
    settled = by_query(grades)
    pooled = any(len(judged) < len(place) for judged in settled.values())
    lines: dict[str, list[str]] = {}
    for query, (text, _) in to_judge.queries.items():
        require(query in split_of, f"query '{query}' ({text}) has no metadata 'split'; give it one")
        require(
            is_file_name(split_of[query]) and split_of[query] != ALL,
            f"query '{query}': split '{split_of[query]}' can not name a file of qrels; use dev or test",
        )
        own = settled.get(query, {})
        zeros = pooled or not any(own.values())
        final = {doc: grade for doc, grade in before.get(query, {}).items() if doc not in own}
        final |= {doc: grade for doc, grade in own.items() if grade or zeros}
        for doc in sorted(final, key=lambda doc: place.get(doc, len(place))):
            lines.setdefault(split_of[query], []).append(f"{query}\t{doc}\t{final[doc]}\n")
    leaving: dict[str, list[str]] = {}
    for query, split in former.items():
        if split != split_of[query]:
            leaving.setdefault(split, []).extend(
                f"{query}\t{doc}\t{grade}\n" for doc, grade in before[query].items()
            )
    return _write_splits(to_judge.folder / "qrels", lines, leaving)


def _write_splits(
    folder: Path, lines: Mapping[str, Sequence[str]], leaving: Mapping[str, Sequence[str]]
) -> dict[Path, int]:
    """Write each split's lines, those of a query that leaves another one first. See `write_labels`."""
    file_of = {split: folder / f"{split}.tsv" for split in sorted(lines.keys() | leaving.keys())}
    for split, file in file_of.items():
        if file.exists() and file.read_bytes() != _qrels(lines.get(split, ())).encode():
            keep_earlier(file)
    if leaving:
        for split, chosen in lines.items():
            write_text(file_of[split], _qrels([*chosen, *leaving.get(split, ())]), keep=False)
    for split, chosen in lines.items():
        write_text(file_of[split], _qrels(chosen), keep=False)
    emptied = [file_of[split] for split in leaving if split not in lines]
    for file in emptied:
        file.unlink()
    written = {file_of[split]: len(chosen) for split, chosen in lines.items()}
    return written | dict.fromkeys(emptied, 0)


def _qrels(lines: Sequence[str]) -> str:
    return "query-id\tcorpus-id\tscore\n" + "".join(lines)
