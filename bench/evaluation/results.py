"""What an evaluation gives, in memory: all systems on the same queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.storage.identity import Fingerprint
from bench.types import Facts, Measures, Queries, Run


@dataclass(frozen=True, eq=False)
class SystemResult:
    """What one retriever gave: its run, its measures, and what a reader must know of it.

    `seconds` has the wall time of each phase. What an earlier system or run built is opened, not built
    again; searching has the time that it took when it was done. `recall_vs_exact` is None for exact
    search.
    `fingerprint` tells what the answers depend on.
    `ties` has measure → lowest, expected and highest mean over all orders of tied documents, where they
    differ, and `ties_unknown` the measures that equal scores may move by nobody knows how much.
    `residuals` has RBP's measure → mean of what unjudged documents could add to it.
    """

    run: Run
    measures: Measures
    facts: Facts
    nbytes: int
    recall_vs_exact: float | None
    fingerprint: Fingerprint
    ties: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    ties_unknown: tuple[str, ...] = ()
    residuals: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in (self.run.docs, self.run.scores, self.measures.values):
            array.flags.writeable = False  # saved as they are, whatever a notebook does meanwhile


@dataclass(frozen=True, eq=False)
class Results:
    """All systems on the same queries. `left_out` are queries without a relevant document, which
    have no value; those known to have none (`no_answer`) are not among them. `failed` has the error of
    each system that gave nothing."""

    queries: Queries
    systems: Mapping[str, SystemResult]
    left_out: tuple[str, ...]
    no_answer: tuple[str, ...]
    failed: Mapping[str, Exception] = field(default_factory=dict)
