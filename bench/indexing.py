"""One index for equal settings: what two methods share is built once."""

from __future__ import annotations

import weakref

from bench.types import Collection, Retriever, Searcher

_built: weakref.WeakKeyDictionary[Collection, dict[Retriever, Searcher]] = weakref.WeakKeyDictionary()


def index_once(retriever: Retriever, collection: Collection) -> Searcher:
    """Return the searcher of these settings on this collection, building it if it is new.

    Settings are compared by value. Everything is let go together with the collection.
    """
    searchers = _built.setdefault(collection, {})
    if retriever not in searchers:
        searchers[retriever] = retriever.index(collection)
    return searchers[retriever]
