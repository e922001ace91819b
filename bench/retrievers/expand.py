"""Query expansion: what a first search found makes new queries, which a second search answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.errors import require, require_some_of
from bench.outside import calling, lent, require_retriever
from bench.types import (
    FIELDS,
    NO_DOC,
    Collection,
    Expander,
    Facts,
    HasFacts,
    Queries,
    Retriever,
    Run,
    Searcher,
    Store,
)


@dataclass(frozen=True)
class Expanded:
    """`second` answers the queries that `expander` makes of the best `depth` documents of `first`.

    A document with the query's own id is among them, also where it is no answer.
    """

    first: Retriever
    expander: Expander
    second: Retriever
    depth: int = 3

    def __post_init__(self) -> None:
        require_retriever(self.first, "expanded.first")
        require(
            isinstance(self.expander, Expander),
            "expanded.expander has no method expand(queries, feedback, collection): "
            f"{self.expander!r}; see bench.types.Expander",
        )
        require_retriever(self.second, "expanded.second")
        require(self.depth >= 1, f"expanded.depth must be at least 1, got {self.depth}")

    def index(self, collection: Collection, store: Store) -> Searcher:
        """Index both stages; others with equal settings share them.

        Raises `BenchError` for a second stage that searches a run file, which knows no texts.
        """
        first = store.searcher(self.first, collection, "expanded.first")
        second = store.searcher(self.second, collection, "expanded.second")
        _require_reads_texts(second)
        exact = None
        if first.exact is not None or second.exact is not None:
            exact = _ExpandedSearcher(self, first.exact or first, second.exact or second, collection)
        return _ExpandedSearcher(self, first, second, collection, exact)


@dataclass(frozen=True, eq=False)
class _ExpandedSearcher:
    settings: Expanded
    first: Searcher
    second: Searcher
    collection: Collection
    exact: Searcher | None = None

    @property
    def nbytes(self) -> int:
        return self.first.nbytes + self.second.nbytes

    @property
    def facts(self) -> Facts:
        second, expander = self.second.facts, self.settings.expander
        told = {f"first.{key}": value for key, value in self.first.facts.items()}
        told |= {f"second.{key}": value for key, value in second.items()}
        if isinstance(expander, HasFacts):
            told |= {f"expander.{key}": value for key, value in expander.facts.items()}
        longest = second.get("longest_list")
        return told if longest is None else {**told, "longest_list": longest}

    def search(self, queries: Queries, k: int) -> Run:
        feedback = self.first.search(queries, min(self.settings.depth, len(self.collection)))
        expanded = expanded_by(self.settings.expander, queries, feedback, self.collection)
        return self.second.search(expanded, k)


@dataclass(frozen=True)
class FeedbackText:
    """Pseudo-relevance feedback by text: behind the query come the documents found for it, best first.

    fields   what of a document is added

    Text-based feedback as in Li, Mourad, Zhuang, Koopman & Zuccon, "Pseudo Relevance Feedback with Deep
    Language Models and Dense Retrievers: Successes and Pitfalls" (2021), in its plainest form: one query
    holds all documents. (They found one query a document, with scores added up, better for rerankers.)
    An encoder cuts off what is longer than it reads.
    """

    fields: Sequence[str] = ("title",)

    def __post_init__(self) -> None:
        require_some_of(self.fields, FIELDS, "FeedbackText.fields")

    def expand(self, queries: Queries, feedback: Run, collection: Collection) -> Queries:
        """Return the queries, each with the texts of its documents; one without any stays as it is."""
        texts = []
        for query, docs in zip(queries.texts, feedback.docs, strict=True):
            found = collection.texts(docs[docs != NO_DOC], self.fields)
            texts.append(" ".join(filter(None, [query, *found])))
        return replace(queries, texts=tuple(texts))


def expanded_by(expander: Expander, queries: Queries, feedback: Run, collection: Collection) -> Queries:
    """Return the queries with the expander's texts. Raises `BenchError` naming it for anything else."""
    name = type(expander).__name__
    with calling(expander, "expanded.expander", "expand"):
        found = expander.expand(queries, lent(feedback), collection)
    require(
        isinstance(found, Queries),
        f"expander {name} returned {type(found).__name__}, not bench.types.Queries; mend its expand",
    )
    for what in ("ids", "sets", "splits"):
        require(
            getattr(found, what) == getattr(queries, what),
            f"expander {name} returned queries with other {what} than it was given; change their texts "
            "alone, as dataclasses.replace(queries, texts=…) does",
        )
    require(
        isinstance(found.texts, tuple),
        f"expander {name} returned texts as a {type(found.texts).__name__}; return a tuple",
    )
    for query, text in zip(queries.ids, found.texts, strict=True):
        require(
            isinstance(text, str),
            f"expander {name} returned a {type(text).__name__} for the query '{query}', not a text; "
            "mend its expand",
        )
    return found


def _require_reads_texts(second: Searcher) -> None:
    """Refuse a run file, alone or as a part: it answers by ids, and new texts would change nothing."""
    for fact in second.facts:
        *parts, last = fact.split(".")
        require(
            last != "queries_in_file",
            f"{'.'.join(['expanded.second', *parts])} is a run file, which answers by query ids "
            "and would not see their new texts; name a retriever that searches",
        )
