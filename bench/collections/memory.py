"""A collection held in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from bench.types import FIELDS, DocArray


class InMemory:
    """Documents as tuples of ids, titles and texts, of one length.

    Compared by identity, so that what is worked out for one collection can be kept beside it.
    """

    def __init__(
        self, name: str, ids: Sequence[str], titles: Sequence[str], texts: Sequence[str]
    ) -> None:
        if not len(ids) == len(titles) == len(texts):
            raise ValueError(f"{len(ids)} ids, {len(titles)} titles, {len(texts)} texts")
        self.name = name
        self._ids = tuple(ids)
        self._fields = {"title": tuple(titles), "text": tuple(texts)}

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over ids, titles and texts, each with its length, so that no two can be confused."""
        digest = hashlib.sha256()
        for document in zip(self._ids, *self._fields.values(), strict=True):
            for part in document:
                data = part.encode()
                digest.update(f"{len(data)}:".encode())
                digest.update(data)
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self, docs: Sequence[int] | DocArray) -> list[str]:
        """Return the ids of these document numbers."""
        # numbers of Python's own: those of numpy take five times as long to count by
        plain = docs.tolist() if isinstance(docs, np.ndarray) else docs
        return [self._ids[doc] for doc in plain]

    def texts(self, docs: Sequence[int] | DocArray, fields: Sequence[str] = FIELDS) -> list[str]:
        """Return the named fields of each document, joined by a space; empty fields are left out."""
        columns = [self._fields[field] for field in fields]
        return [" ".join(filter(None, (column[doc] for column in columns))) for doc in docs]

    def batches(self, size: int) -> Iterator[DocArray]:
        """Yield all document numbers in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield np.arange(start, min(start + size, len(self)), dtype=np.int32)
