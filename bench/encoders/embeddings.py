"""The vectors of a collection: encoded once, kept on the disk, read memory-mapped."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.encoders.output import encode
from bench.encoders.passages import Passages
from bench.types import Collection, DocArray, Encoder, Facts, Store

# Texts are encoded so many at a time, whatever the collection's size.
GROUP = 1024
_VECTORS, _OWNER, _FACTS = "vectors.npy", "owner.npy", "facts.json"


class Embeddings(NamedTuple):
    """A collection's vectors (n_passages, dim) float32, memory-mapped, and the document that each stands
    for, ascending."""

    vectors: NDArray[np.float32]
    owner: DocArray
    facts: Facts


@dataclass(frozen=True)
class _Vectors:
    """What the vectors of a collection depend on, this module among it."""

    encoder: Encoder
    passages: Passages


def embed(collection: Collection, encoder: Encoder, passages: Passages, store: Store) -> Embeddings:
    """Encode a collection, whole documents or their passages; once a collection and setting.

    The facts of the encoder are its own, also where one with equal files, elsewhere, has encoded.
    """
    folder = store.folder(
        _Vectors(encoder, passages),
        collection,
        lambda folder: _write(folder, collection, encoder, passages),
    )
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    return Embeddings(
        np.load(folder / _VECTORS, mmap_mode="r", allow_pickle=False),
        np.load(folder / _OWNER, allow_pickle=False),
        {**encoder.facts, **facts},
    )


def _windows(collection: Collection, passages: Passages) -> Iterator[tuple[int, str]]:
    """Yield document and text of each passage."""
    for docs in collection.batches(GROUP):
        titles = collection.texts(docs, ("title",))
        bodies = collection.texts(docs, ("text",))
        for doc, title, body in zip(docs.tolist(), titles, bodies, strict=True):
            for text in passages.split(title, body):
                yield doc, text


def _write(folder: Path, collection: Collection, encoder: Encoder, passages: Passages) -> None:
    owner = np.array([doc for doc, _ in _windows(collection, passages)], dtype=np.int32)
    np.save(folder / _OWNER, owner, allow_pickle=False)
    vectors = None
    tokens, cut, texts_cut = 0, 0, 0
    texts = (text for _, text in _windows(collection, passages))
    for start in range(0, len(owner), GROUP):
        group = list(itertools.islice(texts, GROUP))
        encoded = encode(encoder, group, query=False)
        if vectors is None:
            shape = (len(owner), encoded.vectors.shape[1])
            vectors = np.lib.format.open_memmap(folder / _VECTORS, "w+", np.float32, shape)
        vectors[start : start + len(group)] = encoded.vectors
        missing = encoded.tokens - encoded.read
        tokens += int(encoded.tokens.sum())
        cut += int(missing.sum())
        texts_cut += int((missing > 0).sum())
    if vectors is not None:
        vectors.flush()
    facts = {"texts": len(owner), "texts_cut": texts_cut, "tokens": tokens, "tokens_cut": cut}
    (folder / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
