"""docs/cli.md is what the commands' own help says, and says all of it."""

from __future__ import annotations

import re

import pytest
import typer
from studies.reference import PAGE, reference

from bench.cli import app

COMMANDS = typer.main.get_command(app.app).commands


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text(encoding="utf-8") == reference(), "renew it with make docs"


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_page_is_the_same_on_every_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert reference() == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_of_the_help_is_on_the_page(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        COMMANDS[name].main(["--help"], prog_name=f"bench {name}")
    shown = capsys.readouterr().out
    section = PAGE.read_text().split(f"## bench {name}\n", 1)[1].split("\n## ", 1)[0]
    options = set(re.findall(r"^ +(?:-\w+, )?(--[\w-]+)", shown.partition("\nOptions:\n")[2], re.M))
    assert options - {"--help"} <= set(re.findall(r"--[\w-]+", section))
    given = shown.partition("\nArguments:\n")[2].partition("\nOptions:\n")[0]
    for argument in re.findall(r"^  ([^ ]+) ", given, re.M):
        assert f"| `{argument}` |" in section.replace("\\|", "|")


def test_a_row_of_a_table_has_two_cells():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    assert len(rows) > 100
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 3, row
