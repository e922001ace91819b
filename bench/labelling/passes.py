"""Passes: what one assessor said of every pair, in `passes/<assessor>.tsv`, and their adjudication.

The form is that of BEIR qrels, with zeros written out and a fourth column for notes: a pass without a
pair did not look at it, which an omitted zero could not tell. The adjudication has a fifth column: which
passes, with which grades, a line settles.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.collections.beir import BeirFolder, require_folder
from bench.collections.beir_files import read_corpus, read_grade, read_metadata, read_queries
from bench.collections.memory import InMemory
from bench.errors import BenchError, did_you_mean, require
from bench.storage.files import files_in, is_file_name, read_lines, write_text
from bench.types import TestCollection

FOLDER = "passes"
ADJUDICATION = "adjudication"
_OF_A_SAMPLE = (
    ", compare what both judged with bench agree --sample, or name two passes with --pass A --pass B"
)
HEADER = "query-id\tcorpus-id\tscore\tnote"
Pair = tuple[str, str]


@dataclass(frozen=True)
class Pass:
    """The judgements of one assessor, zeros included: (query, document) → grade, and → note.

    settles  of an adjudication: (query, document) → the passes and grades that it was settled for, such
             as "ann=2 bob=3", where the file says so
    """

    name: str
    grades: Mapping[Pair, int]
    notes: Mapping[Pair, str] = field(default_factory=dict)
    settles: Mapping[Pair, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ToJudge:
    """A BEIR folder as an assessor sees it: no qrels, no runs."""

    folder: Path
    corpus: InMemory
    queries: Mapping[str, tuple[str, str]]
    narratives: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path, group_by: str = "set") -> ToJudge:
        """Read corpus and queries, in sets by this metadata. Raises `BenchError` with file and line."""
        require_folder(folder)
        files_in(folder / FOLDER, ".tsv")  # or a pass in capitals would be begun anew
        corpus = read_corpus(folder / "corpus.jsonl", folder.resolve().name)
        queries, _ = read_queries(folder / "queries.jsonl", group_by)
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
        files = files_in(self.folder / FOLDER, ".tsv")
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
        if not files_in(self.folder / "qrels", ".tsv"):
            return None
        return BeirFolder(str(self.folder), split="all").load()


def read_pass(file: Path, queries: set[str], docs: set[str]) -> Pass:
    """Read a pass: query-id, corpus-id, score and perhaps a note, tab-separated; of an adjudication also
    what it settles.

    Raises `BenchError` with file and line for a malformed line, an id that the collection has not,
    a grade that is no whole number from 0 on, and a pair repeated with another grade, note or settling.
    """
    grades: dict[Pair, int] = {}
    notes: dict[Pair, str] = {}
    settles: dict[Pair, str] = {}
    first_line: dict[Pair, int] = {}
    most = 5 if file.stem == ADJUDICATION else 4
    for place, (number, line) in enumerate(read_lines(file)):
        where = f"{file}:{number}"
        columns = [column.strip() for column in line.split("\t")]
        if place == 0 and columns[0] == "query-id":
            continue
        require(
            3 <= len(columns) <= most,
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
        said = (columns[3] if len(columns) >= 4 else "", notes, "note")
        settled = (" ".join(sorted(columns[4].split())) if len(columns) == 5 else "", settles, "passes")
        for text, of, column in (said, settled):
            require(
                text in ("", of.get(pair, text)),
                f"{where}: the pair {query}, {doc} has another {column} here than above; keep one line",
            )
            if text:
                of[pair] = text
    return Pass(file.stem, grades, notes, settles)


def lines_of(judged: Pass) -> Iterator[str]:
    """Yield the lines of a pass file, header first."""
    yield f"{HEADER}\tpasses\n" if judged.name == ADJUDICATION else f"{HEADER}\n"
    for pair, grade in judged.grades.items():
        yield line_of(pair, grade, judged.notes.get(pair, ""), judged.settles.get(pair, ""))


def line_of(pair: Pair, grade: int, note: str, settles: str = "") -> str:
    """Return one line of a pass file; white space in a note becomes single spaces."""
    last = f"\t{settles}" if settles else ""
    return f"{pair[0]}\t{pair[1]}\t{grade}\t{' '.join(note.split())}{last}\n"


def write_pass(file: Path, judged: Pass) -> None:
    """Write a pass, whole or not at all, and onto the disk."""
    write_text(file, "".join(lines_of(judged)), keep=False, durable=True)


def passes_to_compare(
    to_judge: ToJudge, names: list[str] | None, *, one_will_do: bool = False
) -> list[tuple[Pass, Pass]]:
    """Return each two passes to compare; one with itself where it is alone and will do."""
    chosen = names or to_judge.assessors()
    if one_will_do and len(set(chosen)) == 1:
        alone = to_judge.read(chosen[0])
        return [(alone, alone)]
    require(
        len(set(chosen)) >= 2,
        f"two passes are needed, found {', '.join(chosen) or 'none'} in {to_judge.folder / 'passes'}; "
        "make them with bench judge",
    )
    read = {name: to_judge.read(name) for name in dict.fromkeys(chosen)}
    return list(itertools.combinations(read.values(), 2))


def of_both(first: Pass, second: Pass) -> tuple[Pass, Pass]:
    """Return the passes without the queries that only one of them judged, where one is of a sample."""
    both = {query for query, _ in first.grades} & {query for query, _ in second.grades}
    one, other = (
        replace(judged, grades={pair: grade for pair, grade in judged.grades.items() if pair[0] in both})
        for judged in (first, second)
    )
    return one, other


def require_same_pairs(first: Pass, second: Pass, to_judge: ToJudge, *, pooled: bool) -> list[str]:
    """Return the queries that both passes judged, in the collection's order.

    Raises `BenchError` when one has a query or a pair that the other has not, and, unless the
    collection was `pooled`, when a pair of theirs was judged by neither.
    """
    asked = [{query for query, _ in judged.grades} for judged in (first, second)]
    unasked = sorted(asked[0] - asked[1]), sorted(asked[1] - asked[0])
    _refuse_missing(unasked[0], f"pass '{second.name}' has no query", first.name, _OF_A_SAMPLE)
    _refuse_missing(unasked[1], f"pass '{first.name}' has no query", second.name, _OF_A_SAMPLE)
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


def _refuse_missing(missing: Sequence[str], what: str, held_by: str, otherwise: str = "") -> None:
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    require(
        not missing,
        f"{what} {missing[0] if missing else ''}{more}, which {held_by} has; judge what is missing "
        f"with bench judge{otherwise}",
    )


def by_query(grades: Mapping[Pair, int]) -> dict[str, dict[str, int]]:
    """Return query → document → grade.

    >>> by_query({("q", "a"): 1, ("q", "b"): 0})
    {'q': {'a': 1, 'b': 0}}
    """
    found: dict[str, dict[str, int]] = {}
    for (query, doc), grade in grades.items():
        found.setdefault(query, {})[doc] = grade
    return found
