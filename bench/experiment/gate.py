"""A record against its baseline: what was lost, what is noise, and whether CI should stop.

The rule is in `outcome`. Every system is held against the last baseline, and against the best that was
ever accepted, so that small steps can not walk downhill.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.errors import did_you_mean, require
from bench.evaluation.measures import require_tested_once
from bench.evidence.comparison import Comparison, compare
from bench.evidence.family import Margins
from bench.evidence.sway import Sway
from bench.experiment.baseline import ANCHOR, best_of, on_test, tolerance_of, values_of
from bench.experiment.outcome import Outcome, outcome_of, rests_on_order
from bench.runs.comparable import ANEW, require_comparable
from bench.runs.notes import Basis, data_notes, tie_notes
from bench.runs.record import Record

# What a mean may lack of a floor that it equals but for rounding: of six times 0.2 it is below 0.2.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Finding:
    """One system by one measure, now against the baseline, and against the best ever accepted where
    that is another. `reranked` counts queries whose order of documents differs from the baseline's; None
    where there are no rankings to compare."""

    system: str
    measure: str
    then: float
    now: float
    comparison: Comparison
    best: float | None
    against_best: Comparison | None
    tolerance: float
    reranked: int | None
    outcome: Outcome


@dataclass(frozen=True)
class Floor:
    """A mean that no system may be below."""

    system: str
    measure: str
    now: float
    lowest: float

    @property
    def holds(self) -> bool:
        return self.now >= self.lowest - _ROUNDING


@dataclass(frozen=True)
class Renewal:
    """How asking for a new baseline ended: the exit code, in a few words, and why in one line."""

    exit_code: int
    status: str
    why: str


@dataclass(frozen=True)
class GateResult:
    """All findings and floors, with the systems that are new and have nothing to be compared with, and
    those that are gone. With a `renewal` the process exits as that says.

    tied   of what rests on the order of equal scores, a line a system and run
    notes  on the data of the run
    """

    findings: tuple[Finding, ...]
    floors: tuple[Floor, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...] = ()
    undecidable_passes: bool = False
    renewal: Renewal | None = None
    tied: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 passed, 1 regressed or below a floor, 3 undecidable. What can not be run is an error, 2."""
        return self.verdict_code if self.renewal is None else self.renewal.exit_code

    @property
    def verdict_code(self) -> int:
        """The exit code that findings and floors alone ask for."""
        outcomes = {finding.outcome for finding in self.findings}
        if Outcome.REGRESSED in outcomes or not all(floor.holds for floor in self.floors):
            return 1
        return 3 if Outcome.UNDECIDABLE in outcomes and not self.undecidable_passes else 0

    @property
    def stopped(self) -> dict[tuple[str, str], str]:
        """(system, measure) → in a word, what asks for a reason before it may become the baseline."""
        found = {(f.system, f.measure): str(f.outcome) for f in self.findings if not f.outcome.passes}
        found |= {(f.system, f.measure): "below floor" for f in self.floors if not f.holds}
        return found | {(system, "all"): "no longer run" for system in self.gone}

    @property
    def stale(self) -> bool:
        """Whether an improvement asks for a new baseline."""
        return any(finding.outcome is Outcome.IMPROVED for finding in self.findings)


def hold(
    baseline: Record,
    candidate: Record,
    *,
    measures: Sequence[str] = (),
    tolerance: Margins | None = None,
    floors: Mapping[tuple[str, str], float] | None = None,
    reranked: Mapping[str, int] | None = None,
    undecidable_passes: bool = False,
    may_be_gone: bool = False,
    seed: int = 0,
) -> GateResult:
    """Hold every system of the baseline against it, on its test queries.

    measures   the gated ones; those that the baseline's config declares confirmatory if none is named
    tolerance  by measure; the baseline's own if none is given
    floors     (system, measure) → lowest mean that passes; system "" stands for every one
    reranked   system → queries whose ranking is another

    Raises `BenchError` when the two were not run on the same data and models, for a system that is gone
    unless it `may_be_gone`, and for a floor that nothing can be held against.
    """
    require_comparable(baseline, candidate)
    gone = tuple(system for system in baseline.systems if system not in candidate.systems)
    require(
        may_be_gone or not gone,
        f"in the baseline, but not in this run: {', '.join(gone)}; run the same systems, or drop them "
        'with bench gate RUN --update --reason "WHY"',
    )
    require(len(gone) < len(baseline.systems), f"no system of the baseline is in this run; {ANEW}")
    gated = list(measures) or list(baseline.evidence["family"]["measures"])
    shared = [m for m in baseline.measures if m in candidate.measures]
    require_tested_once(gated, "--measure")
    for measure in gated:
        require(measure in shared, f"measure {measure} is not in both; {did_you_mean(measure, shared)}")
    test = on_test(baseline)
    allowed = tolerance_of(baseline) if tolerance is None else tolerance
    against = _compared(baseline, candidate, gated, test, seed)
    findings = []
    for (system, measure), (last, best) in against.items():
        moved = (reranked or {}).get(system)
        findings.append(
            Finding(
                system,
                measure,
                _mean(baseline, system, measure, test),
                now := _mean(candidate, system, measure, test),
                last,
                None if best is None else now - best.difference,
                best,
                allowed[measure],
                moved,
                outcome_of(last, best, allowed[measure], moved),
            )
        )
    new = tuple(system for system in candidate.systems if system not in baseline.systems)
    held = _floors(candidate, floors or {}, test)
    return GateResult(
        tuple(findings),
        held,
        new,
        gone,
        undecidable_passes,
        tied=_tied(baseline, candidate, findings, held, test),
        notes=tuple(data_notes(Basis.of(candidate), verdicts=())),
    )


def _tied(
    baseline: Record,
    candidate: Record,
    findings: Sequence[Finding],
    floors: Sequence[Floor],
    test: NDArray[np.bool_],
) -> tuple[str, ...]:
    """Say where an outcome or a floor rests on the order of equal scores, now or in the baseline."""
    then, now = Basis.of(baseline), Basis.of(candidate)

    def sway(record: Record, basis: Basis, system: str, measure: str) -> Sway:
        mean = float(values_of(record, system, measure).mean())
        # Ranges are of all queries, and those of test may have all of it.
        return basis.sway(system, measure, mean).times(len(test) / int(test.sum()))

    in_both, in_now = set[tuple[str, str]](), set[tuple[str, str]]()
    for one in findings:
        name = one.system, one.measure
        sways = sway(candidate, now, *name), sway(baseline, then, *name)
        if rests_on_order(one.comparison, one.against_best, one.tolerance, *sways):
            in_both.add(name)
    for floor in floors:
        by = sway(candidate, now, floor.system, floor.measure)
        ends = floor.now - by.below, floor.now + by.above
        if any(replace(floor, now=end).holds is not floor.holds for end in ends):
            in_now.add((floor.system, floor.measure))
    lines = tie_notes(now, in_both | in_now), tie_notes(then, in_both, when=", in the baseline")
    return tuple(line for each in lines for line in each.values())


def _compared(
    baseline: Record, candidate: Record, measures: Sequence[str], test: NDArray[np.bool_], seed: int
) -> dict[tuple[str, str], tuple[Comparison, Comparison | None]]:
    """(system, measure) → the comparison with the baseline, and with the best where that is another:
    one family, as rows now, then and best of every system. Where nothing better was ever accepted, the
    third row is the first: what is alike is no hypothesis, and costs nobody power."""
    anchor = baseline.content.get(ANCHOR, {})
    systems = [system for system in baseline.systems if system in candidate.systems]
    better = {(s, m) for s in systems for m in measures if anchor.get(s, {}).get(m)}
    now = np.array([[values_of(candidate, s, m)[test] for m in measures] for s in systems])
    then = np.array([[values_of(baseline, s, m)[test] for m in measures] for s in systems])
    best = np.array(
        [
            [
                best_of(baseline, s, m)[test] if (s, m) in better else now[i, j]
                for j, m in enumerate(measures)
            ]
            for i, s in enumerate(systems)
        ]
    )
    count = len(systems)
    pairs = [(place, place + count * kind) for kind in (1, 2) for place in range(count)]
    sets = [name for name, kept in zip(baseline.sets, test, strict=True) if kept]
    rows = np.concatenate([now, then, best])
    found = compare(rows, [*systems] * 3, measures, pairs, sets, seed=seed).comparisons
    half = len(found) // 2
    return {
        (last.system, last.measure): (last, best if (last.system, last.measure) in better else None)
        for last, best in zip(found[:half], found[half:], strict=True)
    }


def _floors(
    candidate: Record, floors: Mapping[tuple[str, str], float], test: NDArray[np.bool_]
) -> tuple[Floor, ...]:
    """Hold every floor against the systems that it names; one of a system wins over one of all."""
    lowest: dict[tuple[str, str], float] = {}
    for (system, measure), value in sorted(floors.items()):
        where = f"floor {system + ':' if system else ''}{measure}={value:g}"
        require(0 <= value <= 1, f"{where} is outside 0 to 1, where every measure lies")
        known = candidate.measures
        require(
            measure in known,
            f"{where}: the run has no measure {measure}; {did_you_mean(measure, known)}",
        )
        require(
            system in ("", *candidate.systems),
            f"{where}: the run has no system '{system}'; {did_you_mean(system, candidate.systems)}",
        )
        lowest |= {(one, measure): value for one in ([system] if system else candidate.systems)}
    return tuple(
        Floor(system, measure, _mean(candidate, system, measure, test), value)
        for (system, measure), value in lowest.items()
    )


def _mean(record: Record, system: str, measure: str, test: NDArray[np.bool_]) -> float:
    values = values_of(record, system, measure)[test].tolist()
    return math.fsum(values) / len(values)


def read_floors(texts: Sequence[str]) -> dict[tuple[str, str], float]:
    """Read floors as [SYSTEM:]MEASURE=VALUE. Raises `BenchError` for one that is none or given twice."""
    found: dict[tuple[str, str], float] = {}
    for text in texts:
        key, value = _floor(text)
        require(key not in found, f"--floor {text}: this floor is given twice; keep one")
        found[key] = value
    return found


def _floor(text: str) -> tuple[tuple[str, str], float]:
    """Read [SYSTEM:]MEASURE=VALUE."""
    name, equals, value = text.rpartition("=")
    system, _, measure = name.rpartition(":")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    require(
        bool(equals) and number == number,
        f"floor '{text}' is malformed; write it as nDCG@10=0.6 or hybrid:nDCG@10=0.6",
    )
    return (system, measure), number
