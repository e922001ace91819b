"""The README's examples, copied as a newcomer would, run; its figures are those of the baseline."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys

import pytest
from conftest import ROOT, only_run

from bench.report.markdown import markdown
from bench.report.tables import run_tables
from bench.runs.record import Record

README = (ROOT / "README.md").read_text(encoding="utf-8")
BASELINE = ROOT / "results" / "baseline"


def section(title: str) -> str:
    return README.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def copy_files(text: str, folder) -> None:
    """Write each fenced block that follows a line with a file's name."""
    found = re.findall(r"^`([\w./]+)`[^\n]*\n\n```\w+\n(.*?)^```", text, re.M | re.S)
    assert found
    for name, content in found:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line, comments=True)[1:] for line in re.findall(r"^\$ (bench .*)$", text, re.M)]


def marked(name: str) -> str:
    return README.split(f"<!-- {name}: begin -->", 1)[1].split(f"<!-- {name}: end -->", 1)[0].strip()


def test_the_first_lines_are_the_two_commands():
    assert README.startswith("# bench\n\n```console\n$ make bench")
    assert "$ make test" in README.splitlines()[4]


def test_a_notebook_cell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (cell,) = re.findall(r"^```python\n(.*?)^```", section("In a notebook"), re.M | re.S)
    *first, last = ast.parse(cell).body
    assert isinstance(last, ast.Expr)
    names: dict[str, object] = {}
    exec(compile(ast.Module(first, []), "cell", "exec"), names)
    shown = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    assert all(f">{name}<" in shown._repr_html_() for name in ("a bm25", "b flat", "nDCG@10", "MAP"))
    assert not list(tmp_path.iterdir())
    assert shown.save() == only_run(tmp_path / "results" / "runs").relative_to(tmp_path)


def test_an_own_collection(bench, tmp_path):
    text = section("Your own collection")
    copy_files(text, tmp_path)
    (command,) = commands(text)
    done = bench(*command)
    assert done.returncode == 0, done.stderr
    assert Record.load(only_run(tmp_path / "results" / "runs")).query_ids == ["q1", "q2"]


def test_an_own_retriever(bench, tmp_path):
    text = section("Your own retriever")
    copy_files(text, tmp_path)
    (command,) = commands(text)
    done = bench(*command)
    assert done.returncode == 0, done.stderr
    record = Record.load(only_run(tmp_path / "results" / "runs"))
    assert record.systems == ["bm25", "overlap"]
    assert record.values("nDCG@10")[1].mean() > 0.1
    kit = "from bench.testing import check_retriever; from overlap import Overlap; check_retriever(Overlap())"
    subprocess.run([sys.executable, "-c", kit], cwd=tmp_path, check=True)
    # -P: as the installed command, which does not look into the working directory by itself
    run = str(only_run(tmp_path / "results" / "runs"))
    for again in (("verify", run), ("gate", "--baseline", run)):
        done = bench(*again, "--allow", "overlap", python=("-P",))
        assert done.returncode == 0, done.stderr
    refused = bench(*[word for word in command if word not in ("--allow", "overlap")])
    assert refused.returncode == 2
    assert "allow it with --allow overlap" in refused.stderr


@pytest.mark.parametrize("name", ["run"])
def test_the_commands_shown_exist(name):
    shown = commands(section("Running"))
    assert len(shown) >= 6
    assert {command[0] for command in shown} == {name, "list", "show", "report"}


def test_the_figures_are_those_of_the_committed_baseline():
    record = Record.load(BASELINE)
    assert marked("baseline") == markdown(run_tables(record)).strip()
    assert (BASELINE / "summary.md").read_text(encoding="utf-8").strip() == marked("baseline")


def test_the_baseline_is_the_main_job_on_the_shipped_data():
    from bench.collections.beir import digest

    content = Record.load(BASELINE).content
    test = digest().load()
    assert content["collection"]["fingerprint"] == test.collection.fingerprint
    assert content["labels"]["fingerprint"] == test.qrels.fingerprint
    assert content["queries"]["splits"] == ["test"] * len(content["queries"]["ids"])
    assert list(content["systems"]) == ["bm25", "dense", "hybrid", "hnsw"]
    assert content["git"]["clean"] is True


def test_judged_at_10_is_one_for_every_system():
    assert (Record.load(BASELINE).values("Judged@10") == 1).all()


def test_the_speed_table_is_that_of_the_committed_measurement():
    page = (ROOT / "results" / "perf.md").read_text(encoding="utf-8")
    assert marked("perf") in page
    assert "| ratio | measured | aim |" in marked("perf")


def test_no_address_of_a_registry_or_hub_and_no_path_of_a_machine():
    files = [ROOT / name for name in ("Makefile", "requirements.lock", ".ci/run", "pyproject.toml")]
    for file in files:
        assert not re.search(r"https?://|file:/", file.read_text(encoding="utf-8")), file
