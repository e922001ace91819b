"""The table of `bench verify`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.report.grid import Cell, Grid
from bench.runs.record import Record
from bench.runs.reproduction import OVERLAP_DEPTH, RBO_P, Level, Reproduced


def reproduction_table(found: Sequence[Reproduced], differing: Sequence[str], then: Record) -> Grid:
    """One line a system, and below it what is not as it was."""
    header = (
        "system",
        "reproduced",
        "Kendall's τ",
        f"overlap@{OVERLAP_DEPTH}",
        "RBO, truncated",
        f"RMSE of {then.primary}",
        "largest RMSE",
        "τ Union (repro_eval)",
    )
    body = tuple(
        (
            Cell(one.system),
            Cell(str(one.level), one.level is Level.DIFFERENT),
            Cell("–" if math.isnan(one.kendall) else f"{one.kendall:.4f}"),
            Cell(f"{one.overlap:.4f}"),
            Cell(f"{one.rbo:.4f}"),
            Cell(f"{one.rmse[then.primary]:.6f}"),
            Cell(f"{max(one.rmse.values()):.6f}"),
            Cell(f"{one.tau_union:.4f}"),
        )
        for one in found
    )
    meaning = (
        "identical: documents, scores and values to the last bit. same order: scores differ, the order "
        f"does not. Means over {len(then.query_ids)} queries. Kendall's τ: of top-k lists, a document "
        "that only one has being behind all of the other (Fagin, Kumar & Sivakumar 2003), over queries "
        "that both answered. RBO: "
        f"p = {RBO_P}, cut at the end of the longer list and renormalised. RMSE: of per-query values. "
        "τ Union: as in repro_eval; it depends on how documents are called."
    )
    changed = "Code, versions, machine, data and models are as they were."
    if differing:
        changed = f"Not as it was: {'; '.join(differing)}."
    return Grid(f"Run {then.content['id']} again", header, body, (meaning, changed))
