"""What `bench tune` tells."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from bench.evidence.comparison import Comparison
from bench.evidence.crossval import DEFAULT, Tuned
from bench.evidence.intervals import FEW_QUERIES
from bench.report.comparison import WIDE, WIDE_NOTE, needed_words, p_words
from bench.report.grid import Cell, Grid

_SHOWN = 10
_HEADER = (
    "measured on",
    "setting",
    "mean",
    "default",
    "difference",
    "95 % interval",
    "p",
    "queries needed",
    "verdict",
)


def tuning_tables(tuned: Tuned) -> list[Grid]:
    """The best settings on dev, and what the choice is worth: on held-out folds, and on test."""
    ranked = sorted(tuned.means, key=lambda name: -tuned.means[name])
    shown = ranked[:_SHOWN] + ([DEFAULT] if DEFAULT not in ranked[:_SHOWN] else [])
    folds = len(tuned.fold_choices)
    dev = Grid(
        f"{tuned.retriever}: {len(tuned.means)} settings, {tuned.measure} on {tuned.n_dev} dev queries",
        ("setting", "mean", f"chosen by folds (of {folds})"),
        tuple(
            (
                Cell(name),
                Cell(f"{tuned.means[name]:.4f}", name == tuned.chosen),
                Cell(str(tuned.fold_choices.count(name))),
            )
            for name in shown
        ),
        tuple(_notes_on_dev(tuned, len(shown))),
    )
    rows = [
        _row(
            f"dev, {folds} held-out folds",
            "as each fold chose",
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
        notes += [WIDE_NOTE, "A verdict asks more than p there: that this interval leaves 0 out."]
    title = f"Choosing by search against the default, {tuned.measure}"
    return [dev, Grid(title, _HEADER, tuple(rows), tuple(notes))]


def _notes_on_dev(tuned: Tuned, shown: int) -> list[str]:
    notes = ["The highest mean flatters the setting that has it. The next table says what it is worth."]
    n = len(tuned.means)
    if shown < n:
        notes.append(f"{n - shown} more settings, none with a higher mean, are in the .json file.")
    if n > 1 and len({f"{mean:.4f}" for mean in tuned.means.values()}) == 1:
        notes.append("All settings have the same mean: on these queries nothing can be chosen.")
    if tuned.n_dev < FEW_QUERIES:
        notes.append(f"Fewer than {FEW_QUERIES} queries hardly tell settings apart; label more.")
    return notes


def _row(where: str, setting: str, means: tuple[float, float], one: Comparison) -> tuple[Cell, ...]:
    default, mean = means
    return (
        Cell(where),
        Cell(setting),
        Cell(f"{mean:.4f}"),
        Cell(f"{default:.4f}"),
        Cell(f"{one.difference:+.4f}"),
        Cell(f"[{one.low:+.4f}, {one.high:+.4f}]{WIDE * one.wide}"),
        Cell(p_words(one.p)),
        Cell(needed_words(one)),
        Cell(str(one.verdict)),
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
