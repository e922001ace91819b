"""Exact dense retrieval: inner product over sentence embeddings, by faiss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.encoders.output import encode
from bench.encoders.passages import Passages
from bench.encoders.sentence import Embeddings, SentenceEncoder, embed
from bench.ranking import best_passages, ties_of
from bench.types import Collection, DocArray, Facts, Queries, Run, Searcher


@dataclass(frozen=True)
class Dense:
    """A sentence encoder and exact inner product.

    encoder   the model and its settings
    passages  whole documents or windows of sentences, whose best stands for the document
    """

    encoder: SentenceEncoder
    passages: Passages = Passages()

    def index(self, collection: Collection) -> Searcher:
        """Encode the collection (from the cache where it can) and put it into a flat index."""
        import faiss

        embeddings = embed(collection, self.encoder, self.passages)
        index = faiss.IndexFlatIP(embeddings.vectors.shape[1])
        index.add(embeddings.vectors)
        return _DenseSearcher(self.encoder, embeddings, index, ties_of(collection))


@dataclass(frozen=True, eq=False)
class _DenseSearcher:
    encoder: SentenceEncoder
    embeddings: Embeddings
    flat: Any
    ties: NDArray[np.int32]
    exact: Searcher | None = None

    @property
    def nbytes(self) -> int:
        return self.embeddings.vectors.nbytes

    @property
    def facts(self) -> Facts:
        return self.embeddings.facts

    def search(self, queries: Queries, k: int) -> Run:
        vectors = encode(self.encoder, queries.texts, query=True).vectors
        owner: DocArray = self.embeddings.owner
        total = len(owner)
        # k documents are surely among this many passages.
        depth = min(total, (k + 1) * int(np.bincount(owner).max()))
        while True:
            scores, passages = self.flat.search(vectors, depth)
            run = best_passages(passages, scores, owner, self.ties, k)
            # faiss cuts equal scores anywhere: what ties with the k-th must be seen whole.
            if depth == total or (scores[:, -1] < run.scores[:, -1]).all():
                return run
            depth = min(total, 2 * depth)
