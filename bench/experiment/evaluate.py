"""From objects to a record: what a run of the command line and `bench.evaluate` both go through."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench import progress
from bench.errors import require
from bench.evaluation.measures import Measure, require_tested_once
from bench.evaluation.results import Results
from bench.evaluation.systems import run_systems
from bench.evidence.family import Margins, Plan
from bench.evidence.findings import findings
from bench.runs import provenance, record
from bench.runs.record import Record
from bench.runs.resume import Unfinished
from bench.types import Retriever, TestCollection


def evaluated(
    settings: Mapping[str, Any],
    retrievers: Mapping[str, Retriever],
    test: TestCollection,
    loading: float,
    unfinished: Unfinished | None = None,
) -> tuple[Record, Results]:
    """Evaluate the retrievers on the test collection, which took so many seconds to load.

    `settings` are what the record keeps, and where measures, depth, seed and evidence stand. A system
    that fails is in `Results.failed`. Raises `BenchError`, and the first error where all fail.
    """
    code = provenance.git()  # now: by the end, another commit may be there than the code is of
    measures = [Measure.parse(name) for name in settings["measures"]]
    plan = plan_of(settings)
    started = time.perf_counter()
    results = run_systems(test, retrievers, measures, settings["depth"], unfinished)
    done = time.perf_counter()
    left = [pair for pair in plan.pairs if not set(pair) & results.failed.keys()]
    plan = replace(plan, pairs=tuple(left))
    values = np.stack([result.measures.values for result in results.systems.values()])
    with progress.waiting("intervals and tests"):
        evidence = findings(
            values,
            list(results.systems),
            list(map(str, measures)),
            results.queries.sets,
            plan,
            settings["seed"],
        )
    seconds = {
        "load": round(loading, 4),
        "systems": round(done - started, 4),
        "evidence": round(time.perf_counter() - done, 4),
    }
    return record.build(results, test, settings, seconds, evidence, code), results


def plan_of(settings: Mapping[str, Any]) -> Plan:
    """Return what the settings declare confirmatory. Raises `BenchError` for names that are not run."""
    asked = settings.get("evidence")
    asked = {} if asked is None else asked
    require(isinstance(asked, Mapping), "evidence must hold measures, pairs, margin and tolerance")
    unknown = sorted(set(asked) - {"measures", "pairs", "margin", "tolerance"})
    require(not unknown, f"unknown setting 'evidence.{unknown[0] if unknown else ''}'")
    measures = [str(Measure.parse(name)) for name in settings["measures"]]
    Margins.read(asked.get("tolerance"), measures, "evidence.tolerance")
    plan = Plan.read(asked, measures, list(settings["retrievers"]))
    require_tested_once(plan.measures, "evidence.measures, or the first of measures,")
    return plan
