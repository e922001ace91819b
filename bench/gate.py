"""A record against its baseline: what dropped, what is noise, and whether CI should stop.

A system fails only when its drop is larger than the tolerance and significant, or when it is below a
hard floor. Too few queries to tell a drop of the size of the tolerance from none is an answer too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from bench.collections.trec import read_scores
from bench.comparison import Comparison, compare
from bench.errors import did_you_mean, require
from bench.record import Record

TOLERANCE = 0.02
_ANEW = "start anew: remove the baseline's folder, then bench gate RUN --update"


class Outcome(StrEnum):
    """What the gate says of one system and measure."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    IMPROVED = "improved"
    UNDECIDABLE = "undecidable"
    REGRESSED = "regressed"
    BELOW_FLOOR = "below floor"

    @property
    def fails(self) -> bool:
        """Whether it stops CI."""
        return self in (Outcome.REGRESSED, Outcome.BELOW_FLOOR)


@dataclass(frozen=True)
class Finding:
    """One system by one measure, now against then. `reranked` counts queries whose order of documents
    is another."""

    system: str
    measure: str
    then: float
    now: float
    comparison: Comparison
    reranked: int
    floor: float | None
    outcome: Outcome


@dataclass(frozen=True)
class Verdict:
    """All findings, with the systems that are new and have nothing to be compared with."""

    findings: tuple[Finding, ...]
    new: tuple[str, ...]
    tolerance: float

    @property
    def exit_code(self) -> int:
        """0 passed, 1 regressed, 3 undecidable. What can not be run at all is an error, 2."""
        outcomes = {finding.outcome for finding in self.findings}
        if any(outcome.fails for outcome in outcomes):
            return 1
        return 3 if Outcome.UNDECIDABLE in outcomes else 0

    @property
    def stale(self) -> bool:
        """Whether an improvement asks for a new baseline."""
        return any(finding.outcome is Outcome.IMPROVED for finding in self.findings)


def judge(
    baseline: Record,
    candidate: Record,
    *,
    measures: Sequence[str] = (),
    tolerance: float = TOLERANCE,
    floors: Mapping[tuple[str, str], float] | None = None,
    reranked: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Verdict:
    """Apply the rule to every system of the baseline, on its test queries.

    measures   the gated ones, one family; the primary measure if none is named
    floors     (system, measure) → lowest mean that passes; system "" stands for every one
    reranked   system → queries whose ranking is another

    Raises `BenchError` when the two were not run on the same data and models.
    """
    require_comparable(baseline, candidate)
    gated = list(measures) or [baseline.primary]
    shared = [m for m in baseline.measures if m in candidate.measures]
    for measure in gated:
        require(measure in shared, f"measure {measure} is not in both; {did_you_mean(measure, shared)}")
    systems = baseline.systems
    test = np.array([split == "test" for split in baseline.content["queries"]["splits"]])
    require(bool(test.any()), "the baseline has no test queries; the gate compares on test only")
    values = np.concatenate(
        [
            np.stack([record.values(m)[_rows(record, systems)][:, test] for m in gated], axis=1)
            for record in (baseline, candidate)
        ]
    )
    names = [*systems, *systems]
    pairs = [(place + len(systems), place) for place in range(len(systems))]
    comparisons = compare(values, names, gated, pairs, seed=seed)
    findings = []
    for one in comparisons:
        row, column = systems.index(one.system), gated.index(one.measure)
        then = float(values[row, column].mean())
        now = float(values[row + len(systems), column].mean())
        floor = (floors or {}).get((one.system, one.measure), (floors or {}).get(("", one.measure)))
        moved = (reranked or {}).get(one.system, 0)
        outcome = _outcome(one, now, floor, moved, tolerance)
        findings.append(Finding(one.system, one.measure, then, now, one, moved, floor, outcome))
    new = tuple(system for system in candidate.systems if system not in systems)
    return Verdict(tuple(findings), new, tolerance)


def _rows(record: Record, systems: Sequence[str]) -> list[int]:
    return [record.systems.index(system) for system in systems]


def _outcome(
    one: Comparison, now: float, floor: float | None, reranked: int, tolerance: float
) -> Outcome:
    if floor is not None and now < floor:
        return Outcome.BELOW_FLOOR
    if one.significant and one.difference < -tolerance:
        return Outcome.REGRESSED
    if one.significant and one.difference > 0:
        return Outcome.IMPROVED
    too_large = one.difference < -tolerance
    could_be = one.low < -tolerance and one.detectable > tolerance
    if not one.significant and (too_large or could_be):
        return Outcome.UNDECIDABLE
    if reranked or one.wins or one.losses:
        return Outcome.CHANGED
    return Outcome.UNCHANGED


def require_comparable(baseline: Record, candidate: Record) -> None:
    """Raise `BenchError` naming what differs: data, labels, queries, depth, a model, a missing system.

    Code, settings and libraries may differ: what they do to the answers is what the gate judges.
    """
    differing = [
        f"the {what} ({baseline.content[key]['fingerprint'][:12]} then, "
        f"{candidate.content[key]['fingerprint'][:12]} now)"
        for key, what in (("collection", "corpus"), ("labels", "labels"), ("queries", "queries"))
        if baseline.content[key]["fingerprint"] != candidate.content[key]["fingerprint"]
    ]
    differing += [
        f"the model of {system} ({then[:12]} then, {now[:12]} now)"
        for system, then, now in changed_models(baseline, candidate)
    ]
    require(
        not differing,
        "this run can not be held against the baseline: different are " + "; ".join(differing)
        + f"; restore them, or {_ANEW}",
    )  # fmt: skip
    require_depth(baseline, candidate.depth)
    gone = [system for system in baseline.systems if system not in candidate.systems]
    require(not gone, f"the baseline's system {', '.join(gone)} is not in this run; run it too")


def require_depth(baseline: Record, depth: object) -> None:
    """Raise `BenchError` when a run keeps more or fewer documents a query than the baseline does."""
    require(
        depth == baseline.depth,
        f"this run keeps {depth} documents a query and the baseline {baseline.depth}, so their values "
        f"do not mean the same; run it with depth={baseline.depth} (gate --set depth={baseline.depth}), "
        f"or {_ANEW}",
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


def count_reranked(then: Path, now: Path, systems: Sequence[str]) -> dict[str, int]:
    """Return system → queries whose order of documents differs between two run folders; systems
    without a run file in both are left out."""
    found = {}
    for system in systems:
        files = [folder / f"{system}.trec" for folder in (then, now)]
        if all(file.exists() for file in files):
            one, other = map(_rankings, files)
            found[system] = sum(one.get(q) != other.get(q) for q in one.keys() | other.keys())
    return found


def _rankings(file: Path) -> dict[str, list[str]]:
    return {query: [doc for doc, _ in answers] for query, answers in read_scores(file).items()}
