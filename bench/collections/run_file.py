"""A TREC run file as arrays: the answers of any system to some queries."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.collections.plain_run import LARGE, read_plain
from bench.collections.trec import BEYOND_FLOAT32, merged_note, read_run
from bench.errors import require
from bench.ranking import empty, rank
from bench.types import Collection, DocArray, Queries, Run, ScoreArray


@dataclass(frozen=True, eq=False)
class ReadRun:
    """The lists of a run file one after the other, in the order of its lines.

    rows    query id → number of its list
    starts  (n_lists + 1,) where each list begins
    docs    (n,) int32 document numbers; scores (n,) float32
    """

    path: str
    rows: Mapping[str, int]
    starts: NDArray[np.int64]
    docs: DocArray
    scores: ScoreArray

    @classmethod
    def read(cls, file: Path, collection: Collection, *, own: bool = False) -> ReadRun:
        """Read a file, of whose documents every one must be in the collection. Raises `BenchError`.

        own  it lies in a run's folder: bench wrote it, and it may be of a system that found nothing
        """
        numbers = {doc: n for n, doc in enumerate(collection.ids(range(len(collection))))}
        if file.is_file() and file.stat().st_size >= LARGE:
            plain = read_plain(file, numbers, BEYOND_FLOAT32)
            if plain is not None:
                if plain.merged and not own:
                    print(f"{file}: {merged_note(plain.merged, len(plain.queries))}", file=sys.stderr)
                rows = {query: row for row, query in enumerate(plain.queries)}
                return cls(str(file), rows, plain.starts, plain.docs, plain.scores)
        answers = read_run(file, numbers, own=own)
        lengths = [len(found) for found in answers.values()]
        n = sum(lengths)
        return cls(
            str(file),
            {query: row for row, query in enumerate(answers)},
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.fromiter((doc for found in answers.values() for doc in found), np.int32, n),
            np.fromiter((one for found in answers.values() for one in found.values()), np.float32, n),
        )

    @property
    def longest(self) -> int:
        """The length of the longest list."""
        return int(np.diff(self.starts).max(initial=0))

    @property
    def nbytes(self) -> int:
        """Memory of the lists, in bytes."""
        return self.docs.nbytes + self.scores.nbytes

    def require_some(self, queries: Queries) -> None:
        """Raise `BenchError` where none of the queries is in the file."""
        require(
            not self.rows.keys().isdisjoint(queries.ids),
            f"{self.path} answers none of the queries; is it a run of another query set?",
        )

    def of(self, queries: Queries, k: int, ties: NDArray[np.int32]) -> Run:
        """Return the (n_queries, k) best of each list; scores decide, as in trec_eval."""
        stands = self.as_it_stands(queries)
        return rank(stands.docs, stands.scores, ties, k)

    def as_it_stands(self, queries: Queries) -> Run:
        """Return each list in the order of its lines, (n_queries, the longest of them)."""
        lists = [self.rows.get(query, -1) for query in queries.ids]
        bounds = [(self.starts[row], self.starts[row + 1]) if row >= 0 else (0, 0) for row in lists]
        run = empty(len(lists), max((int(end - start) for start, end in bounds), default=0))
        for row, (start, end) in enumerate(bounds):
            run.docs[row, : end - start] = self.docs[start:end]
            run.scores[row, : end - start] = self.scores[start:end]
        return run
