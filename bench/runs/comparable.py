"""Whether two saved runs may be held against each other, and where their rankings differ."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path

from bench.collections.trec import read_scores
from bench.errors import require
from bench.evaluation.measures import Measure
from bench.runs.record import Record

ANEW = 'begin anew with a reason: bench gate RUN --update --reason "WHY"'


def require_comparable(baseline: Record, candidate: Record) -> None:
    """Raise `BenchError` naming what differs: data, labels, queries, sets, splits, depth, a model.

    Code, settings and libraries may differ: what they do to the answers is what the gate judges.
    """
    differing = [
        f"the {what} ({baseline.content[key]['fingerprint'][:12]} then, "
        f"{candidate.content[key]['fingerprint'][:12]} now)"
        for key, what in (("collection", "corpus"), ("labels", "labels"), ("queries", "queries"))
        if baseline.content[key]["fingerprint"] != candidate.content[key]["fingerprint"]
    ]
    differing += [
        what
        for key, what in (("sets", "the query sets"), ("splits", "the splits of the queries"))
        if baseline.content["queries"][key] != candidate.content["queries"][key]
    ]
    differing += [
        f"the model of {system} ({then[:12]} then, {now[:12]} now)"
        for system, then, now in changed_models(baseline, candidate)
    ]
    require(
        not differing,
        "this run can not be held against the baseline: different are " + "; ".join(differing)
        + f"; restore them, or {ANEW}",
    )  # fmt: skip
    require_depth(baseline, candidate.depth)


def require_depth(baseline: Record, depth: object) -> None:
    """Raise `BenchError` when a run keeps more or fewer documents a query than the baseline does."""
    require(
        depth == baseline.depth,
        f"this run keeps {depth} documents a query and the baseline {baseline.depth}, so their values "
        f"do not mean the same; run it with depth={baseline.depth} (gate --set depth={baseline.depth}), "
        f"or {ANEW}",
    )


def changed_models(baseline: Record, candidate: Record) -> list[tuple[str, str, str]]:
    """Return (system, weights then, weights now) where a system of both has another model."""
    found = []
    for system in baseline.systems:
        if system in candidate.systems:
            then, now = (record.content["systems"][system]["facts"] for record in (baseline, candidate))
            keys = [key for key in then if key.endswith("weights_sha256")]
            found += [(system, then[k], now.get(k, "none")) for k in keys if then[k] != now.get(k)]
    return found


def count_reranked(
    then: Path, now: Path, systems: Sequence[str], queries: Container[str]
) -> dict[str, int]:
    """Return system → how many of the queries have another order of documents in the one run folder than
    in the other; systems without a run file in both are left out."""
    found = {}
    for system in systems:
        files = [folder / f"{system}.trec" for folder in (then, now)]
        if all(file.exists() for file in files):
            one, other = map(_rankings, files)
            found[system] = sum(
                one.get(q) != other.get(q) for q in one.keys() | other.keys() if q in queries
            )
    return found


def _rankings(file: Path) -> dict[str, list[str]]:
    return {query: [doc for doc, _ in answers] for query, answers in read_scores(file).items()}


def shallow(record: Record, systems: Sequence[str], longest: Callable[[str], int]) -> Iterator[str]:
    """Say which of these systems, such as run files, have shorter lists than others of them.

    longest  gives the length of a system's longest list; asked for only where a system says that its
             lists end before what the run kept
    """
    whole = min(record.depth, record.content["collection"]["documents"])
    told = {name: record.content["systems"][name]["facts"].get("longest_list") for name in systems}
    short = [name for name, most in told.items() if isinstance(most, int) and most < whole]
    lengths = {name: longest(name) for name in systems} if short and len(systems) > 1 else {}
    for system in short if lengths else ():
        own, deepest = lengths[system], max(lengths.values())
        deeper = [m for m in record.measures if (Measure.read(m).cutoff or whole) > own]
        if own < deepest and deeper:
            yield (
                f"{system} has at most {own} documents a query, and others up to {deepest}: "
                f"{', '.join(deeper)} may look deeper in the others"
            )


def longest_list(run: Path, record: Record, system: str) -> int:
    """Return how long the longest list in a saved run file is; without one, what the run kept."""
    file = run / f"{system}.trec"
    if not file.is_file():
        return min(record.depth, int(record.content["collection"]["documents"]))
    return max([0, *(len(found) for found in read_scores(file).values())])
