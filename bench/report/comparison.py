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
_WIDE_NOTE = f"{_WIDE} few queries differ, or all by as much: the wider interval is shown."


def comparison_tables(family: Family, exploratory: Sequence[Comparison]) -> list[Grid]:
    """The family, one line a comparison; then what is not tested."""
    n = family.comparisons[0].n
    header = ("p", "p corrected", "detectable", "queries needed", "verdict")
    tested = Grid(
        f"Paired comparison on {n} queries",
        (*_DESCRIBED, *header),
        tuple((*_described(one), *_decided(one)) for one in family.comparisons),
        tuple(_notes(family)),
    )
    if not exploratory:
        return [tested]
    notes = ["Not in the family: each interval for itself, no test and no verdict."]
    if any(one.wide for one in exploratory):
        notes.append(_WIDE_NOTE)
    body = tuple(_described(one) for one in exploratory)
    return [tested, Grid("Exploratory: other measures", _DESCRIBED, body, tuple(notes))]


_DESCRIBED = ("system", "baseline", "measure", "difference", "95 % interval", "effect", "win/tie/loss")


def _described(one: Comparison) -> tuple[Cell, ...]:
    return (
        Cell(one.system),
        Cell(one.baseline),
        Cell(one.measure),
        Cell(f"{one.difference:+.4f}", one.significant),
        Cell(f"[{one.low:+.4f}, {one.high:+.4f}]{_WIDE if one.wide else ''}"),
        Cell("–" if one.effect is None else f"{one.effect:+.2f}"),
        Cell(f"{one.wins}/{one.ties}/{one.losses}"),
    )


def _decided(one: Comparison) -> tuple[Cell, ...]:
    return (
        Cell(p_words(one.p)),
        Cell(p_words(one.p_corrected)),
        Cell("–" if one.detectable is None else f"{one.detectable:.4f}"),
        Cell(needed_words(one)),
        Cell(str(one.verdict), one.significant),
    )


def _notes(family: Family) -> list[str]:
    flips = "every flip" if family.exact else f"{family.draws:,} flips"
    margins = {one.measure: one.margin for one in family.comparisons}
    margin = ", ".join(f"±{value:g}" for value in dict.fromkeys(margins.values()))
    if len(set(margins.values())) > 1:
        margin = ", ".join(f"{measure} ±{value:g}" for measure, value in margins.items())
    notes = [
        (
            f"p: paired randomisation test, {flips} of signs, two-sided; corrected by the largest "
            f"statistic over the {family.hypotheses} tested comparisons. Interval: stratified t, "
            "simultaneous over them. effect: mean difference over its standard deviation."
        ),
        (
            "detectable: smallest true difference that these queries find with 80 % power at the "
            f"corrected α = {ALPHA:.2g}. queries needed, with 80 % power: to find a difference of the "
            "margin; to show equivalence."
        ),
        (
            "better, worse: significant, and the interval leaves 0 out. equivalent: the interval lies "
            f"within the margin ({margin}), on {FEWEST_EQUIVALENT} queries or more. undecided: neither. "
            "alike: every query is answered alike, and nothing is tested."
        ),
    ]
    return [*notes, _WIDE_NOTE] if any(one.wide for one in family.comparisons) else notes


def needed_words(one: Comparison) -> str:
    """Return how many queries would tell a difference of the margin, and equivalence, of an undecided
    comparison; a dash of any other."""
    if one.verdict is not Verdict.UNDECIDED or one.needed is None or one.needed_equivalent is None:
        return "–"
    return f"{one.needed:,}; {one.needed_equivalent:,}"


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
