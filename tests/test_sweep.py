"""A sweep runs every combination that it can, and ends with one table over the values swept."""

from __future__ import annotations

import itertools
import re
import tempfile
from copy import deepcopy
from pathlib import Path

import pytest
from conftest import write_beir

from bench.cli import app
from bench.runs.record import Record


def rows(out):
    """The cells of the last table: header and lines."""
    lines = [line.split() for line in out.split(" runs, ")[-1].splitlines()]
    rule = next(n for n, line in enumerate(lines) if line and set(line[0]) == {"─"})
    return [lines[rule - 1], *lines[rule + 1 : lines.index([], rule)]]


def test_a_line_a_combination_with_its_values_and_the_primary_of_each_system(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    tiny = write_beir(tmp_path / "tiny")
    app.app(
        args=[
            "run", "-m", "collection=beir", f"collection.path={tiny}", "retriever=[bm25]",
            "+retrievers.other._target_=bench.retrievers.bm25.BM25", "+retrievers.other.k1=0.5,2.0",
            "retrievers.bm25.b=0.0,1.0", "measures=[MAP]", "output=out",
        ],
        standalone_mode=False,
    )  # fmt: skip
    found = rows(capsys.readouterr().out)
    assert found[0] == ["k1", "b", "bm25", "other"]
    expected = {}
    for folder in Path("out").iterdir():
        record = Record.load(folder)
        systems = record.content["config"]["retrievers"]
        key = systems["other"]["k1"], systems["bm25"]["b"]
        expected[key] = [f"{mean:.4f}" for mean in record.values("MAP").mean(axis=1)]
    assert [(float(k1), float(b)) for k1, b, *_ in found[1:]] == [
        (0.5, 0.0), (0.5, 1.0), (2.0, 0.0), (2.0, 1.0),
    ]  # fmt: skip
    for k1, b, *means in found[1:]:
        assert means == expected[float(k1), float(b)]


def test_one_run_has_no_such_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tiny = write_beir(tmp_path / "tiny")
    command = [
        "run",
        "-m",
        "collection=beir",
        f"collection.path={tiny}",
        "retriever=[bm25]",
        "output=out",
    ]
    app.app(args=command, standalone_mode=False)
    assert " runs, " not in capsys.readouterr().out


def test_a_system_that_only_some_runs_have_and_lists_as_values(saved):
    from bench.report.sweep import Combination, sweep_table
    from bench.report.table import Number, Text

    record = Record.load(saved)
    content = {**record.content, "systems": {"bm25": record.content["systems"]["bm25"]}}
    renamed = {**content, "systems": {"other": content["systems"]["bm25"]}}
    evidence = {**content["evidence"]}
    evidence["means"] = {
        group: {m: {"other": its["bm25"]} for m, its in by_measure.items()}
        for group, by_measure in evidence["means"].items()
    }
    renamed["evidence"] = evidence
    table = sweep_table(
        [
            Combination({"retriever": "[bm25]"}, record),
            Combination({"retriever": "[other]"}, Record(renamed, record.all_values)),
        ]
    )
    assert [column.title for column in table.columns] == ["retriever", "bm25", "other"]
    mean = Number(pytest.approx(record.values(record.primary).mean()))
    assert table.rows == ((Text("[bm25]"), mean, None), (Text("[other]"), None, mean))


@pytest.mark.parametrize(
    ("key", "what"),
    [("collection", "corpus"), ("labels", "labels"), ("queries", "queries"), ("depth", "depth")],
)
def test_means_over_other_data_or_rules_are_not_ranked(saved, key, what):
    from bench.report.sweep import Combination, sweep_table

    record = Record.load(saved)
    lower = deepcopy(record.content)
    means = lower["evidence"]["means"]
    for by_measure in means.values():
        for its in by_measure.values():
            for row in its.values():
                row["mean"] -= 0.1
    other = deepcopy(lower)
    if key == "depth":
        other["config"]["depth"] = 20
    else:
        other[key]["fingerprint"] = "0" * 64
    first = Combination({"x": "1"}, record)
    same = sweep_table([first, Combination({"x": "2"}, Record(lower, record.all_values))])
    assert [[cell.strong for cell in row] for row in same.rows] == [[False, True], [False, False]]
    assert same.notes[0].startswith("Bold")
    grid = sweep_table([first, Combination({"x": "2"}, Record(other, record.all_values))])
    assert not any(cell.strong for row in grid.rows for cell in row)
    assert grid.notes == (f"Runs differ in {what}: their means do not mean the same, and none is bold.",)


# Fails as it is told to, when it is asked to index.
FICKLE = """
from dataclasses import dataclass
import signal
import sys
from bench.retrievers.bm25 import BM25

@dataclass(frozen=True)
class Fickle:
    how: str = "well"

    def index(self, collection, store):
        if self.how == "memory":
            raise MemoryError("8 TB")
        if self.how == "leave":
            sys.exit(0)
        if self.how == "interrupt":
            signal.raise_signal(signal.SIGINT)
        if self.how == "badly":
            raise ValueError("planted")
        return BM25().index(collection, store)
"""


@pytest.fixture
def sweep(tmp_path, monkeypatch, capsys):
    """Sweep over a collection of its own; return exit code, what is printed and what is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tiny = write_beir(tmp_path / "tiny")
    (tmp_path / "fickle_of_sweeps.py").write_text(FICKLE)
    fickle = "+retrievers.fickle._target_=fickle_of_sweeps.Fickle"

    def call(*settings, debug=False, retriever="[]"):
        usual = f"collection.path={tiny}", f"retriever={retriever}"
        given = {one.partition("=")[0] for one in settings}
        code = app._exit_code(
            [
                "run", "-m", "collection=beir", fickle, "output=out", "measures=[nDCG@10]",
                "--allow", "fickle_of_sweeps", *settings, *(one for one in usual if one.partition("=")[0] not in given),
            ],
            debug,
        )  # fmt: skip
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def hows():
    """How the system of each saved run was told to work."""
    folders = [folder for folder in Path("out").glob("*") if folder.is_dir() and folder.name[0] != "."]
    found = [Record.load(folder).content["config"]["retrievers"]["fickle"] for folder in folders]
    return sorted(one.get("how", "well") for one in found)


@pytest.mark.parametrize("order", list(itertools.permutations(["well", "badly", "memory"])))
def test_one_that_fails_stops_no_other_and_the_worst_decides_the_exit_code(sweep, order):
    code, out, err = sweep(f"+retrievers.fickle.how={','.join(order)}", "seed=1")
    assert code == 70
    assert hows() == ["well"]
    header, *lines = rows(out)
    assert header == ["how", "fickle"]
    assert [how for how, _ in lines] == list(order)
    assert {how: cell for how, cell in lines if how != "well"} == {"badly": "failed", "memory": "failed"}
    assert re.fullmatch(r"0\.\d{4}", dict(lines)["well"])
    said = [line for line in err.splitlines() if line.startswith("bench: ")]
    named = {re.search("how=(.*?): ", line)[1]: line for line in said}
    assert len(said) == len(named) == 2
    assert named["badly"].startswith("bench: retrievers.fickle.how=badly: ")
    assert "ValueError: planted" in named["badly"]
    assert named["memory"].startswith("bench: retrievers.fickle.how=memory: internal error: MemoryError")
    kept = re.search(r"the traceback is in (\S+),", named["memory"])[1]
    assert "8 TB" in Path(kept).read_text()
    failed = [f"retrievers.fickle.how={how}" for how in order if how != "well"]
    assert f"Failed: {', '.join(failed)}; stderr says why." in out


def test_a_system_that_calls_sys_exit_fails_alone(sweep):
    code, out, err = sweep("+retrievers.fickle.how=leave,well", retriever="[bm25]")
    assert code == 70
    assert hows() == ["leave", "well"]
    header, left, well = rows(out)
    assert header == ["how", "bm25", "fickle"]
    assert left == ["leave", well[1], "failed"]
    (said,) = err.splitlines()
    assert said.startswith("bench: retrievers.fickle.how=leave, fickle: internal error: RuntimeError: ")
    assert "retriever 'fickle': Fickle.index called sys.exit(0)" in said


def test_a_run_whose_only_system_calls_sys_exit_is_no_pass(sweep):
    code, out, err = sweep("+retrievers.fickle.how=leave")
    assert (code, out) == (70, "")
    assert "Fickle.index called sys.exit(0)" in err


def test_bad_input_alone_is_2_and_found_by_the_data_too(sweep):
    """That a depth is too small for a measure is known only where the run begins."""
    code, out, err = sweep("depth=5,10", "+retrievers.fickle.how=well,badly")
    assert code == 2
    assert hows() == ["well"]
    said = err.splitlines()
    assert said[0].startswith("bench: depth=5 retrievers.fickle.how=well: depth 5 is less than")
    assert said[1].startswith("bench: depth=5 retrievers.fickle.how=badly: depth 5 is less than")
    assert said[2].startswith("bench: depth=10 retrievers.fickle.how=badly: retriever 'fickle'")
    assert len(said) == 3
    assert [line[:2] for line in rows(out)[1:]] == [
        ["5", "well"], ["5", "badly"], ["10", "well"], ["10", "badly"],
    ]  # fmt: skip


def test_where_all_fail_there_is_a_line_for_each_and_no_table(sweep):
    code, out, err = sweep("+retrievers.fickle.how=badly,badly", "depth=10,20")
    assert (code, out) == (2, "")
    assert err.count("bench: retrievers.fickle.how=badly depth=") == err.count("\n") == 4


def test_a_system_that_fails_in_one_combination_is_named_with_it(sweep):
    code, out, err = sweep("+retrievers.fickle.how=well,badly", retriever="[bm25]")
    assert code == 2
    assert hows() == ["badly", "well"]
    (said,) = [line for line in err.splitlines() if line.startswith("bench: ")]
    assert said.startswith("bench: retrievers.fickle.how=badly, fickle: ")
    (header, well, badly) = rows(out)
    assert header == ["how", "bm25", "fickle"]
    assert badly == ["badly", well[1], "failed"]


def test_of_systems_that_are_swept_themselves_each_stands_in_its_own_column(sweep):
    code, out, _ = sweep("+retrievers.fickle.how=badly", retriever="[],[bm25]")
    assert code == 2
    assert rows(out)[0] == ["retriever", "fickle", "bm25"]
    assert rows(out)[1] == ["[]", "failed", "–"]
    assert rows(out)[2][:2] == ["[bm25]", "failed"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["retrievers.bm25.b=0.5,7,0.6"], "retrievers.bm25.b=7: bm25.b must lie between 0 and 1, got 7"),
        (["depth=10,-1"], "depth=-1: depth must be at least 1, got -1"),
        (["retriever=[bm25],[dens]"], "retriever=[dens]: unknown retriever 'dens'"),
        (["seed=1", "collection.path=tiny,gone"], "collection.path=gone: collection folder gone does"),
    ],
)
def test_a_setting_that_is_wrong_in_one_combination_is_refused_before_the_first_runs(
    sweep, settings, says
):
    code, out, err = sweep(*settings, retriever="[bm25]")
    assert (code, out) == (2, "")
    assert err.startswith(f"bench: {says}")
    assert err.count("\n") == 1
    assert not Path("out").exists()


def test_an_interrupt_stops_all(sweep):
    code, out, err = sweep("+retrievers.fickle.how=well,interrupt,badly,memory")
    assert code == 130
    assert hows() == ["well"]
    assert " runs, " not in out
    assert [line for line in err.splitlines() if line.startswith("bench: ")] == ["bench: interrupted"]


def test_a_sweep_of_one_run_says_its_failure_as_a_run_does(sweep):
    code, _, err = sweep("+retrievers.fickle.how=badly")
    assert code == 2
    assert err.startswith("bench: retriever 'fickle'")


def test_debug_shows_the_traceback_of_each(sweep):
    _, _, err = sweep("+retrievers.fickle.how=badly,memory", debug=True)
    assert err.count("Traceback") >= 2
