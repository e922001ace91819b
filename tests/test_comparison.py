"""Comparisons equal scipy and statsmodels, keep the promised error rates, and refuse bad input."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from conftest import only_run, write_beir
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bench.comparison import DRAWS, Verdict, compare, holm, queries_needed, sign_flip_p
from bench.errors import BenchError
from bench.report.significance import better_than

ONE, OTHER = np.array([1]), np.array([0])


def two(differences):
    """Values of two systems whose difference this is."""
    d = np.asarray(differences, dtype=float)
    return np.stack([np.zeros_like(d), d])[:, None, :]


def one_comparison(differences, **settings):
    (found,) = compare(two(differences), ["a", "b"], ["m"], [(1, 0)], seed=0, **settings)
    return found


# six standard errors of a share of 100,000 draws
NEAR = 6 * math.sqrt(0.25 / DRAWS)


@given(st.lists(st.integers(-20, 20), min_size=2, max_size=12), st.integers(0, 5))
@settings(max_examples=40)
def test_p_is_that_of_all_sign_flips(twentieths, seed):
    # enumerated in whole numbers: sums that are equal are equal, whatever their order
    signs = np.array(list(itertools.product([-1, 1], repeat=len(twentieths))))
    exact = np.mean(np.abs(signs @ np.array(twentieths)) >= abs(sum(twentieths)))
    found = sign_flip_p(two(np.array(twentieths) / 20), ONE, OTHER, DRAWS, seed)[0]
    assert found == pytest.approx(exact, abs=NEAR)


def test_p_is_that_of_scipy_where_no_sums_are_equal():
    differences = np.random.default_rng(9).normal(0.3, 1, 11)
    exact = stats.permutation_test(
        (differences, np.zeros(11)),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    ).pvalue
    assert sign_flip_p(two(differences), ONE, OTHER, DRAWS, 0)[0] == pytest.approx(exact, abs=NEAR)


def test_p_is_near_that_of_the_t_test_on_normal_differences():
    rng = np.random.default_rng(5)
    for shift in (0.0, 0.1, 0.25):
        d = rng.normal(shift, 1.0, 200)
        assert one_comparison(d).p == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.01)


def test_p_is_never_zero():
    found = one_comparison(np.full(100, 0.5))
    assert found.p == 1 / (1 + DRAWS)
    assert found.verdict is Verdict.BETTER
    assert found.effect == math.inf


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_holm_is_that_of_statsmodels(p):
    assert holm(np.array(p)) == pytest.approx(multipletests(p, method="holm")[1])


def test_many_pairs_at_once_equal_one_at_a_time():
    values = np.random.default_rng(1).random((4, 3, 40))
    pairs = list(itertools.combinations(range(4), 2))
    names, measures = list("abcd"), ["x", "y", "z"]
    together = compare(values, names, measures, pairs, seed=7)
    assert len(together) == 18
    for one in together:
        a, b, m = names.index(one.system), names.index(one.baseline), measures.index(one.measure)
        alone = compare(values[[a, b]][:, [m]], ["a", "b"], ["m"], [(0, 1)], seed=7)[0]
        assert (one.difference, one.low, one.high, one.p) == pytest.approx(
            (alone.difference, alone.low, alone.high, alone.p)
        )
        assert one.p_holm >= one.p
        assert one.wins + one.ties + one.losses == one.n == 40


def test_numbers_by_hand():
    d = np.array([0.5, 0.0, -0.25, 0.25])
    found = one_comparison(d)
    assert found.difference == 0.125
    spread = math.sqrt(((0.375**2) + 0.125**2 + 0.375**2 + 0.125**2) / 3)
    assert found.effect == pytest.approx(0.125 / spread)
    assert found.detectable == pytest.approx(2.8 * spread / 2, rel=1e-3)
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)


def test_fifty_queries_of_spread_02_can_not_see_less_than_0079():
    d = np.resize([0.2, -0.2], 50) * math.sqrt(49 / 50)
    assert one_comparison(d).detectable == pytest.approx(0.079, abs=5e-4)


def test_the_needed_queries_would_decide():
    assert queries_needed(0.05, 0.2, 0.02) == math.ceil((2.801585 * 0.2 / 0.05) ** 2)
    # a small difference is sooner shown to be equivalent than found
    assert queries_needed(0.001, 0.2, 0.02) == math.ceil((1.959964 * 0.2 / 0.019) ** 2)
    rng = np.random.default_rng(2)
    few = one_comparison(rng.normal(0.05, 0.2, 30))
    assert few.verdict is Verdict.UNDECIDED
    assert few.needed > 30


def test_verdicts():
    rng = np.random.default_rng(3)
    assert one_comparison(rng.normal(0.1, 0.1, 100)).verdict is Verdict.BETTER
    assert one_comparison(rng.normal(-0.1, 0.1, 100)).verdict is Verdict.WORSE
    assert one_comparison(rng.normal(0, 0.01, 100)).verdict is Verdict.EQUIVALENT
    assert one_comparison(rng.normal(0, 0.01, 100), margin=0.0001).verdict is Verdict.UNDECIDED
    same = one_comparison(np.zeros(5))
    assert (same.p, same.low, same.high, same.detectable) == (1.0, 0.0, 0.0, 0.0)
    assert same.verdict is Verdict.EQUIVALENT
    assert math.isnan(same.effect)
    assert same.needed is None


def test_intervals_cover_and_a_family_seldom_raises_a_false_alarm():
    # 120 samples of a skewed population; results/statistics.md has the larger simulation
    rng = np.random.default_rng(11)
    covered = alarms = 0
    for trial in range(120):
        base = rng.beta(0.6, 0.5, (1, 1, 60))
        noise = rng.choice([0.0, 0.0, -0.3, 0.3], (4, 1, 60))
        found = compare(
            base + noise, list("abcd"), ["m"], list(itertools.combinations(range(4), 2)),
            seed=trial, draws=2000,
        )  # fmt: skip
        covered += found[0].low <= 0 <= found[0].high
        alarms += any(one.significant for one in found)
    assert covered / 120 >= 0.88
    assert alarms / 120 <= 0.11


def test_bad_input_is_refused_by_name():
    values = np.random.default_rng(0).random((2, 1, 3))
    with pytest.raises(BenchError, match="at least 2 queries, got 1"):
        compare(values[:, :, :1], ["a", "b"], ["m"], [(1, 0)], seed=0)
    with pytest.raises(BenchError, match="nothing to compare"):
        compare(values, ["a", "b"], ["m"], [], seed=0)
    values[1, 0, 2] = np.nan
    with pytest.raises(BenchError, match="b has no value of m for query number 3"):
        compare(values, ["a", "b"], ["m"], [(1, 0)], seed=0)


def test_letters_name_the_systems_that_are_worse_over_the_whole_table():
    rng = np.random.default_rng(4)
    low = rng.random(80) * 0.5
    column = np.stack([low, low + 0.3, low + 0.3])
    marks, family = better_than([column, column[:, :1], column[::-1, :40]], seed=0)
    assert family == 6
    assert marks == [["", "a", "a"], ["", "", ""], ["c", "c", ""]]
    assert better_than([column[:1]], seed=0) == ([[""]], 0)
    assert better_than([np.zeros((60, 5))], seed=0)[1] == 0


# The command.


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs on the shipped test queries, by BM25 alone."""
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("runs")
    for name, extra in (("one", "retrievers.bm25.b=0.75"), ("two", "retrievers.bm25.b=0")):
        subprocess.run(
            [sys.executable, "-m", "bench.cli", "run", "retriever=[bm25]", extra, f"output={name}"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
    return only_run(folder / "one"), only_run(folder / "two")


def test_compare_two_runs_in_every_form(bench, runs, tmp_path):
    one, two_ = map(str, runs)
    done = bench("compare", one, two_, "--out", "c.json")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "c.json").read_text())
    assert [row["measure"] for row in rows][:2] == ["nDCG@10", "Recall@5"]
    assert all(row["n"] == 165 and 0 < row["p"] <= row["p_holm"] <= 1 for row in rows)
    assert not any(row["measure"].startswith("Judged") for row in rows)
    for suffix in ("md", "tex", "csv"):
        assert bench("compare", one, two_, "--out", f"c.{suffix}").returncode == 0
        assert "Recall@100" in (tmp_path / f"c.{suffix}").read_text()
    narrow = bench("compare", one, two_, "--measure", "MAP", "--out", "n.json")
    assert narrow.returncode == 0
    (row,) = json.loads((tmp_path / "n.json").read_text())
    assert row["p"] == row["p_holm"]


def test_a_run_file_of_any_tool_is_compared_like_a_run(bench, runs, tmp_path):
    one, two_ = runs
    done = bench(
        "compare", f"{one}:bm25", str(two_ / "bm25.trec"), "--collection", "digest", "--out", "f.json"
    )
    assert done.returncode == 0, done.stderr
    bench("compare", str(one), str(two_), "--out", "r.json")
    files, folders = (json.loads((tmp_path / f"{n}.json").read_text()) for n in "fr")
    for row, other in zip(files, folders, strict=True):
        assert row["difference"] == pytest.approx(other["difference"])
        assert row["p"] == other["p"]


def test_systems_within_a_run_and_several_baselines(bench, beir, tmp_path):
    ran = bench(
        "run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out",
        "+retrievers.plain._target_=bench.retrievers.bm25.BM25", "+retrievers.flat._target_=bench.retrievers.bm25.BM25",
        "+retrievers.flat.b=0",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    run = str(only_run(tmp_path / "out"))

    def pairs(*options):
        done = bench("compare", run, "--measure", "MAP", "--out", "w.json", *options)
        assert done.returncode == 0, done.stderr
        return [(r["system"], r["baseline"]) for r in json.loads((tmp_path / "w.json").read_text())]

    assert pairs() == [("plain", "bm25"), ("flat", "bm25")]
    assert pairs("--baseline", "plain", "--baseline", "bm25") == [("flat", "plain"), ("flat", "bm25")]
    assert pairs("--all-pairs") == [("plain", "bm25"), ("flat", "bm25"), ("flat", "plain")]


@pytest.mark.long
def test_what_can_not_be_compared_is_refused_in_words(bench, refusal, runs, tmp_path):
    one, two_ = map(str, runs)
    tiny = write_beir(tmp_path / "tiny")
    bench("run", "collection=beir", f"collection.path={tiny}", "retriever=[bm25]", "output=tiny-out")
    other = only_run(tmp_path / "tiny-out")
    bench("run", "retriever=[bm25]", "collection.split=dev", "output=dev")
    five = tmp_path / "five.trec"
    five.write_text("q1 Q0 d01 1 0.5\n")
    (tmp_path / "empty.trec").write_text("")
    single = write_beir(tmp_path / "single", qrels={"q1": {"d01": 1}})
    (tmp_path / "q1.trec").write_text("q1 Q0 d01 1 0.5 x\n")
    (tmp_path / "q2.trec").write_text("q1 Q0 d02 1 0.5 x\n")
    broken = json.loads((runs[0] / "record.json").read_text())
    broken["systems"]["bm25"]["values"]["MAP"][3] = None
    (tmp_path / "nan").mkdir()
    (tmp_path / "nan" / "record.json").write_text(json.dumps(broken))
    for arguments, said in (
        ((one,), "only one system, bm25"),
        ((one, one), "stands twice"),
        ((one, str(tmp_path / "none")), "does not exist"),
        ((one, str(other)), "another corpus"),
        ((one, str(only_run(tmp_path / "dev"))), "has no query"),
        ((one, f"{two_}:bm52"), "did you mean 'bm25'"),
        ((one, two_, "--measure", "nDCG@11"), "nDCG@11 was not measured"),
        ((one, two_, "--measure", "nDCG"), "nDCG was not measured"),
        ((one, two_, "--measure", "gain@3"), "unknown"),
        ((one, two_, "--baseline", "x"), "no system 'x'"),
        ((one, two_, "--out", "x.pdf"), "must end in"),
        ((one, str(five)), "--collection"),
        (
            (str(five), str(tmp_path / "empty.trec"), "--collection", str(tiny)),
            "five.trec:1: expected 6",
        ),
        ((str(tmp_path / "empty.trec"), "--collection", str(tiny)), "empty.trec has no lines"),
        (
            (str(tmp_path / "q1.trec"), str(tmp_path / "q2.trec"), "--collection", str(single)),
            "at least 2",
        ),
        ((one, str(tmp_path / "nan")), "systems.bm25.values.MAP: null for query"),
    ):
        assert said in refusal("compare", *arguments), arguments
    done = bench("compare", one)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
