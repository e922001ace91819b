"""What a baseline remembers: its tolerances, the best that was ever accepted, and what with a reason."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import require
from bench.evidence.family import Margins
from bench.runs.record import Record

# In a baseline's record: system → measure → the best values that were ever accepted, where the
# baseline's own are not the best.
ANCHOR = "anchor"


def tolerance_of(baseline: Record) -> Margins:
    """Return the tolerances that a baseline's own config names."""
    settings = baseline.content["config"].get("evidence") or {}
    return Margins.read(settings.get("tolerance") or {}, baseline.measures, "evidence.tolerance")


def loosened(baseline: Record, candidate: Record) -> list[str]:
    """Return in words where the candidate's own config would guard less than the baseline's does."""
    then, now = tolerance_of(baseline), tolerance_of(candidate)
    found = [
        f"the tolerance of {measure} would be {now[measure]:g}, and is {then[measure]:g}"
        for measure in baseline.measures
        if now[measure] > then[measure]
    ]
    kept = candidate.evidence["family"]["measures"]
    lost = [m for m in baseline.evidence["family"]["measures"] if m not in kept]
    return found + [f"{measure} would no longer be gated" for measure in lost]


def anchor_after(
    baseline: Record, accepted: Record, stopped: Container[tuple[str, str]]
) -> dict[str, dict[str, Any]]:
    """Return the anchor of a new baseline: system → measure → values that are better than its own, by
    their mean on test, or that it has not measured. What was stopped, and accepted with a reason, starts
    anew."""
    found: dict[str, dict[str, Any]] = {}
    test = on_test(baseline)
    for system in baseline.systems:
        for measure in dict.fromkeys(
            [*baseline.measures, *baseline.content.get(ANCHOR, {}).get(system, ())]
        ):
            if (system, measure) in stopped or system not in accepted.systems:
                continue
            best = best_of(baseline, system, measure)
            own = values_of(accepted, system, measure) if measure in accepted.measures else None
            if own is None or best[test].mean() > own[test].mean():
                found.setdefault(system, {})[measure] = best.tolist()
    return found


def baseline_from(
    earlier: Record | None,
    run: Record,
    stopped: Mapping[tuple[str, str], str],
    reason: str | None,
    *,
    anew: bool = False,
) -> dict[str, Any]:
    """Return what a run's record gets when it becomes the baseline, None for what it may not keep of an
    earlier life as one: the anchor, and everything that was accepted with a reason, the earlier too.
    `anew`: the two can not be held against each other."""
    accepted = list(earlier.content.get("accepted", [])) if earlier else []
    if reason is not None:
        date = datetime.now(UTC).isoformat(timespec="seconds")
        words = [f"{system} {measure} {word}" for (system, measure), word in stopped.items()]
        accepted.append({"date": date, "stopped": words, "anew": anew, "reason": reason})
    anchor = {} if earlier is None or anew else anchor_after(earlier, run, stopped)
    return {ANCHOR: anchor or None, "accepted": accepted or None}


def on_test(baseline: Record) -> NDArray[np.bool_]:
    """Return (n_queries,): which queries are of the test split. Raises `BenchError` for none."""
    test = np.array([split == "test" for split in baseline.content["queries"]["splits"]])
    require(bool(test.any()), "the baseline has no test queries; the gate compares on test only")
    return test


def values_of(record: Record, system: str, measure: str) -> NDArray[np.float64]:
    """Return the (n_queries,) values of one system by one measure."""
    row: NDArray[np.float64] = record.values(measure)[record.systems.index(system)]
    return row


def best_of(baseline: Record, system: str, measure: str) -> NDArray[np.float64]:
    """Return the best (n_queries,) values that were accepted: the anchor's, or the baseline's own."""
    stored = baseline.content.get(ANCHOR, {}).get(system, {}).get(measure)
    return values_of(baseline, system, measure) if stored is None else np.array(stored, dtype=np.float64)
