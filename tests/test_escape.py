"""Names of any characters come out as they are meant: in Markdown, LaTeX, plots and the terminal."""

from __future__ import annotations

import ast
import io
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import ROOT, content_of, with_evidence
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from bench.report import plots
from bench.report.escape import latex_text, visible
from bench.report.latex import latex
from bench.report.markdown import markdown
from bench.report.table import Column, Number, Table, Text, name_column
from bench.report.tables import run_tables
from bench.report.terminal import terminal
from bench.report.write import print_grids
from bench.runs.record import Record

NASTY = [
    "price $_$", "a|b", "<b>x</b>", "**bold**", "_it_", "`code`", "Q&A", "&amp;", "[a](b)", "[a]: b", "[red]x[/red]",
    ":smile:", "\\", "\\input{x}", "~a~ ~~b~~", "x\ny", "\x1b[31mred\x1b[0m", "\u202eevil", "100 %", "#1", "- x", "1. x",
    "===", "---", "*", "[x]", "{", "}}", "^2", "κ ≥ 0.9 ± 10⁻⁶", "naïve Ångström", "🙂", "中文", "_hidden", "''--``", "\ud800",
    "%", "$", "&#36;", "\\|", "+", "| |", "<!-- x", "a_b_c", "***", "[a][b]", "![a](b)", "1) x", "> x", "    x", "x  ", "\t", "\x00",
]  # fmt: skip
# What some form gives a meaning to, in any order, and any character now and then.
MEANT = ["**", "_", "`", "~~", "<b>", "&amp;", "[a]", "(b)", "]: ", "|", "$", "\\", "#", "1.", "-", "=", "+", ">", "^", "%",
         "{", "}", "'", '"', "a", "a", " ", "\n", "\x1b[1m", "é", "±", "🙂"]  # fmt: skip
NAMES = st.lists(st.one_of(st.sampled_from(MEANT), st.characters()), max_size=9).map("".join)


def tables(*names):
    """A table whose every place for a text holds one of the names."""
    columns = (name_column("system"), Column(names[0]), Column("MAP"))
    rows = tuple((Text(n), Text(n, strong=True), Number(0.5, letters="a")) for n in names)
    return [Table(names[0], columns, rows, tuple(names))]


def plain(tokens):
    """The text that a reader sees of inline Markdown."""
    return "".join(token.content for token in tokens if token.type != "html_inline")


def read_as_itself(name):
    """By a parser of CommonMark with GitHub's tables and strikethrough."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parsed = parser.parse(markdown(tables(name)))
    inline = [token for token in parsed if token.type == "inline"]
    seen = visible(name).strip()
    if seen:  # an empty one leaves no paragraph, and no bold
        texts = [plain(token.children) for token in inline]
        # title, header, three cells, a note
        assert texts == [seen, "system", seen, "MAP", seen, seen, "0.5000a", seen]
        kinds = {t.type for token in inline for t in token.children}
        assert kinds <= {"text", "text_special", "strong_open", "strong_close", "html_inline"}
        tags = [t.content for token in inline for t in token.children if t.type == "html_inline"]
        assert tags == ["<sup>", "</sup>"]
        assert {token.type for token in parsed} <= BLOCKS


BLOCKS = {"inline", "paragraph_open", "paragraph_close"} | {
    f"{part}_{end}"
    for part in ("table", "thead", "tbody", "tr", "th", "td")
    for end in ("open", "close")
}


@settings(max_examples=300)
@given(NAMES)
def test_markdown_is_read_as_the_very_name(name):
    read_as_itself(name)


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_markdown_of_what_means_something_is_read_as_the_very_name(name):
    read_as_itself(name)


def test_markdown_gives_github_no_formula_and_no_more_columns():
    for name in NASTY:
        text = markdown(tables(name))
        assert "$" not in text
        assert len(text.splitlines()) == 7
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows} == {4}


MACROS = re.compile(
    r"\\(?:[&%$#_{}]|text(?:asciitilde|asciicircum|backslash|less|greater|bar|asciigrave)\{\}|ldots\{\}"
    r"|[`'^~=.\"urvHc]\{[A-Za-z]\})"
    r"|\$\^?\\[A-Za-z]+\$|\$\^\{\d\}\$|\$-\$"
)


@given(NAMES)
def test_latex_is_ascii_with_known_macros_and_balanced_braces(name):
    text = latex_text(name)
    assert text.isascii()
    assert text.isprintable()
    # no ligature but of those that stand for a character
    assert ("--" in text) <= bool(set(name) & set("–—"))
    assert ("''" in text) <= ("”" in name)
    rest = MACROS.sub("", text).replace("-{}", "-").replace("'{}", "'")
    assert not set(rest) & set("\\$%&#_{}^~<>|")


@example(" *")
@given(NAMES)
def test_no_row_of_latex_begins_with_what_the_row_before_would_take(name):
    lines = latex(tables(name)).splitlines()
    rows = [line for line in lines if line.endswith(r" \\")]
    assert len(rows) == 2
    assert not [row for row in rows if row.lstrip().startswith(("[", "*"))]


def test_every_character_that_the_reports_use_has_a_form_in_latex():
    """No text of our own is named by its code point."""
    used = set()
    for file in sorted((ROOT / "bench").rglob("*.py")):
        if file.name == "escape.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used |= {c for c in node.value if not c.isascii()}
    assert {"±", "κ", "α", "τ", "−", "–", "→", "°"} <= used
    raised = set("ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")  # marks, for the terminal only
    emoji = set("✅❌⚠\ufe0f")  # the heading of a pull request's comment
    rule = {"─"}  # below the header, on a terminal
    assert sorted(c for c in used - raised - emoji - rule if "U+" in latex_text(c)) == []


PDFLATEX = [Path(found)] if (found := shutil.which("pdflatex")) else []


def test_latex_compiles_where_there_is_a_tex(tmp_path):
    """`make test` asks for no TeX: without one, the tests of the characters above are what holds."""
    for tex in PDFLATEX:
        words = " ".join(chr(c) for c in [*range(32, 127), *range(0xA0, 0x250), *range(0x370, 0x400)])
        head = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
        text = latex(tables(*NASTY, words)) + latex(
            run_tables(Record.load(ROOT / "results" / "baseline"))
        )
        (tmp_path / "all.tex").write_text(head + text + "\\end{document}\n", encoding="ascii")
        done = subprocess.run(
            [tex, "-halt-on-error", "-interaction=nonstopmode", "all.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:]
        assert (tmp_path / "all.pdf").exists()


@given(NAMES)
def test_a_terminal_gets_no_control_character_and_no_markup(name):
    out = io.StringIO()
    for part in terminal(tables(name)[0], 10_000):
        Console(file=out, width=10_000, color_system=None).print(part)
    shown = out.getvalue()
    assert all(c.isprintable() or c == "\n" for c in shown)
    title, _, header, _, row, *_ = [*shown.splitlines(), ""]
    assert visible(name).strip() in title
    assert visible(name).strip() in header
    assert row.count(visible(name).strip()) >= 2 or not visible(name).strip()


def test_what_is_printed_is_the_names_themselves(capsys):
    for name in NASTY:
        print_grids(tables(name))
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        # title, header, two cells, a note
        assert shown.count(visible(name).strip()) >= 5


def record_named(names):
    """The committed run, cut down, with these names of systems and query sets and of its measure."""
    content = content_of(ROOT / "results" / "baseline")
    n = 3 * len(names)
    queries = content["queries"]
    for key in ("ids", "splits"):
        queries[key] = queries[key][:n]
    queries["sets"] = (list(names) * 3)[:n]
    systems = list(content["systems"].values())
    content["measures"] = ["nDCG@10", "Recall@5", "Recall@10"]
    for system in systems:
        system["values"] = {m: system["values"][m][:n] for m in content["measures"]}
    content["systems"] = {name: systems[place % len(systems)] for place, name in enumerate(names)}
    for name in names[:1]:
        content["measures"][0] = name
        for system in systems:
            system["values"][name] = system["values"]["nDCG@10"]
    return Record(with_evidence(content))


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("names", [NASTY[n::12] for n in range(12)], ids=ascii)
def test_plots_show_names_and_no_formulas(tmp_path, names):
    plots.draw(record_named(names), tmp_path)
    assert len(list(tmp_path.iterdir())) == 8
    for name in ("recall", "query_sets"):
        root = ElementTree.parse(tmp_path / f"{name}.svg").getroot()
        shown = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
        for one in names:
            assert visible(one) in shown, (name, shown)


def test_one_plot_that_fails_does_not_take_the_others(tmp_path, monkeypatch):
    def broken(_):
        raise ValueError("planted")

    monkeypatch.setitem(plots.PLOTS, "recall", broken)
    with pytest.raises(ValueError, match="planted"):
        plots.draw(record_named(["a", "b"]), tmp_path)
    assert {f.stem for f in tmp_path.iterdir()} == {"difference", "primary", "query_sets"}
