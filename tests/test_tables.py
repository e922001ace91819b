"""One table says the same in every form: what is parsed back from a form is what stands in the cells."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, content_of, with_evidence
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from test_escape import NAMES, NASTY

from bench.errors import visible
from bench.report.csv_lines import lines_csv, table_csv
from bench.report.html import html
from bench.report.latex import latex
from bench.report.markdown import markdown
from bench.report.table import Column, Counts, Interval, Kind, Number, Table, Text, name_column
from bench.report.tables import main_table
from bench.report.write import write_tables
from bench.runs.record import Record

TITLES = ["nDCG@10", "MAP", "by sets", "P@5"]
FINITE = st.floats(-1e6, 1e6)
INTERVALS = st.none() | st.builds(Interval, FINITE, FINITE, st.booleans())
NUMBERS = st.builds(Number, FINITE, INTERVALS, st.booleans(), st.sampled_from(["", "a", "bc"]))
COUNTS = st.integers(0, 10**6)


@st.composite
def any_table(draw):
    names = draw(st.lists(st.sampled_from(NASTY) | NAMES, min_size=1, max_size=4))
    columns, cells = [name_column("system")], [[Text(name) for name in names]]
    for title in draw(st.permutations(TITLES))[: draw(st.integers(1, 4))]:
        if draw(st.booleans()):
            column = Column(
                title,
                decimals=draw(st.integers(1, 6)),
                signed=draw(st.booleans()),
                within=draw(st.integers(1, 6)),
                apart=draw(st.sampled_from(["", "95 % interval"])),
            )
            one = st.none() | NUMBERS
        else:
            column = Column(title, between=" / ", grouped=draw(st.booleans()))
            one = st.none() | st.tuples(COUNTS, COUNTS).map(Counts)
        columns.append(column)
        cells.append(draw(st.lists(one, min_size=len(names), max_size=len(names))))
    return Table(draw(NAMES), tuple(columns), tuple(zip(*cells, strict=True)), ("a note",))


def near(text, value, decimals):
    assert len(text.partition(".")[2]) == decimals, text
    return abs(float(text) - value) <= 0.51 * 10.0**-decimals


def says(text, cell, column, raised=""):
    """Whether the words for a cell, as a reader sees them, are its value."""
    match cell:
        case None:
            return text == "–"
        case Text():
            return text == visible(cell.text).strip()
        case Counts():
            return [int(n.replace(",", "")) for n in text.split(" / ")] == list(cell.values)
    text = text.removesuffix(raised + cell.letters) if cell.letters else text
    value, _, rest = text.partition(" ")
    assert value.startswith(("+", "-")) or not column.signed
    interval = None if column.apart else cell.interval
    return near(value, cell.value, column.decimals) and within(rest, interval, column, missing="")


def within(text, interval, column, missing="–"):
    if interval is None:
        return text == missing
    low, high, wide = re.fullmatch(r"\[(.*), (.*)\](°?)", text).groups()
    ends = near(low, interval.low, column.within) and near(high, interval.high, column.within)
    return ends and (wide == "°") == interval.wide


def holds(table, header, rows):
    """Whether header and rows, as they are read from a form, are those of the table."""
    expected = [title for one in table.columns for title in (one.title, one.apart) if title]
    assert header == expected
    assert len(rows) == len(table.rows)
    for row, cells in zip(rows, table.rows, strict=True):
        texts = iter(row)
        for cell, column in zip(cells, table.columns, strict=True):
            assert says(next(texts), cell, column)
            if column.apart:
                interval = cell.interval if isinstance(cell, Number) else None
                assert within(next(texts), interval, column)
        assert not list(texts)


@settings(max_examples=200)
@given(any_table())
def test_markdown_says_what_stands_in_the_cells(table):
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown([table]))
    cells, inside = [], False
    for token in tokens:
        inside = token.type in ("th_open", "td_open") or (inside and token.type == "inline")
        if token.type == "inline" and inside:
            cells.append("".join(c.content for c in token.children if c.type != "html_inline"))
    width = sum(1 + bool(one.apart) for one in table.columns)
    rows = [cells[at : at + width] for at in range(0, len(cells), width)]
    holds(table, rows[0], rows[1:])


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.lasttag in ("th", "td", "strong", "sup") and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.rstrip("\n")


@settings(max_examples=200)
@given(any_table())
def test_html_says_what_stands_in_the_cells_and_holds_no_other_element(table):
    parser = Cells()
    parser.feed(html([table]))
    header, *rows = ([cell.strip() for cell in row] for row in parser.rows)
    rows[-1][-1] = rows[-1][-1].removesuffix("a note")
    holds(table, header, rows)
    known = {"table", "caption", "thead", "tbody", "tr", "th", "td", "strong", "sup", "p"}
    assert parser.tags <= known


@settings(max_examples=200)
@given(any_table())
def test_latex_says_what_stands_in_the_cells(table):
    lines = [line.removesuffix(r" \\") for line in latex([table]).splitlines() if line.endswith(r" \\")]
    assert len(lines) == 1 + len(table.rows)
    for line, cells in zip(lines[1:], table.rows, strict=True):
        _, *texts = re.split(r"(?<!\\)& ", line)
        texts = [re.sub(r"\\text\w+\{(.*?)\}", r"\1", text.strip()) for text in texts]
        texts = [text.replace(r"$^\circ$", "°").replace("--", "–") for text in texts]
        words = iter(texts)
        for cell, column in zip(cells[1:], table.columns[1:], strict=True):
            assert says(next(words), cell, column)
            if column.apart:
                assert within(next(words), cell.interval if isinstance(cell, Number) else None, column)


@pytest.mark.parametrize("name", ["\r", "**\r", "a\r\nb", "\n", '"\r"'])
def test_csv_keeps_a_name_with_an_end_of_line_in_it(name):
    text = lines_csv(["system", "mean"], [[name, 0.5], ["plain", 1]])
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found == [["system", "mean"], [name, "0.5"], ["plain", "1"]]


@settings(max_examples=200)
@given(any_table())
def test_csv_says_what_stands_in_the_cells(table):
    lines = list(csv.DictReader(io.StringIO(table_csv(table), newline="")))
    assert len(lines) == len(table.rows)
    for line, cells in zip(lines, table.rows, strict=True):
        for cell, column in zip(cells, table.columns, strict=True):
            found = line.pop(column.title)
            ends = [line.pop(f"{column.title} {end}", "") for end in ("low", "high", "wide")]
            letters = line.pop(f"{column.title} letters", "")
            match cell:
                case None:
                    assert (found, ends, letters) == ("", ["", "", ""], "")
                case Text(text):
                    assert found == text  # the very name, whatever it holds
                case Counts(values):
                    assert found == " / ".join(map(str, values))
                case Number(value, interval, _, its_letters):
                    assert near(found, value, column.decimals)
                    assert letters == its_letters
                    if interval is None:
                        assert ends == ["", "", ""]
                    else:
                        assert near(ends[0], interval.low, column.within)
                        assert near(ends[1], interval.high, column.within)
                        assert ends[2] == str(int(interval.wide))
        assert not line  # there is nothing else


def test_a_row_without_a_cell_for_each_column_is_an_error_at_once():
    with pytest.raises(ValueError, match="does not have a cell for each column"):
        Table("t", (name_column("system"), Column("MAP")), ((Text("a"),),))


def test_what_a_column_of_a_setting_shows_is_as_short_as_tells_it():
    table = Table("t", (Column("x", Kind.NAME), Column("tolerance", decimals=None)), ())
    for value, text in ((0.02, "0.02"), (0.0, "0"), (1e-9, "1e-09")):
        rows = ((Text("a"), Number(value)),)
        assert f"| a | {text} |" in markdown([Table(table.title, table.columns, rows)])


def many_systems(saved, n):
    """The record of a run of n systems, of which the first is better than all others."""
    content = content_of(saved)
    kept = content["systems"]["bm25"]
    values = np.random.default_rng(0).random((n, len(content["queries"]["ids"]))) / 10
    values[0] += 0.8
    content["measures"] = ["MAP"]
    content["systems"] = {f"s{i}": {**kept, "values": {"MAP": values[i].tolist()}} for i in range(n)}
    return Record(with_evidence(content))


def test_more_systems_than_letters_are_told_where_the_verdicts_are(saved):
    lettered, bare = (main_table(many_systems(saved, n)) for n in (52, 53))
    letters = {row[0].letter for row in lettered.rows}
    assert len(letters) == 52 and set(lettered.rows[0][1].letters) == letters - {"a"}
    assert any(note.startswith("Letters: significantly higher") for note in lettered.notes)
    assert not any(row[0].letter or row[1].letters for row in bare.rows)
    found, where = (note for note in bare.notes if "etters" in note or "ignificant" in note)
    record = many_systems(saved, 53)
    verdicts = [one["verdict"] for one in record.content["evidence"]["family"]["comparisons"]]
    significant = sum(verdict in ("better", "worse") for verdict in verdicts)
    assert 52 <= significant < 1378
    assert found.startswith(
        f"Significant differences: {significant}, in the family named before the run: MAP, 1378 comparisons"
    )
    assert where == (
        "More than 52 systems have no letters: record.json has each verdict, in "
        "evidence.family.comparisons."
    )


def test_the_files_of_the_committed_baseline_are_made_again_byte_for_byte(tmp_path):
    baseline = ROOT / "results" / "baseline"
    write_tables(Record.load(baseline), tmp_path)
    names = {file.name for file in tmp_path.iterdir()}
    assert names == {"summary.md", "summary.tex", "summary.csv", "per_query.csv"}
    for name in names:
        assert Path(tmp_path, name).read_bytes() == (baseline / name).read_bytes(), name
