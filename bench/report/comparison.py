"""The table of `bench compare`, and its forms for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from bench.evidence.comparison import ALPHA, FEWEST_EQUIVALENT, Comparison, Family, Verdict
from bench.report.grid import Cell, Grid

_WIDE = "°"


def comparison_table(family: Family, exploratory: Sequence[Comparison]) -> Grid:
    """One line a comparison: the family first, then what is not tested."""
    header = (
        "system",
        "baseline",
        "measure",
        "difference",
        "95 % interval",
        "p",
        "p corrected",
        "effect",
        "win/tie/loss",
        "detectable",
        "verdict",
    )
    shown = [*family.comparisons, *exploratory]
    body = tuple(
        (
            Cell(one.system),
            Cell(one.baseline),
            Cell(one.measure),
            Cell(f"{one.difference:+.4f}", one.significant),
            Cell(f"[{one.low:+.4f}, {one.high:+.4f}]{_WIDE if one.wide else ''}"),
            Cell(p_words(one.p)),
            Cell(p_words(one.p_corrected)),
            Cell("–" if one.effect is None else f"{one.effect:+.2f}"),
            Cell(f"{one.wins}/{one.ties}/{one.losses}"),
            Cell("–" if one.detectable is None else f"{one.detectable:.4f}"),
            Cell(verdict_words(one), one.significant),
        )
        for one in shown
    )
    return Grid(f"Paired comparison on {shown[0].n} queries", header, body, tuple(_notes(family, shown)))


def _notes(family: Family, shown: Sequence[Comparison]) -> list[str]:
    flips = "every flip" if family.exact else f"{family.draws:,} flips"
    margins = {one.measure: one.margin for one in shown}
    margin = ", ".join(f"±{value:g}" for value in dict.fromkeys(margins.values()))
    if len(set(margins.values())) > 1:
        margin = ", ".join(f"{measure} ±{value:g}" for measure, value in margins.items())
    notes = [
        (
            f"p: paired randomisation test, {flips} of signs, two-sided; corrected by the largest "
            f"statistic over the {family.hypotheses} tested comparisons. Interval: stratified t, "
            "simultaneous over them. effect: mean difference over its standard deviation. detectable: "
            "smallest true difference that these queries find with 80 % power at the corrected "
            f"α = {ALPHA:.2g}."
        ),
        (
            "better, worse: significant, and the interval leaves 0 out. equivalent: the interval lies "
            f"within the margin ({margin}), on {FEWEST_EQUIVALENT} queries or more. undecided: neither; "
            "in brackets, the queries that would find a difference of the margin, and those that would "
            "show equivalence, with 80 % power. alike: every query is answered alike, nothing is tested."
        ),
    ]
    if any(one.verdict is None for one in shown):
        notes.append("exploratory: not in the family; each interval for itself.")
    if any(one.wide for one in shown):
        notes.append(f"{_WIDE} few queries differ: the interval errs on the wide side.")
    return notes


def verdict_words(one: Comparison) -> str:
    """Return the verdict in words, with the queries that an undecided one asks for."""
    if one.verdict is None:
        return "exploratory"
    if one.verdict is not Verdict.UNDECIDED:
        return str(one.verdict)
    asked = [_count(number) for number in (one.needed, one.needed_equivalent)]
    if asked[0] is None or asked[1] is None:
        return "undecided"
    return f"undecided (n ≈ {asked[0]}; {asked[1]})"


def _count(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def p_words(p: float | None) -> str:
    """Return p with five decimals, a dash where nothing was tested."""
    return "–" if p is None else f"{p:.5f}"


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """Return one line a comparison, numbers in full; empty where there is none."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(asdict(comparisons[0])), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in comparisons)
    return text.getvalue()


def comparison_json(comparisons: Sequence[Comparison]) -> str:
    """Return a list of objects; null where there is no number."""
    return json.dumps([asdict(one) for one in comparisons], indent=1, allow_nan=False) + "\n"
