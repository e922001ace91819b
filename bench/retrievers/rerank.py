"""A second look at what another retriever found: its candidates, ordered by a scorer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import progress
from bench.errors import BenchError, listed, require, require_some_of
from bench.outside import calling, lent, require_retriever
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
    ScoreArray,
    Scorer,
    Searcher,
    Store,
)

_WHERE = "reranked.scorer"


@dataclass(frozen=True)
class Reranked:
    """The best `depth` documents of `first`, in the order of the scorer's numbers, and no others.

    first    any retriever
    scorer   what scores its documents anew
    depth    how many documents of a query are scored
    """

    first: Retriever
    scorer: Scorer
    depth: int = 100

    def __post_init__(self) -> None:
        require_retriever(self.first, "reranked.first")
        require(
            isinstance(self.scorer, Scorer),
            f"{_WHERE} has no method score(queries, candidates, collection): {self.scorer!r}; see "
            "bench.types.Scorer, and bench.retrievers.rerank.PairScorer for scores of texts",
        )
        require(self.depth >= 1, f"reranked.depth must be at least 1, got {self.depth}")

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
        scored = scores_of(self.settings.scorer, queries, candidates, self.collection)
        return rank(scored.docs, scored.scores, self.ties, k)


@dataclass(frozen=True)
class PairScorer(ABC):
    """A scorer of texts: a subclass says how well each document answers its query.

    fields   what of a document is read
    """

    fields: Sequence[str] = field(default=FIELDS, kw_only=True)

    def __post_init__(self) -> None:
        require_some_of(self.fields, FIELDS, f"{type(self).__name__}.fields")

    @abstractmethod
    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> Sequence[float] | NDArray[np.floating]:
        """Return one number for each (query, document) of one query, higher for a better answer."""

    def score(self, queries: Queries, candidates: Run, collection: Collection) -> Run:
        """Score query by query. Raises `BenchError` for what is not one finite number a pair."""
        scores = np.full(candidates.docs.shape, NO_SCORE, dtype=np.float32)
        with progress.bar(f"reranking for {len(queries)} queries", len(queries)) as advance:
            for row, query in enumerate(queries.texts):
                held = candidates.docs[row] != NO_DOC
                if held.any():
                    texts = collection.texts(candidates.docs[row][held], self.fields)
                    scores[row, held] = self._scored([(query, text) for text in texts])
                advance(1)
        return Run(candidates.docs, scores)

    def _scored(self, pairs: Sequence[tuple[str, str]]) -> ScoreArray:
        name = type(self).__name__
        with calling(self, _WHERE, "score_pairs"):
            found = self.score_pairs(pairs)
        scores = _as_float32(found, name, "score_pairs")
        require(
            scores.shape == (len(pairs),),
            f"scorer {name} returned scores of shape {scores.shape} for {len(pairs)} pairs; return one "
            "number a pair",
        )
        _require_finite(scores, pairs[0][0], name, "score_pairs")
        return scores


def scores_of(scorer: Scorer, queries: Queries, candidates: Run, collection: Collection) -> Run:
    """Return what a scorer says of candidates, as int32 and float32 in its own order.

    Raises `BenchError` naming the scorer and the query for documents that are lost, added or doubled,
    and for scores that are no finite numbers.
    """
    name = type(scorer).__name__
    with calling(scorer, _WHERE, "score"):
        scored = scorer.score(queries, lent(candidates), collection)
    require(
        isinstance(scored, Run),
        f"scorer {name} returned {type(scored).__name__}, not a bench.types.Run; mend its score",
    )
    docs = np.asarray(scored.docs)
    require(
        docs.dtype.kind in "iu",
        f"scorer {name} returned documents of type {docs.dtype}, not their numbers; mend its score",
    )
    require(
        len(docs) == len(queries),
        f"scorer {name} returned {len(docs)} rows for {len(queries)} queries; return one a query",
    )
    _require_same_documents(docs, candidates.docs, queries, name)
    scores = _as_float32(scored.scores, name, "score")
    for row, query in enumerate(queries.texts):
        _require_finite(scores[row][docs[row] != NO_DOC], query, name, "score")
    return Run(docs.astype(np.int32), scores)


def _as_float32(values: Any, name: str, method: str) -> ScoreArray:
    try:
        with np.errstate(over="ignore"):  # becomes an infinity, which is refused
            return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor with a gradient
        raise BenchError(f"scorer {name} returned no numbers: {error}; mend its {method}") from error


def _require_finite(scores: ScoreArray, query: str, name: str, method: str) -> None:
    require(
        bool(np.isfinite(scores).all()),
        f"scorer {name} returned a score that is no finite float32 for the query {query!r}; mend its "
        f"{method}",
    )


def _require_same_documents(
    docs: NDArray[np.integer], candidates: NDArray[np.int32], queries: Queries, name: str
) -> None:
    for found, given, query in zip(docs, candidates, queries.texts, strict=True):
        returned, asked = (Counter(row[row != NO_DOC].tolist()) for row in (found, given))
        if returned == asked:
            continue
        wrong = {
            "lost": asked.keys() - returned.keys(),
            "added": returned.keys() - asked.keys(),
            "doubled": {doc for doc, times in returned.items() if times > 1},
        }
        told = "; ".join(
            f"{how} {listed(list(map(str, sorted(those))))}" for how, those in wrong.items() if those
        )
        raise BenchError(
            f"scorer {name} returned other documents than the candidates of {query!r} ({told}); "
            "return each of them once, with its score"
        )
