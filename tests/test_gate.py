"""The gate tells loss from noise, `verify` repeats a record, and nothing of either is half-written."""

from __future__ import annotations

import copy
import json
import math
import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from conftest import only_run
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from bench.errors import BenchError
from bench.execute import settings_of
from bench.gate import Outcome, judge
from bench.record import Record
from bench.report.gate import gate_json, gate_junit, gate_markdown, github_annotations
from bench.reproduction import Level, changed_systems, differences, rbo, reproduced, tau_union

N = 120


def record(values, *, measure="nDCG@10", splits="test", weights="w1", depth=100, **fingerprints):
    """A record of systems with these per-query values."""
    n = len(next(iter(values.values())))
    prints = {key: {"fingerprint": fingerprints.get(key, key)} for key in ("collection", "labels")}
    return Record(
        {
            **prints,
            "config": {"depth": depth},
            "queries": {
                "fingerprint": fingerprints.get("queries", "queries"),
                "ids": [f"q{i}" for i in range(n)],
                "sets": ["s"] * n,
                "splits": [splits] * n,
            },
            "measures": [measure],
            "systems": {
                name: {"facts": {"weights_sha256": weights}, "values": {measure: list(map(float, row))}}
                for name, row in values.items()
            },
        }
    )


RNG = np.random.default_rng(8)
BASE = RNG.beta(2, 1, N)


def outcome(now, then=BASE, **settings):
    (finding,) = judge(record({"a": then}), record({"a": now}), **settings).findings
    return finding.outcome


def test_each_outcome_and_its_exit_code():
    def code(now, **settings):
        return judge(record({"a": BASE}), record({"a": now}), **settings).exit_code

    noise = RNG.normal(0, 0.01, N)
    far_noise = RNG.normal(0, 0.4, N) - 0.01
    for now, said, exit_code in (
        (BASE, Outcome.UNCHANGED, 0),
        (BASE + noise - noise.mean(), Outcome.CHANGED, 0),
        (BASE - 0.01, Outcome.CHANGED, 0),  # significant, but within the tolerance
        (BASE + 0.05, Outcome.IMPROVED, 0),
        (BASE - 0.05, Outcome.REGRESSED, 1),
        (BASE + far_noise, Outcome.UNDECIDABLE, 3),
    ):
        assert (outcome(now), code(now)) == (said, exit_code)
    assert outcome(BASE - 0.05, tolerance=0.1) is Outcome.CHANGED
    assert outcome(BASE, floors={("", "nDCG@10"): 0.99}) is Outcome.BELOW_FLOOR
    assert outcome(BASE, floors={("a", "nDCG@10"): 0.0, ("", "nDCG@10"): 0.99}) is Outcome.UNCHANGED
    assert outcome(BASE, reranked={"a": 3}) is Outcome.CHANGED
    assert judge(record({"a": BASE}), record({"a": BASE + 0.05})).stale


def test_the_correction_is_over_all_systems_of_the_gate():
    drop = BASE - RNG.normal(0.03, 0.13, N)
    alone = judge(record({"a": BASE}), record({"a": drop})).findings[0]
    names = [f"s{i}" for i in range(30)]
    many = judge(
        record(dict.fromkeys(names, BASE)),
        record({name: drop if name == "s0" else BASE for name in names}),
    ).findings[0]
    assert alone.comparison.p == many.comparison.p
    assert many.comparison.p_holm > alone.comparison.p_holm
    assert (alone.outcome, many.outcome) == (Outcome.REGRESSED, Outcome.UNDECIDABLE)


def test_only_test_queries_count():
    mixed = record({"a": BASE})
    mixed.content["queries"]["splits"][:60] = ["dev"] * 60
    now = BASE.copy()
    now[:60] -= 0.3
    assert judge(mixed, record({"a": now})).findings[0].outcome is Outcome.UNCHANGED
    with pytest.raises(BenchError, match="no test queries"):
        judge(record({"a": BASE}, splits="dev"), record({"a": BASE}, splits="dev"))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"collection": "x"}, "the corpus"),
        ({"labels": "x"}, "the labels"),
        ({"queries": "x"}, "the queries"),
        ({"weights": "w2"}, "the model of a"),
        ({"depth": 10}, "10 documents a query and the baseline 100.* --set depth=100"),
    ],
)
def test_another_corpus_labels_queries_model_or_depth_can_not_be_compared(other, said):
    with pytest.raises(BenchError, match=said):
        judge(record({"a": BASE}), record({"a": BASE}, **other))


def test_a_system_that_is_gone_is_refused_and_a_new_one_is_named():
    with pytest.raises(BenchError, match="system b is not in this run"):
        judge(record({"a": BASE, "b": BASE}), record({"a": BASE}))
    assert judge(record({"a": BASE}), record({"a": BASE, "b": BASE})).new == ("b",)
    with pytest.raises(BenchError, match="did you mean 'nDCG@10'"):
        judge(record({"a": BASE}), record({"a": BASE}), measures=["nDCG@11"])


def test_every_form_says_the_same():
    verdict = judge(record({"a": BASE, "b": BASE}), record({"a": BASE - 0.05, "b": BASE + 0.05}))
    suite = ElementTree.fromstring(gate_junit(verdict))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.find("failure") is not None for case in suite] == [True, False]
    content = json.loads(gate_json(verdict))
    assert content["exit_code"] == 1
    assert content["baseline_stale"] is True
    assert [row["outcome"] for row in content["findings"]] == ["regressed", "improved"]
    assert gate_markdown(verdict).startswith("### ❌ Retrieval quality: regressed")
    lines = list(github_annotations(verdict))
    assert lines[0].startswith("::error title=bench gate, regressed::a nDCG@10")
    assert lines[1].startswith("::notice title=bench gate, improved::b")


# Reproduction measures.

DOCS = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=8)


@given(DOCS, DOCS)
def test_rbo_is_its_formula(one, other):
    depth = max(len(one), len(other))
    weights = [0.8**d for d in range(depth)]
    agreed = [len(set(one[: d + 1]) & set(other[: d + 1])) / (d + 1) for d in range(depth)]
    assert rbo(one, other) == pytest.approx(np.dot(weights, agreed) / sum(weights))


@given(DOCS, st.randoms())
def test_tau_union_is_that_of_the_places_in_the_union(one, random):
    other = list(one)
    random.shuffle(other)
    assert -1 <= tau_union(one, other) <= 1
    assert tau_union(one, one) == 1
    if len(one) > 1 and one != other:
        places = [[sorted(one).index(doc) for doc in docs] for docs in (one, other)]
        assert tau_union(one, other) == pytest.approx(kendalltau(*places).statistic)


def test_tau_union_of_lists_of_unequal_length_and_of_one_document():
    assert tau_union(["a", "b", "c"], ["a", "b"]) == 1.0
    assert tau_union(["a"], ["b"]) == 0.0
    assert tau_union([], ["a"]) == 0.0
    assert tau_union([], []) == 1.0


def test_levels_of_reproduction():
    then = {"q": [("a", 2.0), ("b", 1.0)]}
    values = {"m": np.array([0.5, 0.1])}

    def level(now, other=values):
        return reproduced("s", then, now, values, other)

    assert level(then).level is Level.IDENTICAL
    assert level({"q": [("a", 2.5), ("b", 1.0)]}).level is Level.SAME_ORDER
    swapped = level({"q": [("b", 2.0), ("a", 1.0)]}, {"m": np.array([0.1, 0.5])})
    assert swapped.level is Level.DIFFERENT
    assert swapped.tau_union == -1
    assert swapped.rmse["m"] == pytest.approx(math.sqrt((0.4**2 + 0.4**2) / 2))
    assert level({}).level is Level.DIFFERENT


# The commands, on a run of the shipped corpus.


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("saved")
    subprocess.run(
        [sys.executable, "-m", "bench.cli", "run", "retriever=[bm25]", "output=out"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return only_run(folder / "out")


def test_gate_runs_the_baseline_again_and_writes_every_form(bench, saved, tmp_path):
    page = tmp_path / "step.md"
    done = bench(
        "gate", "--baseline", str(saved), "--junit", "g.xml", "--summary", "g.md", "--json", "g.json",
        GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # the run is where runs are, wherever the baseline had been written
    assert only_run(tmp_path / "results" / "runs").is_dir()
    assert not (tmp_path / "out").exists()
    assert "unchanged" in done.stdout
    assert "::" not in done.stdout
    assert page.read_text() == (tmp_path / "g.md").read_text()
    assert ElementTree.parse(tmp_path / "g.xml").getroot().get("failures") == "0"
    assert json.loads((tmp_path / "g.json").read_text())["exit_code"] == 0


@pytest.mark.long
def test_a_planted_regression_fails_and_update_refuses_it_without_a_reason(bench, saved, tmp_path):
    baseline = tmp_path / "base"
    shutil.copytree(saved, baseline)
    before = (baseline / "record.json").read_bytes()
    broken = ("--set", "retrievers.bm25.fields=[title]", "--set", f"output={tmp_path}/again")
    done = bench("gate", "--baseline", "base", *broken, GITHUB_ACTIONS="true")
    assert done.returncode == 1
    assert "::error title=bench gate, regressed::bm25 nDCG@10" in done.stdout
    done = bench("gate", "--baseline", "base", *broken, "--update")
    assert done.returncode == 1
    assert "the baseline stays" in done.stdout
    assert (baseline / "record.json").read_bytes() == before
    done = bench("gate", "--baseline", "base", *broken, "--update", "--accept-regression", "titles only")
    assert done.returncode == 0, done.stderr
    content = json.loads((baseline / "record.json").read_text())
    assert content["config"]["retrievers"]["bm25"]["fields"] == ["title"]
    (accepted,) = content["accepted_regressions"]
    assert accepted["reason"] == "titles only"
    assert accepted["regressed"] == ["bm25 nDCG@10"]
    done = bench("gate", str(saved), "--baseline", "base", "--update")
    assert done.returncode == 0
    assert "improved" in done.stdout
    content = json.loads((baseline / "record.json").read_text())
    assert content["accepted_regressions"] == [accepted]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again", "base"]


def test_the_first_baseline_is_made_from_a_run(bench, saved, tmp_path):
    done = bench("gate")
    assert done.returncode == 2
    assert "no baseline in results/baseline; make one with bench gate RUN --update" in done.stderr
    assert bench("gate", str(saved), "--update").returncode == 0
    assert bench("gate", str(saved)).returncode == 0
    assert (tmp_path / "results" / "baseline" / "record.json").exists()


def test_what_the_gate_refuses_is_said_in_words(bench, refusal, saved, tmp_path):
    base = ("--baseline", str(saved))
    other = tmp_path / "other"
    shutil.copytree(saved, other)
    content = json.loads((other / "record.json").read_text())
    content["labels"]["fingerprint"] = "x"
    (other / "record.json").write_text(json.dumps(content))
    for arguments, said in (
        ((str(other), *base), "the labels"),
        ((str(tmp_path), *base), "cannot read"),
        ((str(saved), *base, "--floor", "nDCG@10"), "floor 'nDCG@10' is malformed"),
        ((str(saved), *base, "--floor", "x:nDCG@10=0.5"), "no system 'x'"),
        ((str(saved), *base, "--floor", "gain=0.5"), "no measure 'gain'"),
        ((str(saved), *base, "--measure", "nDCG@11"), "nDCG@11 is not in both"),
        ((str(saved), *base, "--set", "a=b"), "leave it out beside a RUN"),
        ((*base, "--set", "retrievers.bm25.varant=1"), "did you mean 'variant'"),
        ((*base, "--set", "retrievers.bm25.k1"), "write it as"),
        ((*base, "--set", "depth=100"), "gate --set depth=1000"),
        ((*base, "--set", "retrievers.bm25.k1=[1"), "is no YAML"),
        ((*base, "--set", "retrievers.bm25.k1=x"), "k1 must be a number"),
        ((*base, "--set", "retrievers.bm25._target_=os.system"), "not part of bench"),
        ((str(saved), *base, "--accept-regression", "x"), "belongs to --update"),
    ):
        assert said in refusal("gate", *arguments), arguments
    done = bench("gate", str(other), *base)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_verify_repeats_a_record_and_says_what_differs(bench, saved, tmp_path):
    done = bench("verify", str(saved))
    assert done.returncode == 0, done.stderr
    assert "identical" in done.stdout
    changed = bench("verify", str(saved), "--set", "retrievers.bm25.b=0")
    assert changed.returncode == 1
    assert "different" in changed.stdout
    other = tmp_path / "other"
    shutil.copytree(saved, other)
    content = json.loads((other / "record.json").read_text())
    content["versions"]["numpy"] = "1.0"
    content["git"]["commit"] = "0" * 40
    (other / "record.json").write_text(json.dumps(content))
    done = bench("verify", str(other))
    assert done.returncode == 0
    assert "numpy: 1.0 → " in done.stdout
    assert "code: 000000000000" in done.stdout
    done = bench("verify", str(saved), "--set", "collection.split=dev")
    assert done.returncode == 2
    assert "the queries are not those of" in done.stderr
    (other / "bm25.trec").write_text("topic-02 Q0 x 1 a\n")
    done = bench("verify", str(other))
    assert done.returncode == 2
    assert "bm25.trec:1: expected 6 columns, found 5" in done.stderr


def test_differences_name_machine_data_and_model(saved):
    then = Record.load(saved)
    now = Record(copy.deepcopy(then.content))
    assert differences(then, now) == []
    now.content["platform"]["cores"] = 99
    now.content["labels"]["fingerprint"] = "x"
    now.content["systems"]["bm25"]["facts"]["weights_sha256"] = "x"
    now.content["config"]["depth"] = 10
    assert [text.split(":")[0] for text in differences(then, now)] == [
        "bm25",
        "cores",
        "depth",
        "labels",
    ]


def test_what_is_another_in_a_system_is_named_by_component(saved):
    then = Record.load(saved)

    def named(**components):
        now = Record(copy.deepcopy(then.content))
        system = now.content["systems"]["bm25"]
        system["facts"] |= components.pop("facts", {})
        system["fingerprint"] |= components
        return changed_systems(then, now)

    libraries = then.content["systems"]["bm25"]["fingerprint"]["libraries"]
    assert named() == []
    assert named(code="x", libraries={**libraries, "bm25s": "0.1"}) == ["bm25: other code, other bm25s"]
    assert named(settings="x") == ["bm25: other settings"]
    assert named(files="x") == ["bm25: other files"]
    assert named(files="x", facts={"weights_sha256": "x"}) == ["bm25: other model"]
    assert named(libraries={**libraries, "new": "1"}) == ["bm25: other new"]
    of_old = Record(copy.deepcopy(then.content))
    del of_old.content["systems"]["bm25"]["fingerprint"]
    assert changed_systems(of_old, then) == []


def test_gate_and_verify_say_that_another_setting_was_run(bench, saved, tmp_path):
    other = ("--set", "retrievers.bm25.k1=1.3")
    judged = bench("gate", "--baseline", str(saved), *other)
    assert "Not as in the baseline: bm25: other settings." in judged.stdout
    repeated = bench("verify", str(saved), *other)
    assert "bm25: other settings" in " ".join(repeated.stdout.split())


def test_settings_of_a_record_are_changed_in_place_only_where_asked(saved):
    then = Record.load(saved)
    settings = settings_of(then, ["retrievers.bm25.k1=0.9", "measures=[MAP]"])
    assert settings["retrievers"]["bm25"]["k1"] == 0.9
    assert settings["measures"] == ["MAP"]
    assert then.content["config"]["retrievers"]["bm25"]["k1"] == 1.2
