"""The table of `bench verify`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.report.table import Column, Keep, Number, Table, Text, name_column
from bench.runs.record import Record
from bench.runs.reproduction import OVERLAP_DEPTH, RBO_P, Level, Reproduced


def reproduction_table(found: Sequence[Reproduced], differing: Sequence[str], then: Record) -> Table:
    """One line a system, and below it what is not as it was."""
    columns = (
        name_column("system"),
        Column("reproduced", keep=Keep.ALWAYS),
        Column("Kendall's τ"),
        Column(f"overlap@{OVERLAP_DEPTH}"),
        Column("RBO, truncated"),
        Column(f"RMSE of {then.primary}", decimals=6),
        Column("largest RMSE", decimals=6),
        Column("τ Union (repro_eval)"),
    )
    body = tuple(
        (
            Text(one.system),
            Text(str(one.level), one.level is Level.DIFFERENT),
            None if math.isnan(one.kendall) else Number(one.kendall),
            Number(one.overlap),
            Number(one.rbo),
            Number(one.rmse[then.primary]),
            Number(max(one.rmse.values())),
            Number(one.tau_union),
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
    return Table(f"Run {then.content['id']} again", columns, body, (meaning, changed))
