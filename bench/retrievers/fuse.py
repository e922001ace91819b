"""Hybrid retrieval: fusion of the rankings of several retrievers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.errors import did_you_mean, require
from bench.outside import require_retriever
from bench.ranking import sum_by_document, ties_of
from bench.types import NO_DOC, Collection, Facts, Queries, Retriever, Run, Searcher, Store

METHODS = ("rrf", "convex")
NORMS = ("min-max", "z-score")
# Of k and of weights: far beyond it all shares are equal in float32, or infinite.
_HIGHEST = 1e6


def reciprocal_ranks(run: Run, k: float) -> NDArray[np.float64]:
    """Return 1 / (k + rank), rank from 1 (Cormack, Clarke & Büttcher 2009): (n_queries, depth)."""
    return np.broadcast_to(1.0 / (k + 1.0 + np.arange(run.docs.shape[1])), run.docs.shape)


def normalised(run: Run, norm: str) -> NDArray[np.float64]:
    """Return scores brought to a common scale query by query, the lowest retrieved at 0.

    min-max divides by the range, z-score by the standard deviation of the retrieved scores. A
    constant shift of a part never changes the fused order, so z-scores are shifted to start at 0:
    a document that a part did not retrieve then counts as its lowest. Where all scores are equal
    every retrieved document gets 1 (min-max) or 0 (z-score).
    """
    held = run.docs != NO_DOC
    scores = np.where(held, run.scores, np.nan).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        lowest = np.fmin.reduce(scores, axis=1, keepdims=True)
        if norm == "min-max":
            spread = np.fmax.reduce(scores, axis=1, keepdims=True) - lowest
            equal = 1.0
        else:
            count = np.maximum(held.sum(axis=1, keepdims=True), 1)
            mean = np.nansum(scores, axis=1, keepdims=True) / count
            spread = np.sqrt(np.nansum((scores - mean) ** 2, axis=1, keepdims=True) / count)
            equal = 0.0
        scaled = np.where(spread > 0, (scores - lowest) / spread, equal)
    return np.where(held, scaled, 0.0)


@dataclass(frozen=True)
class Fused:
    """Fusion of named parts. The order in which they are named makes no difference.

    parts    name → retriever; any retriever, a fusion too
    method   rrf (reciprocal ranks) or convex (weighted sum of normalised scores)
    weights  name → weight; 1 for each part if empty. Only their ratios matter
    k        rrf's constant; norm: min-max or z-score, of convex
    depth    how many documents each part contributes
    """

    parts: Mapping[str, Retriever]
    method: str = "rrf"
    k: float = 60.0
    norm: str = "min-max"
    weights: Mapping[str, float] = field(default_factory=dict)
    depth: int = 1000

    def __post_init__(self) -> None:
        require(len(self.parts) >= 2, "a fusion needs at least two parts; add them under parts")
        for name, value, known in (("method", self.method, METHODS), ("norm", self.norm, NORMS)):
            require(value in known, f"hybrid.{name} '{value}' is unknown; {did_you_mean(value, known)}")
        for name, weight in self.weights.items():
            require(
                name in self.parts,
                f"hybrid.weights names no part '{name}'; {did_you_mean(name, self.parts)}",
            )
            require(
                0 <= weight <= _HIGHEST,
                f"hybrid.weights.{name} must not be negative nor above {_HIGHEST:g}, got {weight}",
            )
        require(
            any(self.weights.get(name, 1) > 0 for name in self.parts),
            "hybrid.weights are all 0, and nothing is left to fuse; give a part a weight",
        )
        require(self.depth >= 1, f"hybrid.depth must be at least 1, got {self.depth}")
        require(
            0 <= self.k <= _HIGHEST,
            f"hybrid.k must not be negative nor above {_HIGHEST:g}, got {self.k}",
        )
        for name, part in self.parts.items():
            require_retriever(part, f"hybrid.parts.{name}")

    def __hash__(self) -> int:
        # Equality of mappings does not look at their order, so neither may the hash.
        parts, weights = frozenset(self.parts.items()), frozenset(self.weights.items())
        return hash((parts, weights, self.method, self.k, self.norm, self.depth))

    def index(self, collection: Collection, store: Store) -> Searcher:
        """Index each part; equal parts of other methods share theirs."""
        # Sorted by name: sums of floats depend on the order, and that of the yaml says nothing.
        parts = {
            name: store.searcher(part, collection, f"hybrid.parts.{name}")
            for name, part in sorted(self.parts.items())
        }
        ties = ties_of(collection)
        exact = None
        if any(part.exact is not None for part in parts.values()):
            exact = _FusedSearcher(self, {n: part.exact or part for n, part in parts.items()}, ties)
        return _FusedSearcher(self, parts, ties, exact)


@dataclass(frozen=True, eq=False)
class _FusedSearcher:
    settings: Fused
    parts: Mapping[str, Searcher]
    ties: NDArray[np.int32]
    exact: Searcher | None = None

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in self.parts.values())

    @property
    def facts(self) -> Facts:
        return {
            f"{name}.{key}": value
            for name, part in self.parts.items()
            for key, value in part.facts.items()
        }

    def search(self, queries: Queries, k: int) -> Run:
        settings = self.settings
        depth = min(settings.depth, len(self.ties))
        docs, shares = [], []
        for name, part in self.parts.items():
            run = part.search(queries, depth)
            if settings.method == "rrf":
                share = reciprocal_ranks(run, settings.k)
            else:
                share = normalised(run, settings.norm)
            docs.append(run.docs)
            shares.append(settings.weights.get(name, 1.0) * share)
        return sum_by_document(
            np.concatenate(docs, axis=1), np.concatenate(shares, axis=1), self.ties, k
        )
