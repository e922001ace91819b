"""Tuning sees dev only, its cross-validation never measures a query that helped to choose."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from conftest import DOCUMENTS, QRELS, QUERIES, ROOT, only_run, write_beir
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import app
from bench.cli.compose import compose, read
from bench.cli.tune import _in_grammar
from bench.errors import BenchError
from bench.evaluation import systems
from bench.evaluation.systems import run_systems
from bench.evidence.comparison import compare
from bench.evidence.crossval import Tuned, cross_validate, first_best, folds_of, grid
from bench.experiment import looks, tuning
from bench.report.tuning import tuning_tables
from bench.runs.record import Record
from bench.storage.files import write_numbered


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


def test_of_means_that_differ_by_rounding_alone_the_first_wins():
    """The same values in another order add up to another last bit."""
    default = [0.1, 0.2, 0.3]
    other = [0.3, 0.2, 0.1]
    means = [sum(default) / 3, sum(other) / 3, 0.1]
    assert len(set(means)) == 3
    for pair in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        ordered = [means[place] for place in pair]
        assert first_best(ordered) == (1 if pair[0] == 2 else 0)


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


def tuned_on(folder, *more):
    """Arguments of a search on a collection of two dev and two test queries."""
    return (
        "tune", "retriever=bm25", "collection=beir", f"collection.path={folder}", "tune.folds=2",
        "output=out", *more,
    )  # fmt: skip


# Documents on which b decides: the short one wins with length normalisation, the long one without.
LENGTH = {
    "d1": ("", "graph"),
    "d2": ("", "graph graph " + "filler " * 40),
    "d3": ("", "other words only"),
}
ASKED = {f"q{n}": ("graph", "topic") for n in range(1, 9)}
DEV, TEST = ("q1", "q2", "q3", "q4"), ("q5", "q6", "q7", "q8")


def where_b_decides(folder, dev="d2", test="d2"):
    """Four dev queries and four test queries, each with one relevant document."""
    write_beir(folder, LENGTH, ASKED, {})
    for split, queries, doc in (("dev", DEV, dev), ("test", TEST, test)):
        lines = "".join(f"{query}\t{doc}\t1\n" for query in queries)
        (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + lines)
    return folder


@pytest.fixture
def called(tmp_path, monkeypatch):
    """The command line in this process, which is faster; in one of its own it is tried below."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: app.app(args=list(arguments), standalone_mode=False)


SPACE = ("tune.space={k1:[1.2]}", "tune.space.k1=[1.2]", "tune.space.b=[0.0,0.75]")


def test_the_choice_is_told_beside_the_default_on_the_same_queries(called, tmp_path):
    folder = where_b_decides(tmp_path / "c")
    called(*tuned_on(folder, *SPACE, "measures=[MRR@10]"))
    told = json.loads((tmp_path / "out" / "tune-bm25.json").read_text())
    # b=0 finds the long document first, b=0.75 (the default) second
    assert told["means"] == {"default": 0.5, "k1=1.2 b=0.0": 1.0}
    assert told["chosen"] == "k1=1.2 b=0.0"
    assert told["fold_choices"] == ["k1=1.2 b=0.0"] * 2
    assert told["validated"] == 1.0
    on_dev = told["on_dev"]
    assert (on_dev["system"], on_dev["baseline"], on_dev["n"]) == ("chosen by search", "default", 4)
    assert (on_dev["difference"], on_dev["wins"], on_dev["losses"]) == (0.5, 4, 0)
    assert told["test_means"] == [0.5, 1.0]
    assert (told["on_test"]["difference"], told["on_test"]["n"]) == (0.5, 4)
    assert told["look"] == 1
    page = (tmp_path / "out" / "tune-bm25.md").read_text()
    assert "| dev, held-out | by each fold | 1.0000 | 0.5000 | +0.5000 |" in page
    assert "| test | k1=1.2 b=0.0 | 1.0000 | 0.5000 | +0.5000 |" in page
    assert "look 1 at these test labels" in page


def test_what_the_folds_chose_is_compared_query_by_query(called, tmp_path):
    """Where folds disagree, choosing by search loses, though the best setting on all dev ties."""
    folder = where_b_decides(tmp_path / "c")
    # which of the four queries is in which fold follows from their ids
    fold = folds_of(DEV, ("topic",) * 4, 2)
    lines = [f"{q}\t{'d2' if f else 'd1'}\t1\n" for q, f in zip(DEV, fold, strict=True)]
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))
    called(*tuned_on(folder, *SPACE, "measures=[MRR@10]"))
    told = json.loads((tmp_path / "out" / "tune-bm25.json").read_text())
    # fold 0 wants the default and is measured by what fold 1 likes, and the other way round
    assert told["means"] == {"default": 0.75, "k1=1.2 b=0.0": 0.75}
    assert told["validated"] == 0.5
    assert told["on_dev"]["difference"] == pytest.approx(0.5 - 0.75)
    assert (told["on_dev"]["wins"], told["on_dev"]["ties"], told["on_dev"]["losses"]) == (0, 2, 2)


def test_test_is_not_looked_at_when_the_default_is_chosen(called, tmp_path):
    folder = where_b_decides(tmp_path / "c", dev="d1")
    called(*tuned_on(folder, *SPACE, "measures=[MRR@10]"))
    text = (tmp_path / "out" / "tune-bm25.json").read_text()
    told = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert told["chosen"] == "default"
    assert (told["test_means"], told["on_test"], told["look"]) == (None, None, None)
    assert not (tmp_path / "out" / looks.LEDGER).exists()
    assert "nothing was measured on test" in (tmp_path / "out" / "tune-bm25.md").read_text()


def test_default_chosen_means_that_no_value_of_test_was_computed(tmp_path, monkeypatch):
    """Measuring is watched where it is done: on which queries were systems run?"""
    folder = where_b_decides(tmp_path / "c", dev="d1")
    monkeypatch.chdir(tmp_path)
    asked = []

    def watched(test, *rest):
        asked.extend(test.queries.ids)
        return run_systems(test, *rest)

    monkeypatch.setattr(tuning, "run_systems", watched)
    settings = compose(
        [f"collection.path={folder}", "collection=beir", "collection.split=dev", "retriever=[bm25]",
         "measures=[MRR@10]", "output=out"]
    )  # fmt: skip
    tuned = tuning.tune(settings, "bm25", {"b": [0.0]}, 2)
    assert (tuned.chosen, tuned.look, tuple(asked)) == ("default", None, DEV)


def test_each_look_at_test_is_in_the_ledger_and_counted(called, tmp_path, capsys):
    folder = where_b_decides(tmp_path / "c")
    other = where_b_decides(tmp_path / "o", test="d1")
    out = tmp_path / "out"
    for collection, number in ((folder, 1), (folder, 2), (other, 1), (folder, 3)):
        called(*tuned_on(collection, *SPACE, "measures=[MRR@10]"))
        assert f"look {number} at these test labels" in capsys.readouterr().out
    assert {file.name for file in out.iterdir()} == {
        looks.LEDGER,
        *(f"tune-bm25{n}.{kind}" for n in ("", "-2", "-3", "-4") for kind in ("json", "md")),
    }
    assert [
        json.loads((out / f"tune-bm25{n}.json").read_text())["look"] for n in ("", "-2", "-3", "-4")
    ] == [1, 2, 1, 3]
    lines = [json.loads(line) for line in (out / looks.LEDGER).read_text().splitlines()]
    assert [line["collection"] for line in lines] == ["c", "c", "o", "c"]
    one = lines[0]
    assert (one["retriever"], one["setting"], one["measure"]) == ("bm25", "k1=1.2 b=0.0", "MRR@10")
    assert one["test_means"] == {"default": 0.5, "k1=1.2 b=0.0": 1.0}
    assert one["bench"]
    assert set(one) >= {"commit", "clean", "date"}
    # the fingerprints are those that the record of a run on test has
    called("run", "retriever=[bm25]", "collection=beir", f"collection.path={folder}", "output=run")
    content = Record.load(only_run(tmp_path / "run")).content
    assert one["fingerprints"] == {
        "corpus": content["collection"]["fingerprint"],
        "labels": content["labels"]["fingerprint"],
        "queries": content["queries"]["fingerprint"],
    }


SEEN = looks.Seen("corpus", "labels", "queries")


@pytest.mark.parametrize(
    "other",
    [
        looks.Seen("other", "labels", "queries"),
        looks.Seen("corpus", "other", "queries"),
        looks.Seen("corpus", "labels", "other"),
    ],
)
def test_looks_at_other_corpora_labels_or_queries_are_not_counted(tmp_path, other):
    assert [looks.add(tmp_path, one, {}) for one in (SEEN, other, SEEN)] == [1, 1, 2]


def test_a_torn_last_line_is_said_and_does_not_swallow_the_next(tmp_path, capsys):
    ledger = tmp_path / looks.LEDGER
    looks.add(tmp_path, SEEN, {"setting": "k1=1"})
    whole = ledger.read_bytes()
    for cut in (1, 2, len(whole) // 2, len(whole) - 2):  # killed within the second line
        ledger.write_bytes(whole + whole[:cut])
        assert looks.add(tmp_path, SEEN, {}) == 2
        assert capsys.readouterr().err == (
            f"bench: {ledger}:2: this line is cut short, and is not counted\n"
        )
        assert json.loads(ledger.read_bytes().splitlines()[2])["fingerprints"] == asdict(SEEN)
    assert looks.add(tmp_path, SEEN, {}) == 3
    assert "2: this line is damaged, and is not counted" in capsys.readouterr().err


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path, capsys):
    ledger = tmp_path / looks.LEDGER
    looks.add(tmp_path, SEEN, {})
    ledger.write_bytes(ledger.read_bytes().rstrip())
    assert looks.add(tmp_path, SEEN, {}) == 2
    assert looks.add(tmp_path, SEEN, {}) == 3
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "line",
    [
        *(b"\xff\x00", b"5", b"[]", b"null", b"{}", b'"x"', b'{"fingerprints":'),
        *(b"[" * 100_000, b"9" * 10_000),
    ],
    ids=lambda line: ascii(line[:20]),
)
def test_a_damaged_line_is_one_line_on_stderr(tmp_path, capsys, line):
    looks.add(tmp_path, SEEN, {})
    ledger = tmp_path / looks.LEDGER
    ledger.write_bytes(line + b"\n" + ledger.read_bytes())
    assert looks.add(tmp_path, SEEN, {}) == 2
    assert capsys.readouterr().err == f"bench: {ledger}:1: this line is damaged, and is not counted\n"


def test_processes_at_once_get_numbers_of_their_own(tmp_path):
    code = (
        "import sys, pathlib; from bench.experiment import looks; seen = looks.Seen('c', 'l', 'q')\n"
        "looks.provenance.git = dict  # it is slow, and the processes would seldom meet\n"
        "for _ in range(40): print(looks.add(pathlib.Path(sys.argv[1]), seen, {'x': 'y' * 9_000}))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        for _ in range(3)
    ]
    numbers = [int(n) for one in running for n in one.communicate()[0].split()]
    assert sorted(numbers) == list(range(1, 121))
    assert len((tmp_path / looks.LEDGER).read_text().splitlines()) == 120


def test_numbered_files_are_never_written_over(tmp_path):
    (tmp_path / "tune.md").write_text("a page without its json")
    made = [write_numbered(tmp_path, "tune", {"json": f"{n}", "md": f"{n}"}).name for n in (1, 2)]
    assert made == ["tune-2.md", "tune-3.md"]
    assert (tmp_path / "tune.md").read_text() == "a page without its json"
    assert (tmp_path / "tune-3.json").read_text() == "2"
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match="cannot write"):
        write_numbered(tmp_path / "file" / "below", "tune", {"json": ""})
    with pytest.raises(BenchError, match="cannot write"):
        write_numbered(tmp_path / "file", "tune", {"json": ""})


def test_the_shipped_spaces_name_real_settings(bench, tmp_path):
    assert {p.stem for p in (ROOT / "conf" / "tune").glob("*.yaml")} >= {"bm25", "hybrid"}
    done = bench("tune", "retriever=bm25", "tune.space.k1=[0.6]", "output=out")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "tune-bm25.json").read_text())
    assert told["n_dev"] == 320
    assert told["on_test"] is None or told["on_test"]["n"] == 480


def test_a_space_of_the_command_line_takes_the_place_of_its_key(called, tmp_path):
    folder = split_collection(tmp_path / "c")
    called(*tuned_on(folder, "retrievers.bm25.k1=0.1,1.2", "tune.space.b=[0.0,0.75]"))
    told = json.loads((tmp_path / "out" / "tune-bm25.json").read_text())
    assert list(told["means"]) == ["default", "k1=0.1 b=0.0", "k1=0.1 b=0.75", "k1=1.2 b=0.0"]
    assert told["means"][told["chosen"]] == max(told["means"].values())
    assert len(told["fold_choices"]) == 2
    assert (tmp_path / "out" / "tune-bm25.md").read_text().startswith("**bm25: 4 settings")


OWN_SPACES = {
    "": "tune.space must be settings with lists of values",
    "- 1\n": "tune.space must be settings with lists of values",
    "# @package _global_\nspace: {b: [0.0]}\n": "unknown setting 'space', which nothing reads",
    "space: {b: [0.0]}\n": "tune.folds must be a whole number, got None",
    "folds: 2\nspace: {b: [0.0], c: [1]}\n": "unknown setting 'c'",
    "folds: 2\nspace: {b: [0.0]}\n": None,
}


@pytest.mark.parametrize("space", OWN_SPACES)
def test_an_own_retriever_has_an_own_space(called, refusal, tmp_path, space):
    (tmp_path / "own" / "retriever").mkdir(parents=True)
    (tmp_path / "own" / "retriever" / "mine.yaml").write_text(
        "# @package retrievers.mine\n_target_: bench.retrievers.bm25.BM25\nb: 0.75\n"
    )
    (tmp_path / "own" / "tune").mkdir()
    (tmp_path / "own" / "tune" / "mine.yaml").write_text(space)
    folder = where_b_decides(tmp_path / "c")
    command = ("tune", "--config-dir", "own", "retriever=mine", "collection=beir",
               f"collection.path={folder}", "measures=[MRR@10]", "output=out")  # fmt: skip
    if OWN_SPACES[space]:
        assert OWN_SPACES[space] in refusal(*command)
    else:
        called(*command)
        told = json.loads((tmp_path / "out" / "tune-mine.json").read_text())
        assert (told["chosen"], told["look"]) == ("b=0.0", 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retriever=bm25", "collection.split=test"], "tuning sees the dev queries only"),
        (["retriever=bm25", "collection.split=all"], "tuning sees the dev queries only"),
        ([], "name the one retriever to tune"),
        (["retriever=[bm25,dense]"], "name the one retriever to tune"),
        (["retriever=bm25", "retriever=hybrid"], "name the one retriever to tune"),
        (["retriever=bm25,hybrid"], "name the one retriever to tune"),
        (["retriever=bm52"], "unknown retriever 'bm52'; did you mean 'bm25'"),
        (["retriever=dense"], "no search space for 'dense'; known: bm25, hybrid"),
        (["retriever=bm25", "retrievers.bm25.k2=1,2"], "unknown setting 'k2'"),
        (["retriever=bm25", "depth=10,20"], "cannot search over 'depth'"),
        (["retriever=bm25", "retrievers.bm25.k1=-1,1"], "k1"),
        (
            ["retriever=bm25", "tune.folds=1"],
            "1 folds are not possible with 320 queries; set tune.folds=2",
        ),
        (
            ["retriever=bm25", "tune.folds=321"],
            "321 folds are not possible with 320 queries; set tune.folds=320",
        ),
        (["retriever=bm25", "tune.folds=abc"], "tune.folds must be a whole number, got 'abc'"),
        (["retriever=bm25", "tune.folds=true"], "tune.folds must be a whole number, got True"),
        (["retriever=bm25", "tune.space.k1=0.9"], "tune.space.k1 must be a list of values"),
        (["retriever=bm25", "tune.space.k1=[]"], "tune.space.k1 must be a list of values"),
        (["retriever=bm25", "tune.space=5"], "tune.space must be settings with lists of values"),
        (["retriever=bm25", "tune.space.k1=[x]"], "retrievers.bm25.k1 must be a number, got 'x'"),
        (["retriever=bm25", "retrievers.bm25.k1=[1"], "cannot read 'retrievers.bm25.k1=[1'"),
        (["retriever=bm25", "retrievers.bm25.k1=range(1,0)"], "has no values"),
        (["retriever=bm25", "retrievers.bm25.k1=interval(0,1)"], "names no single values"),
        (["retriever=bm25", "measures=[]"], "no measure chosen"),
        (["retriever=bm25", "measures=[MAP,foo]"], "measure 'foo' is unknown"),
        (["retriever=bm25", "depth=x"], "depth must be a whole number, got 'x'"),
        (["retriever=bm25", "seed=null"], "seed must be a whole number, got None"),
        (["retriever=bm25", "+tune.space._target_=[os.system]"], "allow it with --allow os"),
        (["retriever=bm25", "output=/dev/null/x"], "cannot write to /dev/null/x"),
    ],
)
def test_what_can_not_be_tuned_is_said_in_words(refusal, tmp_path, arguments, said):
    assert said in refusal("tune", "output=out", *arguments)
    assert not (tmp_path / "out").exists()


def test_the_search_does_not_begin_when_its_end_is_known_to_fail(refusal, tmp_path, monkeypatch):
    """No output, no ledger, no test split: said before anything is searched."""
    monkeypatch.setattr(tuning, "run_systems", lambda *_: pytest.fail("the search has begun"))
    folder = where_b_decides(tmp_path / "c")
    (tmp_path / "out" / looks.LEDGER).mkdir(parents=True)
    assert f"cannot write to out/{looks.LEDGER}" in refusal(*tuned_on(folder))
    (tmp_path / "file").write_text("")
    assert "cannot write to file/x" in refusal(*tuned_on(folder, "output=file/x"))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq5\td1\t1\n")
    assert "the split test has 1 queries" in refusal(*tuned_on(folder, "output=two"))
    (folder / "qrels" / "test.tsv").unlink()
    assert "no split 'test'" in refusal(*tuned_on(folder, "output=two"))


def test_a_collection_of_ones_own_keeps_dev_and_test_apart(beir, tmp_path, monkeypatch):
    """Its class may give every split the same queries; a folder is checked where it is read."""
    (tmp_path / "own_splits.py").write_text(
        "from bench.collections.beir import BeirFolder\n"
        "def own(split: str):\n"
        f"    return BeirFolder({str(beir)!r})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BenchError, match=r"query 'q1' is in dev and in test \(\d such\)"):
        tuning._load({"collection": {"_target_": "own_splits.own"}})


def test_a_refusal_to_tune_is_one_line_and_exit_code_2(bench):
    done = bench("tune", "retriever=bm25", "collection.split=test")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_what_was_found_is_named_as_a_run_that_can_be_copied(called, tmp_path, capsys):
    folder = where_b_decides(tmp_path / "c o")
    called(*tuned_on(folder, *SPACE, "measures=[MRR@10]"))
    said = re.search(r"^run it with: (bench run .*)$", capsys.readouterr().out, re.M)
    assert said is not None
    shown = shlex.split(said[1])
    assert shown[2:] == [
        "retriever=[bm25]", "collection=beir", f"collection.path={folder}", "output=out",
        "measures=[MRR@10]", "retrievers.bm25.k1=1.2", "retrievers.bm25.b=0.0",
    ]  # fmt: skip
    called(*shown[1:])
    (run,) = (tmp_path / "out").glob("2*")
    # As the test of the search has it: the long document first, on the test queries.
    assert Record.load(run).values("MRR@10").tolist() == [[1.0] * 4]


def test_no_run_is_named_where_the_default_stays(called, tmp_path, capsys):
    called(*tuned_on(where_b_decides(tmp_path / "c", dev="d1"), *SPACE, "measures=[MRR@10]"))
    assert "run it with" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "value", [0.9, 1, True, None, "a b", "1.2", 'it\'s "x"', [1, "a,b"], {"k": [0.5, None]}, "ä=b"]
)
def test_a_value_is_written_as_it_is_read(value):
    (one,) = read([f"retrievers.bm25.k1={_in_grammar(value)}"])
    assert one.values == (value,)


def notes_of(n_settings, n_dev, spread=0.01):
    """What the first table says below, of a search of this size."""
    means = {("default" if n == 0 else f"k1={n}"): 0.5 - spread * n for n in range(n_settings)}
    values = np.stack([np.linspace(0, 1, n_dev), np.linspace(0, 1, n_dev)[::-1]])[:, None]
    on_dev = compare(values, ["default", "x"], ["MAP"], [(1, 0)], ["a"] * n_dev, seed=0).comparisons[0]
    tuned = Tuned("bm25", "MAP", n_dev, means, "default", 0.5, on_dev, ("default",) * 2)
    return " ".join(tuning_tables(tuned)[0].notes)


def test_what_the_table_leaves_out_is_counted():
    assert "more settings" not in notes_of(10, 40)
    assert "15 more settings, none with a higher mean, are in the .json file." in notes_of(25, 40)


def test_equal_means_and_few_queries_are_remarked_on():
    assert "All settings have the same mean" in notes_of(5, 40, spread=0.00001)
    assert "All settings have the same mean" not in notes_of(5, 40)
    assert "Fewer than 15 queries" in notes_of(5, 14)
    assert "Fewer than 15 queries" not in notes_of(5, 15)


def test_the_wider_interval_is_marked_and_explained(called, tmp_path, capsys):
    called(*tuned_on(where_b_decides(tmp_path / "c"), *SPACE, "measures=[MRR@10]"))
    told = json.loads((tmp_path / "out" / "tune-bm25.json").read_text())
    assert told["on_dev"]["wide"]
    shown = capsys.readouterr().out
    assert re.search(r"\[[+-]\d\.\d{4}, [+-]\d\.\d{4}\]° ", shown)
    assert "° few queries differ" in shown
    assert "A verdict asks more than p there" in shown


@pytest.mark.parametrize("failure", [BenchError("no such model"), RuntimeError("a fault of ours")])
def test_a_setting_that_fails_ends_the_search_by_name_and_as_its_cause_does(
    tmp_path, monkeypatch, capsys, failure
):
    folder = where_b_decides(tmp_path / "c")
    monkeypatch.chdir(tmp_path)
    run_system = systems._run_system

    def failing(name, *rest):
        if name == "b=0.0":
            raise failure
        return run_system(name, *rest)

    monkeypatch.setattr(systems, "_run_system", failing)
    settings = compose(
        [f"collection.path={folder}", "collection=beir", "collection.split=dev", "retriever=[bm25]",
         "measures=[MRR@10]", "output=out"]
    )  # fmt: skip
    with pytest.raises(type(failure), match=str(failure)) as raised:
        tuning.tune(settings, "bm25", {"b": [0.0, 0.3]}, 2)
    assert "b=0.0 failed, and nothing was chosen" in str(raised.value) + capsys.readouterr().err
