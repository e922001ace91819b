"""A large run file, by a reader in C; what is odd about a file is left to `bench.collections.trec`.

That one says by line what is wrong, or what a reader must know. Here a file is read only if there is
nothing to say: plain ASCII, one kind of white space, lists in the order of their ranks. Scores that
float32 makes equal are named all the same: many a tool writes float64, and its files are the largest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.types import DocArray, ScoreArray

# Below this the other reader takes a second or less. In bytes.
LARGE = 8_000_000
_BLOCK = 1 << 24
# What is parsed is no work of Python's own, so two go on at once.
_THREADS = 2
_PRINTED = bytes(range(0x21, 0x7F)) + b"\n"


class PlainRun(NamedTuple):
    """The lists of a file one after the other, in the order of their lines.

    queries (n_lists,); starts (n_lists + 1,), where each list begins; docs and scores (n,); merged, the
    queries in which scores that differ in the file are equal as float32
    """

    queries: list[str]
    starts: NDArray[np.int64]
    docs: DocArray
    scores: ScoreArray
    merged: list[str]


class _Block(NamedTuple):
    """The columns of some lines: `lists` (n,) are numbers of `queries`; docs, ranks and scores, as
    written, (n,)."""

    queries: list[str]
    lists: NDArray[np.int32]
    docs: DocArray
    ranks: NDArray[np.int32]
    scores: NDArray[np.float64]


class _OddError(Exception):
    """Something that needs a word."""


def read_plain(file: Path, doc_numbers: Mapping[str, int], beyond: float) -> PlainRun | None:
    """Read a run file, None where anything in it needs a word or has to be refused.

    beyond  what no score may reach
    """
    # only here: small files do without
    import pyarrow as pa

    try:
        start, parted = _after_comments(file)
        parts = itertools.pairwise(_cuts(file, start))
        with ThreadPoolExecutor(_THREADS) as threads:
            # A part that waits is no more than two numbers: as many as there are threads are in memory.
            read = [threads.submit(_part, file, part, parted, doc_numbers, beyond) for part in parts]
            blocks = [one.result() for one in read]
    except (pa.ArrowException, KeyError, OSError, _OddError):
        return None
    rows = {
        name: row for row, name in enumerate(dict.fromkeys(q for block in blocks for q in block.queries))
    }
    if not rows or "#" in rows:
        return None
    numbers = [np.array([rows[query] for query in block.queries], np.int32) for block in blocks]
    lists = np.concatenate([own[block.lists] for own, block in zip(numbers, blocks, strict=True)])
    columns = [list(column) for column in list(zip(*blocks, strict=True))[2:]]
    del blocks, read, numbers  # of each column its parts and the whole are in memory, and no more
    docs, ranks, written = (_joined(column) for column in columns)
    if (np.diff(lists) < 0).any():  # a query's lines lie apart
        order = np.argsort(lists, kind="stable")
        lists, docs, ranks, written = lists[order], docs[order], ranks[order], written[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(lists, minlength=len(rows)))])
    scores, names = written.astype(np.float32), list(rows)
    plain = PlainRun(names, starts, docs, scores, [names[n] for n in _merged(lists, scores, written)])
    if not _in_order(plain, lists, ranks) or _twice(plain, len(doc_numbers)):
        return None
    return plain


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _after_comments(file: Path) -> tuple[int, str]:
    """Return where the first line begins that is no comment, and what parts its columns."""
    start = 0
    with file.open("rb") as data:
        while (line := data.readline()).split()[:1] == [b"#"]:
            if b"\r" in line or not line.isascii():  # \r ends a line too
                raise _OddError
            start = data.tell()
    return start, "\t" if b"\t" in line else " "


def _cuts(file: Path, start: int) -> Iterator[int]:
    """Yield places in a file where a line begins, and its end."""
    size = file.stat().st_size
    yield start
    with file.open("rb") as data:
        while start < size:
            data.seek(start + _BLOCK)
            data.readline()
            start = min(data.tell(), size)
            yield start


def _part(
    file: Path, place: tuple[int, int], parted: str, doc_numbers: Mapping[str, int], beyond: float
) -> _Block:
    """Return the columns of the lines between two places."""
    import pyarrow as pa
    from pyarrow import csv

    with file.open("rb") as data:
        data.seek(place[0])
        block = data.read(place[1] - place[0])
    if block.translate(None, _PRINTED + parted.encode()):
        raise _OddError
    white = np.frombuffer(block, np.uint8) <= ord(" ")
    if white[0] or (white[1:] & white[:-1]).any() or block.endswith(parted.encode()):
        raise _OddError  # a column without anything in it is no column
    text = pa.dictionary(pa.int32(), pa.string())
    kinds = {"query": text, "doc": text, "rank": pa.int32(), "score": pa.float64()}
    names = ["query", "Q0", "doc", "rank", "score", "tag"]
    columns = csv.read_csv(
        pa.BufferReader(block),
        csv.ReadOptions(column_names=names, block_size=len(block), use_threads=False),
        csv.ParseOptions(delimiter=parted, quote_char=False),
        csv.ConvertOptions(
            column_types=kinds, include_columns=list(kinds), null_values=[], strings_can_be_null=False
        ),
    )
    query, doc, rank, score = columns.combine_chunks().to_batches()[0].columns
    numbered = [doc_numbers[name] for name in doc.dictionary.to_pylist()]
    wide = score.to_numpy()
    if not (np.abs(wide) < beyond).all():  # nan is not below it either
        raise _OddError
    return _Block(
        query.dictionary.to_pylist(),
        query.indices.to_numpy(),
        np.array(numbered, np.int32)[doc.indices.to_numpy()],
        rank.to_numpy(),
        wide,
    )


def _in_order(plain: PlainRun, lists: NDArray[np.int32], ranks: NDArray[np.int32]) -> bool:
    """Whether scores fall as ranks rise in each list, and some list has an order but that of its ids."""
    starts, scores = plain.starts, plain.scores
    within = lists[1:] == lists[:-1]
    if (within & ((ranks[1:] <= ranks[:-1]) | (scores[1:] > scores[:-1]))).any():
        return False
    several = np.diff(starts) > 1
    return bool((scores[starts[:-1]] > scores[starts[1:] - 1])[several].any())


def _merged(lists: NDArray[np.int32], scores: ScoreArray, written: NDArray[np.float64]) -> list[int]:
    """Return the lists that have neighbours of equal scores that are not equal as written.

    Where scores fall, such as are equal stand together, so that neighbours show it.
    """
    equal = (lists[1:] == lists[:-1]) & (scores[1:] == scores[:-1])
    places = np.flatnonzero(equal)
    differ = written[places] != written[places + 1]
    return [int(one) for one in np.unique(lists[places[differ]])]


def _twice(plain: PlainRun, n_docs: int) -> bool:
    """Whether a document stands twice in one list: then its place is not the one that was noted last."""
    noted = np.empty(n_docs, np.intp)
    places = np.arange(np.diff(plain.starts).max())
    for start, end in itertools.pairwise(plain.starts):
        docs = plain.docs[start:end]
        noted[docs] = places[: len(docs)]
        if (noted[docs] != places[: len(docs)]).any():
            return True
    return False
