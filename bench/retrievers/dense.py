"""Exact dense retrieval: inner product over sentence embeddings, by faiss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.encoders.embeddings import Embeddings, embed
from bench.encoders.output import encode
from bench.encoders.passages import Passages
from bench.encoders.sentence import SentenceEncoder
from bench.ranking import best_passages, ties_of
from bench.types import Collection, DocArray, Facts, Queries, Run, Searcher, Store


@dataclass(frozen=True)
class Dense:
    """A sentence encoder and exact inner product.

    encoder   the model and its settings
    passages  whole documents or windows of sentences, whose best stands for the document
    """

    encoder: SentenceEncoder
    passages: Passages = Passages()

    def index(self, collection: Collection, store: Store) -> Searcher:
        """Encode the collection, from the disk where it was done before."""
        embeddings = embed(collection, self.encoder, self.passages, store)
        return _DenseSearcher(self.encoder, embeddings, ties_of(collection))


@dataclass(frozen=True, eq=False)
class _DenseSearcher:
    encoder: SentenceEncoder
    embeddings: Embeddings
    ties: NDArray[np.int32]
    exact: Searcher | None = None

    @property
    def nbytes(self) -> int:
        return self.embeddings.vectors.nbytes

    @property
    def facts(self) -> Facts:
        return self.embeddings.facts

    def search(self, queries: Queries, k: int) -> Run:
        import faiss

        vectors = encode(self.encoder, queries.texts, query=True).vectors
        owner: DocArray = self.embeddings.owner
        total = len(owner)
        # k documents are surely among this many passages.
        depth = min(total, (k + 1) * int(np.bincount(owner).max()))
        while True:
            scores, passages = faiss.knn(
                vectors, self.embeddings.vectors, depth, metric=faiss.METRIC_INNER_PRODUCT
            )
            run = best_passages(passages, scores, owner, self.ties, k)
            # faiss cuts equal scores anywhere: what ties with the k-th must be seen whole.
            if depth == total or (scores[:, -1] < run.scores[:, -1]).all():
                return run
            depth = min(total, 2 * depth)
