"""What `bench tune` tells."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from bench.evidence.comparison import Comparison
from bench.evidence.crossval import DEFAULT, Tuned
from bench.evidence.intervals import FEW_QUERIES
from bench.report.comparison import NEEDED, P_DECIMALS, WIDE_NOTE, difference, needed, number
from bench.report.table import Cell, Column, Counts, Keep, Number, Table, Text, name_column

_SHOWN = 10
_COLUMNS = (
    name_column("measured on"),
    name_column("setting"),
    Column("mean", keep=Keep.LEAST),
    Column("default", keep=Keep.LEAST),
    Column("difference", keep=Keep.ALWAYS, signed=True, within=4, apart="95 % interval"),
    Column("p", decimals=P_DECIMALS),
    NEEDED,
    Column("verdict", keep=Keep.ALWAYS),
)


def tuning_tables(tuned: Tuned) -> list[Table]:
    """The best settings on dev, and what the choice is worth: on held-out folds, and on test."""
    ranked = sorted(tuned.means, key=lambda name: -tuned.means[name])
    shown = ranked[:_SHOWN] + ([DEFAULT] if DEFAULT not in ranked[:_SHOWN] else [])
    folds = len(tuned.fold_choices)
    dev = Table(
        f"{tuned.retriever}: {len(tuned.means)} settings, {tuned.measure} on {tuned.n_dev} dev queries",
        (
            name_column("setting"),
            Column("mean", keep=Keep.ALWAYS),
            Column(f"chosen by folds (of {folds})"),
        ),
        tuple(
            (
                Text(name),
                Number(tuned.means[name], strong=name == tuned.chosen),
                Counts((tuned.fold_choices.count(name),)),
            )
            for name in shown
        ),
        tuple(_notes_on_dev(tuned, len(shown))),
    )
    rows = [
        _row(
            "dev, held-out",
            "by each fold",
            (tuned.means[DEFAULT], tuned.validated),
            tuned.on_dev,
        )
    ]
    how = (
        "dev: each query is measured by a setting that was chosen without its fold, and by the default. "
        "Folds choose by mostly the same queries, so p and interval are approximate."
    )
    notes = [how]
    if tuned.on_test is None or tuned.test_means is None:
        notes.append(
            "No setting was better on dev than the default, so nothing was measured on test, and the "
            "default stays."
        )
    else:
        rows.append(_row("test", tuned.chosen, tuned.test_means, tuned.on_test))
        notes.append(
            f"test: {tuned.on_test.n} queries, look {tuned.look} at these test labels. The more looks, "
            "the less a difference on test says."
        )
    notes.append("p: paired randomisation test, of each row by itself.")
    if tuned.on_dev.wide or (tuned.on_test is not None and tuned.on_test.wide):
        notes += [
            WIDE_NOTE,
            "A verdict asks more than p there: that this interval leaves 0 out.",
            "How many queries would tell can not be planned there.",
        ]
    notes += tuned.verdict_notes
    title = f"Choosing by search against the default, {tuned.measure}"
    return [dev, Table(title, _COLUMNS, tuple(rows), tuple(notes))]


def _notes_on_dev(tuned: Tuned, shown: int) -> list[str]:
    notes = ["The highest mean flatters the setting that has it. The next table says what it is worth."]
    n = len(tuned.means)
    if shown < n:
        notes.append(f"{n - shown} more settings, none with a higher mean, are in the .json file.")
    if n > 1 and len({f"{mean:.4f}" for mean in tuned.means.values()}) == 1:
        notes.append("All settings have the same mean: on these queries nothing can be chosen.")
    if tuned.n_dev < FEW_QUERIES:
        notes.append(f"Fewer than {FEW_QUERIES} queries hardly tell settings apart; label more.")
    return [*notes, *tuned.choice_notes]


def _row(where: str, setting: str, means: tuple[float, float], one: Comparison) -> tuple[Cell, ...]:
    default, mean = means
    return (
        Text(where),
        Text(setting),
        Number(mean),
        Number(default),
        difference(one),
        number(one.p),
        needed(one),
        Text(str(one.verdict)),
    )


def tuning_json(tuned: Tuned) -> str:
    """Return everything for another program; what is no finite number is null."""
    return json.dumps(_finite(asdict(tuned)), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
