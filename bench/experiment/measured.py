"""Settings of one retriever measured on one split, and what equal scores could do to their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.measures import Measure
from bench.evaluation.results import Results
from bench.evaluation.ties import tie_range
from bench.evidence.comparison import Comparison
from bench.evidence.sway import Sway, resting
from bench.runs.notes import Basis, tie_notes
from bench.runs.record import answers_entry
from bench.types import Queries, TestCollection


@dataclass(frozen=True, eq=False)
class Measured:
    """Settings on one split, by one measure."""

    test: TestCollection
    results: Results
    measure: Measure
    depth: int

    @property
    def queries(self) -> Queries:
        return self.results.queries

    @property
    def values(self) -> NDArray[np.float64]:
        """(n_settings, n_queries), in the order in which the settings were named."""
        rows = [one.measures.row(str(self.measure)) for one in self.results.systems.values()]
        return np.stack(rows)

    @property
    def means(self) -> dict[str, float]:
        return dict(zip(self.results.systems, map(float, self.values.mean(axis=1)), strict=True))

    @property
    def sways(self) -> dict[str, Sway]:
        """Setting → how far other orders of equal scores could move its mean."""
        by, systems = str(self.measure), self.results.systems
        return {name: Sway.of(mean, systems[name].ties.get(by)) for name, mean in self.means.items()}

    def over_orders(self, name: str) -> NDArray[np.float64]:
        """Return (3, n_queries): lowest, expected and highest value over all orders of equal scores; the
        value itself where that is not known."""
        one, test = self.results.systems[name], self.test
        if self.measure.own:
            asked = one.run, self.queries, test.qrels, test.collection, [self.measure]
            found = tie_range(*asked, one.measures)
            if found is not None:
                return np.concatenate([found.low, found.expected, found.high])
        return np.stack([one.measures.row(str(self.measure))] * 3)

    def basis(self, names: Sequence[str]) -> Basis:
        """What notes on the data of these settings are made from."""
        told = {}
        for name in names:
            one = self.results.systems[name]
            told[name] = answers_entry(
                one.run, self.queries, self.test, self.depth, one.ties, one.ties_unknown, one.residuals
            )
        return Basis.measured(self.test, self.queries, [str(self.measure)], self.depth, told)


def verdict_notes(
    one: Comparison, basis: Basis, values: Mapping[str, NDArray[np.float64]], split: str
) -> tuple[str, ...]:
    """Say on which ranges over orders of equal scores a verdict rests."""
    by = one.measure
    sways = {(name, by): basis.sway(name, by, float(row.mean())) for name, row in values.items()}
    verdicts = sways if resting([one], sways) else ()
    return tuple(tie_notes(basis, verdicts, when=f", on {split}").values())
