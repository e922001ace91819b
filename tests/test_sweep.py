"""A sweep ends with one table over the values swept."""

from __future__ import annotations

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
    from bench.report.sweep import sweep_table
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
            ({"retriever": "[bm25]"}, record),
            ({"retriever": "[other]"}, Record(renamed, record.all_values)),
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
    from bench.report.sweep import sweep_table

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
    same = sweep_table([({"x": "1"}, record), ({"x": "2"}, Record(lower, record.all_values))])
    assert [[cell.strong for cell in row] for row in same.rows] == [[False, True], [False, False]]
    assert same.notes[0].startswith("Bold")
    grid = sweep_table([({"x": "1"}, record), ({"x": "2"}, Record(other, record.all_values))])
    assert not any(cell.strong for row in grid.rows for cell in row)
    assert grid.notes == (f"Runs differ in {what}: their means do not mean the same, and none is bold.",)
