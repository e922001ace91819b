"""The tables of `bench agree`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from bench.errors import listed
from bench.evidence.intervals import FEW_QUERIES
from bench.labelling.agreement import Agreement, Estimate
from bench.labelling.relabel import Relabelled
from bench.report.form import WIDE
from bench.report.table import Cell, Column, Counts, Interval, Keep, Number, Table, Text, name_column
from bench.report.tables import has_wide

# Below these the narratives of a set are too loose to be judged alike by two people.
LOWEST_KAPPA = 0.65
LOWEST_OVERLAP = 0.5


def agreement_table(
    names: tuple[str, str], groups: Sequence[Agreement], relevant: int, by: str = "set"
) -> Table:
    """One line a query set, and one for all; `by` names what the sets are of."""
    columns = (
        name_column(by),
        Column("queries"),
        Column("pairs", keep=Keep.LEAST),
        Column("relevant", keep=Keep.LEAST, between=" / "),
        Column("differ", keep=Keep.LEAST),
        Column("by 2+", keep=Keep.LEAST),
        Column("κ relevant", keep=Keep.ALWAYS, decimals=3),
        Column("κ quadratic", keep=Keep.LEAST, decimals=3),
        Column("α ordinal", keep=Keep.LEAST, decimals=3),
        Column("overlap", decimals=3),
    )
    body: list[tuple[Cell, ...]] = []
    loose_sets = False
    for one in groups:
        loose = one.kappa.value < LOWEST_KAPPA or one.overlap.value < LOWEST_OVERLAP
        loose_sets = loose_sets or loose
        few = one.n_queries < FEW_QUERIES
        counts = ((one.n_queries,), (one.n_pairs,), one.relevant)
        differing = ((one.differing,), (one.differing_by_two,))
        body.append(
            (
                Text(one.group, flag="!" * loose + "*" * few),
                *map(Counts, (*counts, *differing)),
                *map(_estimate, _estimates(one)),
            )
        )
    notes = [
        (
            f"relevant: pairs of grade {relevant} or more in {names[0]} / {names[1]}. κ: Cohen, on "
            "relevant or not, and on grades with quadratic weights. α: Krippendorff, ordinal grades. "
            "overlap: relevant pairs of both over those of either. Brackets: 95 %, bootstrap over "
            "queries."
        )
    ]
    if loose_sets:
        notes.append(
            f"! κ below {LOWEST_KAPPA} or overlap below {LOWEST_OVERLAP}: sharpen the narratives of "
            "the set and have it judged afresh by both."
        )
    if any(one.n_queries < FEW_QUERIES for one in groups):
        notes.append(f"* fewer than {FEW_QUERIES} queries: bootstrap intervals of so few are too short.")
    if has_wide(body):
        notes.append(
            f"{WIDE} the queries are too much alike in this value for a bootstrap, as where all agree "
            "or none does: the bounds are what so many queries can have missed."
        )
    undefined = max(estimate.undefined for one in groups for estimate in _estimates(one))
    if undefined:
        notes.append(
            "Resamples that have no value, such as those in which nobody finds anything, are left out: "
            f"up to {100 * undefined:.2g} % of a line's."
        )
    return Table(f"Agreement of {names[0]} and {names[1]}", columns, tuple(body), tuple(notes))


def _estimates(one: Agreement) -> tuple[Estimate, ...]:
    return one.kappa, one.weighted_kappa, one.alpha, one.overlap


def _estimate(estimate: Estimate) -> Cell:
    if np.isnan(estimate.value):
        return None
    if np.isnan(estimate.low):
        return Number(estimate.value)
    return Number(estimate.value, Interval(estimate.low, estimate.high, estimate.flat))


def relabelled_tables(result: Relabelled, relevant: int) -> list[Table]:
    """Every mean under each labelling, and whether the order changes where there are several systems.

    relevant  the lowest relevant grade of the agreement beside them
    """
    body: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Text(system),
            Text(measure),
            *(Number(float(result.means[n, s, m])) for n in range(len(result.labels))),
            Number(float(np.ptp(result.means[:, s, m]))),
        )
        for m, measure in enumerate(result.measures)
        for s, system in enumerate(result.systems)
    )
    counted = f"{result.n_queries} queries"
    if result.n_outside:
        counted += f", of those that both judged; {result.n_outside} more of the run are not measured"
    if result.n_standing:
        counted += f". {result.n_standing} of them no pass holds: their grades are those of qrels/"
    notes = [f"{counted}. The largest change of any mean is {result.largest_change:.4f}."]
    if result.left_out:
        notes.append(
            f"Left out, without a relevant document under some labels: {listed(result.left_out)}."
        )
    binary = f"Binary measures count grades from {result.relevant} on as relevant, as in the run."
    if relevant != result.relevant:
        binary += f" --relevant {relevant} is of the agreement alone."
    notes += [binary, *(f"{said}." for said in result.names)]
    means = Table(
        "Means of the same runs under each labelling",
        (
            name_column("system"),
            name_column("measure"),
            *map(Column, result.labels),
            Column("change", keep=Keep.ALWAYS),
        ),
        body,
        tuple(notes),
    )
    if len(result.systems) < 2:
        return [means]
    pairs = list(itertools.combinations(result.labels, 2))
    tau = result.order_tau()
    orders = Table(
        "Kendall's τ between the systems' orders",
        (name_column("measure"), *(Column(f"{one} and {other}", decimals=3) for one, other in pairs)),
        tuple(
            (
                Text(measure),
                *(None if np.isnan(t := tau[*pair, measure]) else Number(t) for pair in pairs),
            )
            for measure in result.measures
        ),
    )
    return [means, orders]
