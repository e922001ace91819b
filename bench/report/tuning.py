"""What `bench tune` tells."""

from __future__ import annotations

import json
from dataclasses import asdict

from bench.crossval import DEFAULT, Tuned
from bench.report.comparison import p_words, verdict_words
from bench.report.grid import Cell, Grid

_SHOWN = 10


def tuning_tables(tuned: Tuned) -> list[Grid]:
    """The best settings on dev, and the chosen one on test."""
    ranked = sorted(tuned.means, key=lambda name: -tuned.means[name])
    shown = ranked[:_SHOWN] + ([DEFAULT] if DEFAULT not in ranked[:_SHOWN] else [])
    chosen_by = {name: tuned.fold_choices.count(name) for name in shown}
    mean, low, high = tuned.validated
    folds = len(tuned.fold_choices)
    validated = (
        f"Choosing by cross-validation: {mean:.4f} [{low:.4f}, {high:.4f}], the mean over {folds} folds "
        "of settings chosen without the fold. This, and not the highest mean above, is what the search "
        "is worth."
    )
    dev = Grid(
        f"{tuned.retriever}: {len(tuned.means)} settings, {tuned.measure} on {tuned.n_dev} dev queries",
        ("setting", "mean", f"chosen by folds (of {folds})"),
        tuple(
            (
                Cell(name),
                Cell(f"{tuned.means[name]:.4f}", name == tuned.chosen),
                Cell(str(chosen_by[name])),
            )
            for name in shown
        ),
        (validated,),
    )
    default, best = tuned.test_means
    one = tuned.on_test
    if one is None:
        row = (Cell(DEFAULT), Cell(f"{default:.4f}"), *(Cell("–") for _ in range(5)))
        notes: tuple[str, ...] = ("No setting was better on dev than the default.",)
    else:
        row = (
            Cell(tuned.chosen),
            Cell(f"{best:.4f}"),
            Cell(f"{default:.4f}"),
            Cell(f"{one.difference:+.4f}"),
            Cell(f"[{one.low:+.4f}, {one.high:+.4f}]"),
            Cell(p_words(one.p)),
            Cell(verdict_words(one)),
        )
        notes = (f"Measured once, on {one.n} test queries. p: paired randomisation test.",)
    test = Grid(
        f"The chosen setting on test, {tuned.measure}",
        ("setting", "mean", "default", "difference", "95 % interval", "p", "verdict"),
        (row,),
        notes,
    )
    return [dev, test]


def tuning_json(tuned: Tuned) -> str:
    """Return everything for another program."""
    return json.dumps(asdict(tuned), indent=1) + "\n"
