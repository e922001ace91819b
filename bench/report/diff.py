"""The tables of `bench diff`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.grid import Cell, Grid
from bench.runs.diff import SystemChange, moved
from bench.runs.naming import setting_text

_TITLE_LENGTH = 44
_BEFORE_AFTER = ("before", "after")


def settings_table(settings: Mapping[str, tuple[Any, ...]], others: Sequence[str]) -> Grid:
    """The settings that differ; below them what else is not as it was."""
    body = tuple(
        (Cell(name), *(Cell(_cut(setting_text(value))) for value in values))
        for name, values in settings.items()
    )
    notes = ["The settings are the same."] if not settings else []
    return Grid("Settings", ("setting", *_BEFORE_AFTER), body, (*notes, *others))


def systems_table(measure: str, changes: Sequence[SystemChange]) -> Grid:
    """Each system's mean, before and after, and how many queries got worse or better."""
    body = []
    for one in changes:
        better = len(one.changed) - one.worse
        same = len(one.queries) - len(one.changed)
        body.append(
            (
                Cell(one.system),
                *(Cell(f"{mean:.4f}") for mean in one.means),
                Cell(f"{one.means[1] - one.means[0]:+.4f}"),
                *(Cell(str(n)) for n in (one.worse, same, better)),
            )
        )
    note = "Whether a difference is more than chance: bench compare."
    header = ("system", *_BEFORE_AFTER, "change", "worse", "same", "better")
    return Grid(f"Mean {measure} on {len(changes[0].queries)} queries", header, tuple(body), (note,))


def queries_table(measure: str, one: SystemChange, top: int, texts: Mapping[str, str]) -> Grid:
    """The queries that changed most, with what they ask where that is known."""
    shown = one.changed[:top]
    left = len(one.changed) - len(shown)
    body = tuple(
        (
            Cell(_cut(change.query)),
            Cell(change.set),
            Cell(f"{change.before:.4f}"),
            Cell(f"{change.after:.4f}"),
            Cell(f"{change.change:+.4f}"),
            *((Cell(_cut(texts.get(change.query, ""))),) if texts else ()),
        )
        for change in shown
    )
    header = ("query", "set", *_BEFORE_AFTER, "change", *(("asked",) if texts else ()))
    notes = [f"{left:,} more queries changed, each by no more: --top {len(one.changed)}"] if left else []
    return Grid(
        f"{one.system}: {measure}, the largest changes first", header, body, tuple(notes), ("asked",)
    )


def rankings_table(
    query: str,
    asked: str,
    rankings: tuple[Sequence[str], Sequence[str]],
    top: int,
    titles: Mapping[str, str],
    grades: Mapping[str, str],
) -> Grid:
    """Two rankings of one query beside each other: the documents at each rank, by their titles."""
    places = moved(*rankings)
    body = []
    for rank in range(1, top + 1):
        cells = [Cell(str(rank))]
        for side, docs in enumerate(rankings):
            doc = docs[rank - 1] if rank <= len(docs) else None
            if doc is None:
                cells += [Cell("")] * (2 + side)
                continue
            cells += [Cell(_cut(titles.get(doc) or doc)), Cell(grades.get(doc, "–"))]
            if side:
                was = places[doc].before
                cells.append(Cell("new" if was is None else str(was)))
        body.append(tuple(cells))
    header = ("rank", "before", "grade", "after", "grade", "was")
    return Grid(f"{query}: {_cut(asked)}" if asked else query, header, tuple(body), left=_BEFORE_AFTER)


def relevant_table(
    rankings: tuple[Sequence[str], Sequence[str]],
    relevant: Sequence[str],
    titles: Mapping[str, str],
    grades: Mapping[str, str],
) -> Grid:
    """Where the relevant documents stand in two rankings."""
    places = moved(*rankings)
    body = []
    for doc in relevant:
        ranks = (places[doc].before, places[doc].after) if doc in places else (None, None)
        said = ["not found" if rank is None else str(rank) for rank in ranks]
        body.append((Cell(_cut(titles.get(doc) or doc)), Cell(grades[doc]), *map(Cell, said)))
    header = ("relevant document", "grade", "rank before", "rank after")
    return Grid("Its relevant documents", header, tuple(body))


def _cut(text: str) -> str:
    return text if len(text) <= _TITLE_LENGTH else f"{text[: _TITLE_LENGTH - 1].rstrip()}…"
