"""A test collection as a BEIR folder: corpus.jsonl, queries.jsonl and qrels/<split>.tsv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.collections.beir_files import read_corpus, read_metadata, read_qrels, read_queries
from bench.errors import BenchError, did_you_mean, require
from bench.paths import resource
from bench.storage.files import files_in, read_lines
from bench.types import Qrels, Queries, TestCollection

ALL_SPLITS = "all"
DIGESTS = {"digest": 2, "digest-v1": 1}  # the names of what ships, with its version
_APART = {"dev": "test", "test": "dev"}  # what is chosen on the one is measured on the other


@dataclass(frozen=True)
class BeirFolder:
    """Settings of a BEIR folder.

    path      the folder
    name      what results call it; the folder's name if empty
    split     which qrels/<split>.tsv; `all` takes every one
    sets      query sets to keep; all if empty
    relevant  the lowest grade that binary measures count as relevant
    complete  whether every pair was judged, so that an absent pair is a 0 and not unknown
    strict    whether a judgement of a document that is not in the corpus is refused. Otherwise it is
              counted, and a relevant one is a document that nothing can find: so does BEIR's own
              evaluation, which hands pytrec_eval the qrels as they are
    ignore_identical_ids  whether a document with the id of the query is taken out of its answers, as
              BEIR's evaluation does unless told otherwise (ArguAna's and Quora's queries are documents)
    group_by  the metadata of queries.jsonl that makes the query sets: results are given, and differences
              tested, within each
    """

    path: str
    name: str = ""
    split: str = "test"
    sets: Sequence[str] | None = None
    relevant: int = 1
    complete: bool = False
    strict: bool = False
    ignore_identical_ids: bool = False
    group_by: str = "set"

    def load(self) -> TestCollection:
        """Read the folder. Raises `BenchError` with file and line for whatever is wrong in it."""
        folder = Path(self.path)
        require_folder(folder)
        require(self.relevant >= 1, f"collection.relevant must be at least 1, got {self.relevant}")
        corpus = read_corpus(folder / "corpus.jsonl", self.name or folder.resolve().name)
        queries, no_answer = read_queries(folder / "queries.jsonl", self.group_by)
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
        found = {file.stem: file for file in files_in(folder / "qrels", ".tsv")}
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


def digest(
    split: str = "test", sets: Sequence[str] | None = None, group_by: str = "set", version: int = 2
) -> BeirFolder:
    """Return the digest corpus that ships with this package: complete judgements, relevant ≥ 2.

    version  2: 800 queries, each a need of its own; 1: the 274 before them, over the same papers, so
             that results of earlier records can be repeated
    """
    names = {version: name for name, version in DIGESTS.items()}
    require(
        version in names, f"collection.version must be {' or '.join(map(str, names))}, got {version!r}"
    )
    name = names[version]
    path = str(resource(f"qrels/{name}"))
    return BeirFolder(path, name, split, sets, relevant=2, complete=True, strict=True, group_by=group_by)
