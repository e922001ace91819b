"""Which pairs a session asks for: all, or those that some runs found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.collections.trec import read_run
from bench.errors import did_you_mean, require
from bench.labelling.pass_file import PassFile
from bench.labelling.passes import Pair, ToJudge
from bench.labelling.session import blind_order
from bench.storage.files import files_in


def pairs_to_judge(
    to_judge: ToJudge,
    kept: PassFile,
    runs: Sequence[Path],
    depth: int,
    sets: Sequence[str],
    seed: str,
    *,
    unjudged: bool = False,
) -> list[Pair]:
    """Return the pairs in the order in which they are shown.

    With runs: the first `depth` documents of each for each query. Passes are independent, so what one
    assessor has judged is asked of the next as well. `unjudged` leaves out what has a grade of 0 or
    more in qrels/, but not what this very pass holds, so that a session goes on where it stopped.
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
    pool = pool_of(to_judge, runs, depth)
    labels = to_judge.labels() if unjudged else None
    settled = {q: labels.qrels.judged(q) if labels else {} for q in queries}
    found = {
        q: sorted(doc for doc in pool.get(q, ()) if doc not in settled[q] or (q, doc) in kept.grades)
        for q in queries
    }
    return blind_order([q for q in queries if found[q]], found.__getitem__, seed)


def pool_of(to_judge: ToJudge, runs: Sequence[Path], depth: int) -> dict[str, set[str]]:
    """Return query → the documents among the first `depth` of any of these runs."""
    ids = to_judge.doc_ids
    numbers = {doc: n for n, doc in enumerate(ids)}
    pool: dict[str, set[str]] = {}
    for run in runs:
        files = files_in(run, ".trec") if run.is_dir() else [run]
        require(bool(files), f"{run} holds no .trec file; name a run's folder or a run file")
        for file in files:
            found = read_run(file, numbers)
            require(
                not found.keys().isdisjoint(to_judge.queries),
                f"{file} answers none of the queries in {to_judge.folder}; is it a run of another set?",
            )
            for query, answers in found.items():
                best = sorted(answers, key=lambda doc: (answers[doc], ids[doc]), reverse=True)[:depth]
                pool.setdefault(query, set()).update(ids[doc] for doc in best)
    return pool
