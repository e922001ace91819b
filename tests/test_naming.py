"""Runs are called by the settings in which they differ, and compared system by system."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import write_beir
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import app
from bench.experiment.run import run_and_save
from bench.runs.contenders import gather
from bench.runs.naming import ABSENT, differing, labels, run_and_system, short_keys, system_titles

ENCODER = {"model": "one", "sha256": "a" * 64}


def config(output="out", encoder=ENCODER, **bm25):
    return {
        "encoder": encoder,
        "retrievers": {"bm25": {"k1": 1.2, "b": 0.75, **bm25}, "dense": {"encoder": encoder}},
        "output": output,
    }


def test_what_differs_stands_once_whatever_refers_to_it():
    other = config(encoder={"model": "two", "sha256": "b" * 64}, k1=0.9)
    assert differing([config(), other]) == {
        "encoder.model": ("one", "two"),
        "encoder.sha256": ("a" * 64, "b" * 64),
        "retrievers.bm25.k1": (1.2, 0.9),
    }
    fewer = {**config(), "retrievers": {"bm25": {"k1": 1.2, "b": 0.75}}}
    assert differing([fewer, config()]) == {"retrievers.dense": (ABSENT, {"encoder": ENCODER})}
    assert differing([{"a": True}, {"a": 1}]) == {"a": (True, 1)}


def bm25(**settings):
    return {"k1": 1.2, "b": 0.75, **settings}


def dense(model, sha256):
    return {"encoder": {"model": model, "sha256": sha256}}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([bm25(), bm25(k1=0.9)], ["k1=1.2", "k1=0.9"]),
        (
            [bm25(), bm25(k1=0.9), bm25(b=0.3)],
            ["k1=1.2, b=0.75", "k1=0.9, b=0.75", "k1=1.2, b=0.3"],
        ),
        ([dense("one", "a"), dense("two", "b")], ["model=one", "model=two"]),
        ([dense("one", "a" * 64), dense("one", "b")], ["r0", "r1"]),  # 64 characters
        ([bm25(), bm25()], ["r0", "r1"]),
        ([bm25(), bm25(k1=0.9), bm25(k1=0.9)], ["r0", "r1", "r2"]),
    ],
)  # fmt: skip
def test_labels(settings, expected):
    assert labels([f"runs/r{n}" for n in range(len(settings))], settings) == expected


def test_folders_of_one_name_keep_their_path():
    assert labels(["a/run", "b/run"], [bm25(), bm25()]) == ["a/run", "b/run"]


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join), unique=True))
def test_short_keys_tell_apart(keys):
    short = short_keys(keys)
    assert len(set(short.values())) == len(keys)
    assert all(key == tail or key.endswith(f".{tail}") for key, tail in short.items())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of two systems of the same names, and a third system that only the second has."""
    folder = tmp_path_factory.mktemp("naming")
    bm25 = {"_target_": "bench.retrievers.bm25.BM25"}
    tiny = str(write_beir(folder / "tiny"))
    found = []
    for b, more in ((0.75, {}), (0.0, {"extra": bm25})):
        settings = {
            "collection": {"_target_": "bench.collections.beir.BeirFolder", "path": tiny},
            "retrievers": {"bm25": {**bm25, "b": b}, "same": {**bm25, "k1": 2}, **more},
            "measures": ["nDCG@10", "MAP"],
            "depth": 100,
            "seed": 0,
            "trec_header": False,
            "output": str(folder / "out"),
        }
        found.append(str(run_and_save(settings)[1]))
    return found


def compared(runs, tmp_path, *options):
    out = tmp_path / "c.json"
    app.app(
        args=["compare", *runs, "--measure", "MAP", "--out", str(out), *options], standalone_mode=False
    )
    return [(row["system"], row["baseline"]) for row in json.loads(out.read_text())]


def test_two_runs_are_compared_system_by_system(runs, tmp_path, capsys):
    assert compared(runs, tmp_path) == [
        ("bm25 (b=0.0)", "bm25 (b=0.75)"),
        (f"same ({Path(runs[1]).name})", f"same ({Path(runs[0]).name})"),
    ]
    said = capsys.readouterr().err
    assert f"bm25 (b=0.75) is of {runs[0]}\nbm25 (b=0.0), extra are of {runs[1]}\n" in said
    assert "not compared, as they are not in the first run and another: extra\n" in said


def test_a_system_that_was_named_is_compared_beside_a_run_that_pairs_by_name(runs, tmp_path, capsys):
    one, other = runs
    third = tmp_path / "third"
    shutil.copytree(other, third)
    found = compared([f"{one}:bm25", f"{other}:same", str(third)], tmp_path)
    assert [tuple(name.split()[0] for name in pair) for pair in found] == [
        ("bm25", "bm25"),
        ("same", "bm25"),
    ]
    assert Path(other).name in found[1][0], "the one that was named"
    said = capsys.readouterr().err
    assert "not compared, as they are not in the first run and another: same (third), extra\n" in said


def test_what_was_named_stays_as_it_was(runs, tmp_path):
    one, other = runs
    assert compared([f"{one}:bm25", f"{other}:same"], tmp_path) == [("same", "bm25")]
    assert compared([f"{one}:bm25", f"{one}:same"], tmp_path) == [(f"{one}:same", f"{one}:bm25")]
    for name in ("bm25 (b=0.0)", f"{other}:bm25"):
        found = compared(runs, tmp_path, "--baseline", name)
        assert len(found) == 4
        assert {baseline for _, baseline in found} == {"bm25 (b=0.0)"}


def test_both_means_stand_beside_the_difference(runs, tmp_path, capsys):
    compared(runs, tmp_path)
    means = gather(runs, None, ["MAP"]).values.mean(axis=-1)[:, 0]
    line = next(
        line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("bm25 (b=0.0)")
    )
    assert f"{means[2]:.4f}" in line
    assert f"{means[0]:.4f}" in line
    (row, *_) = json.loads((tmp_path / "c.json").read_text())
    assert (row["mean"], row["baseline_mean"]) == pytest.approx((means[2], means[0]))
    assert row["mean"] - row["baseline_mean"] == pytest.approx(row["difference"])


@pytest.mark.parametrize(
    ("name", "path", "system"),
    [
        ("run", "run", ""),
        ("run:a", "run", "a"),
        ("run:a:b", "run", "a:b"),
        ("one:two", "one:two", ""),
        ("one:two:a:b", "one:two", "a:b"),
        ("gone", "gone", ""),
        ("gone:a", "gone", "a"),
    ],
)
def test_folders_and_systems_may_have_colons(tmp_path, monkeypatch, name, path, system):
    monkeypatch.chdir(tmp_path)
    for folder in ("run", "one:two"):
        (tmp_path / folder).mkdir()
    assert run_and_system(name) == (Path(path), system)


def test_a_system_is_called_by_its_own_settings_only():
    """`bm25 (flat.b=0.6)`, or `bm25 (model=two)`, would name what is no setting of bm25."""
    models = ("one", "two")
    runs = [
        {
            "encoder": {"model": model},
            "depth": 10,
            "retrievers": {
                "bm25": {"b": 0.9},
                "flat": {"b": b},
                "dense": {"encoder": {"model": model}},
                "hybrid": {"parts": {"lexical": {"b": b}, "dense": {"encoder": {"model": model}}}},
            },
        }
        for b, model in zip((0.1, 0.6), models, strict=True)
    ]
    names = ("bm25", "flat", "dense", "hybrid")
    titles, notes = system_titles([(f"runs/r{n}", names, run) for n, run in enumerate(runs)])
    assert titles == [
        title
        for n, (b, model) in enumerate(zip((0.1, 0.6), models, strict=True))
        for title in (
            f"bm25 (r{n})", f"flat (b={b})", f"dense (model={model})", f"hybrid (b={b}, model={model})",
        )
    ]  # fmt: skip
    assert notes == [
        f"{', '.join(titles[1:4])} are of runs/r0",
        f"{', '.join(titles[5:8])} are of runs/r1",
    ]


def test_systems_that_one_run_has_need_no_label():
    runs = [{"retrievers": {name: {"b": 0.1}}} for name in ("one", "two")]
    titles, _ = system_titles([("runs/a", ["one"], runs[0]), ("runs/b", ["two"], runs[1])])
    assert titles == ["one", "two"]


def test_a_run_file_of_the_name_of_a_system_is_told_from_it():
    run = {"retrievers": {"one": {"b": 0.1}}}
    titles, _ = system_titles(
        [
            ("runs/a", ["one"], run),
            ("runs/b", ["two"], {"retrievers": {"two": {}}}),
            ("one", ["one"], None),
        ]
    )
    assert titles == ["one (a)", "two", "one"]
