"""Data types and protocols: the whole contract between the parts. Needs numpy and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

DocArray = NDArray[np.int32]
ScoreArray = NDArray[np.float32]
Facts = Mapping[str, str | int | float | bool | None]

FIELDS = ("title", "text")
NO_DOC = -1
ALL_SETS = "all"  # the name of all query sets together; no set of a collection may have it
NO_SCORE = np.float32(-np.inf)


class Collection(Protocol):
    """Documents numbered 0..n-1, with random access and streaming."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str:
        """sha256 over all ids and texts, in order."""

    def __len__(self) -> int: ...
    def ids(self, docs: Sequence[int] | DocArray) -> list[str]: ...
    def texts(self, docs: Sequence[int] | DocArray, fields: Sequence[str] = FIELDS) -> list[str]: ...
    def batches(self, size: int) -> Iterator[DocArray]: ...


@dataclass(frozen=True)
class Queries:
    """Aligned tuples of one length: ids, texts and the facets by which results are grouped."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    sets: tuple[str, ...]
    splits: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.ids), len(self.texts), len(self.sets), len(self.splits)}
        if len(lengths) != 1:
            raise ValueError(f"Queries needs tuples of one length, got lengths {sorted(lengths)}")

    @property
    def fingerprint(self) -> str:
        """sha256 over ids and texts, in order."""
        return hashlib.sha256(json.dumps([self.ids, self.texts]).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, positions: Sequence[int]) -> Queries:
        """Return the queries at these positions, in this order."""
        columns = (self.ids, self.texts, self.sets, self.splits)
        return Queries(*(tuple(column[i] for i in positions) for column in columns))


@dataclass(frozen=True)
class Qrels:
    """Judgements: query id → document id → grade.

    `complete` says that every pair was judged, so that an absent pair means grade 0 and not
    "unknown". `relevant` is the lowest grade that counts as relevant for binary measures.
    `ignore_identical_ids` says that a document with the query's own id is no answer to it, whatever
    its grade: a run is measured without it. A negative grade means "pooled, not judged".

    Judged documents that are not in the collection count as any other: a relevant one is missed.
    """

    grades: Mapping[str, Mapping[str, int]]
    complete: bool = False
    relevant: int = 1
    ignore_identical_ids: bool = False

    @property
    def fingerprint(self) -> str:
        """sha256 over all (query, document, grade) with a grade other than 0, sorted, and the rules
        that read them. Explicit zeros change nothing in a complete set, and are left in otherwise."""
        digest = hashlib.sha256(f"complete={self.complete} relevant={self.relevant}\n".encode())
        if self.ignore_identical_ids:
            digest.update(b"ignore_identical_ids\n")
        for query in sorted(self.grades):
            for doc, grade in sorted(self.grades[query].items()):
                if grade or not self.complete:
                    digest.update(f"{query}\t{doc}\t{grade}\n".encode())
        return digest.hexdigest()

    def judged(self, query: str) -> Mapping[str, int]:
        """Return document id → grade of those that somebody judged."""
        return {doc: grade for doc, grade in self.grades.get(query, {}).items() if grade >= 0}

    def n_relevant(self, query: str) -> int:
        """Return how many documents are relevant for this query."""
        return sum(grade >= self.relevant for grade in self.grades.get(query, {}).values())


@dataclass(frozen=True, eq=False)
class Run:
    """Ranked answers, best first: `docs` int32 and `scores` float32, both (n_queries, k).

    Places without a document hold -1 / -inf and come last.
    """

    docs: DocArray
    scores: ScoreArray

    def __post_init__(self) -> None:
        if self.docs.shape != self.scores.shape or self.docs.ndim != 2:
            raise ValueError(
                f"Run needs two (n_queries, k) arrays, got {self.docs.shape}, {self.scores.shape}"
            )

    def head(self, k: int) -> Run:
        """Return a view of the first k places."""
        return Run(self.docs[:, :k], self.scores[:, :k])

    def by_query(self, queries: Queries, collection: Collection) -> dict[str, list[tuple[str, float]]]:
        """Return query id → (document id, score), best first; queries without an answer are left out."""
        found = {}
        for row, query in enumerate(queries.ids):
            held = self.docs[row] != NO_DOC
            if held.any():
                ids = collection.ids(self.docs[row][held])
                found[query] = list(zip(ids, self.scores[row][held].tolist(), strict=True))
        return found


@dataclass(frozen=True, eq=False)
class Measures:
    """Values of each measure for each query: `values` float64 (n_measures, n_queries)."""

    names: tuple[str, ...]
    query_ids: tuple[str, ...]
    values: NDArray[np.float64]

    def row(self, name: str) -> NDArray[np.float64]:
        """Return the (n_queries,) values of one measure."""
        row: NDArray[np.float64] = self.values[self.names.index(name)]
        return row


class Encoded(NamedTuple):
    """What an encoder returns for n texts: vectors (n, dim) float32, the tokens that each text has
    and the tokens of it that were read before the cut, (n,) int32 both."""

    vectors: ScoreArray
    tokens: NDArray[np.int32]
    read: NDArray[np.int32]


@runtime_checkable
class Searcher(Protocol):
    """An index that is ready to answer. It never changes."""

    @property
    def nbytes(self) -> int:
        """Memory of what it keeps, in bytes."""

    @property
    def facts(self) -> Facts:
        """What a reader of the results must know of this index, such as how much text was cut."""

    @property
    def exact(self) -> Searcher | None:
        """The exact search that this one approximates; None where this one is exact."""

    def search(self, queries: Queries, k: int) -> Run:
        """Return the (n_queries, k) best documents, best first. Equal scores may come in any order:
        they get that of `bench.ranking` where they leave it.

        A pure function of one batch of queries: the same batch has the same answers every time.
        """


class Store(Protocol):
    """Where indexes are kept, by what they depend on: settings, code, files, libraries and corpus."""

    def searcher(self, retriever: Retriever, collection: Collection, name: str) -> Searcher:
        """Return the searcher of a part, which is built once and asked once by all that share it.

        `name` is what the user calls it, such as "hybrid.parts.dense". Its answers are checked.
        """

    def folder(self, what: object, collection: Collection, fill: Callable[[Path], None]) -> Path:
        """Return a folder with what `fill` writes into it: built once, found again by the next process,
        to be read memory-mapped where the engine can."""


@runtime_checkable
class Retriever(Protocol):
    """Settings only: what a yaml file names. Hashable, so that equal settings share one index."""

    def index(self, collection: Collection, store: Store) -> Searcher: ...


@runtime_checkable
class ReadsFiles(Protocol):
    """Settings that name files: retrievers, encoders and their parts whose answers depend on some."""

    def reads(self) -> Mapping[str, Path]:
        """Return setting → the file or folder that it names. Its content is part of what the answers
        depend on; a setting that is the path, and no more, is not."""


@runtime_checkable
class HasFacts(Protocol):
    """A scorer or expander with something to tell, such as the hash of its weights, `weights_sha256`."""

    @property
    def facts(self) -> Facts: ...


class Encoder(Protocol):
    """Turns texts into vectors. Hashable, as a retriever is."""

    @property
    def facts(self) -> Facts: ...
    def encode(self, texts: Sequence[str], *, query: bool) -> Encoded: ...


@runtime_checkable
class Scorer(Protocol):
    """Scores what a first stage found. Hashable, as a retriever is; may have `facts` and `reads`."""

    def score(self, queries: Queries, candidates: Run, collection: Collection) -> Run:
        """Return the documents of each row of `candidates`, all of them and no others, with new scores.

        Their order is of no matter; empty places hold -1 / -inf. A row depends on no other row.
        """


@runtime_checkable
class Expander(Protocol):
    """Writes queries anew. Hashable, as a retriever is; may have `facts` and `reads`."""

    def expand(self, queries: Queries, feedback: Run, collection: Collection) -> Queries:
        """Return the same queries with other texts. `feedback` has their documents, best first.

        A text depends on no other query.
        """


@dataclass(frozen=True, eq=False)
class TestCollection:
    """A collection with the queries and judgements that are asked of it.

    `no_answer` names queries that are known to have no relevant document. `missing_documents` counts
    the judgements of documents that are not in the collection.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    collection: Collection
    queries: Queries
    qrels: Qrels
    no_answer: frozenset[str] = frozenset()
    missing_documents: int = 0


def check_run(run: Run, n_docs: int, n_queries: int, system: str) -> Run:
    """Return the run if it keeps the contract of `Run`; raise `BenchError` naming what it breaks.

    Called where a run leaves a searcher, by `bench.outside.answers_of`: nothing after it checks again.
    """
    docs, scores = run.docs, run.scores

    def refuse(what: str) -> BenchError:
        return BenchError(f"retriever '{system}' returned a malformed run: {what}; mend its search")

    if docs.dtype != np.int32 or scores.dtype != np.float32:
        raise refuse(f"dtypes {docs.dtype}, {scores.dtype} instead of int32, float32")
    if len(docs) != n_queries:
        raise refuse(f"{len(docs)} rows for {n_queries} queries")
    empty = docs == NO_DOC
    if docs.size and (docs.min() < NO_DOC or docs.max() >= n_docs):
        raise refuse(f"document numbers outside 0..{n_docs - 1}")
    if np.isnan(scores).any():
        raise refuse("NaN among the scores")
    if (empty[:, :-1] & ~empty[:, 1:]).any():
        raise refuse("an empty place before a document")
    if (scores[empty] != NO_SCORE).any() or not np.isfinite(scores[~empty]).all():
        raise refuse("scores must be -inf at empty places and finite elsewhere")
    if (scores[:, :-1] < scores[:, 1:]).any():
        raise refuse("scores that increase")
    ordered = np.sort(docs, axis=1)
    if ((ordered[:, :-1] == ordered[:, 1:]) & (ordered[:, 1:] != NO_DOC)).any():
        raise refuse("a document twice in one row")
    return run
