"""A table on a terminal: as many columns as fit; a long name may be shortened, a number never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.errors import listed, visible
from bench.report.form import Strip, Words, strips
from bench.report.table import Keep, Kind, Number, Table

if TYPE_CHECKING:
    from rich.text import Text

_GAP = 2
# A text is given no more than this, however wide the terminal.
_WIDEST_PROSE = 60
# No name is shortened to less than this while a column can be left out instead.
_NARROWEST_NAME = 12
# The longest word of a title that may make a column of values wider than its values.
_LONGEST_WORD = 24
# In the note of what is left out.
_LONGEST_NAME = 40
# There is no raised q, and not every capital: such letters stay on the line.
_RAISED = str.maketrans("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")


@dataclass(frozen=True)
class _Sized:
    """A column, the least width that it can do with, the width that it would like to have, and that of
    the marks behind its values, whose digits stand below each other."""

    strip: Strip
    least: int
    whole: int
    marks: int


def terminal(table: Table, width: int = 200, elsewhere: str = "") -> list[Text]:
    """Return title, lines and notes of a table for a terminal of this width.

    Of too many columns the least important are left out, and named in the first note. The lines of the
    table itself are marked as not to be wrapped; one is wider than the terminal only where the numbers
    that are always shown are, without their intervals. Titles and notes are wrapped by the console.

    elsewhere  where all columns stand, such as "summary.md"
    """
    from rich.text import Text

    columns = _sized(strips(table), width)
    kept = [columns[0], *(one for one in columns[1:] if one.strip.keep is Keep.ALWAYS)]
    bare = _without_intervals(table)
    gone = []
    if _total([one.least for one in kept]) > width and bare != table:
        columns, gone = _sized(strips(bare), width), ["intervals"]
    places = _fitting(columns, width)
    shown = [columns[place] for place in places]
    gone += _left_out(columns, places)
    notes = [*([_not_shown(gone, width, elsewhere)] if gone else []), *table.notes]
    return [
        Text(visible(table.title), style="bold"),
        Text(""),
        *_lines(shown, _widths(shown, width)),
        *([Text("")] if notes else []),
        # as Text: no markup, no ":names:" of emoji
        *(Text(visible(note), style="dim") for note in notes),
    ]


def _without_intervals(table: Table) -> Table:
    """Return the table without the intervals that stand in a cell with their value."""
    rows = (
        tuple(
            replace(cell, interval=None) if isinstance(cell, Number) and not column.apart else cell
            for cell, column in zip(row, table.columns, strict=True)
        )
        for row in table.rows
    )
    return replace(table, rows=tuple(rows))


def _sized(every: Sequence[Strip], width: int) -> list[_Sized]:
    texts = sum(strip.kind.left for strip in every)
    floor = max(_NARROWEST_NAME, width // (2 * texts + 1)) if texts else 0
    found = []
    for strip in every:
        title = visible(strip.title)
        marks = max((_width(_mark(words)) for words in strip.cells), default=0)
        cells = marks + max((_width(visible(words.text)) for words in strip.cells), default=0)
        word = min(max(map(_width, title.split(" "))), _LONGEST_WORD)
        whole = max(cells, _width(title))
        if strip.kind is Kind.PROSE:
            whole = min(whole, max(_WIDEST_PROSE, word))
        least = min(whole, floor) if strip.kind.left else max(cells, word)
        found.append(_Sized(strip, least, whole, marks))
    return found


def _fitting(columns: Sequence[_Sized], width: int) -> list[int]:
    """Return the places of the columns that are shown."""
    places = list(range(len(columns)))
    while _total([columns[place].least for place in places]) > width:
        spare = [p for p in places[1:] if columns[p].strip.keep is not Keep.ALWAYS]
        if not spare:
            break
        places.remove(min(reversed(spare), key=lambda place: columns[place].strip.keep))
    return places


def _widths(shown: Sequence[_Sized], width: int) -> list[int]:
    """Return the width of each column. What room there is to spare is shared by the names, and what they
    leave by the titles. Where there is too little, the longest names lose most."""
    widths = [one.least for one in shown]
    texts = [place for place, one in enumerate(shown) if one.strip.kind.left]
    while texts and _total(widths) > width and max(widths[place] for place in texts) > 1:
        widths[max(texts, key=lambda place: widths[place])] -= 1
    lack = [one.whole - now for one, now in zip(shown, widths, strict=True)]
    for group in (texts, [place for place in range(len(shown)) if place not in texts]):
        # Those that lack least come first, and leave the rest of their share to the others.
        for served, place in enumerate(sorted(group, key=lambda place: lack[place])):
            share = (width - _total(widths)) // (len(group) - served)
            widths[place] += max(0, min(lack[place], share))
    return widths


def _left_out(columns: Sequence[_Sized], places: Sequence[int]) -> list[str]:
    """Return the names of what is not shown, an interval only where its value is shown."""
    return [
        _cut(visible(one.strip.name), _LONGEST_NAME)
        for place, one in enumerate(columns)
        if place not in places and (one.strip.of is None or one.strip.of in places)
    ]


def _not_shown(names: Sequence[str], width: int, elsewhere: str) -> str:
    remedy = f"see {elsewhere} or a wider terminal" if elsewhere else "a wider terminal shows more"
    return f"Not shown at {width} columns: {listed(names)}; {remedy}."


def _lines(shown: Sequence[_Sized], widths: Sequence[int]) -> list[Text]:
    from rich.text import Text

    heads = [_broken(visible(o.strip.title), wide) for o, wide in zip(shown, widths, strict=True)]
    height = max(map(len, heads))
    columns = []
    for one, head, wide in zip(shown, heads, widths, strict=True):
        left = one.strip.kind.left
        titles = [_aligned(Text(line), wide, left=left) for line in [""] * (height - len(head)) + head]
        columns.append([*titles, Text("─" * wide), *(_cell(c, one, wide) for c in one.strip.cells)])
    lines = []
    for place, row in enumerate(zip(*columns, strict=True)):
        line = Text("─" * _GAP if place == height else " " * _GAP).join(row)
        line.rstrip()
        line.no_wrap = True
        lines.append(line)
    return lines


def _cell(words: Words, column: _Sized, width: int) -> Text:
    from rich.text import Text

    text, mark, strip = visible(words.text), _mark(words), column.strip
    if strip.kind.left:
        text = _cut(text, width - _width(mark), end=strip.kind is Kind.PROSE)
    cell = Text.assemble((text, "bold" if words.strong else ""), (mark, "dim"))
    if not strip.kind.left:
        cell.append(" " * (column.marks - _width(mark)))
    return _aligned(cell, width, left=strip.kind.left)


def _mark(words: Words) -> str:
    return words.mark + visible(words.raised).translate(_RAISED)


def _aligned(text: Text, width: int, *, left: bool) -> Text:
    room = max(0, width - text.cell_len)
    if left:
        text.pad_right(room)
    else:
        text.pad_left(room)
    return text


def _broken(title: str, width: int) -> list[str]:
    """Return the title in lines, broken at spaces; a word that is too long loses its middle."""
    if _width(title) <= width:
        return [title]
    lines: list[str] = []
    for word in title.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(_cut(word, width))
    return lines


def _cut(text: str, width: int, *, end: bool = False) -> str:
    """Return the text with its middle, or its end, left out where it is too wide."""
    from rich.cells import set_cell_size

    if _width(text) <= width:
        return text
    tail = 0 if end else max(0, width - 1) // 2
    head = set_cell_size(text, max(0, width - 1 - tail)).rstrip()
    return f"{head}…{set_cell_size(text[::-1], tail).rstrip()[::-1]}"


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
