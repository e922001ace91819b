"""The table of `bench compare`, and its forms for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bench.evidence.comparison import ALPHA, FEWEST_EQUIVALENT, Comparison, Family, Verdict
from bench.report.form import WIDE
from bench.report.table import Cell, Column, Counts, Interval, Keep, Number, Table, Text, name_column

WIDE_NOTE = f"{WIDE} few queries differ, or all by as much: the wider interval is shown."
# Of one test there is nothing to correct for, and yet its two p may differ.
_RAISED_NOTE = (
    "p corrected is above p though one thing is tested: it is never below the level at which the "
    "interval leaves 0 out, so that interval, p corrected and verdict agree."
)

P_DECIMALS = 5
NEEDED = Column("queries needed", between="; ", grouped=True)

_Filled = tuple[Column, Sequence[Cell]]
# (system, measure) → its mean over the queries.
Means = Mapping[tuple[str, str], float]
# Comparisons whose verdict rests on the order of equal scores → what is said of their systems.
Tied = Mapping[Comparison, Sequence[str]]


def comparison_tables(
    family: Family, exploratory: Sequence[Comparison], means: Means, data_notes: Sequence[str] = ()
) -> list[Table]:
    """What was found, one line a comparison, with notes on the data; how sure that is; then what is not
    tested.

    A baseline or measure that all lines share stands in the title, so that the tables stay narrow.
    """
    n = family.comparisons[0].n
    found, how_sure = _notes(family)
    notes = [*found, *data_notes]
    tables = [
        _table(f"Paired comparison on {n} queries", family.comparisons, means, notes),
        _table("How sure that is", family.comparisons, None, how_sure),
    ]
    if exploratory:
        words = ["Not in the family: each interval for itself, no test and no verdict."]
        if any(one.wide for one in exploratory):
            words.append(WIDE_NOTE)
        tables.append(_table("Exploratory: other measures", exploratory, means, words))
    return tables


def _table(
    title: str, comparisons: Sequence[Comparison], means: Means | None, notes: Sequence[str]
) -> Table:
    """A line a comparison: what differs, given means, or else how sure that is."""
    columns: list[_Filled] = []
    shared = ""
    for name, before, texts in (
        ("system", " ", [one.system for one in comparisons]),
        ("baseline", " against ", [one.baseline for one in comparisons]),
        ("measure", ", ", [one.measure for one in comparisons]),
    ):
        if len(set(texts)) == 1 and (name != "system" or len(comparisons) > 1):
            shared += f"{before}{texts[0]}"
        else:
            columns.append((name_column(name), list(map(Text, texts))))
    if shared:
        title += f": {shared.lstrip(', ')}"
    columns += _sure(comparisons) if means is None else _found(comparisons, means)
    rows = tuple(zip(*(cells for _, cells in columns), strict=True))
    return Table(title, tuple(column for column, _ in columns), rows, tuple(notes))


def _found(comparisons: Sequence[Comparison], means: Means) -> list[_Filled]:
    columns: list[_Filled] = [
        (
            Column("mean", keep=Keep.LEAST),
            [Number(means[one.system, one.measure]) for one in comparisons],
        ),
        (
            Column("baseline mean", keep=Keep.LEAST),
            [Number(means[one.baseline, one.measure]) for one in comparisons],
        ),
        (
            Column("difference", keep=Keep.ALWAYS, signed=True, within=4, apart="95 % interval"),
            [difference(one, strong=one.significant) for one in comparisons],
        ),
    ]
    if comparisons[0].verdict is None:
        return [*columns, _counts(comparisons)]
    verdicts = [Text(str(one.verdict), one.significant) for one in comparisons]
    return [*columns, (Column("verdict", keep=Keep.ALWAYS), verdicts)]


def _sure(comparisons: Sequence[Comparison]) -> list[_Filled]:
    return [
        (Column("p", keep=Keep.LEAST, decimals=P_DECIMALS), [number(one.p) for one in comparisons]),
        (
            Column("p corrected", keep=Keep.ALWAYS, decimals=P_DECIMALS),
            [number(one.p_corrected) for one in comparisons],
        ),
        (Column("effect", decimals=2, signed=True), [number(one.effect) for one in comparisons]),
        _counts(comparisons),
        (Column("detectable"), [number(None if one.wide else one.detectable) for one in comparisons]),
        (NEEDED, [needed(one) for one in comparisons]),
    ]


def _counts(comparisons: Sequence[Comparison]) -> _Filled:
    return Column("win/tie/loss"), [Counts((one.wins, one.ties, one.losses)) for one in comparisons]


def difference(one: Comparison, *, strong: bool = False) -> Number:
    """Return the difference with its interval."""
    return Number(one.difference, Interval(one.low, one.high, one.wide), strong)


def number(value: float | None) -> Number | None:
    """Return the number, None where there is none."""
    return None if value is None else Number(value)


def _notes(family: Family) -> tuple[list[str], list[str]]:
    """The notes of what was found, and of how sure that is."""
    flips = "every flip" if family.exact else f"{family.draws:,} flips"
    margins = {one.measure: one.margin for one in family.comparisons}
    margin = ", ".join(f"±{value:g}" for value in dict.fromkeys(margins.values()))
    if len(set(margins.values())) > 1:
        margin = ", ".join(f"{measure} ±{value:g}" for measure, value in margins.items())
    n = family.hypotheses
    over = {0: "no tested comparison", 1: "the one tested comparison"}.get(
        n, f"the {n} tested comparisons"
    )
    found = [
        (
            "better, worse: significant, and the interval leaves 0 out. equivalent: the interval lies "
            f"within the margin ({margin}), on {FEWEST_EQUIVALENT} queries or more. undecided: neither. "
            "alike: every query is answered alike, and nothing is tested."
        ),
        f"Interval: stratified t, simultaneous over {over}.",
    ]
    sure = [
        (
            f"p: paired randomisation test, {flips} of signs, two-sided; corrected by the largest "
            f"statistic over {over}. effect: mean difference over "
            "its standard deviation."
        ),
        (
            "detectable: smallest true difference that these queries find with 80 % power at the "
            f"corrected α = {ALPHA:.2g}. queries needed, with 80 % power: to find a difference of the "
            "margin; to show equivalence."
        ),
    ]
    if any(one.wide and one.verdict is not Verdict.ALIKE for one in family.comparisons):
        sure[-1] += f" Neither can be planned where the interval is marked {WIDE}."
    if n == 1 and any(p_words(one.p) != p_words(one.p_corrected) for one in family.comparisons):
        sure.insert(1, _RAISED_NOTE)
    return [*found, *([WIDE_NOTE] if any(one.wide for one in family.comparisons) else [])], sure


def needed(one: Comparison) -> Counts | None:
    """Return how many queries would tell a difference of the margin, and equivalence, of an undecided
    comparison; None of any other, and of a wide interval, for which earlier records have plans."""
    if one.wide or one.verdict is not Verdict.UNDECIDED:
        return None
    if one.needed is None or one.needed_equivalent is None:
        return None
    return Counts((one.needed, one.needed_equivalent))


def p_words(p: float | None) -> str:
    """Return p as it is shown, a dash where nothing was tested."""
    return "–" if p is None else f"{p:.{P_DECIMALS}f}"


def comparison_csv(comparisons: Sequence[Comparison], means: Means, tied: Tied) -> str:
    """Return one line a comparison, numbers in full; empty where there is none."""
    rows = [_row(one, means) | {"notes": " ".join(tied.get(one, ()))} for one in comparisons]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def comparison_json(comparisons: Sequence[Comparison], means: Means, tied: Tied) -> str:
    """Return a list of objects; null where there is no number."""
    rows = [_row(one, means) | {"notes": list(tied.get(one, ()))} for one in comparisons]
    return json.dumps(rows, indent=1, allow_nan=False) + "\n"


def _row(one: Comparison, means: Means) -> dict[str, object]:
    both = {
        "mean": means[one.system, one.measure],
        "baseline_mean": means[one.baseline, one.measure],
    }
    return asdict(one) | both
