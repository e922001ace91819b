"""The division of queries into dev and test: fixed by their ids, equal in every query set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.collections.beir_files import read_corpus, read_metadata, read_qrels, read_queries
from bench.errors import BenchError, require
from bench.storage.earlier import alone_with
from bench.storage.files import files_in, write_text

DEV_SHARE = 0.4
DEV, TEST = "dev", "test"


def stratified_split(
    sets: Mapping[str, str], dev_share: float = DEV_SHARE, seed: int = 0
) -> dict[str, str]:
    """Return query id → "dev" or "test".

    Within each query set the ids are ordered by their sha256, and the first `dev_share` of them,
    rounded, are dev. Nothing but ids, sets and the seed decides, so no result can. Seed 0 hashes the
    bare id.

    >>> stratified_split({"a": "topic", "b": "topic"}, 0.5)
    {'a': 'test', 'b': 'dev'}
    """
    split = dict.fromkeys(sets, TEST)
    for group in set(sets.values()):
        members = sorted(
            (query for query, name in sets.items() if name == group),
            key=lambda query: hashlib.sha256((f"{seed} {query}" if seed else query).encode()).digest(),
        )
        split.update(dict.fromkeys(members[: round(dev_share * len(members))], DEV))
    return split


@dataclass(frozen=True)
class Divided:
    """How many judged queries went to dev and to test, and in how many query sets."""

    dev: int
    test: int
    sets: int


def divide(folder: Path, dev_share: float = DEV_SHARE, seed: int = 0, *, again: bool = False) -> Divided:
    """Divide the judged queries of a BEIR folder's qrels/test.tsv: qrels/dev.tsv gets some of them.

    again  whether a dev.tsv that is there already is taken back into test first

    Killed at any point, no judgement is lost: test.tsv holds them all until dev.tsv is written. So a
    folder all of whose dev queries are in test too is not divided. Raises `BenchError` for a folder that
    is none, or divided already, and where a part would be empty.
    """
    require(folder.is_dir(), f"collection folder {folder} does not exist; name a BEIR folder")
    with alone_with(
        folder / "qrels"
    ):  # from reading to the last file: two who divide at once would lose queries
        return _divide(folder, dev_share, seed, again=again)


def _divide(folder: Path, dev_share: float, seed: int, *, again: bool) -> Divided:
    files = {split: folder / "qrels" / f"{split}.tsv" for split in (DEV, TEST)}
    there = {split: file for split, file in files.items() if file.exists()}
    others = [file.name for file in files_in(folder / "qrels", ".tsv") if file not in files.values()]
    require(
        bool(there),
        f"{folder} has no qrels/test.tsv to divide"
        + (f"; it has {', '.join(others)}: rename one" if others else "; make one first"),
    )
    documents = read_corpus(folder / "corpus.jsonl", folder.name)
    queries, _ = read_queries(folder / "queries.jsonl")
    named = read_metadata(folder / "queries.jsonl", "split")
    require(
        not named,
        f"{folder / 'queries.jsonl'} names the split of {len(named)} queries itself (metadata 'split'), "
        "which bench adjudicate follows; take it out, or change it there",
    )
    known = set(documents.ids(range(len(documents))))
    held = {part: read_qrels(file, set(queries), known, strict=False) for part, file in there.items()}
    divided = DEV in held and not held[DEV].keys() <= held.get(TEST, {}).keys()
    require(
        again or not divided,
        f"{files[DEV]} is there already: {folder} is divided; add --force to divide it anew",
    )
    grades: dict[str, Mapping[str, int]] = {}
    for part, its_grades in held.items():
        for query, judged in its_grades.items():
            if grades.get(query, judged) != judged:
                raise BenchError(
                    f"{files[part]}: query '{query}' has other grades in {DEV}.tsv; keep one"
                )
            grades[query] = judged
    sets = {query: group for query, (_, group) in queries.items() if query in grades}
    split = stratified_split(sets, dev_share, seed)
    n = {part: sum(its == part for its in split.values()) for part in (DEV, TEST)}
    require(
        min(n.values()) > 0,
        f"{len(split)} judged queries in {len(set(sets.values()))} sets give {n[DEV]} dev and {n[TEST]} "
        "test queries; label more, or change --dev",
    )
    if divided:  # dev.tsv is written over: first, all it holds is in test.tsv
        write_text(files[TEST], _lines(grades), durable=True)
    write_text(
        files[DEV], _lines({q: its for q, its in grades.items() if split[q] == DEV}), durable=True
    )
    rest = {q: its for q, its in grades.items() if split[q] == TEST}
    write_text(files[TEST], _lines(rest), keep=not divided, durable=True)
    return Divided(n[DEV], n[TEST], len(set(sets.values())))


def _lines(grades: Mapping[str, Mapping[str, int]]) -> str:
    lines = [f"{query}\t{doc}\t{grade}\n" for query, its in grades.items() for doc, grade in its.items()]
    return "query-id\tcorpus-id\tscore\n" + "".join(lines)
