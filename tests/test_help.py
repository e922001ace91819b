"""The help: commands in the order in which they are needed, and examples that run as they stand."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest
import typer
from conftest import only_run, write_beir

from bench.cli import app
from bench.cli.compose import compose, jobs
from bench.cli.examples import EXAMPLES
from bench.errors import BenchError

ORDER = "run list show compare diff gate verify report tune import split judge agree adjudicate export ingest complete"


def example_lines(name):
    """The arguments of each example of a command; two blanks or more begin what is said of it."""
    lines = [line for line in EXAMPLES[name].splitlines() if line.startswith("bench ")]
    return [shlex.split(re.split(r"\s{2,}", line)[0])[1:] for line in lines]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder in which every name of the examples is there."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        test = write_beir(folder / "DIR") / "qrels" / "test.tsv"
        header, *lines = test.read_text().splitlines()
        rows = [line.split() for line in lines]
        # The same queries again, to choose settings on.
        with (folder / "DIR" / "queries.jsonl").open("a") as queries:
            queries.writelines(f'{{"_id": "e{n}", "text": "graph search {n}"}}\n' for n in range(1, 5))
        again = [line.replace("q", "e", 1) for line in lines]
        (folder / "DIR" / "qrels" / "dev.tsv").write_text("\n".join([header, *again]) + "\n")
        (folder / "qrels.txt").write_text("".join(f"{q} 0 {d} {g}\n" for q, d, g in rows))
        for name, tag in (("FILE", "theirs"), ("other.trec", "other")):
            whole = [
                f"q{q} Q0 d{d:02} {d} {(d * q) % 13}.5 {tag}\n"
                for q in range(1, 5)
                for d in range(1, 13)
            ]
            (folder / name).write_text("".join(whole))
        shutil.copy(folder / "FILE", folder / "theirs.trec")
        (folder / "DIR" / "passes").mkdir()
        for name in ("anna", "ben"):
            every = "".join(f"q{q}\td{d:02}\t{d % 4}\n" for q in range(1, 5) for d in range(1, 13))
            (folder / "DIR" / "passes" / f"{name}.tsv").write_text(
                "query-id\tcorpus-id\tscore\n" + every
            )
        for name, k1 in (("RUN", "1.2"), ("OTHER", "0.3")):
            run = ["run", "retriever=[bm25,runfile]", "retrievers.runfile.path=theirs.trec"]
            mine = ["collection=beir", "collection.path=DIR", f"retrievers.bm25.k1={k1}", "output=out"]
            assert app._command([*run, *mine]) == 0
            only_run(folder / "out").rename(folder / name)
        for kind in ("csv", "tsv"):
            between = "," if kind == "csv" else "\t"
            for name, rows in (
                ("articles", ("id title body", "a1 Parcels Print", "a2 Refunds Ten")),
                ("queries", ("id text", "q1 parcels", "q2 refunds")),
                ("qrels", ("query article label", "q1 a1 1", "q2 a2 1")),
            ):
                text = "".join(row.replace(" ", between) + "\n" for row in rows)
                (folder / f"{name}.{kind}").write_text(text)
        for name, text in (
            ("retriever/mine", "# @package retrievers\nmine: {_target_: my_module.Mine}\n"),
            ("experiment/nightly", "# @package _global_\ndepth: 10\n"),
        ):
            file = folder / "conf" / f"{name}.yaml"
            file.parent.mkdir(parents=True)
            file.write_text(text)
        yield folder


def test_commands_stand_in_the_order_in_which_they_are_needed(capsys):
    app._command(["--help"])
    listed = capsys.readouterr().out.partition("Commands:\n")[2]
    assert re.findall(r"^  (\w+)", listed, re.M) == ORDER.split()


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_shows_examples_a_line_each(name, capsys):
    app._command([name, "--help"])
    shown = capsys.readouterr().out
    assert len(example_lines(name)) >= 2
    for line in EXAMPLES[name].splitlines():
        assert not line.startswith("bench ") or f"  {line}\n" in shown
    assert "if not." not in shown


@pytest.mark.parametrize("name", ["compare", "diff", "gate", "agree", "import", "tune"])
def test_examples_run(name, place, capsys):
    own = ["collection=beir", "collection.path=DIR"] if name == "tune" else []
    for line in example_lines(name):
        shutil.rmtree(place / "imported", ignore_errors=True)
        words = [word.replace("tune.folds=10", "tune.folds=2") for word in line]
        if name == "import":
            words = [word.replace("DIR", "imported") for word in words]
        if name == "tune":
            words += [word for word in (*own, "tune.folds=2") if word not in words]
        # What a gate finds is not the example's fault.
        assert app._command(words) in ((0, 1, 3) if name == "gate" else (0,)), line
    capsys.readouterr()


def test_examples_of_run_give_settings(place):
    command = typer.main.get_command(app.app).commands["run"]
    for name, *words in example_lines("run"):
        if name == "run":
            given = command.make_context("run", words).params
            own = given["own"] or ()
            settings = given["settings"] or []
            for job in jobs(settings, own) if given["sweep"] else [settings]:
                assert compose(job, own)["retrievers"]


def test_examples_of_judge_get_as_far_as_the_terminal(place, monkeypatch):
    monkeypatch.setattr("sys.__stdin__", None)
    for words in example_lines("judge"):
        with pytest.raises(BenchError, match="judging needs a terminal"):
            app._command(words)


@pytest.mark.parametrize("command", ["import", "compare", "judge"])
def test_a_missing_argument_points_to_the_help_of_its_command(command, capsys):
    assert app._exit_code([command], debug=False) == 2
    assert "Missing argument" in (said := capsys.readouterr().err)
    assert said.endswith(f" See 'bench {command} --help'.\n")
