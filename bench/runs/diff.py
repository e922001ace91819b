"""What changed between two runs, query by query, and how one query's rankings moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import require
from bench.runs.contenders import Contenders
from bench.runs.naming import pairs_by_name


@dataclass(frozen=True)
class QueryChange:
    """One query's value of a measure, before and after."""

    query: str
    set: str
    before: float
    after: float

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class SystemChange:
    """One system in two runs, or one in place of another: every query, the largest change first."""

    system: str
    means: tuple[float, float]
    rows: tuple[int, int]
    queries: tuple[QueryChange, ...]

    @property
    def changed(self) -> list[QueryChange]:
        return [one for one in self.queries if one.change != 0]

    @property
    def worse(self) -> int:
        return sum(one.change < 0 for one in self.queries)


def system_changes(found: Contenders, measure: str) -> list[SystemChange]:
    """Return the change of each system that both runs have; of one system each, that of the two.

    Raises `BenchError` where the runs have no system in common.
    """
    pairs = [(before, after) for after, before in pairs_by_name(found.origins)]
    if not pairs and len(found.systems) == 2:
        pairs = [(0, 1)]
    require(
        bool(pairs),
        f"the runs have no system in common: {', '.join(found.systems)}; name two as RUN:SYSTEM",
    )
    place = found.measures.index(measure)
    changes = []
    for before, after in pairs:
        values = found.values[[before, after], place]
        queries = [
            QueryChange(query, group, float(one), float(other))
            for query, group, one, other in zip(found.query_ids, found.sets, *values, strict=True)
        ]
        queries.sort(key=lambda one: (-abs(one.change), one.change))
        names = [found.origins[row][1] for row in (before, after)]
        title = names[0] if names[0] == names[1] else " → ".join(names)
        means = float(values[0].mean()), float(values[1].mean())
        changes.append(SystemChange(title, means, (before, after), tuple(queries)))
    return changes


@dataclass(frozen=True)
class Moved:
    """Where a document stands in two rankings, from 1; None where it is in but one."""

    doc: str
    before: int | None
    after: int | None


def moved(before: Sequence[str], after: Sequence[str]) -> Mapping[str, Moved]:
    """Return document → where it stands in the two rankings.

    >>> moved(["a", "b"], ["b"])["b"]
    Moved(doc='b', before=2, after=1)
    """
    ranks = [{doc: rank for rank, doc in enumerate(docs, 1)} for docs in (before, after)]
    return {doc: Moved(doc, *(its.get(doc) for its in ranks)) for doc in ranks[0] | ranks[1]}
