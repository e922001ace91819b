"""The tables of `bench agree`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from bench.errors import listed
from bench.labelling.agreement import Agreement, Estimate
from bench.labelling.relabel import Relabelled
from bench.report.grid import Cell, Grid

# Below these the narratives of a set are too loose to be judged alike by two people.
LOWEST_KAPPA = 0.65
LOWEST_OVERLAP = 0.5


def agreement_table(names: tuple[str, str], groups: Sequence[Agreement], relevant: int) -> Grid:
    """One line a query set, and one for all."""
    header = (
        "set",
        "queries",
        "pairs",
        "relevant",
        "differ",
        "by 2+",
        "κ relevant",
        "κ quadratic",
        "α ordinal",
        "overlap",
    )
    body = []
    for one in groups:
        loose = one.kappa.value < LOWEST_KAPPA or one.overlap.value < LOWEST_OVERLAP
        body.append(
            (
                Cell(one.group + (" !" if loose else "")),
                Cell(str(one.n_queries)),
                Cell(str(one.n_pairs)),
                Cell("{} / {}".format(*one.relevant)),
                Cell(str(one.differing)),
                Cell(str(one.differing_by_two)),
                *map(_estimate, (one.kappa, one.weighted_kappa, one.alpha, one.overlap)),
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
    if any(cells[0].text.endswith(" !") for cells in body):
        notes.append(
            f"! κ below {LOWEST_KAPPA} or overlap below {LOWEST_OVERLAP}: sharpen the narratives of "
            "the set and have it judged afresh by both."
        )
    return Grid(f"Agreement of {names[0]} and {names[1]}", header, tuple(body), tuple(notes))


def _estimate(estimate: Estimate) -> Cell:
    if np.isnan(estimate.value):
        return Cell("–")
    if np.isnan(estimate.low):
        return Cell(f"{estimate.value:.3f}")
    return Cell(f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]")


def relabelled_tables(result: Relabelled) -> list[Grid]:
    """Every mean under each labelling, and whether the systems' order changes."""
    body = tuple(
        (
            Cell(system),
            Cell(measure),
            *(Cell(f"{result.means[n, s, m]:.4f}") for n in range(len(result.labels))),
            Cell(f"{np.ptp(result.means[:, s, m]):.4f}"),
        )
        for m, measure in enumerate(result.measures)
        for s, system in enumerate(result.systems)
    )
    notes = [
        f"{result.n_queries} queries. The largest change of any mean is {result.largest_change:.4f}."
    ]
    if result.left_out:
        notes.append(
            f"Left out, without a relevant document under some labels: {listed(result.left_out)}."
        )
    means = Grid(
        "Means of the same runs under each labelling",
        ("system", "measure", *result.labels, "change"),
        body,
        tuple(notes),
    )
    pairs = list(itertools.combinations(result.labels, 2))
    tau = result.order_tau()
    orders = Grid(
        "Kendall's τ between the systems' orders",
        ("measure", *(f"{one} and {other}" for one, other in pairs)),
        tuple(
            (
                Cell(measure),
                *(Cell("–" if np.isnan(t := tau[*pair, measure]) else f"{t:.3f}") for pair in pairs),
            )
            for measure in result.measures
        ),
    )
    return [means, orders]
