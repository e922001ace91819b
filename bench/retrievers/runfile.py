"""Answers of any other system, read from a TREC run file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.collections.run_file import ReadRun
from bench.errors import require
from bench.ranking import ties_of
from bench.storage.cache import sha256_of
from bench.types import Collection, Facts, Queries, Run, Searcher, Store


@dataclass(frozen=True)
class RunFile:
    """The run in file `path`. Its scores decide the order, as in trec_eval; its rank column does not."""

    path: str

    def reads(self) -> Mapping[str, Path]:
        """Return the file."""
        require(self.path != "", "retrievers.runfile.path is empty; name a run file")
        require(not Path(self.path).is_dir(), f"{self.path} is a folder; name a run file in it")
        return {"path": Path(self.path)}

    def index(self, collection: Collection, store: Store) -> Searcher:  # noqa: ARG002 - the file is one
        """Read the file; every document in it must be in the collection."""
        file = Path(self.path)
        return _RunFileSearcher(ReadRun.read(file, collection), sha256_of(file), ties_of(collection))


@dataclass(frozen=True, eq=False)
class _RunFileSearcher:
    answers: ReadRun
    sha256: str
    ties: NDArray[np.int32]
    exact: Searcher | None = None

    @property
    def nbytes(self) -> int:
        return self.answers.nbytes

    @property
    def facts(self) -> Facts:
        return {
            "queries_in_file": len(self.answers.rows),
            "longest_list": self.answers.longest,
            "sha256": self.sha256,
        }

    def search(self, queries: Queries, k: int) -> Run:
        return self.answers.of(queries, k, self.ties)
