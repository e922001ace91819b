"""Which pairs a session asks for: all, or those that some runs found and nobody judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.collections.passes import Pair, ToJudge
from bench.collections.trec import read_run
from bench.errors import did_you_mean, require
from bench.judge.session import PassFile, blind_order


def pairs_to_judge(
    to_judge: ToJudge, kept: PassFile, runs: Sequence[Path], depth: int, sets: Sequence[str], seed: str
) -> list[Pair]:
    """Return the pairs in the order in which they are shown.

    With runs: the first `depth` documents of each for each query, without what has a grade in the
    folder already, but with what this very pass holds, so that a session goes on where it stopped.
    """
    known = {group for _, group in to_judge.queries.values()}
    for name in sets:
        require(
            name in known, f"no query set '{name}' in {to_judge.folder}; {did_you_mean(name, known)}"
        )
    queries = [q for q, (_, group) in to_judge.queries.items() if not sets or group in sets]
    if not runs:
        docs = to_judge.doc_ids
        return blind_order(queries, lambda _: docs, seed)
    judged = to_judge.judged() - kept.grades.keys()
    pool = pool_of(to_judge, runs, depth)
    found = {q: sorted(doc for doc in pool.get(q, ()) if (q, doc) not in judged) for q in queries}
    return blind_order([q for q in queries if found[q]], found.__getitem__, seed)


def pool_of(to_judge: ToJudge, runs: Sequence[Path], depth: int) -> dict[str, set[str]]:
    """Return query → the documents among the first `depth` of any of these runs."""
    ids = to_judge.doc_ids
    numbers = {doc: n for n, doc in enumerate(ids)}
    pool: dict[str, set[str]] = {}
    for run in runs:
        files = sorted(run.glob("*.trec")) if run.is_dir() else [run]
        require(bool(files), f"{run} holds no .trec file; name a run's folder or a run file")
        for file in files:
            for query, answers in read_run(file, numbers).items():
                best = sorted(answers, key=lambda doc: (answers[doc], ids[doc]), reverse=True)[:depth]
                pool.setdefault(query, set()).update(ids[doc] for doc in best)
    return pool
