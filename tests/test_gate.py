"""The gate tells loss from noise, and nothing of it is half-written."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from conftest import ROOT, content_of, only_run, with_evidence
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bench.api import evaluate
from bench.cli.app import app
from bench.errors import BenchError
from bench.evidence.comparison import compare
from bench.evidence.family import Margins
from bench.experiment.baseline import anchor_after, loosened
from bench.experiment.gate import Floor, Renewal, _floors, hold
from bench.experiment.outcome import Outcome, non_inferior
from bench.experiment.run import run_and_save
from bench.ranking import empty
from bench.report.escape import visible
from bench.report.gate import floor_words, gate_json, gate_junit, gate_markdown, github_annotations
from bench.runs.record import Record

N = 120


def record(values, *, measures=("nDCG@10",), splits="test", weights="w1", depth=100, sets=None, **more):
    """A record of systems with these per-query values, by every measure the same."""
    n = len(next(iter(values.values())))
    fingerprints = more.pop("fingerprints", {})
    prints = {key: {"fingerprint": fingerprints.get(key, key)} for key in ("collection", "labels")}
    return Record(
        {
            **prints,
            "collection": {**prints["collection"], "documents": 100},
            "config": {"depth": depth, "evidence": more.pop("evidence", {})},
            "evidence": {"family": {"measures": [measures[0]]}},
            "queries": {
                "fingerprint": fingerprints.get("queries", "queries"),
                "ids": [f"q{i}" for i in range(n)],
                "sets": sets or ["s"] * n,
                "splits": [splits] * n,
                "left_out": [],
                "no_answer": [],
            },
            "measures": list(measures),
            "systems": {
                name: {
                    "facts": {"weights_sha256": weights},
                    "unanswered": 0,
                    "ties": {},
                    "values": {measure: list(map(float, row)) for measure in measures},
                }
                for name, row in values.items()
            },
            **more,
        }
    )


RNG = np.random.default_rng(8)
BASE = RNG.beta(2, 1, N)
NOISE = RNG.normal(0, 1, N)
NOISE = (NOISE - NOISE.mean()) / NOISE.std(ddof=1)


def changed(mean, spread):
    """Values whose difference to BASE has just this mean and spread."""
    return BASE + mean + spread * NOISE


def outcome(now, then=BASE, **settings):
    (finding,) = hold(record({"a": then}), record({"a": now}), **settings).findings
    return finding.outcome


def test_each_outcome_and_its_exit_code():
    def code(now, **settings):
        return hold(record({"a": BASE}), record({"a": now}), **settings).exit_code

    for now, said, exit_code in (
        (BASE, Outcome.UNCHANGED, 0),
        (changed(0.0, 0.02), Outcome.CHANGED, 0),
        (changed(-0.01, 0.02), Outcome.CHANGED, 0),  # significant, but surely within the tolerance
        (changed(0.05, 0.1), Outcome.IMPROVED, 0),
        (changed(-0.05, 0.1), Outcome.REGRESSED, 1),
        (changed(-0.0195, 0.01), Outcome.REGRESSED, 1),  # below 0, and not surely above -0.02
        (changed(-0.01, 0.4), Outcome.UNDECIDABLE, 3),
        (changed(0.0, 0.4), Outcome.UNDECIDABLE, 3),  # no loss was seen, and one can not be ruled out
    ):
        assert (outcome(now), code(now)) == (said, exit_code)
    assert outcome(changed(-0.05, 0.1), tolerance=Margins(0.1)) is Outcome.CHANGED
    assert outcome(BASE, reranked={"a": 3}) is Outcome.CHANGED
    assert hold(record({"a": BASE}), record({"a": changed(0.05, 0.1)})).stale
    assert code(changed(0.0, 0.4), undecidable_passes=True) == 0
    assert code(changed(-0.05, 0.1), undecidable_passes=True) == 1


def test_the_tolerance_is_the_baselines_own_and_by_measure():
    own = record({"a": BASE}, measures=("MAP", "P@5"), evidence={"tolerance": {"MAP": 0.1}})
    now = record({"a": changed(-0.05, 0.1)}, measures=("MAP", "P@5"))
    outcomes = [f.outcome for f in hold(own, now, measures=["MAP", "P@5"]).findings]
    assert outcomes == [Outcome.CHANGED, Outcome.REGRESSED]


@given(
    st.lists(st.sampled_from([0.0, 0.0, 0.02, -0.02, 0.1, -0.1, 0.5, -0.5]), min_size=4, max_size=60),
    st.floats(0, 0.3),
    st.floats(0.01, 1.0),
    st.sampled_from([0.005, 0.02, 0.1]),
)
@settings(max_examples=120, deadline=None)
def test_a_larger_loss_or_more_certainty_of_it_never_turns_a_stop_into_a_pass(
    d, more, narrower, tolerance
):
    d = np.array(d)
    n = len(d)

    def result(differences):
        one = compare(
            np.stack([np.zeros(n), differences])[:, None], ["then", "now"], ["m"], [(1, 0)],
            ["a", "b"] * (n // 2) + ["a"] * (n % 2), seed=0, draws=300,
        ).comparisons[0]  # fmt: skip
        return non_inferior(one, tolerance), one

    before, _ = result(d)
    # every query loses as much more
    after, _ = result(d - more)
    if before is not Outcome.CHANGED and d.any():
        assert after is not Outcome.CHANGED
    # the same loss of the tolerance or more, seen more clearly
    lost = d - d.mean() - tolerance - more
    clearer = lost.mean() + (lost - lost.mean()) * narrower
    assert result(lost)[0] is not Outcome.CHANGED
    assert result(clearer)[0] is not Outcome.CHANGED
    # and what passes still passes when it is seen more clearly. Where fewer than six differ, no flip of
    # signs is rare enough to tell, and the interval comes about in another way.
    closer = d.mean() + (d - d.mean()) * narrower
    if before is Outcome.CHANGED and (np.count_nonzero(d) >= 6 or not d.any()):
        assert result(closer)[0] is Outcome.CHANGED


def test_outcome_and_interval_say_the_same():
    for mean in np.linspace(-0.08, 0.08, 33):
        for spread in (0.01, 0.1, 0.3):
            (finding,) = hold(record({"a": BASE}), record({"a": changed(mean, spread)})).findings
            low, high = finding.comparison.low, finding.comparison.high
            assert finding.outcome.passes == (low > -0.02)
            assert (finding.outcome is Outcome.REGRESSED) == (low <= -0.02 and high < 0)
            assert (finding.outcome is Outcome.IMPROVED) == (low > 0)


def test_one_correction_covers_every_system_that_changed():
    drop = changed(-0.03, 0.13)
    alone = hold(record({"a": BASE}), record({"a": drop})).findings[0].comparison
    names = [f"s{i}" for i in range(12)]
    with_alike = hold(
        record(dict.fromkeys(names, BASE)), record({**dict.fromkeys(names, BASE), "s0": drop})
    ).findings[0].comparison  # fmt: skip
    assert with_alike.p_corrected == alone.p_corrected
    rng = np.random.default_rng(1)
    many = hold(
        record(dict.fromkeys(names, BASE)),
        record({name: BASE + rng.normal(0, 0.1, N) for name in names} | {"s0": drop}),
    ).findings[0].comparison  # fmt: skip
    assert many.p == alone.p
    assert many.p_corrected > alone.p_corrected
    assert many.low < alone.low


def test_small_steps_can_not_walk_downhill():
    """Eight losses that each pass alone; the best ever accepted stops them."""
    step = 0.012
    rng = np.random.default_rng(3)
    baseline = record({"a": BASE})
    best, stopped_at = BASE.mean(), None
    for number in range(1, 9):
        noise = rng.normal(0, 0.02, N)
        now = BASE - step * number + noise - noise.mean()
        result = hold(baseline, record({"a": now}))
        if not result.findings[0].outcome.passes:
            stopped_at = number
            break
        anchor = anchor_after(baseline, record({"a": now}), result.stopped)
        baseline = record({"a": now}, anchor=anchor)
    assert stopped_at == 2
    finding = result.findings[0]
    assert finding.best == pytest.approx(best)
    assert finding.comparison.low > -0.02 > finding.against_best.low
    # taken with a reason, it begins anew
    assert anchor_after(baseline, record({"a": now}), result.stopped) == {}
    # and another system keeps its own anchor
    two = record({"a": BASE, "b": BASE})
    lower = record({"a": now, "b": now})
    assert list(anchor_after(two, lower, {("a", "nDCG@10")})) == ["b"]
    # which is what the table says: a reason that nothing asked for changes no best
    said = "accepted as a baseline; it begins anew where --reason takes what did not pass."
    assert f"best: the best that was {said}" in gate_markdown(result)


def test_the_best_is_kept_while_later_baselines_are_worse_and_replaced_by_a_better_one():
    high = record({"a": changed(0.01, 0.01)})
    low = record({"a": BASE}, anchor=anchor_after(high, record({"a": BASE}), {}))
    again = anchor_after(low, record({"a": changed(0.005, 0.01)}), {})
    assert again["a"]["nDCG@10"] == pytest.approx(list(changed(0.01, 0.01)))
    assert anchor_after(low, record({"a": changed(0.02, 0.01)}), []) == {}


def test_an_anchor_outlives_a_run_that_did_not_measure_it():
    both = record({"a": BASE}, measures=("nDCG@10", "MAP"))
    only = record({"a": BASE})
    kept = anchor_after(both, only, {})
    assert list(kept["a"]) == ["MAP"]
    without = record({"a": BASE}, anchor=kept)
    low = record({"a": BASE - 0.2}, measures=("nDCG@10", "MAP"))
    assert anchor_after(without, low, {("a", "nDCG@10")})["a"]["MAP"] == pytest.approx(list(BASE))


def test_a_config_that_guards_less_asks_for_a_reason():
    strict = record({"a": BASE}, evidence={"tolerance": {"default": 0.01}})
    loose = record({"a": BASE}, evidence={"tolerance": {"default": 0.9}})
    assert loosened(strict, loose) == ["the tolerance of nDCG@10 would be 0.9, and is 0.01"]
    assert loosened(loose, strict) == []
    other = record({"a": BASE}, measures=("MAP",))
    assert loosened(record({"a": BASE}), other) == ["nDCG@10 would no longer be gated"]


def test_a_change_within_a_tiny_set_does_not_hide_the_loss_of_another_system():
    sets = ["big"] * (N - 2) + ["tiny"] * 2
    tiny = BASE.copy()
    tiny[-2:] -= [0.5, 0.49]
    result = hold(
        record({"a": BASE, "b": BASE}, sets=sets),
        record({"a": changed(-0.2, 0.02), "b": tiny}, sets=sets),
    )
    assert result.findings[0].outcome is Outcome.REGRESSED
    assert result.findings[0].comparison.high < -0.19


def test_rounding_is_no_change():
    assert outcome(np.nextafter(BASE, 1)) is Outcome.UNCHANGED


def test_only_test_queries_count():
    mixed = record({"a": BASE})
    mixed.content["queries"]["splits"][:60] = ["dev"] * 60
    now = BASE.copy()
    now[:60] -= 0.3
    later = record({"a": now})
    later.content["queries"]["splits"] = mixed.content["queries"]["splits"]
    assert hold(mixed, later).findings[0].outcome is Outcome.UNCHANGED
    with pytest.raises(BenchError, match="no test queries"):
        hold(record({"a": BASE}, splits="dev"), record({"a": BASE}, splits="dev"))


def test_floors_hold_for_every_system_and_measure_new_ones_too():
    then = record({"a": BASE}, measures=("nDCG@10", "MAP"))
    now = record({"a": BASE, "new": BASE - 0.3}, measures=("nDCG@10", "MAP"))
    for floors, code in (
        ({("", "MAP"): 0.99}, 1),  # no gated measure
        ({("new", "MAP"): 0.5}, 1),
        ({("", "nDCG@10"): 0.5}, 1),
        ({("a", "nDCG@10"): 0.5}, 0),
        ({("", "nDCG@10"): 0.99, ("a", "nDCG@10"): 0.0, ("new", "nDCG@10"): 0.0}, 0),
    ):
        assert hold(then, now, floors=floors).exit_code == code, floors
    result = hold(then, now, floors={("", "MAP"): 0.5})
    assert [(f.system, f.holds) for f in result.floors] == [("a", True), ("new", False)]
    assert result.stopped == {("new", "MAP"): "below floor"}
    for floors, said in (
        ({("", "gain"): 0.5}, "no measure gain"),
        ({("x", "MAP"): 0.5}, "no system 'x'"),
        ({("", "MAP"): 1.01}, "outside 0 to 1"),
        ({("", "MAP"): -0.1}, "outside 0 to 1"),
    ):
        with pytest.raises(BenchError, match=said):
            hold(then, now, floors=floors)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"fingerprints": {"collection": "x"}}, "the corpus"),
        ({"fingerprints": {"labels": "x"}}, "the labels"),
        ({"fingerprints": {"queries": "x"}}, "the queries"),
        ({"weights": "w2"}, "the model of a"),
        ({"depth": 10}, "10 documents a query and the baseline 100.* --set depth=100"),
    ],
)
def test_another_corpus_labels_queries_model_or_depth_can_not_be_compared(other, said):
    with pytest.raises(BenchError, match=said):
        hold(record({"a": BASE}), record({"a": BASE}, **other))


def test_a_system_that_is_gone_is_refused_and_a_new_one_is_named():
    with pytest.raises(BenchError, match="not in this run: b; run the same"):
        hold(record({"a": BASE, "b": BASE}), record({"a": BASE}))
    assert hold(record({"a": BASE}), record({"a": BASE, "b": BASE})).new == ("b",)
    with pytest.raises(BenchError, match="did you mean 'nDCG@10'"):
        hold(record({"a": BASE}), record({"a": BASE}), measures=["nDCG@11"])


@pytest.mark.parametrize(("what", "said"), [("sets", "query sets"), ("splits", "splits")])
def test_queries_in_other_sets_or_splits_can_not_be_compared(what, said):
    other = record({"a": BASE})
    other.content["queries"][what] = ["other", *other.content["queries"][what][1:]]
    with pytest.raises(BenchError, match=said):
        hold(record({"a": BASE}), other)


def test_without_an_anchor_the_gate_says_what_a_comparison_says():
    """Six queries fall from 1 to 0: significant for one hypothesis, and not if it were counted twice."""
    now = np.ones(N)
    now[:6] = 0
    (finding,) = hold(record({"a": np.ones(N)}), record({"a": now})).findings
    values = np.array([[now], [np.ones(N)]])
    (alone,) = compare(values, ["now", "then"], ["nDCG@10"], [(0, 1)], ["s"] * N, seed=0).comparisons
    assert finding.comparison.p_corrected == alone.p_corrected == pytest.approx(2 / 2**6)
    assert finding.comparison.low == pytest.approx(alone.low)
    assert finding.comparison.high == pytest.approx(alone.high)
    assert finding.outcome is Outcome.REGRESSED


def test_what_the_words_say_is_what_the_exit_code_does():
    few = record({"a": BASE[:20]}), record({"a": BASE[:20] + 0.3 * NOISE[:20] - 0.05})
    stopped, passed = (hold(*few, undecidable_passes=passes) for passes in (False, True))
    assert (stopped.exit_code, passed.exit_code) == (3, 0)
    assert "let it pass with --undecidable pass" in gate_markdown(stopped)
    assert "let it pass" not in gate_markdown(passed)
    assert "It passes, as --undecidable pass says" in gate_markdown(passed)
    below = hold(record({"a": BASE}), record({"a": BASE}), floors={("", "nDCG@10"): 0.99})
    assert gate_markdown(below).startswith("### ❌ Retrieval quality: below a floor")
    assert "| 0.02 | – |\n" in gate_markdown(below)  # no rankings were given to be compared


def test_every_form_says_the_same():
    result = hold(
        record({"a": BASE, "b": BASE}),
        record({"a": changed(-0.05, 0.1), "b": changed(0.05, 0.1)}),
        floors={("", "nDCG@10"): 0.65},
    )
    suite = ElementTree.fromstring(gate_junit(result))
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    assert [case.find("failure") is not None for case in suite] == [True, False, True, False]
    content = json.loads(gate_json(result))
    assert content["exit_code"] == 1
    assert content["baseline_stale"] is True
    assert [row["outcome"] for row in content["findings"]] == ["regressed", "improved"]
    assert [row["holds"] for row in content["floors"]] == [False, True]
    assert gate_markdown(result).startswith("### ❌ Retrieval quality: regressed")
    lines = github_annotations(result).splitlines()
    assert lines[0].startswith("::error title=bench gate regressed::a nDCG@10")
    assert lines[1].startswith("::notice title=bench gate improved::b")
    assert lines[2].startswith("::error title=bench gate below floor::a nDCG@10")
    # taken with a reason the step is green, and nothing in it red
    taken = replace(result, renewal=Renewal(0, "new baseline with a reason", "new baseline → base"))
    levels = [as_github_reads(line)[0] for line in github_annotations(taken).splitlines()]
    assert (taken.exit_code, levels) == (0, ["warning", "notice", "warning"])
    stays = replace(result, renewal=Renewal(1, "the baseline stays", "the baseline stays: a"))
    levels = [as_github_reads(line)[0] for line in github_annotations(stays).splitlines()]
    assert levels == ["error", "notice", "error", "error"]


def as_github_reads(line):
    """A workflow command as the runner takes it apart: name, properties, message."""
    _, head, message = line.split("::", 2)
    name, _, properties = head.partition(" ")
    pairs = [one.partition("=")[::2] for one in properties.split(",")]
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        message = message.replace(code, character)
    return name, dict(pairs), message


@pytest.mark.parametrize(
    "name",
    ["a::b", "a\nb", "100%0A", "a%", "<b>&\"'", "a\x00\x1b[1m", "a\ud800", "]]>", "a,title=x"],
    ids=ascii,
)
def test_a_name_of_any_characters_stays_one_in_annotations_and_junit(name):
    result = hold(
        record({name: BASE}), record({name: changed(-0.05, 0.1)}), floors={(name, "nDCG@10"): 0.65}
    )
    shown = visible(name)
    lines = github_annotations(result).splitlines()
    assert len(lines) == 2
    for line, title in zip(lines, ("bench gate regressed", "bench gate below floor"), strict=True):
        assert len(line.splitlines()) == 1
        read, properties, message = as_github_reads(line)
        assert (read, properties) == ("error", {"title": title})
        assert message.startswith(f"{shown} nDCG@10 ")
    suite = ElementTree.fromstring(gate_junit(result).encode())
    assert [(c.get("classname"), c.get("name")) for c in suite] == [
        (shown, "nDCG@10"),
        (shown, "floor of nDCG@10"),
    ]


# The commands, on a run of the shipped corpus.


def gate(*arguments):
    """The command in this process: (exit code, output)."""
    done = CliRunner().invoke(app, ["gate", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def answers_in(file):
    """Query → documents, in the order of the lines of a run file."""
    found = {}
    for line in file.read_text().splitlines():
        query, _, doc, *_ = line.split(" ")
        found.setdefault(query, []).append(doc)
    return found


def write_answers(file, answers):
    file.write_text(
        "".join(f"{q} Q0 {d} {n} {-n} x\n" for q, docs in answers.items() for n, d in enumerate(docs, 1))
    )


def relevant():
    """Query → its documents in the order of their grades, of the shipped labels."""
    rows = (ROOT / "qrels" / "digest" / "qrels" / "test.tsv").read_text().splitlines()[1:]
    judged = sorted((line.split("\t") for line in rows), key=lambda row: -int(row[2]))
    found = {}
    for query, doc, _ in judged:
        found.setdefault(query, []).append(doc)
    return found


def after(answers, loss):
    """Reverse this share of the lists, at least one; UNLIKE makes three of five lists ideal."""
    lists = dict(answers)
    if loss == UNLIKE:
        for n, (query, graded) in enumerate(relevant().items()):
            if query in lists:
                lists[query] = graded if n % 5 > 1 else lists[query][::-1]
        return lists
    lost = sorted(lists)[: math.ceil(loss * len(lists))]
    return lists | {query: lists[query][::-1] for query in lost}


DIGEST = {"_target_": "bench.collections.beir.digest"}


@pytest.fixture(scope="session")
def ran(saved, tmp_path_factory):
    """Run lists of which some got worse, by system, as run files; each kind of run once."""
    made = {}

    def run(lost, collection=DIGEST):
        key = json.dumps([lost, collection])
        if key not in made:
            folder = tmp_path_factory.mktemp("ran")
            for system, loss in lost.items():
                write_answers(folder / f"{system}.trec", after(answers_in(saved / "bm25.trec"), loss))
            retrievers = {
                name: {
                    "_target_": "bench.retrievers.runfile.RunFile",
                    "path": str(folder / f"{name}.trec"),
                }
                for name in lost
            }
            config = json.loads((saved / "record.json").read_text())["config"]
            changed = {"collection": collection, "retrievers": retrievers, "output": str(folder / "out")}
            made[key] = run_and_save({**config, **changed}).folder
        return made[key]

    return run


@pytest.fixture
def variant(ran, tmp_path):
    """Make a run of the systems a and b that lost this share of their lists, as a folder."""

    def make(name, *, lost=(0.0, 0.0), systems="ab", change=None, collection=DIGEST):
        folder = tmp_path / name
        shutil.copytree(ran(dict(zip(systems, lost, strict=False)), collection), folder)
        content = content_of(folder)
        if change:
            change(content)
        (folder / "record.json").write_text(json.dumps(with_evidence(content)))
        return folder

    return make


def looser(content):
    content["config"]["evidence"] = {"tolerance": {"nDCG@10": 0.5}}


def test_an_update_is_held_against_all_that_the_baseline_guards(variant, tmp_path):
    """By another measure, by a wide tolerance, or by a looser config for later: each asks for a reason."""
    base = variant("base")
    loss, loose = variant("loss", lost=(0.3, 0.0)), variant("loose", change=looser)
    before = (base / "record.json").read_bytes()
    for arguments, code in (
        ((loss, "--tolerance", "0.5"), 3),
        ((loss, "--measure", "Recall@100", "--tolerance", "Recall@100=0.9"), 3),
        ((loose,), 2),
        ((loose, "--measure", "MAP"), 2),
    ):
        exit_code, output = gate(*arguments, "--baseline", base, "--update")
        assert "the baseline stays" in output, arguments
        assert exit_code == code, arguments
        assert (base / "record.json").read_bytes() == before
    assert gate(loss, "--baseline", base, "--update", "--tolerance", "0.5", "--reason", "why")[0] == 0
    (accepted,) = json.loads((base / "record.json").read_text())["accepted"]
    assert accepted["stopped"] == ["a nDCG@10 regressed"]
    # and the run that was just accepted passes its own gate
    assert gate(loss, "--baseline", base)[0] == 0


def test_a_run_of_which_a_system_failed_needs_a_reason_to_be_a_baseline(variant, tmp_path):
    def fails(content):
        content["failed"] = {"dense": "no model"}

    run, base = variant("run", change=fails), tmp_path / "base"
    exit_code, output = gate(run, "--baseline", base, "--update")
    assert exit_code == 2
    assert "the baseline stays: dense failed" in output
    assert not base.exists()
    assert gate(run, "--baseline", base, "--update", "--reason", "no GPU today")[0] == 0
    assert CliRunner().invoke(app, ["report", str(base)]).exit_code == 0
    assert "dense failed: no model" in (base / "summary.md").read_text()


def as_read(folder):
    """(exit code, failures and errors, mark) of what --json, --junit and --summary wrote."""
    suite = ElementTree.parse(folder / "g.xml").getroot()
    failures, errors = (
        sum(case.find(kind) is not None for case in suite) for kind in ("failure", "error")
    )
    assert (suite.get("failures"), suite.get("errors")) == (str(failures), str(errors))
    mark = (folder / "g.md").read_text().split()[1]
    return json.loads((folder / "g.json").read_text())["exit_code"], failures + errors, mark


LOST, SAME, LOOSER, UNLIKE = "lost", "same", "looser", "unlike"


@pytest.mark.parametrize(
    ("run", "options", "code"),
    [
        (SAME, (), 0),
        (LOST, (), 1),
        (UNLIKE, (), 3),
        (UNLIKE, ("--undecidable", "pass"), 0),
        (SAME, ("--floor", "nDCG@10=0.99"), 1),
        (SAME, ("--update",), 0),
        (LOST, ("--update",), 1),
        (LOST, ("--update", "--tolerance", "0.5"), 3),
        (UNLIKE, ("--update",), 3),
        (UNLIKE, ("--update", "--undecidable", "pass"), 3),
        (UNLIKE, ("--update", "--undecidable", "pass", "--reason", "why"), 0),
        (SAME, ("--update", "--floor", "nDCG@10=0.99"), 1),
        (SAME, ("--update", "--floor", "nDCG@10=0.99", "--reason", "why"), 0),
        (LOOSER, ("--update",), 2),
        (LOOSER, ("--update", "--reason", "why"), 0),
        (LOST, ("--update", "--reason", "why"), 0),
        ("damaged", (), 0),
        ("damaged", ("--update",), 2),
        ("damaged", ("--update", "--reason", "why"), 2),
        ("first", ("--update",), 0),
        ("first", ("--update", "--floor", "nDCG@10=0.99"), 1),
    ],
)
def test_what_is_written_says_what_the_process_exits_with(variant, tmp_path, run, options, code):
    made = {
        LOST: lambda: variant("run", lost=(0.3, 0.0)),
        LOOSER: lambda: variant("run", change=looser),
        UNLIKE: lambda: variant("run", lost=(UNLIKE, 0.0)),
    }.get(run, lambda: variant("run"))()
    base = tmp_path / "none" if run == "first" else variant("base")
    if run == "damaged":
        (made / "b.trec").unlink()
    forms = [word for end in ("json", "xml", "md") for word in (FORMS[end], tmp_path / f"g.{end}")]
    try:
        ended, output = gate(made, "--baseline", base, *options, *forms)
    except BenchError:  # `main` exits with 2
        ended, output = 2, ""
    assert ended == code, output
    written, failures, mark = as_read(tmp_path)
    assert written == code
    assert (failures == 0) == (code == 0)
    assert mark == {0: "✅", 1: "❌", 2: "❌", 3: "⚠️"}[code]


FORMS = {"json": "--json", "xml": "--junit", "md": "--summary"}


def accepted_in(base):
    accepted = json.loads((base / "record.json").read_text()).get("accepted", [])
    return [one["reason"] for one in accepted]


def test_what_was_accepted_while_a_run_was_held_is_not_undone(variant, monkeypatch):
    base, one, other = variant("base"), variant("one", lost=(0.3, 0.0)), variant("other")

    def meanwhile(*_):
        monkeypatch.undo()
        assert gate(other, "--baseline", base, "--update", "--reason", "theirs")[0] == 0

    monkeypatch.setattr("bench.runs.run_files.require_run_files", meanwhile)
    with pytest.raises(BenchError, match=f"the baseline in {base} was replaced meanwhile; gate again"):
        gate(one, "--baseline", base, "--update", "--reason", "ours")
    assert accepted_in(base) == ["theirs"]
    assert gate(one, "--baseline", base, "--update", "--reason", "ours")[0] == 0
    assert accepted_in(base) == ["theirs", "ours"]


def test_two_first_baselines_at_once_are_one(variant, tmp_path, monkeypatch):
    base, one, other = tmp_path / "new", variant("one", lost=(0.3, 0.0)), variant("other")

    def meanwhile(*_):
        monkeypatch.undo()
        assert gate(other, "--baseline", base, "--update")[0] == 0

    monkeypatch.setattr("bench.runs.run_files.require_run_files", meanwhile)
    with pytest.raises(BenchError, match="was replaced meanwhile"):
        gate(one, "--baseline", base, "--update")
    assert Record.load(base).content == Record.load(other).content


def test_each_process_that_says_it_made_the_baseline_has_its_reason_in_it(variant):
    base, runs = variant("base"), [variant(f"run{n}", lost=(0.1 * n, 0.0)) for n in range(4)]
    command = [sys.executable, "-m", "bench", "gate", "--baseline", str(base), "--update", "--reason"]
    racing = [
        subprocess.Popen([*command, run.name, str(run)], stderr=subprocess.PIPE, text=True)
        for run in runs
    ]
    said = [process.communicate()[1] for process in racing]
    codes = [process.returncode for process in racing]
    assert all(code == 0 or "meanwhile" in err for code, err in zip(codes, said, strict=True)), said
    made = {run.name for run, code in zip(runs, codes, strict=True) if code == 0}
    assert set(accepted_in(base)) == made
    assert made


def test_a_baseline_that_is_made_of_a_baseline_keeps_nothing_of_its_earlier_life(variant):
    base, low = variant("base"), variant("low", lost=(0.001, 0.0))
    assert gate(low, "--baseline", base, "--update", "--tolerance", "0.5", "--reason", "small")[0] == 0
    content = json.loads((base / "record.json").read_text())
    content["anchor"] = {"a": {m: [1.0] * len(v) for m, v in content["systems"]["a"]["values"].items()}}
    (base / "record.json").write_text(json.dumps(content))
    # held against itself, it is below its anchor: accepted with a reason, the anchor begins anew
    assert gate(base, "--baseline", base)[0] in (1, 3)
    assert gate(base, "--baseline", base, "--update", "--reason", "as it is")[0] == 0
    now = json.loads((base / "record.json").read_text())
    assert "a" not in now.get("anchor", {}) or "nDCG@10" not in now["anchor"]["a"]
    assert accepted_in(base) == ["small", "as it is"]
    assert gate(base, "--baseline", base)[0] == 0
    # and elsewhere it is a first baseline like any
    first = base.with_name("first")
    assert gate(base, "--baseline", first, "--update")[0] == 0
    assert not {"anchor", "accepted"} & json.loads((first / "record.json").read_text()).keys()


def test_a_system_that_is_dropped_with_a_reason_hides_no_other(variant):
    base, later = variant("base"), variant("later", lost=(0.3,), systems="a")
    exit_code, output = gate(later, "--baseline", base, "--update", "--reason", "b is gone")
    assert exit_code == 0
    assert "regressed" in output
    assert "No longer run, and so no longer guarded: b" in output
    content = content_of(base)
    assert content["accepted"][0]["stopped"] == ["a nDCG@10 regressed", "b all no longer run"]
    assert not content["accepted"][0]["anew"]


def test_floors_and_forms_count_for_a_first_baseline_and_one_begun_anew_too(variant, tmp_path):
    run = variant("run")
    first = ("--baseline", tmp_path / "none", "--update")
    with pytest.raises(BenchError, match="nosuch"):
        gate(run, *first, "--measure", "nosuch")
    with pytest.raises(BenchError, match="no measure bogus"):
        gate(run, *first, "--floor", "bogus=0.5")
    exit_code, output = gate(run, *first, "--floor", "nDCG@10=0.99")
    assert exit_code == 1
    assert "below a floor" in output
    assert not (tmp_path / "none").exists()
    assert gate(run, *first, "--json", tmp_path / "g.json")[0] == 0
    assert (tmp_path / "g.json").exists()
    labelled = tmp_path / "mine"
    anew = variant("anew", collection=labelled_elsewhere(labelled, grade=0))
    again = (anew, *first, "--reason", "new labels", "--set", f"collection.path={labelled}")
    with pytest.raises(BenchError, match="no measure bogus"):
        gate(*again, "--floor", "bogus=0.5")
    exit_code, output = gate(*again, "--floor", "nDCG@10=0.99")
    assert exit_code == 0  # a reason was given, and is kept with what it was for
    accepted = json.loads((tmp_path / "none" / "record.json").read_text())["accepted"]
    assert accepted[-1]["stopped"] == ["a nDCG@10 below floor", "b nDCG@10 below floor"]


def test_only_a_ranking_that_is_there_counts_as_not_changed(variant):
    base = variant("base")
    (base / "a.trec").unlink()
    rows = [line.split() for line in gate(variant("run"), "--baseline", base)[1].splitlines()]
    assert [row[-1] for row in rows if "unchanged" in row] == ["–", "0"]


def test_a_damaged_anchor_is_refused(variant):
    base = variant("base")
    content = content_of(base)
    content["anchor"] = {"a": {"nDCG@10": [5.0] * len(content["queries"]["ids"])}}
    (base / "record.json").write_text(json.dumps(content))
    with pytest.raises(BenchError, match=r"anchor\.a\.nDCG@10: 5.0 for query"):
        gate(variant("run"), "--baseline", base)


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
    assert "::error title=bench gate regressed::bm25 nDCG@10" in done.stdout
    done = bench("gate", "--baseline", "base", *broken, "--update")
    assert done.returncode == 1
    assert "the baseline stays" in done.stdout
    assert (baseline / "record.json").read_bytes() == before
    done = bench("gate", "--baseline", "base", *broken, "--update", "--reason", "titles only")
    assert done.returncode == 0, done.stderr
    content = content_of(baseline)
    assert content["config"]["retrievers"]["bm25"]["fields"] == ["title"]
    (accepted,) = content["accepted"]
    assert accepted["reason"] == "titles only"
    assert accepted["stopped"] == ["bm25 nDCG@10 regressed"]
    done = bench("gate", str(saved), "--baseline", "base", "--update")
    assert done.returncode == 0
    assert "improved" in done.stdout
    content = content_of(baseline)
    assert content["accepted"] == [accepted]
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
    content = content_of(other)
    content["labels"]["fingerprint"] = "x"
    (other / "record.json").write_text(json.dumps(content))
    for arguments, said in (
        ((str(other), *base), "the labels"),
        ((str(tmp_path), *base), "cannot read"),
        ((str(saved), *base, "--floor", "nDCG@10"), "floor 'nDCG@10' is malformed"),
        ((str(saved), *base, "--floor", "x:nDCG@10=0.5"), "no system 'x'"),
        ((str(saved), *base, "--floor", "gain=0.5"), "no measure gain"),
        ((str(saved), *base, "--measure", "nDCG@11"), "nDCG@11 is not in both"),
        ((str(saved), *base, "--set", "a=b"), "leave it out beside a RUN"),
        ((*base, "--set", "retrievers.bm25.varant=1"), "did you mean 'variant'"),
        ((*base, "--set", "retrievers.bm25.k1"), "write it as"),
        ((*base, "--set", "depth=100"), "gate --set depth=1000"),
        ((*base, "--set", "retrievers.bm25.k1=[1"), "is no YAML"),
        ((*base, "--set", "retrievers.bm25.k1=x"), "k1 must be a number"),
        ((*base, "--set", "retrievers.bm25._target_=os.system"), "not part of bench"),
        ((str(saved), *base, "--reason", "x"), "belongs to --update"),
        ((str(saved), *base, "--floor", "MAP=1.5"), "outside 0 to 1"),
        ((str(saved), *base, "--tolerance", "0"), "--tolerance"),
        ((str(saved), *base, "--tolerance", "gain=0.1"), "which is not measured"),
        ((str(saved), *base, "--tolerance", "MAP=0.1"), "MAP is not gated"),
        ((str(saved), *base, "--floor", "MAP=0.1", "--floor", "MAP=0.2"), "given twice"),
    ):
        assert said in refusal("gate", *arguments), arguments
    done = bench("gate", str(other), *base)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("page", ["nodir/x", "page.md"])
def test_the_page_of_a_step_is_made_or_added_to(variant, tmp_path, monkeypatch, page):
    base = variant("base")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", page)
    (tmp_path / "page.md").write_text("before\n")
    assert gate(base, "--baseline", base, "--summary", "g.md")[0] == 0
    before = "before\n" if page == "page.md" else ""
    assert (tmp_path / page).read_text() == before + (tmp_path / "g.md").read_text()


@pytest.mark.parametrize("page", [".", "file/x", "x" * 300, "/proc/version"])
def test_a_page_that_can_not_be_written_is_said_before_anything_is_run(
    variant, tmp_path, monkeypatch, page
):
    """The gate has no RUN here, and would evaluate the baseline again."""
    base = variant("base")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", page)
    monkeypatch.setattr("bench.experiment.run.run_and_save", None)
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="cannot write"):
        gate("--baseline", base)


def without_file(file):
    file.unlink()


def of_an_unknown_document(file):
    lines = file.read_text().splitlines(keepends=True)
    query, _, _, *rest = lines[0].split(" ")
    file.write_text("".join([" ".join([query, "Q0", "nosuch", *rest]), *lines[1:]]))


def of_an_unknown_query(file):
    doc = file.read_text().split(" ")[2]
    with file.open("a") as out:
        out.write(f"nosuch Q0 {doc} 1 1 b\n")


def without_a_query(file):
    lines = file.read_text().splitlines(keepends=True)
    first = lines[0].split(" ")[0]
    file.write_text("".join(line for line in lines if line.split(" ")[0] != first))


def in_another_order(file):
    """The scores stay where they were: only what they are of has changed."""
    write_answers(file, {query: docs[::-1] for query, docs in answers_in(file).items()})


def with_other_scores(file):
    """Each line is of the document that it was of."""
    rows = [line.split(" ") for line in file.read_text().splitlines()]
    file.write_text("".join(" ".join([*row[:4], row[3], row[5]]) + "\n" for row in rows))


def without_its_first_lines(file):
    write_answers(file, {query: docs[1:] or docs for query, docs in answers_in(file).items()})


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (without_file, "b.trec, the answers of b, is not there"),
        (of_an_unknown_document, "document 'nosuch' is not in the collection"),
        (of_an_unknown_query, "answers 'nosuch', which the record has not"),
        (without_a_query, "and by the record"),
        (in_another_order, "and its record says"),
        (with_other_scores, "above the one before it"),
        (without_its_first_lines, "and its record says"),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_what_becomes_a_baseline_has_the_run_file_of_every_system(variant, damage, says, first):
    base, run = variant("base"), variant("run")
    damage(run / "b.trec")
    if first:
        shutil.rmtree(base)
    before = {file.name: file.read_bytes() for file in base.glob("*.*")}
    for reason in ((), ("--reason", "why")):
        with pytest.raises(BenchError, match=says):
            gate(run, "--baseline", base, "--update", *reason)
    assert {file.name: file.read_bytes() for file in base.glob("*.*")} == before
    # without a baseline to be made, it is held against one by its record
    if not first:
        assert gate(run, "--baseline", base)[0] == 0


def test_a_run_file_is_no_deeper_than_its_run(variant, tmp_path):
    run = variant("run", change=lambda content: content["config"].update(depth=100))
    with pytest.raises(BenchError, match="and the run kept 100"):
        gate(run, "--baseline", tmp_path / "base", "--update")


def labelled_elsewhere(folder, *, grade):
    """A copy of the shipped collection in which the first document judged has this grade."""
    shutil.copytree(ROOT / "qrels" / "digest", folder, ignore=shutil.ignore_patterns("pages", "passes"))
    labels = folder / "qrels" / "test.tsv"
    head, first, *rest = labels.read_text().splitlines()
    pair, _ = first.rsplit("\t", 1)
    labels.write_text("\n".join([head, f"{pair}\t{grade}", *rest, ""]))
    beir = {"_target_": "bench.collections.beir.BeirFolder", "path": str(folder)}
    return {**beir, "relevant": 2, "complete": True}


def test_the_collection_of_a_run_that_becomes_a_baseline_is_named_where_it_moved(variant, tmp_path):
    """A record keeps no absolute path."""
    folder, moved, base = tmp_path / "mine", tmp_path / "moved", tmp_path / "base"
    run = variant("run", collection=labelled_elsewhere(folder, grade=3))
    folder.rename(moved)
    update = (run, "--baseline", base, "--update")
    with pytest.raises(BenchError, match=r"can not be measured again: .*--set collection\.path=DIR"):
        gate(*update)
    labelled_elsewhere(folder, grade=0)
    with pytest.raises(BenchError, match="the labels changed since the run"):
        gate(*update, "--set", f"collection.path={folder}")
    assert not base.exists()
    assert gate(*update, "--set", f"collection.path={moved}")[0] == 0
    with pytest.raises(BenchError, match="leave it out beside a RUN"):
        gate(*update, "--set", f"collection.path={moved}", "--set", "depth=5")
    with pytest.raises(BenchError, match="leave it out beside a RUN"):
        gate(run, "--baseline", base, "--set", f"collection.path={moved}")


def test_code_of_others_is_not_run_to_measure_again_unless_it_is_allowed(variant, tmp_path):
    def theirs(content):
        content["config"]["collection"] = {"_target_": "mine.Collection"}

    with pytest.raises(BenchError, match=r"can not be measured again: .*--allow mine"):
        gate(variant("run", change=theirs), "--baseline", tmp_path / "base", "--update")


@dataclass(frozen=True)
class Even:
    """Gives each document of some the same score, in the order that it was given; finds nothing else."""

    docs: tuple[int, ...]

    def index(self, collection, store):
        return EvenSearcher(self.docs)


@dataclass(frozen=True)
class EvenSearcher:
    docs: tuple[int, ...]
    exact: None = None
    nbytes: int = 1

    @property
    def facts(self):
        return {}

    def search(self, queries, k):
        run = empty(len(queries), k)
        run.docs[:, : len(self.docs)] = self.docs
        run.scores[:, : len(self.docs)] = 1
        return run


@pytest.mark.parametrize("docs", [(), (0, 1, 2), (2, 1, 0), (0, 2, 1)])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_system_that_found_nothing_or_orders_equal_scores_its_own_way_is_what_it_is(
    beir, tmp_path, docs, earlier, monkeypatch
):
    """A relevant document is among those of one score. `earlier`: a run of before they were put in order,
    whose values are of the order of its lines."""
    if earlier:
        monkeypatch.setattr("bench.outside.with_ties_in_order", lambda run, _: run)
    made = evaluate(beir, {"even": Even(docs)}, measures=["MAP", "P@1"], depth=10)
    run = made.save(tmp_path / "out")
    update = ("--baseline", tmp_path / "base", "--update", "--set", f"collection.path={beir}")
    if docs:
        (damaged := tmp_path / "damaged").mkdir()
        shutil.copytree(run, damaged, dirs_exist_ok=True)
        file = damaged / "even.trec"
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(sorted(lines, reverse=lines[0].split()[2] == "d01")))
        with pytest.raises(BenchError, match="and its record says"):
            gate(damaged, *update)
    assert gate(run, *update)[0] == 0


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.7, 0.63, 1 / 3, 1.0]), min_size=2, max_size=60),
    st.sampled_from([0, -1, 1]),
)
def test_a_floor_holds_as_in_exact_arithmetic(values, off):
    exact = sum(map(Fraction, map(str, values))) / len(values)
    floor = float(exact) + off * 1e-9
    if not 0 <= floor <= 1:
        return
    (found,) = _floors(record({"a": values}), {("a", "nDCG@10"): floor}, np.ones(len(values), bool))
    assert found.holds == (exact >= Fraction(floor) - Fraction(1, 10**11))
    now = floor_words(found).split()[2].rstrip(",")
    assert found.holds or float(now) < floor


@pytest.mark.parametrize("n", range(2, 200, 7))
def test_a_mean_that_equals_its_floor_holds(n):
    for floor in (0.1, 0.2, 0.35, 0.6, 0.9):
        (found,) = _floors(record({"a": [floor] * n}), {("", "nDCG@10"): floor}, np.ones(n, bool))
        assert found.holds


def test_a_mean_that_is_below_shows_it():
    assert floor_words(Floor("a", "MAP", 0.59999, 0.6)) == "a MAP 0.59999, floor 0.6"
    assert floor_words(Floor("a", "MAP", 0.5, 0.6)) == "a MAP 0.5000, floor 0.6"
    assert floor_words(Floor("a", "MAP", 0.6, 0.6)) == "a MAP 0.6000, floor 0.6"
