"""Comparisons: interval, test and verdict say the same; families, power and equivalence keep their word."""

from __future__ import annotations

import csv
import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import content_of, only_run, write_beir
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.errors import BenchError
from bench.evidence.comparison import ALPHA, Verdict, compare, explore
from bench.evidence.family import Margins, Plan
from bench.evidence.orders import Reversal, reversals
from bench.evidence.power import detectable, queries_for_difference, queries_for_equivalence
from bench.report.comparison import comparison_tables, needed
from bench.report.table import Counts


def values_of(*differences):
    """Systems a, b, …: a is 0 everywhere, and the others have these differences to it."""
    rows = np.array([np.zeros(len(differences[0])), *differences], dtype=float)
    return rows[:, None, :]


def one_comparison(differences, sets=None, margin=0.02, **more):
    d = np.asarray(differences, dtype=float)
    family = compare(
        values_of(d), ["a", "b"], ["m"], [(1, 0)], sets or ["s"] * len(d),
        margins=Margins(margin), **{"seed": 0, "draws": 4000, **more},
    )  # fmt: skip
    return family.comparisons[0]


DIFFERENCES = st.lists(
    st.sampled_from([0.0, 0.0, 0.0, 0.01, -0.01, 0.1, -0.2, 0.3, 0.5, -1.0, 1.0]),
    min_size=2,
    max_size=40,
)


@given(DIFFERENCES, DIFFERENCES, st.data())
@settings(max_examples=150, deadline=None)
def test_interval_test_and_verdict_never_contradict_each_other(one, other, data):
    n = min(len(one), len(other))
    sets = data.draw(st.lists(st.sampled_from("ab"), min_size=n, max_size=n))
    family = compare(
        values_of(one[:n], other[:n]) / 2,
        list("abc"),
        ["m"],
        [(1, 0), (2, 0), (2, 1)],
        sets,
        seed=1,
        draws=400,
    )
    for c in family.comparisons:
        assert -1 <= c.low <= c.difference <= c.high <= 1
        assert c.low < c.high
        assert c.wins + c.ties + c.losses == c.n == n
        if c.verdict is Verdict.ALIKE:
            assert (c.wins, c.losses, c.p, c.p_corrected) == (0, 0, None, None)
            continue
        assert 0 < c.p <= c.p_corrected <= 1
        excludes_0 = c.low > 0 or c.high < 0
        assert excludes_0 == (c.p_corrected < ALPHA) == c.significant
        if c.significant:
            assert (c.verdict is Verdict.BETTER) == (c.low > 0) == (c.difference > 0)
        if c.verdict is Verdict.EQUIVALENT:
            assert n >= 10
            assert -c.margin < c.low < c.high < c.margin
        if c.verdict is Verdict.UNDECIDED and n >= 10:
            assert c.low <= -c.margin or c.high >= c.margin


def test_numbers_by_hand():
    d = np.array([0.5, 0.0, -0.25, 0.25])
    found = one_comparison(d)
    assert found.difference == 0.125
    assert found.effect == pytest.approx(0.125 / d.std(ddof=1))
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    # ±5, ±2.5, ±2.5 in twentieths: |sum| is 10, 5, 5, 0 → 2.5·2 = 5 is reached by three of four
    assert found.p == 0.75


def test_a_single_comparison_is_about_that_of_the_t_test_on_normal_differences():
    rng = np.random.default_rng(5)
    for shift in (0.02, 0.04, 0.06):
        d = rng.normal(shift, 0.2, 150)
        found = one_comparison(d, draws=100_000)
        expected = stats.ttest_1samp(d, 0)
        assert found.p == pytest.approx(expected.pvalue, abs=0.01)
        low, high = expected.confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.003)


def test_verdicts():
    rng = np.random.default_rng(3)
    assert one_comparison(rng.normal(0.1, 0.1, 100)).verdict is Verdict.BETTER
    assert one_comparison(rng.normal(-0.1, 0.1, 100)).verdict is Verdict.WORSE
    assert one_comparison(rng.normal(0, 0.01, 100)).verdict is Verdict.EQUIVALENT
    assert one_comparison(rng.normal(0, 0.01, 100), margin=0.0001).verdict is Verdict.UNDECIDED
    # nine queries show no equivalence, however alike they are
    assert one_comparison([0.001, -0.001] * 4 + [0.001]).verdict is Verdict.UNDECIDED
    assert one_comparison([0.001, -0.001] * 5).verdict is Verdict.EQUIVALENT
    # five of many queries can not show anything: 1/16
    few = np.zeros(165)
    few[:5] = [0.01, 0.02, 0.01, 0.02, 0.015]
    found = one_comparison(few)
    assert (found.p, found.low, found.verdict) == (0.0625, 0.0, Verdict.EQUIVALENT)


def test_systems_that_are_alike_are_no_hypothesis_and_cost_nothing():
    rng = np.random.default_rng(8)
    d = rng.normal(0.02, 0.1, 80)
    e = rng.normal(0.0, 0.1, 80)
    sets = ["s"] * 80
    without = compare(values_of(d, e), list("abc"), ["m"], [(1, 0), (2, 0), (2, 1)], sets, seed=0)
    every_pair = list(itertools.combinations(range(5), 2))
    with_copies = compare(values_of(d, e, d, d), list("abcde"), ["m"], every_pair, sets, seed=0)
    assert without.hypotheses == 3
    assert with_copies.hypotheses == 7
    alike = [c for c in with_copies.comparisons if c.verdict is Verdict.ALIKE]
    assert [(c.system, c.baseline) for c in alike] == [("b", "d"), ("b", "e"), ("d", "e")]
    assert all(c.low < 0 < c.high for c in alike)
    (same,) = [c for c in with_copies.comparisons if (c.system, c.baseline) == ("a", "b")]
    assert same.p_corrected == without.comparisons[0].p_corrected
    nothing = compare(values_of(np.zeros(20)), ["a", "b"], ["m"], [(1, 0)], ["s"] * 20, seed=0)
    assert nothing.hypotheses == 0
    assert nothing.comparisons[0].verdict is Verdict.ALIKE


def test_36_systems_and_8_measures_can_still_show_a_difference():
    rng = np.random.default_rng(4)
    values = rng.beta(2, 2, (36, 8, 60))
    values[7] += 0.5 * (1 - values[7])
    pairs = [(a, b) for b, a in itertools.combinations(range(36), 2)]
    family = compare(
        values, [f"s{s}" for s in range(36)], list("abcdefgh"), pairs, ["s"] * 60, seed=0, draws=2000
    )
    assert family.hypotheses == 5040
    found = [c for c in family.comparisons if c.significant]
    assert len(found) > 100
    assert {"s7"} == set.intersection(*({c.system, c.baseline} for c in found))


def test_a_family_of_one_measure_in_many_dresses_costs_as_much_as_one():
    """The correction knows that comparisons hang together: copies of one cost nothing, ones that are
    independent do, and no more than Bonferroni's."""
    rng = np.random.default_rng(6)
    d = rng.normal(0.04, 0.2, 120)
    alone = one_comparison(d, draws=20_000)
    copies = compare(
        np.repeat(values_of(d), 8, axis=1) * np.linspace(0.1, 1, 8)[:, None], ["a", "b"], list("abcdefgh"),
        [(1, 0)], ["s"] * 120, seed=0, draws=20_000,
    )  # fmt: skip
    assert [c.p_corrected for c in copies.comparisons] == pytest.approx([alone.p_corrected] * 8)
    others = rng.normal(0, 0.2, (7, 120))
    apart = compare(
        np.concatenate([values_of(d), np.stack([np.zeros((7, 120)), others])], axis=1), ["a", "b"],
        list("abcdefgh"), [(1, 0)], ["s"] * 120, seed=0, draws=20_000,
    ).comparisons[0]  # fmt: skip
    assert 3 * alone.p < apart.p_corrected < 9 * alone.p


def test_exploring_tests_nothing():
    rng = np.random.default_rng(7)
    d = rng.normal(0.3, 0.1, 50)
    (found,) = explore(values_of(d), ["a", "b"], ["m"], [(1, 0)], ["s"] * 50)
    assert (found.p, found.p_corrected, found.verdict, found.needed) == (None, None, None, None)
    low, high = stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_bad_input_is_refused_by_name():
    values = np.random.default_rng(0).random((2, 1, 3))
    with pytest.raises(BenchError, match="at least 2 queries, got 1"):
        compare(values[:, :, :1], ["a", "b"], ["m"], [(1, 0)], ["s"], seed=0)
    with pytest.raises(BenchError, match="nothing to compare"):
        compare(values, ["a", "b"], ["m"], [], ["s"] * 3, seed=0)
    for bad in (np.nan, np.inf):
        values[1, 0, 2] = bad
        with pytest.raises(BenchError, match="b has no value of m for query number 3"):
            compare(values, ["a", "b"], ["m"], [(1, 0)], ["s"] * 3, seed=0)


# Power: planned from the spread, and kept.


def test_power_is_planned_from_the_spread_and_not_from_what_was_seen():
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.2, 100)
    noise -= noise.mean()
    plans = [one_comparison(noise + shift) for shift in (0.0, 0.01, 0.03)]
    assert len({p.needed for p in plans}) == len({p.needed_equivalent for p in plans}) == 1
    assert len({round(p.detectable, 12) for p in plans}) == 1
    assert plans[0].needed_equivalent > plans[0].needed > 100


def test_plans_are_those_of_the_noncentral_t():
    """The exact power at the planned number, by scipy."""
    for sd, margin, alpha in ((0.2, 0.05, 0.05), (0.3, 0.02, 0.01)):
        n = queries_for_difference(sd / 10, 100, 99, alpha, margin)
        critical = stats.t.ppf(1 - alpha / 2, n - 1)
        assert stats.nct.sf(critical, n - 1, margin * math.sqrt(n) / sd) == pytest.approx(0.8, abs=0.01)
        n = queries_for_equivalence(sd / 10, 100, 99, alpha, margin)
        inside = stats.t.cdf(margin * math.sqrt(n) / sd - stats.t.ppf(1 - alpha / 2, n - 1), n - 1)
        assert 2 * inside - 1 == pytest.approx(0.8, abs=0.01)
    se, critical = 0.02, stats.t.ppf(0.975, 49)
    assert stats.nct.sf(critical, 49, detectable(se, critical, 49) / se) == pytest.approx(0.8, abs=0.01)


@given(
    st.integers(3, 300), st.floats(1e-4, 0.2), st.sampled_from([0.05, 0.01, 1e-4]), st.floats(0.005, 0.1)
)
def test_the_needed_queries_are_the_fewest_that_find_the_margin(n, sd, alpha, margin):
    df = n - 1

    def short(number):
        freedom = max(df * number / n, 1.0)
        reach = stats.t.ppf(1 - alpha / 2, freedom) + stats.t.ppf(0.8, freedom)
        return reach * sd / math.sqrt(number) - margin

    found = queries_for_difference(sd / math.sqrt(n), n, df, alpha, margin)
    if found is None:
        assert short(1e7) > 0
    else:
        assert short(found) <= 1e-9
        assert found <= 2 or short(found - 1) >= -1e-9


def test_nearly_constant_differences_have_the_p_of_their_signs():
    rng = np.random.default_rng(15)
    for scatter in (1e-3, 1e-5, 1e-6):
        for _ in range(10):
            found = one_comparison(0.1 * (1 + scatter * rng.normal(size=10)))
            assert found.p == 2 / 2**10


def test_fifty_queries_of_spread_02_can_not_see_less_than_0081():
    d = np.resize([0.2, -0.2], 50) * math.sqrt(49 / 50)
    assert one_comparison(d, draws=20_000).detectable == pytest.approx(0.081, abs=1.5e-3)


@pytest.mark.long
def test_the_queries_that_are_named_find_what_was_promised_in_four_of_five_samples():
    """Families of three pairs; 300 samples: 0.8 ± 3 standard errors is 0.73 to 0.87."""
    rng = np.random.default_rng(12)

    def sample(n, shift):
        base = rng.beta(0.6, 0.5, n)
        noise = rng.normal(0, 0.15, (2, n)) * (rng.random((2, n)) < 0.6)
        return np.stack([base, base + noise[0] + shift, base + noise[1]])[:, None]

    def verdict(n, shift):
        family = compare(
            sample(n, shift), list("abc"), ["m"], [(1, 0), (2, 0), (2, 1)], ["s"] * n,
            margins=Margins(0.04), seed=int(rng.integers(1e6)), draws=1000,
        )  # fmt: skip
        return family.comparisons[0]

    plans = [verdict(120, 0.0) for _ in range(15)]
    needed = int(np.median([p.needed for p in plans]))
    equivalent = int(np.median([p.needed_equivalent for p in plans]))
    seen = float(np.median([p.detectable for p in plans]))
    for n, shift, wanted in (
        (needed, 0.04, Verdict.BETTER),
        (equivalent, 0.0, Verdict.EQUIVALENT),
        (120, seen, Verdict.BETTER),
    ):
        share = np.mean([verdict(n, shift).verdict is wanted for _ in range(300)])
        assert 0.73 <= share <= 0.87, (n, shift, share)


@pytest.mark.long
@pytest.mark.parametrize("scatter", [False, True])
def test_a_family_seldom_raises_a_false_alarm(scatter):
    """Under the complete null, and where two scatter and six hardly differ, which the randomised Tukey
    HSD gets wrong. 300 families: 0.05 + 3 standard errors is 0.088, and twice the error 0.1."""
    rng = np.random.default_rng(13)
    alarms = 0
    for trial in range(300):
        base = rng.beta(0.6, 0.5, 80)
        if scatter:
            near = base + np.round(rng.normal(0, 0.02, (6, 80)), 2) * (rng.random((6, 80)) < 0.2)
            values = np.concatenate([rng.beta(0.6, 0.5, (2, 80)), near])
            alike = [{0, 1}, set(range(2, 8))]
        else:
            values = base + rng.choice([0.0, 0.0, -0.3, 0.3], (4, 80))
            alike = [set(range(4))]
        pairs = [p for group in alike for p in itertools.combinations(sorted(group), 2)]
        family = compare(
            values[:, None], [str(s) for s in range(len(values))], ["m"],
            list(itertools.combinations(range(len(values)), 2)), ["a", "b"] * 40, seed=trial, draws=1000,
        )  # fmt: skip
        alarms += any(
            c.significant and (int(c.system), int(c.baseline)) in pairs for c in family.comparisons
        )
    assert alarms / 300 <= 0.088


@pytest.mark.long
def test_few_samples_are_called_equivalent_whose_difference_is_the_margin():
    rng = np.random.default_rng(14)
    false = 0
    for trial in range(400):
        d = rng.normal(0.02, 0.08, (2, 90))
        family = compare(
            values_of(*d), list("abc"), ["m"], [(1, 0), (2, 0)], ["s"] * 90, seed=trial, draws=500
        )
        false += any(c.verdict is Verdict.EQUIVALENT for c in family.comparisons)
    assert false / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


# What is confirmatory.


def plan(**settings):
    return Plan.read(settings, ["nDCG@10", "MAP"], ["bm25", "dense", "hybrid"])


def test_plans_of_every_form():
    assert plan().measures == ("nDCG@10",)
    assert plan().pairs == (("dense", "bm25"), ("hybrid", "bm25"), ("hybrid", "dense"))
    assert plan(pairs="dense").pairs == (("bm25", "dense"), ("hybrid", "dense"))
    assert plan(pairs=[["dense", "bm25"]], measures=["MAP", "nDCG@10"]).measures == ("MAP", "nDCG@10")
    margins = plan(margin={"default": 0.03, "MAP": 0.01}).margins
    assert (margins["nDCG@10"], margins["MAP"]) == (0.03, 0.01)
    assert Margins(0.02, {"MAP": 0.01}).changed(["MAP=0.04"], ["MAP"], "--margin")["MAP"] == 0.04
    assert Margins(0.02, {"MAP": 0.01}).changed(["0.05"], ["MAP"], "--margin")["MAP"] == 0.05


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"measures": []}, "must be a list of measures"),
        ({"measures": "MAP"}, "must be a list of measures"),
        ({"measures": ["MAPP"]}, "'MAPP', which is not measured; did you mean 'MAP'"),
        ({"measures": ["MAP", "MAP"]}, "stands twice"),
        ({"pairs": []}, "evidence.pairs is empty"),
        ({"pairs": None}, "evidence.pairs is empty or no list"),
        ({"pairs": "denze"}, "'denze', which is not run; did you mean 'dense'"),
        ({"pairs": [["dense", "x"]]}, "'x', which is not run"),
        ({"pairs": [["dense"]]}, "no pair of two systems"),
        ({"pairs": [["dense", "dense"]]}, "no pair of two systems"),
        ({"pairs": [["dense", "bm25"], ["bm25", "dense"]]}, "stands twice"),
        ({"margin": {"default": 0}}, "evidence.margin.default must lie between 0 and 1"),
        ({"margin": {"MAP": True}}, "evidence.margin.MAP must lie between 0 and 1"),
        ({"margin": {"gain": 0.1}}, "evidence.margin names 'gain'"),
    ],
)
def test_plans_that_can_not_be_read_are_refused(settings, said):
    with pytest.raises(BenchError, match=said):
        plan(**settings)


# What one query set decides.


def test_an_order_that_hangs_on_one_set_is_named():
    sets = ["a"] * 4 + ["b"] * 4 + ["c"] * 2
    one = np.array([0.5] * 4 + [0.5] * 4 + [0.9] * 2)
    other = np.array([0.6] * 4 + [0.6] * 4 + [0.1] * 2)
    found = reversals(np.stack([one, other, one]), ["x", "y", "z"], sets)
    # means 0.58 and 0.50; without c 0.5 and 0.6; by sets 0.633 and 0.433
    assert found == [Reversal("x", "y", "c"), Reversal("z", "y", "c")]
    assert reversals(np.stack([one, other]), ["x", "y"], ["s"] * 10) == []
    level = np.stack([np.full(10, 0.5), np.array([0.5] * 8 + [0.9] * 2)])
    assert reversals(level, ["x", "y"], ["a"] * 8 + ["b"] * 2) == [Reversal("y", "x", "b")]
    by_size = reversals(
        np.array([[0.5] * 8 + [0.1] * 2, [0.45] * 8 + [0.2] * 2]), ["x", "y"], ["a"] * 8 + ["b"] * 2
    )
    assert Reversal("x", "y", None) in by_size


# The command.


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs on the shipped test queries, by BM25 alone."""
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("runs")
    for name, extra in (("one", "retrievers.bm25.b=0.75"), ("two", "retrievers.bm25.b=0")):
        subprocess.run(
            [sys.executable, "-m", "bench", "run", "retriever=[bm25]", extra, f"output={name}"],
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
    tested, *others = rows
    assert 0 < tested["p"] <= tested["p_corrected"] <= 1
    assert all(row["n"] == 480 for row in rows)
    assert all(row["p"] is None and row["verdict"] is None for row in others)
    assert not any(row["measure"].startswith("Judged") for row in rows)
    for suffix in ("md", "tex", "csv"):
        assert bench("compare", one, two_, "--out", f"c.{suffix}").returncode == 0
        assert "Recall@100" in (tmp_path / f"c.{suffix}").read_text()
    (first, *_) = csv.DictReader((tmp_path / "c.csv").read_text().splitlines())
    assert float(first["difference"]) == tested["difference"]
    named = bench("compare", one, two_, "--measure", "MAP", "--measure", "P@5", "--out", "d.json")
    assert named.returncode == 0
    assert all(row["p_corrected"] for row in json.loads((tmp_path / "d.json").read_text()))


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
    broken = content_of(runs[0])
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


def test_a_margin_of_nothing_is_refused(refusal, runs):
    one, two_ = map(str, runs)
    for margin in ("0", "1", "-0.1", "nan", "MAP=0", "x"):
        assert "--margin" in refusal("compare", one, two_, "--margin", margin)


def test_needed_queries_are_told_of_what_is_undecided_only():
    found = one_comparison(np.random.default_rng(1).normal(0, 0.3, 100))
    assert needed(found) == Counts((found.needed, found.needed_equivalent))
    assert needed(one_comparison(np.random.default_rng(1).normal(0.5, 0.3, 100))) is None


def test_no_queries_are_planned_where_the_wider_interval_decides():
    """The plan is made from the standard error, and this interval is wider: of 160 queries 4 differ."""
    few = [0.0] * 156 + [0.5, 0.4, 0.45, 0.5]
    family, _, said = sure_notes(few, np.random.default_rng(1).normal(0, 0.2, 160))
    one, other = family.comparisons
    assert (one.wide, one.verdict) == (True, Verdict.UNDECIDED)
    assert (one.needed, one.needed_equivalent, one.detectable) == (None, None, None)
    assert (other.wide, other.verdict) == (False, Verdict.UNDECIDED)
    assert None not in (other.needed, other.needed_equivalent, other.detectable)
    assert "Neither can be planned where the interval is marked °" in said
    # a record of before has the numbers
    earlier = replace(one, needed=31, needed_equivalent=38, detectable=0.01)
    assert needed(earlier) is None
    means = {(name, "m"): 0.0 for name in ("a", "b")}
    _, sure = comparison_tables(replace(family, comparisons=(earlier,)), [], means)
    shown = dict(zip([column.title for column in sure.columns], sure.rows[0], strict=True))
    assert (shown["detectable"], shown["queries needed"]) == (None, None)
    _, _, said = sure_notes(np.random.default_rng(1).normal(0, 0.2, 160))
    assert "marked °" not in said


def sure_notes(*differences):
    """What stands below the table of how sure that is; each difference is one of a system to the first."""
    values = values_of(*differences)
    names = ["a", "b", "c"][: len(values)]
    pairs = [(row, 0) for row in range(1, len(values))]
    family = compare(
        values, names, ["m"], pairs, ["s"] * values.shape[-1], margins=Margins(0.02), seed=0, draws=4000
    )
    means = {(name, "m"): 0.0 for name in names}
    found, sure = comparison_tables(family, [], means)
    return family, " ".join(found.notes), " ".join(sure.notes)


def test_one_test_with_two_p_is_explained():
    lopsided = [0.0] * 150 + [0.01 * i for i in range(1, 13)] + [0.5, -0.001, -0.002]
    family, _, said = sure_notes(lopsided)
    one = family.comparisons[0]
    assert one.wide
    assert one.p_corrected > one.p + 0.001
    assert "p corrected is above p though one thing is tested" in said
    family, _, said = sure_notes(np.random.default_rng(1).normal(0.05, 0.3, 100))
    assert f"{family.comparisons[0].p:.5f}" == f"{family.comparisons[0].p_corrected:.5f}"
    assert "above p" not in said


def test_the_tested_comparisons_are_counted_in_words():
    some, other = np.random.default_rng(1).normal(0.05, 0.3, (2, 40))
    for differences, words in (
        ([some], "over the one tested comparison."),
        ([some, other], "over the 2 tested comparisons."),
        ([np.zeros(40)], "over no tested comparison."),
    ):
        _, found, sure = sure_notes(*differences)
        assert words in found
        assert words in sure
