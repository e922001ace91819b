"""The contract of what plugs into bench, for the tests of a package outside and of bench itself.

def test_mine():
    check_retriever(Mine())

What breaks the contract is an AssertionError that says what. pytest is not needed.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.evaluation.facts import check_facts, check_nbytes
from bench.experiment.run import checked
from bench.storage.identity import fingerprint
from bench.storage.indexes import IndexStore
from bench.types import Collection, Queries, Retriever, Run, Searcher, TestCollection

__all__ = ["check_collection", "check_retriever", "small_collection", "small_queries"]

# Scores of one query may differ by so much between batches: a matrix product rounds by its shape.
_ROUNDING = 1e-3
_DOCUMENTS = {
    "d1": ("Sparse retrieval", "Inverted indexes score documents by the terms of the query."),
    "d2": ("Dense retrieval", "Sentence embeddings are compared by their inner product."),
    "d3": ("Music transcription", "A small model writes down the notes of any instrument."),
    "d4": ("Music transcription", "A small model writes down the notes of any instrument."),
    "d5": ("Graph search", "Navigable small world graphs find nearest neighbours fast."),
    "d6": ("Rank fusion", "Reciprocal ranks of several systems are summed for each document."),
    "d7": ("", ""),
    "d8": ("Surveys", "Retrieval is surveyed here. " + "Many methods are named and compared. " * 60),
}
_QUERIES = (
    "notes of music",
    "approximate nearest neighbours",
    "",
    "zzzyqx",  # a word of no document
    "retrieval " * 700,
)


def small_collection() -> InMemory:
    """Return eight documents: two are alike, one is empty, one is long."""
    columns = zip(*_DOCUMENTS.values(), strict=True)
    return InMemory("small", list(_DOCUMENTS), *map(list, columns))


def small_queries() -> Queries:
    """Return five queries: one is empty, one has no known word, one is longer than any document."""
    n = len(_QUERIES)
    ids = tuple(f"q{number}" for number in range(1, n + 1))
    return Queries(ids, _QUERIES, ("all",) * n, ("test",) * n)


def check_retriever(
    retriever: Retriever, collection: Collection | None = None, queries: Queries | None = None
) -> None:
    """Raise `AssertionError` for what breaks the contract of `bench.types.Retriever`.

    collection  what is searched; `small_collection()` if not given
    queries     three or more, to at least one of which it has an answer; `small_queries()` if not given

    It is searched directly, without any cache of answers.
    """
    collection = small_collection() if collection is None else collection
    queries = small_queries() if queries is None else queries
    assert len(queries) >= 3, f"give three queries or more, got {len(queries)}"
    try:
        _check_settings(retriever)
        searcher = IndexStore(_NothingKept()).searcher(retriever, collection, type(retriever).__name__)
        _check_told(searcher)
        _check_answers(searcher, queries, len(collection))
        if searcher.exact is not None:
            assert searcher.exact.exact is None, "the exact search of an approximate one has an exact"
            _check_answers(searcher.exact, queries, len(collection))
        _check_told(searcher)  # after searching too
    except BenchError as error:
        raise AssertionError(str(error)) from error


def check_collection(source: Any) -> None:
    """Raise `AssertionError` for what breaks the contract of a collection's settings: `load()` returns a
    `bench.types.TestCollection`, the same each time, whose documents can be read in any order."""
    try:
        first, second = checked(_loaded(source)), _loaded(source)
    except BenchError as error:
        raise AssertionError(str(error)) from error
    for what in ("collection", "queries", "qrels"):
        one, other = (getattr(test, what).fingerprint for test in (first, second))
        assert one == other, f"loaded twice, the {what} has two fingerprints"
    documents = first.collection
    n = len(documents)
    everything = list(range(n))
    ids, texts = documents.ids(everything), documents.texts(everything)
    assert len(set(ids)) == n, f"{n} documents have {len(set(ids))} ids"
    assert len(set(first.queries.ids)) == len(first.queries), "two queries have one id"
    assert documents.ids(everything[::-1]) == ids[::-1], "ids depend on the order they are asked in"
    assert documents.texts(everything[::-1]) == texts[::-1], (
        "texts depend on the order they are asked in"
    )
    batches = list(documents.batches(3))
    together = [int(doc) for batch in batches for doc in batch]
    assert together == everything, "batches(3) does not give every document once, in order"
    assert all(len(batch) <= 3 for batch in batches), "batches(3) gives more than 3 at a time"


def _loaded(source: Any) -> TestCollection:
    assert hasattr(source, "load"), f"{type(source).__name__} has no load()"
    test = source.load()
    assert isinstance(test, TestCollection), f"load() returned a {type(test).__name__}"
    return test


class _NothingKept:
    """Answers that are asked for anew each time, of the parts too."""

    def load(self, key: str) -> None:
        """Return nothing."""

    def save(self, key: str, run: Run, seconds: float) -> None:
        """Keep nothing."""


def _check_settings(retriever: Any) -> None:
    assert isinstance(retriever, Retriever), "it has no index(collection, store)"
    try:
        found = hash(retriever)
    except TypeError as error:
        raise AssertionError(f"it can not be hashed: {error}; use @dataclass(frozen=True)") from error
    same = copy.deepcopy(retriever)
    assert fingerprint(same) == fingerprint(retriever), "equal settings have two fingerprints"
    if same == retriever:
        assert hash(same) == found, "equal settings have two hashes"


def _check_told(searcher: Searcher) -> None:
    check_facts(searcher.facts, "it")
    check_nbytes(searcher.nbytes, "it")


def _check_answers(searcher: Searcher, queries: Queries, n_docs: int) -> None:
    for k in (1, 5, n_docs, 3 * n_docs):  # the store's searcher checks each run
        run = searcher.search(queries, k)
        assert _same(run, searcher.search(queries, k)), f"asked twice for {k}, it answers differently"
    every = searcher.search(queries, n_docs)
    assert (every.docs >= 0).any(), "it has no answer to any query; give queries that it can answer"
    if searcher.exact is None:
        k = min(5, n_docs)
        assert _same_best(searcher.search(queries, k), every.head(k)), (
            f"the best {k} are not the first {k} of {n_docs}; an approximate search tells its exact"
        )
    for batch in (queries.select([0]), queries.select(range(len(queries) - 1, -1, -1))):
        rows = [queries.ids.index(name) for name in batch.ids]
        found, expected = searcher.search(batch, n_docs).scores, every.scores[rows]
        width = min(found.shape[1], expected.shape[1])  # the rest is empty
        assert np.allclose(found[:, :width], expected[:, :width], rtol=_ROUNDING, atol=_ROUNDING), (
            "a query has other scores beside other queries"
        )
        assert not np.isfinite(found[:, width:]).any(), "a query has more answers beside other queries"
        assert not np.isfinite(expected[:, width:]).any(), (
            "a query has more answers beside other queries"
        )
    again = searcher.search(queries, n_docs)
    assert _same(every, again), "asked after other queries, it answers differently"
    first = queries.select([0])
    searcher.search(
        Queries((*first.ids, "unknown-id"), (*first.texts, ""), ("all",) * 2, ("test",) * 2), 5
    )


def _same_best(one: Run, other: Run) -> bool:
    """Whether two runs are the same but for which documents of the last score were cut off."""
    settled = other.scores > other.scores[:, -1:]
    return np.array_equal(one.scores, other.scores) and np.array_equal(
        one.docs[settled], other.docs[settled]
    )


def _same(one: Run, other: Run) -> bool:
    return np.array_equal(one.docs, other.docs) and np.array_equal(one.scores, other.scores)
