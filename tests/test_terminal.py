"""A table fits the terminal: columns are left out and named, names are shortened, numbers stay whole."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from bench.report.table import Column, Counts, Interval, Keep, Kind, Number, Table, Text, name_column
from bench.report.write import print_grids

MEASURES = ["nDCG@10", "MAP", "MRR@10", "P@5", "Recall@5", "Recall@100", "bpref", "two words"]
NAMES = st.text("abcdef-_é中文", min_size=1, max_size=90)


@st.composite
def any_table(draw):
    columns, kinds = [name_column("system")], ["name"]
    keeps = st.sampled_from([Keep.LEAST, Keep.USUAL])
    first = draw(st.sampled_from(["number", "inside"]))
    for place, title in enumerate(MEASURES[: draw(st.integers(1, 8))]):
        keep = draw(keeps) if place else Keep.ALWAYS
        kind = (
            draw(st.sampled_from(["number", "inside", "apart", "counts", "prose"])) if place else first
        )
        kinds.append(kind)
        columns.append(
            Column(
                title,
                Kind.PROSE if kind == "prose" else Kind.VALUE,
                keep,
                apart="interval" * (kind == "apart"),
            )
        )
    return Table(
        "The title",
        tuple(columns),
        tuple(tuple(draw(CELLS[k]) for k in kinds) for _ in range(draw(st.integers(1, 4)))),
        ("A note.",),
    )


VALUES = st.floats(0, 1)
BOUNDS = st.builds(Interval, VALUES, VALUES, st.booleans())
CELLS = {
    "name": NAMES.map(Text),
    "prose": st.lists(st.text("xyz", min_size=1, max_size=12), max_size=20).map(lambda w: Text(" ".join(w))),
    "number": st.builds(Number, VALUES, letters=st.sampled_from(["", "a", "abc"])),
    "inside": st.builds(Number, VALUES, BOUNDS) | st.none(),
    "apart": st.builds(Number, VALUES, BOUNDS) | st.none(),
    "counts": st.tuples(st.integers(0, 9999), st.integers(0, 9999)).map(Counts),
}  # fmt: skip


def wide(text):
    """Columns on a terminal, by Unicode and not by the library that the code asks."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def printed(table, width, elsewhere=""):
    """Title, header, rows, notes as they are printed."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        print_grids([table], out, elsewhere)
    lines = out.getvalue().splitlines()
    rule = next(n for n, line in enumerate(lines) if line and set(line) == {"─"})
    start = lines.index("") + 1
    end = lines.index("", rule)
    return lines[: start - 1], lines[start:rule], lines[rule + 1 : end], lines[end + 1 :]


def in_words(lines):
    """The notes as they were before they were wrapped."""
    return " ".join(" ".join(lines).split())


def figures(cell, column):
    """The words that may not be torn apart; each stands in the row as it is."""
    if not isinstance(cell, Number):
        return ["/".join(map(str, cell.values))] if isinstance(cell, Counts) else []
    found = [f"{cell.value:.4f}"]
    if cell.interval:
        found += [f"[{cell.interval.low:.3f}, {cell.interval.high:.3f}]"]
    return found


@settings(max_examples=300)
@given(any_table(), st.integers(12, 200))
def test_whatever_the_width_numbers_stay_whole_and_what_is_left_out_is_named(table, width):
    title, header, rows, notes = printed(table, width)
    assert len(rows) == len(table.rows)  # nothing is wrapped
    note = in_words(notes)
    said = re.search(rf"Not shown at {width} columns: (.*); a wider terminal", note)
    left_out = said.group(1).split(", ") if said else []
    shown = [one for one in table.columns if one.title not in left_out]
    assert shown[:2] == list(table.columns[:2])
    for line, cells in zip(rows, table.rows, strict=True):
        rest = line
        for column, cell in zip(table.columns, cells, strict=True):
            if column not in shown:
                continue
            for place, text in enumerate(figures(cell, column)):
                kind = f"interval of {column.title}" if column.apart else "intervals"
                if place and kind in left_out:
                    continue
                head, found, rest = rest.partition(text)
                assert found == text, (line, text)
                assert not re.search(r"\d", head)  # no number but those of the table
    words = " ".join(header).split()
    for column in shown[1:]:
        assert set(column.title.split()) <= set(words) or width < 40
    lines = [*header, *rows]
    # Too wide is a line only where nothing is left that could be left out or shortened.
    if max(map(wide, lines)) > width:
        assert [one.keep for one in shown] == [Keep.ALWAYS] * 2
        assert all(wide(line.split(" ")[0]) == 1 for line in rows)
        assert not re.search(r"[\[\]]", "".join(rows))
    assert all(wide(line) <= width for line in [*title, *notes])


@given(any_table(), st.integers(30, 200))
def test_columns_go_by_their_importance_and_of_equals_the_last_goes_first(table, width):
    note = in_words(printed(table, width)[3])
    said = re.search(rf"Not shown at {width} columns: (.*); a wider", note)
    left_out = set(said.group(1).split(", ")) if said else set()
    order = sorted(table.columns, key=lambda one: -one.keep)  # stable: of equals the first comes first
    gone = [one.title in left_out for one in order]
    assert gone == sorted(gone)


def of_measures(names, measures=MEASURES[:2], notes=()):
    columns = [Column(m, keep=Keep.USUAL if place else Keep.ALWAYS) for place, m in enumerate(measures)]
    rows = tuple((Text(name), *[Number(0.25)] * len(measures)) for name in names)
    return Table("T", (name_column("system"), *columns), rows, notes)


def test_names_keep_their_ends_where_they_are_shortened():
    names = ["model-of-a-very-long-name-" * 3 + end for end in ("one", "two")]
    rows = printed(of_measures(names), 40)[2]
    for row, end in zip(rows, ("one", "two"), strict=True):
        name, *values = row.split()
        assert re.fullmatch(rf"model-of-.*….*-{end}", name)
        assert values == ["0.2500", "0.2500"]
    whole = printed(of_measures(names), 200)[2]
    assert [row.split()[0] for row in whole] == names


def test_prose_loses_its_end_and_is_no_wider_than_is_read():
    table = of_measures(["a"])
    column = Column("asked", Kind.PROSE)
    text = "what does the word mean " * 9
    table = replace(table, columns=(*table.columns, column), rows=((*table.rows[0], Text(text)),))
    for width in (60, 300):
        (row,) = printed(table, width)[2]
        assert row.endswith("…")
        assert text.startswith(row.split("0.2500")[-1].strip().removesuffix("…"))
        assert wide(row) <= min(width, 100)


def test_chinese_names_take_two_columns_a_character_and_values_stand_below_each_other():
    rows = printed(of_measures(["向量检索", "bm25", "文" * 60]), 60)[2]
    ends = {wide(row[: row.index("0.2500")]) for row in rows}
    assert len(ends) == 1
    assert all(wide(row) <= 60 for row in rows)


def test_digits_stand_below_each_other_whatever_is_raised_or_marked_behind_them():
    table = of_measures(["a", "b"], ["MAP"])
    rows = ((Text("a"), Number(0.5, letters="bc")), (Text("b"), Number(0.25)))
    first, second = printed(replace(table, rows=rows), 80)[2]
    assert first.index("0.5000") == second.index("0.2500")
    assert first.endswith("0.5000ᵇᶜ")


def test_one_line_says_what_is_left_out_and_where_it_stands():
    table = of_measures(["a"], MEASURES, ("A note.",))
    assert in_words(printed(table, 40, "summary.md")[3]) == (
        "Not shown at 40 columns: Recall@5, Recall@100, bpref, two words; see summary.md or a wider "
        "terminal. A note."
    )
    assert in_words(printed(table, 200, "summary.md")[3]) == "A note."


def test_an_interval_goes_before_its_value_and_is_not_named_beside_it():
    columns = (
        name_column("system"),
        Column("nDCG@10", keep=Keep.ALWAYS, apart="95 % interval"),
        Column("by sets", apart="95 % interval"),
    )
    cell = Number(0.5, Interval(0.4, 0.6))
    table = Table("T", columns, ((Text("bm25"), cell, cell),))
    for width, named in (
        (70, None),
        (45, "95 % interval of by sets"),
        (32, "by sets"),
        (18, "95 % interval of nDCG@10, by sets"),
    ):
        notes = in_words(printed(table, width)[3])
        assert (f"columns: {named};" in notes) if named else not notes, (width, notes)


def test_where_name_and_first_value_have_no_room_it_stands_without_its_interval():
    table = of_measures(["a-name-of-some-length", "b"], ["MAP"])
    rows = tuple((name, Number(0.5, Interval(0.25, 0.75))) for name, _ in table.rows)
    for width, shown in ((80, True), (40, True), (24, False)):
        _, _, lines, notes = printed(replace(table, rows=rows), width)
        assert ["[0.250, 0.750]" in line for line in lines] == [shown] * 2
        assert ("columns: intervals;" in in_words(notes)) != shown


def test_a_terminal_of_twenty_columns_shows_name_and_primary_measure():
    _, header, rows, _ = printed(of_measures(["a-name-of-some-length", "b"]), 20)
    assert header[-1].split() == ["system", "nDCG@10"]
    assert [row.split()[-1] for row in rows] == ["0.2500", "0.2500"]
    assert all(wide(row) <= 20 for row in rows)


def test_a_console_of_colours_prints_the_same_words():
    out = io.StringIO()
    from bench.report.terminal import terminal

    for line in terminal(of_measures(["a"]), 80):
        Console(file=out, force_terminal=True, width=80).print(line, soft_wrap=bool(line.no_wrap))
    plain = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())
    assert "a        0.2500  0.2500" in plain
