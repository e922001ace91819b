"""A second look at what another retriever found: its candidates, ordered by a scorer of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench import progress
from bench.errors import BenchError, require
from bench.ranking import rank, ties_of
from bench.types import (
    FIELDS,
    NO_DOC,
    NO_SCORE,
    Collection,
    Facts,
    HasFacts,
    Queries,
    Retriever,
    Run,
    Scorer,
    Searcher,
    Store,
)


@dataclass(frozen=True)
class Reranked:
    """The best `depth` documents of `first`, in the order of the scorer's numbers, and no others.

    first    any retriever
    scorer   what tells how well a text answers a query
    depth    how many documents of a query are scored
    fields   what of a document the scorer reads
    """

    first: Retriever
    scorer: Scorer
    depth: int = 100
    fields: Sequence[str] = FIELDS

    def __post_init__(self) -> None:
        require(isinstance(self.first, Retriever), f"reranked.first is no retriever: {self.first!r}")
        require(
            isinstance(self.scorer, Scorer),
            f"reranked.scorer has no method score(pairs): {self.scorer!r}; see bench.types.Scorer",
        )
        require(self.depth >= 1, f"reranked.depth must be at least 1, got {self.depth}")
        unknown = [field for field in self.fields if field not in FIELDS]
        require(
            bool(self.fields) and not unknown,
            f"reranked.fields must name some of {', '.join(FIELDS)}, got {list(self.fields)}",
        )

    def index(self, collection: Collection, store: Store) -> Searcher:
        """Index the first stage; others with equal settings share it."""
        first = store.searcher(self.first, collection, "reranked.first")
        exact = None
        if first.exact is not None:
            exact = _RerankedSearcher(self, first.exact, collection, ties_of(collection))
        return _RerankedSearcher(self, first, collection, ties_of(collection), exact)


@dataclass(frozen=True, eq=False)
class _RerankedSearcher:
    settings: Reranked
    first: Searcher
    collection: Collection
    ties: NDArray[np.int32]
    exact: Searcher | None = None

    @property
    def nbytes(self) -> int:
        return self.first.nbytes

    @property
    def facts(self) -> Facts:
        first, scorer = self.first.facts, self.settings.scorer
        told = {f"first.{key}": value for key, value in first.items()}
        if isinstance(scorer, HasFacts):
            told |= {f"scorer.{key}": value for key, value in scorer.facts.items()}
        longest = first.get("longest_list")
        depth = self.settings.depth
        return {**told, "longest_list": min(depth, longest) if isinstance(longest, int) else depth}

    def search(self, queries: Queries, k: int) -> Run:
        candidates = self.first.search(queries, min(self.settings.depth, len(self.collection)))
        scores = np.full_like(candidates.scores, NO_SCORE)
        with progress.bar(f"reranking for {len(queries)} queries", len(queries)) as advance:
            for row, query in enumerate(queries.texts):
                docs = candidates.docs[row][candidates.docs[row] != NO_DOC]
                texts = self.collection.texts(docs, self.settings.fields)
                scores[row, : len(docs)] = self._scored([(query, text) for text in texts])
                advance(1)
        return rank(candidates.docs, scores, self.ties, k)

    def _scored(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Ask the scorer, and check what it says. Raises `BenchError`."""
        if not pairs:
            return np.empty(0, dtype=np.float32)
        name = type(self.settings.scorer).__name__
        try:
            with np.errstate(over="ignore"):  # becomes an infinity, which is refused below
                scores = np.asarray(self.settings.scorer.score(pairs), dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise BenchError(f"scorer {name} returned no numbers: {error}; mend its score") from error
        require(
            scores.shape == (len(pairs),),
            f"scorer {name} returned scores of shape {scores.shape} for {len(pairs)} pairs; return one "
            "number a pair",
        )
        require(
            bool(np.isfinite(scores).all()),
            f"scorer {name} returned a score that is no finite float32 for the query {pairs[0][0]!r}; "
            "mend its score",
        )
        return scores
