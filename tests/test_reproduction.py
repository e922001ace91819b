"""`verify` repeats a record and says how far it came back, whatever documents are called."""

from __future__ import annotations

import copy
import itertools
import json
import math
import shutil

import numpy as np
import pytest
from conftest import content_of, only_run
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from bench.experiment.run import settings_of
from bench.report.reproduction import reproduction_table
from bench.report.table import Number
from bench.runs.record import Record
from bench.runs.reproduction import (
    Level,
    changed_systems,
    differences,
    kendall,
    overlap,
    rbo,
    reproduced,
    tau_union,
)

DOCS = st.lists(st.sampled_from("abcdefghijklm"), unique=True, max_size=13)
MEASURES = {"kendall": kendall, "overlap": overlap, "rbo": rbo}


def distance(one, other):
    """K^(1/2) by the four cases of Fagin, Kumar & Sivakumar (2003, section 3.1), pair by pair."""
    total = 0.0
    for i, j in itertools.combinations(sorted({*one, *other}), 2):
        held = [(i in docs, j in docs) for docs in (one, other)]
        if held == [(True, True)] * 2:  # case 1: both in both
            total += (one.index(i) < one.index(j)) != (other.index(i) < other.index(j))
        elif (True, True) in held and (
            False,
            False,
        ) not in held:  # case 2: both in one, one in the other
            whole = (one, other)[held.index((True, True))]
            there = held[1 - held.index((True, True))]
            ahead = (i, j) if there == (True, False) else (j, i)
            total += whole.index(ahead[0]) > whole.index(ahead[1])
        elif (False, False) in held:  # case 4: both in one, none in the other
            total += 1 / 2
        else:  # case 3: one in each
            total += 1
    return total


@given(DOCS, DOCS)
def test_kendall_of_top_k_lists_is_its_enumeration(one, other):
    n = len({*one, *other})
    if one != other and not (one and other):
        assert math.isnan(kendall(one, other))
        assert math.isnan(kendall(other, one))
        return
    if n >= 2:
        assert kendall(one, other) == pytest.approx(1 - 2 * distance(one, other) / math.comb(n, 2))
    assert kendall(one, other) == kendall(other, one)


@given(DOCS, st.randoms())
def test_kendall_of_the_same_documents_is_kendalls_tau(one, random):
    other = list(one)
    random.shuffle(other)
    if len(one) > 1:
        places = [[docs.index(doc) for doc in one] for docs in (one, other)]
        assert kendall(one, other) == pytest.approx(kendalltau(*places).statistic)
        assert kendall(one, one[::-1]) == -1


def test_kendall_by_hand():
    # of a, b, c, d: a–b agrees; d is not in the first list and c not in the second, so both are behind:
    # a–c, b–c, a–d, b–d agree; c–d can not
    assert kendall(list("abc"), list("abd")) == pytest.approx(1 - 2 * 1 / 6)
    # the same, but d comes first in the second: a–d and b–d differ too
    assert kendall(list("abc"), list("dab")) == pytest.approx(1 - 2 * 3 / 6)
    # two lists of two without a common document: four pairs differ, of two nobody knows
    assert kendall(list("ab"), list("cd")) == pytest.approx(1 - 2 * (4 + 1 / 2 + 1 / 2) / 6)
    assert kendall(["a"], ["b"]) == -1
    assert (kendall([], []), kendall(["a"], ["a"])) == (1, 1)
    for docs in (["a"], list("ab"), list("abc")):  # an empty list has no order, not an unrelated one
        assert math.isnan(kendall(docs, []))
        assert math.isnan(kendall([], docs))


@given(DOCS, DOCS)
def test_rbo_is_its_formula(one, other):
    depth = max(len(one), len(other))
    if depth == 0:
        assert rbo(one, other) == 1
        return
    weights = [0.8**d for d in range(depth)]
    agreed = [len(set(one[: d + 1]) & set(other[: d + 1])) / (d + 1) for d in range(depth)]
    assert rbo(one, other) == pytest.approx(np.dot(weights, agreed) / sum(weights))


def test_rbo_of_the_example_of_its_paper():
    """Webber, Moffat & Zobel (2010), table 1: agreement of two lists at depths 1 to 7."""
    agreement = [0, 0, 2 / 3, 2 / 4, 2 / 5, 2 / 6, 2 / 7]
    weights = [0.9**d for d in range(7)]
    expected = sum(a * w for a, w in zip(agreement, weights, strict=True)) / sum(weights)
    assert rbo("abcdefg", "zcavwxy", p=0.9) == pytest.approx(expected)


@given(DOCS, DOCS)
def test_overlap_is_the_share_of_the_first_ten(one, other):
    common = [doc for doc in one[:10] if doc in other[:10]]
    longer = max(len(one[:10]), len(other[:10]))
    assert overlap(one, other) == (len(common) / longer if longer else 1)


@given(DOCS, DOCS, st.permutations("abcdefghijklm"))
def test_no_measure_depends_on_how_documents_are_called(one, other, names):
    new = dict(zip("abcdefghijklm", names, strict=True))
    renamed = [[new[doc] for doc in docs] for docs in (one, other)]
    for name, measure in MEASURES.items():
        assert measure(*renamed) == pytest.approx(measure(one, other), nan_ok=True, rel=0), name


def test_tau_union_does_which_is_why_it_comes_last():
    assert tau_union("abcd", "abce") == 1
    assert tau_union("dbca", "dbce") < 1  # a and d have changed their names
    assert kendall("abcd", "abce") == kendall("dbca", "dbce")


@given(DOCS, DOCS)
def test_equal_lists_are_at_1_and_others_below(one, other):
    for name, measure in MEASURES.items():
        assert measure(one, one) == 1, name
        if one == other or (one and other) or name != "kendall":
            assert -1 <= measure(one, other) <= 1, name
    if one != other:
        assert rbo(one, other) < 1
        # one document more at the end is behind all others in both
        shorter, longer = sorted((one, other), key=len)
        assert (kendall(one, other) == 1) == (shorter == longer[:-1] != [])


@given(DOCS.filter(bool), st.randoms())
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
        return reproduced("s", ["q"], then, now, values, other)

    assert level(then).level is Level.IDENTICAL
    assert level({"q": [("a", 2.5), ("b", 1.0)]}).level is Level.SAME_ORDER
    swapped = level({"q": [("b", 2.0), ("a", 1.0)]}, {"m": np.array([0.1, 0.5])})
    assert swapped.level is Level.DIFFERENT
    assert (swapped.kendall, swapped.overlap, swapped.tau_union) == (-1, 1, -1)
    assert swapped.rmse["m"] == pytest.approx(math.sqrt((0.4**2 + 0.4**2) / 2))
    assert level({}).level is Level.DIFFERENT


def test_means_are_over_all_queries_those_without_an_answer_too():
    then, now = {"q1": [("a", 1.0)]}, {"q1": [("b", 1.0)]}
    values = {"m": np.zeros(4)}
    found = reproduced("s", ["q1", "q2", "q3", "q4"], then, now, values, values)
    assert (found.kendall, found.overlap, found.rbo) == (1 / 2, 3 / 4, 3 / 4)


def test_the_table_names_each_measure_for_what_it_is(saved):
    record = Record.load(saved)
    values = {m: np.zeros(2) for m in record.measures}
    found = reproduced("s", ["q"], {"q": [("a", 1.0)]}, {"q": [("b", 1.0)]}, values, values)
    table = reproduction_table([found], [], record)
    row = dict(zip((column.title for column in table.columns), table.rows[0], strict=True))
    assert row["Kendall's τ"] == Number(-1)
    assert row["overlap@10"] == row["RBO, truncated"] == row["τ Union (repro_eval)"] == Number(0)
    assert table.columns[-1].title == "τ Union (repro_eval)"


# The command, on a run of the shipped corpus.


def test_verify_repeats_a_record_and_says_what_differs(bench, saved, tmp_path):
    done = bench("verify", str(saved))
    assert done.returncode == 0, done.stderr
    assert "identical" in done.stdout
    changed = bench("verify", str(saved), "--set", "retrievers.bm25.b=0")
    assert changed.returncode == 1
    assert "different" in changed.stdout
    other = tmp_path / "other"
    shutil.copytree(saved, other)
    content = content_of(other)
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
    assert "bm25.trec:1: expected 6 columns (query Q0 document rank score tag), found 5" in done.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("measures=[MAP]", "with its own measures; leave measures out of --set"),
        ("measures=[MAP,nDCG@10]", "with its own measures; leave measures out of --set"),
        ("depth=20", "with its own depth; leave depth out of --set"),
        ("retrievers={}", "no retriever chosen"),
        (
            "retrievers={plain: {_target_: bench.retrievers.bm25.BM25}}",
            "with its own systems; leave retrievers out of --set, or name 'bm25' too",
        ),
        ("retrievers=none", "retrievers must be chosen"),
    ],
)
def test_verify_repeats_the_run_that_was_and_no_other(refusal, saved, change, says):
    assert says in refusal("verify", str(saved), "--set", change)


def test_a_query_that_the_record_has_not_is_refused(refusal, saved, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(saved, other)
    with (other / "bm25.trec").open("a") as out:
        out.write("nobody-asked Q0 x 1 1.0 bm25\n")
    assert "bm25.trec answers 'nobody-asked', which the record has not" in refusal("verify", str(other))


def test_differences_name_machine_data_and_model(saved):
    then = Record.load(saved)
    now = Record(copy.deepcopy(then.content), then.all_values)
    assert differences(then, now) == []
    now.content["platform"]["cores"] = 99
    now.content["labels"]["fingerprint"] = "x"
    now.content["systems"]["bm25"]["facts"]["weights_sha256"] = "x"
    assert [text.split(":")[0] for text in differences(then, now)] == ["bm25", "cores", "labels"]


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("sets", "query sets"),
        ("splits", "splits of the queries"),
        ("left_out", "queries left out"),
        ("no_answer", "queries known to have no answer"),
    ],
)
def test_differences_name_what_changed_in_the_queries_beside_their_texts(saved, key, says):
    then = Record.load(saved)
    now = Record(copy.deepcopy(then.content), then.all_values)
    now.content["queries"][key] = ["other", *now.content["queries"][key][1:]]
    assert differences(then, now) == [f"{says}: other content"]


def test_verify_names_query_sets_that_changed(bench, beir, tmp_path):
    collection = ("collection=beir", f"collection.path={beir}")
    run = ("run", "retriever=[bm25]", *collection, "measures=[MAP]", "output=out")
    assert bench(*run).returncode == 0
    queries = beir / "queries.jsonl"
    queries.write_text(queries.read_text().replace('"question"', '"topic"'))
    done = bench("verify", str(only_run(tmp_path / "out")), "--set", f"collection.path={beir}")
    said = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stderr  # the rankings are what they were
    assert "query sets: other content" in said and "as they were" not in said


def test_what_is_another_in_a_system_is_named_by_component(saved):
    then = Record.load(saved)

    def named(**components):
        now = Record(copy.deepcopy(then.content), then.all_values)
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
    of_old = Record(copy.deepcopy(then.content), then.all_values)
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
