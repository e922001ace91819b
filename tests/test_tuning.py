"""Tuning sees dev only, its cross-validation never measures a query that helped to choose."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import DOCUMENTS, QRELS, QUERIES, ROOT, write_beir
from hypothesis import given
from hypothesis import strategies as st

from bench.crossval import cross_validate, folds_of, grid


@given(st.integers(2, 8), st.lists(st.sampled_from(["a", "b", "c"]), min_size=8, max_size=60))
def test_folds_are_even_in_all_and_in_each_set_and_follow_from_ids_alone(folds, sets):
    ids = [f"q{n}" for n in range(len(sets))]
    fold = folds_of(ids, sets, folds)
    for group in {"all", *sets}:
        sizes = np.bincount(
            [f for f, s in zip(fold, sets, strict=True) if group in ("all", s)], minlength=folds
        )
        assert sizes.max() - sizes.min() <= 1
    back = folds_of(ids[::-1], sets[::-1], folds)
    if len(set(sets)) == 1:
        assert (back[::-1] == fold).all()


def test_a_query_is_measured_by_a_setting_that_others_chose():
    # setting 1 is best everywhere but on fold 0, where it is worst: fold 0 can not know
    values = np.array([[0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]])
    held_out, choices = cross_validate(values, np.array([0, 0, 1, 1]))
    assert choices == [1, 0]
    assert held_out.tolist() == [0.0, 0.0, 0.5, 0.5]


def test_of_equal_settings_the_first_wins():
    _, choices = cross_validate(np.full((3, 4), 0.7), np.array([0, 1, 0, 1]))
    assert choices == [0, 0]


def test_the_grid_is_every_combination_in_order():
    assert list(grid({"a": [1, 2], "b": ["x"]})) == [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}]


def split_collection(folder):
    write_beir(folder)
    file = folder / "qrels" / "test.tsv"
    header, *lines = file.read_text().splitlines(keepends=True)
    (folder / "qrels" / "dev.tsv").write_text(
        header + "".join(x for x in lines if x[:2] in ("q1", "q2"))
    )
    file.write_text(header + "".join(x for x in lines if x[:2] in ("q3", "q4")))
    assert len(QUERIES) == 4
    assert QRELS
    assert DOCUMENTS
    return folder


def test_the_chosen_setting_is_told_once_on_test(bench, tmp_path):
    folder = split_collection(tmp_path / "c")
    done = bench(
        "tune", "retriever=bm25", "collection=beir", f"collection.path={folder}", "tune.folds=2",
        "output=out", "retrievers.bm25.k1=0.1,1.2", "tune.space.b=[0.0,0.75]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "tune-bm25.json").read_text())
    assert list(told["means"]) == ["default", "k1=0.1 b=0.0", "k1=0.1 b=0.75", "k1=1.2 b=0.0"]
    assert told["means"][told["chosen"]] == max(told["means"].values())
    assert told["n_dev"] == 2
    assert len(told["fold_choices"]) == 2
    assert (tmp_path / "out" / "tune-bm25.md").read_text().startswith("**bm25: 4 settings")


def test_the_shipped_spaces_name_real_settings(bench, tmp_path):
    assert {p.stem for p in (ROOT / "conf" / "tune").glob("*.yaml")} >= {"bm25", "hybrid"}
    done = bench("tune", "retriever=bm25", "tune.space.k1=[0.6]", "output=out")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "tune-bm25.json").read_text())
    assert told["n_dev"] == 109
    assert told["on_test"] is None or told["on_test"]["n"] == 165


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retriever=bm25", "collection.split=test"], "tuning sees the dev queries only"),
        (["retriever=bm25", "collection.split=all"], "tuning sees the dev queries only"),
        ([], "name the one retriever to tune"),
        (["retriever=[bm25,dense]"], "name the one retriever to tune"),
        (["retriever=bm52"], "unknown retriever 'bm52'; did you mean 'bm25'"),
        (["retriever=dense"], "unknown tune 'dense'"),
        (["retriever=bm25", "retrievers.bm25.k2=1,2"], "unknown setting 'k2'"),
        (["retriever=bm25", "depth=10,20"], "cannot search over 'depth'"),
        (["retriever=bm25", "retrievers.bm25.k1=-1,1"], "k1"),
        (["retriever=bm25", "tune.folds=1"], "1 folds are not possible"),
        (["retriever=bm25", "retrievers.bm25.k1=[1"], "cannot read the override"),
    ],
)
def test_what_can_not_be_tuned_is_said_in_words(refusal, tmp_path, arguments, said):
    assert said in refusal("tune", *arguments, "output=out")
    assert not (tmp_path / "out").exists()


def test_a_refusal_to_tune_is_one_line_and_exit_code_2(bench):
    done = bench("tune", "retriever=bm25", "collection.split=test")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
