"""A large run file, by a reader in C; what is odd about a file is left to `bench.collections.trec`.

That one says by line what is wrong, or what a reader must know. Here a file is read only if there is
nothing to say: plain ASCII, one kind of white space, lists in the order of their ranks. Scores that
float32 makes equal are named all the same: many a tool writes float64, and its files are the largest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.types import DocArray, ScoreArray

# Below this the other reader takes a second or less. In bytes.
LARGE = 8_000_000
_BLOCK = 1 << 25
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


# (n,) each: number of the list, document, rank, score as written
_Columns = tuple[NDArray[np.int32], DocArray, NDArray[np.int32], NDArray[np.float64]]


class _OddError(Exception):
    """Something that needs a word."""


def read_plain(file: Path, doc_numbers: Mapping[str, int], beyond: float) -> PlainRun | None:
    """Read a run file, None where anything in it needs a word or has to be refused.

    beyond  what no score may reach
    """
    # only here: small files do without
    import pyarrow as pa

    rows: dict[str, int] = {}
    try:
        form = _form(file)
        if form is None:
            return None
        blocks = list(_blocks(file, *form, rows, doc_numbers, beyond))
    except (pa.ArrowException, KeyError, OSError, _OddError):
        return None
    if not rows or "#" in rows:
        return None
    lists, docs, ranks, written = (np.concatenate(column) for column in zip(*blocks, strict=True))
    if (np.diff(lists) < 0).any():  # a query's lines lie apart
        order = np.argsort(lists, kind="stable")
        lists, docs, ranks, written = lists[order], docs[order], ranks[order], written[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(lists, minlength=len(rows)))])
    scores, names = written.astype(np.float32), list(rows)
    plain = PlainRun(names, starts, docs, scores, [names[n] for n in _merged(lists, scores, written)])
    if not _in_order(plain, lists, ranks) or _twice(plain, len(doc_numbers)):
        return None
    return plain


def _form(file: Path) -> tuple[int, str] | None:
    """Return how many comments begin a file, and what parts its columns; None if it is not plain."""
    comments = start = 0
    with file.open("rb") as data:
        while (line := data.readline()).split()[:1] == [b"#"]:
            if b"\r" in line or not line.isascii():  # \r ends a line too
                return None
            comments, start = comments + 1, data.tell()
        parted = b"\t" if b"\t" in line else b" "
        data.seek(start)
        last = b"\n"
        while block := data.read(_BLOCK):
            block, last = last + block, block[-1:]
            if block.translate(None, _PRINTED + parted):
                return None
            if any(empty in block for empty in (parted + parted, parted + b"\n", b"\n" + parted)):
                return None  # a column without anything in it is no column
    return None if last == parted else (comments, parted.decode())


def _blocks(
    file: Path,
    comments: int,
    parted: str,
    rows: dict[str, int],
    doc_numbers: Mapping[str, int],
    beyond: float,
) -> Iterator[_Columns]:
    """Yield the columns of a block after the other, and number its queries in `rows`."""
    import pyarrow as pa
    from pyarrow import csv

    text = pa.dictionary(pa.int32(), pa.string())
    kinds = {"query": text, "doc": text, "rank": pa.int32(), "score": pa.float64()}
    names = ["query", "Q0", "doc", "rank", "score", "tag"]
    with csv.open_csv(
        file,
        csv.ReadOptions(column_names=names, skip_rows=comments, block_size=_BLOCK),
        csv.ParseOptions(delimiter=parted, quote_char=False),
        csv.ConvertOptions(
            column_types=kinds, include_columns=list(kinds), null_values=[], strings_can_be_null=False
        ),
    ) as reader:
        for block in reader:
            query, doc, rank, score = block.columns
            named = [rows.setdefault(name, len(rows)) for name in query.dictionary.to_pylist()]
            numbered = [doc_numbers[name] for name in doc.dictionary.to_pylist()]
            wide = score.to_numpy()
            if not (np.abs(wide) < beyond).all():  # nan is not below it either
                raise _OddError
            yield (
                np.array(named, np.int32)[query.indices.to_numpy()],
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
