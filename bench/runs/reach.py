"""How deep run files look, and which measures mean the same at those depths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.collections.run_file import ReadRun
from bench.evaluation.measures import Measure
from bench.types import TestCollection


@dataclass(frozen=True, eq=False)
class OpenedFile:
    """A run file that was read but not measured yet; `depth` is the length of its longest list."""

    name: str
    answers: ReadRun
    depth: int


@dataclass(frozen=True)
class Reach:
    """How deep the sources look: `common` is the depth that all have, `deepest` that of the deepest.

    A file that ranks the whole collection is as deep as anything can be.
    """

    common: int
    deepest: int
    whole: int
    shallowest: str
    beside_run: bool

    @classmethod
    def of(
        cls, files: Sequence[OpenedFile], run_depth: int | None, test: TestCollection | None
    ) -> Reach:
        if test is None or not files:
            return cls(0, 0, 0, "", True)
        whole = len(test.collection)
        bound = whole if run_depth is None else min(run_depth, whole)
        reached = [min(file.depth, bound) for file in files]
        common = min(reached)
        deepest = max(reached) if run_depth is None else bound
        return cls(common, deepest, whole, files[reached.index(common)].name, run_depth is not None)

    def alike(self, measure: Measure) -> bool:
        """Whether a measure means the same for all. What is saved with a run can not be cut any more."""
        if self.common == self.deepest:
            return True
        return not self.beside_run if measure.cutoff is None else measure.cutoff <= self.common

    def beyond(self, measures: Sequence[str]) -> list[str]:
        """Return the measures whose cut-off is beyond what any file holds."""
        held = self.common if self.common < self.whole else math.inf
        return [name for name in measures if (Measure.read(name).cutoff or 0) > held]

    @property
    def why(self) -> str:
        return (
            f"{self.shallowest} has at most {self.common} documents a query, and others are "
            f"{self.deepest} deep"
        )

    def refusal(self, measure: Measure) -> str:
        mend = f"name a measure @{self.common} or less"
        if measure.cutoff is None:
            mend = "name the runs' SYSTEM.trec instead of the runs, since run files are cut alike"
        return f"{measure} can not be compared: {self.why}; {mend}, or give a deeper run file"
