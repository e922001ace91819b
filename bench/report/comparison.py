"""The table of `bench compare`, and its forms for other programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from bench.comparison import ALPHA, DRAWS, Comparison, Verdict
from bench.report.grid import Cell, Grid


def comparison_table(comparisons: Sequence[Comparison], margin: float) -> Grid:
    """One line a comparison, in the order of the family."""
    header = (
        "system",
        "baseline",
        "measure",
        "difference",
        "95 % interval",
        "p",
        "p (Holm)",
        "effect",
        "win/tie/loss",
        "detectable",
        "verdict",
    )
    body = tuple(
        (
            Cell(one.system),
            Cell(one.baseline),
            Cell(one.measure),
            Cell(f"{one.difference:+.4f}", one.significant),
            Cell(f"[{one.low:+.4f}, {one.high:+.4f}]"),
            Cell(f"{one.p:.5f}"),
            Cell(f"{one.p_holm:.5f}"),
            Cell(_effect(one.effect)),
            Cell(f"{one.wins}/{one.ties}/{one.losses}"),
            Cell(f"{one.detectable:.4f}"),
            Cell(said(one), one.significant),
        )
        for one in comparisons
    )
    family = len(comparisons)
    how = (
        f"p: paired randomisation test, {DRAWS:,} sign flips, two-sided; Holm: corrected for all "
        f"{family} comparisons of this table. Interval: bootstrap over queries. effect: mean difference "
        "over its standard deviation. detectable: smallest true difference that these queries find with "
        f"80 % power at α = {ALPHA}."
    )
    verdicts = (
        "better, worse: significant after correction. equivalent: not, and the interval lies inside "
        f"±{margin:g}. undecided: neither; about so many queries would decide, should mean and spread "
        "stay."
    )
    return Grid(f"Paired comparison on {comparisons[0].n} queries", header, body, (how, verdicts))


def said(one: Comparison) -> str:
    """The verdict in words, with the queries that an undecided one needs."""
    if one.verdict is not Verdict.UNDECIDED or one.needed is None:
        return str(one.verdict)
    return f"undecided (n ≈ {one.needed:,})" if one.needed < 1_000_000 else "undecided (n > 10⁶)"


def _effect(effect: float) -> str:
    if math.isnan(effect):
        return "–"
    return f"{effect:+.2f}" if math.isfinite(effect) else ("+∞" if effect > 0 else "−∞")


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """Return one line a comparison, numbers in full."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(asdict(comparisons[0])), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in comparisons)
    return text.getvalue()


def comparison_json(comparisons: Sequence[Comparison]) -> str:
    """Return a list of objects; what is no finite number is null."""
    rows = [
        {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in asdict(one).items()
        }
        for one in comparisons
    ]
    return json.dumps(rows, indent=1, allow_nan=False) + "\n"
