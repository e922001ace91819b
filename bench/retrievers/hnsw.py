"""Approximate dense retrieval by hierarchical navigable small world graphs (Malkov & Yashunin 2020)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.encoders.embeddings import Embeddings, embed
from bench.encoders.output import encode
from bench.encoders.passages import Passages
from bench.encoders.sentence import SentenceEncoder
from bench.errors import require
from bench.ranking import best_passages, ties_of
from bench.types import Collection, Facts, Queries, Retriever, Run, Searcher, Store

_GRAPH = "graph.faiss"
# Links of all nodes are laid out in one array before any is made.
_MOST_LINKS = 1024


@dataclass(frozen=True)
class Hnsw:
    """faiss HNSW over the same embeddings as `exact`, the dense retriever that it approximates.

    m                links a node; ef_construction: candidates kept while building
    ef_search        candidates kept while searching, and so the longest list that a query can get:
                     faiss would silently raise it to the depth asked for, and hide what it costs
    """

    encoder: SentenceEncoder
    exact: Retriever
    passages: Passages = Passages()
    m: int = 32
    ef_construction: int = 200
    ef_search: int = 200

    def __post_init__(self) -> None:
        require(2 <= self.m <= _MOST_LINKS, f"hnsw.m must be from 2 to {_MOST_LINKS}, got {self.m}")
        for name in ("ef_construction", "ef_search"):
            value = getattr(self, name)
            require(value >= 1, f"hnsw.{name} must be at least 1, got {value}")

    def index(self, collection: Collection, store: Store) -> Searcher:
        """Build the graph, the same with any number of threads since faiss 1.15.1, or open the one that
        is on the disk."""
        import faiss

        embeddings = embed(collection, self.encoder, self.passages, store)
        built = replace(self, ef_search=1)  # which is of searching, and changes no graph
        kept = store.folder(built, collection, lambda folder: self._write(folder, embeddings))
        graph: Any = faiss.read_index(str(kept / _GRAPH), faiss.IO_FLAG_MMAP_IFC)
        # No more candidates than passages: faiss makes room for as many as it is told.
        graph.hnsw.efSearch = min(self.ef_search, len(embeddings.owner))
        exact = store.searcher(self.exact, collection, "hnsw.exact")
        return _HnswSearcher(self.encoder, embeddings, graph, ties_of(collection), self.ef_search, exact)

    def _write(self, folder: Path, embeddings: Embeddings) -> None:
        import faiss

        graph = faiss.IndexHNSWFlat(embeddings.vectors.shape[1], self.m, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = min(self.ef_construction, len(embeddings.owner))
        graph.add(embeddings.vectors)
        faiss.write_index(graph, str(folder / _GRAPH))


@dataclass(frozen=True, eq=False)
class _HnswSearcher:
    encoder: SentenceEncoder
    embeddings: Embeddings
    graph: Any
    ties: NDArray[np.int32]
    ef_search: int
    exact: Searcher | None

    @property
    def nbytes(self) -> int:
        """Vectors and links; the upper levels hold a 1/m part more and are not counted."""
        links = self.graph.hnsw.neighbors.size() * 4
        return self.embeddings.vectors.nbytes + int(links)

    @property
    def facts(self) -> Facts:
        return {**self.embeddings.facts, "longest_list": self.ef_search}

    def search(self, queries: Queries, k: int) -> Run:
        vectors = encode(self.encoder, queries.texts, query=True).vectors
        depth = min(self.ef_search, len(self.embeddings.owner))
        scores, passages = self.graph.search(vectors, depth)
        return best_passages(passages, scores, self.embeddings.owner, self.ties, k)
