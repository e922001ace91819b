"""The tables of `bench diff`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.table import Cell, Column, Counts, Keep, Kind, Number, Table, Text, name_column
from bench.runs.diff import SystemChange, moved
from bench.runs.naming import setting_text

_TITLE_LENGTH = 44
_CHANGE = Column("change", keep=Keep.ALWAYS, signed=True)


def settings_table(settings: Mapping[str, tuple[Any, ...]], others: Sequence[str]) -> Table:
    """The settings that differ; below them what else is not as it was."""
    rows = tuple(
        (Text(name), *(Text(setting_text(value)) for value in values))
        for name, values in settings.items()
    )
    notes = ["The settings are the same."] if not settings else []
    columns = (name_column("setting"), _prose("before"), _prose("after"))
    return Table("Settings", columns, rows, (*notes, *others))


def systems_table(measure: str, changes: Sequence[SystemChange]) -> Table:
    """Each system's mean, before and after, and how many queries got worse or better."""
    body: list[tuple[Cell, ...]] = []
    for one in changes:
        better = len(one.changed) - one.worse
        same = len(one.queries) - len(one.changed)
        body.append(
            (
                Text(one.system),
                *map(Number, one.means),
                Number(one.means[1] - one.means[0]),
                *(Counts((n,)) for n in (one.worse, same, better)),
            )
        )
    note = "Whether a difference is more than chance: bench compare."
    counts = map(Column, ("worse", "same", "better"))
    columns = (name_column("system"), Column("before"), Column("after"), _CHANGE, *counts)
    return Table(f"Mean {measure} on {len(changes[0].queries)} queries", columns, tuple(body), (note,))


def queries_table(measure: str, one: SystemChange, top: int, texts: Mapping[str, str]) -> Table:
    """The queries that changed most, with what they ask where that is known."""
    shown = one.changed[:top]
    left = len(one.changed) - len(shown)
    rows = tuple(
        (
            Text(change.query),
            Text(change.set),
            *map(Number, (change.before, change.after, change.change)),
            *((Text(texts.get(change.query, "")),) if texts else ()),
        )
        for change in shown
    )
    columns = (
        name_column("query"),
        Column("set", Kind.NAME, Keep.LEAST),
        Column("before"),
        Column("after"),
        _CHANGE,
        *((Column("asked", Kind.PROSE),) if texts else ()),
    )
    notes = [f"{left:,} more queries changed, each by no more: --top {len(one.changed)}"] if left else []
    return Table(f"{one.system}: {measure}, the largest changes first", columns, rows, tuple(notes))


def rankings_table(
    query: str,
    asked: str,
    rankings: tuple[Sequence[str], Sequence[str]],
    top: int,
    titles: Mapping[str, str],
    grades: Mapping[str, str],
) -> Table:
    """Two rankings of one query beside each other: the documents at each rank, by their titles."""
    places = moved(*rankings)
    body = []
    for rank in range(1, top + 1):
        cells: list[Cell] = [Counts((rank,))]
        for side, docs in enumerate(rankings):
            doc = docs[rank - 1] if rank <= len(docs) else None
            if doc is None:
                cells += [Text("")] * (2 + side)
                continue
            cells += [Text(titles.get(doc) or doc), Text(grades[doc]) if doc in grades else None]
            if side:
                was = places[doc].before
                cells.append(Text("new") if was is None else Counts((was,)))
        body.append(tuple(cells))
    columns = (
        Column("rank", keep=Keep.ALWAYS),
        _prose("before"),
        Column("grade"),
        _prose("after"),
        Column("grade"),
        Column("was"),
    )
    return Table(f"{query}: {_cut(asked)}" if asked else query, columns, tuple(body))


def relevant_table(
    rankings: tuple[Sequence[str], Sequence[str]],
    relevant: Sequence[str],
    titles: Mapping[str, str],
    grades: Mapping[str, str],
) -> Table:
    """Where the relevant documents stand in two rankings."""
    places = moved(*rankings)
    body = []
    for doc in relevant:
        ranks = (places[doc].before, places[doc].after) if doc in places else (None, None)
        said = [Text("not found") if rank is None else Counts((rank,)) for rank in ranks]
        body.append((Text(titles.get(doc) or doc), Text(grades[doc]), *said))
    ranks_shown = (Column(f"rank {when}", keep=Keep.ALWAYS) for when in ("before", "after"))
    columns = (_prose("relevant document"), Column("grade"), *ranks_shown)
    return Table("Its relevant documents", columns, tuple(body))


def _prose(title: str) -> Column:
    return Column(title, Kind.PROSE, Keep.ALWAYS)


def _cut(text: str) -> str:
    """Return a text for a title, which is no column and has no width of its own."""
    return text if len(text) <= _TITLE_LENGTH else f"{text[: _TITLE_LENGTH - 1].rstrip()}…"
