"""Answers of any other system, read from a TREC run file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.collections.trec import read_run
from bench.errors import require
from bench.ranking import rank, ties_of
from bench.storage.cache import sha256_of
from bench.types import NO_DOC, NO_SCORE, Collection, Facts, Queries, Run, Searcher


@dataclass(frozen=True)
class RunFile:
    """The run in file `path`. Its scores decide the order, as in trec_eval; its rank column does not."""

    path: str

    def reads(self) -> Mapping[str, Path]:
        """Return the file."""
        require(self.path != "", "retrievers.runfile.path is empty; name a run file")
        require(not Path(self.path).is_dir(), f"{self.path} is a folder; name a run file in it")
        return {"path": Path(self.path)}

    def index(self, collection: Collection) -> Searcher:
        """Read the file; every document in it must be in the collection."""
        numbers = {doc: n for n, doc in enumerate(collection.ids(range(len(collection))))}
        file = Path(self.path)
        answers = read_run(file, numbers)
        return _RunFileSearcher(self.path, sha256_of(file), answers, ties_of(collection))


@dataclass(frozen=True, eq=False)
class _RunFileSearcher:
    path: str
    sha256: str
    answers: Mapping[str, Mapping[int, float]]
    ties: NDArray[np.int32]
    exact: Searcher | None = None

    @property
    def nbytes(self) -> int:
        return sum(8 * len(answers) for answers in self.answers.values())

    @property
    def facts(self) -> Facts:
        return {
            "queries_in_file": len(self.answers),
            "longest_list": max(map(len, self.answers.values())),
            "sha256": self.sha256,
        }

    def search(self, queries: Queries, k: int) -> Run:
        require(
            not self.answers.keys().isdisjoint(queries.ids),
            f"{self.path} answers none of the queries; is it a run of another query set?",
        )
        rows = [self.answers.get(query, {}) for query in queries.ids]
        width = max(map(len, rows), default=0)
        docs = np.full((len(rows), width), NO_DOC, dtype=np.int32)
        scores = np.full((len(rows), width), NO_SCORE, dtype=np.float32)
        for row, answers in enumerate(rows):
            docs[row, : len(answers)] = list(answers)
            scores[row, : len(answers)] = list(answers.values())
        return rank(docs, scores, self.ties, k)
