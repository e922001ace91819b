"""One index for equal settings: what two methods share is built once."""

from __future__ import annotations

import weakref

from bench.storage.identity import fingerprint
from bench.types import Collection, Retriever, Searcher

_built: weakref.WeakKeyDictionary[Collection, dict[str, Searcher]] = weakref.WeakKeyDictionary()


def index_once(retriever: Retriever, collection: Collection) -> Searcher:
    """Return the searcher of these settings on this collection, building it if it is new.

    Settings are compared by fingerprint, so that a file that was replaced is read again. Of two
    that differ only in where their files lie, both have the facts of the first. Everything is let go
    together with the collection.
    """
    searchers = _built.setdefault(collection, {})
    key = fingerprint(retriever).key
    if key not in searchers:
        searchers[key] = retriever.index(collection)
    return searchers[key]
