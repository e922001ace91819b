"""A cascade: a cheap retriever answers all queries, a costly one those of which the cheap is unsure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import require
from bench.outside import require_retriever
from bench.ranking import empty
from bench.types import Collection, Facts, Queries, Retriever, Run, Searcher, Store


def margins(run: Run) -> NDArray[np.float64]:
    """Return (n_queries,): the score of the first document less that of the second.

    Infinite where there is one document only, NaN where there is none.
    """
    top = empty(len(run.docs), 2)
    width = min(2, run.docs.shape[1])
    top.scores[:, :width] = run.scores[:, :width]
    first, second = top.scores.astype(np.float64).T
    with np.errstate(invalid="ignore"):
        margin: NDArray[np.float64] = first - second
    return margin


@dataclass(frozen=True)
class Cascade:
    """The answers of `cheap`, but those of `costly` where the margin of `cheap` lies in a window.

    cheap, costly   any retrievers
    low, high       the window, both ends in it; a `high` of None has no end

    A query's margin is the score of its first document less that of its second. With one document it is
    infinite; a query without any is always handed on. Each query has the list of one retriever whole.

    After Xia & Bouganis, "Window-Based Early-Exit Cascades for Uncertainty Estimation: When Deep
    Ensembles are More Efficient than Single Models" (ICCV 2023): only what lies in a window at the
    boundary of a decision goes to the next stage. There a classifier's confidence lies in it, here a
    margin of scores, whose scale is that of `cheap`: choose the window for it, on dev.
    A document with the query's own id counts, also where it is no answer.
    """

    cheap: Retriever
    costly: Retriever
    low: float
    high: float | None

    def __post_init__(self) -> None:
        require_retriever(self.cheap, "cascade.cheap")
        require_retriever(self.costly, "cascade.costly")
        require(
            0 <= self.low < math.inf,
            f"cascade.low must be at least 0 and finite, got {self.low}; no margin is negative",
        )
        require(
            self.high is None or self.low <= self.high < math.inf,
            f"cascade.high must be finite and not below cascade.low, which is {self.low}, or null for "
            f"no end, got {self.high}",
        )

    def hands_on(self, run: Run) -> NDArray[np.bool_]:
        """Return (n_queries,): whether the costly retriever is asked after these answers."""
        margin = margins(run)
        high = math.inf if self.high is None else self.high
        return np.isnan(margin) | ((self.low <= margin) & (margin <= high))

    def index(self, collection: Collection, store: Store) -> Searcher:
        """Index both; others with equal settings share them."""
        cheap = store.searcher(self.cheap, collection, "cascade.cheap")
        costly = store.searcher(self.costly, collection, "cascade.costly")
        exact = None
        if cheap.exact is not None or costly.exact is not None:
            exact = _CascadeSearcher(self, cheap.exact or cheap, costly.exact or costly)
        return _CascadeSearcher(self, cheap, costly, exact)


@dataclass(frozen=True, eq=False)
class _CascadeSearcher:
    settings: Cascade
    cheap: Searcher
    costly: Searcher
    exact: Searcher | None = None

    @property
    def nbytes(self) -> int:
        return self.cheap.nbytes + self.costly.nbytes

    @property
    def facts(self) -> Facts:
        cheap, costly = self.cheap.facts, self.costly.facts
        told = {f"cheap.{key}": value for key, value in cheap.items()}
        told |= {f"costly.{key}": value for key, value in costly.items()}
        longest = [one.get("longest_list") for one in (cheap, costly)]
        known = [one for one in longest if isinstance(one, int)]
        return {**told, "longest_list": max(known)} if len(known) == 2 else told

    def search(self, queries: Queries, k: int) -> Run:
        cheap = self.cheap.search(queries, max(k, 2))  # a margin needs two
        handed_on = self.settings.hands_on(cheap)
        found = empty(len(queries), k)
        _put(found, ~handed_on, Run(cheap.docs[~handed_on], cheap.scores[~handed_on]).head(k))
        if handed_on.any():
            rows = np.flatnonzero(handed_on).tolist()
            _put(found, handed_on, self.costly.search(queries.select(rows), k))
        return found


def _put(found: Run, rows: NDArray[np.bool_], answers: Run) -> None:
    """Write the answers to some of the queries, whose lists may be shorter."""
    width = answers.docs.shape[1]
    found.docs[rows, :width] = answers.docs
    found.scores[rows, :width] = answers.scores
