"""Measures of ir_measures: read, printed, computed as the package does it, refused in one line."""

from __future__ import annotations

import math
import re
import subprocess
import sys

import ir_measures
import numpy as np
import pytest
from conftest import ROOT, content_of, make_queries, only_run, write_beir
from hypothesis import example, given
from hypothesis import strategies as st
from ir_measures import measures as theirs

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.evaluation.measures import Measure, evaluate, known
from bench.evaluation.residual import residual
from bench.ranking import best, tie_ranks
from bench.types import Qrels, Run

IDS = [f"d{i}" for i in range(12)]
COLLECTION = InMemory("twelve", IDS, [""] * 12, ["x"] * 12)
COUNTS = {"NumQ", "NumRel", "NumRet"}
BY_SUBTOPIC = {
    "ERR_IA",
    "nERR_IA",
    "alpha_DCG",
    "alpha_nDCG",
    "NRBP",
    "nNRBP",
    "AP_IA",
    "P_IA",
    "StRecall",
}
REFUSED = {*COUNTS, *BY_SUBTOPIC, "Accuracy"}
# What we write → theirs, with the relevant grade of the labels, 2.
CASES = {
    "RBP(p=0.5)": ir_measures.RBP(p=0.5, rel=2),
    "RBP": ir_measures.RBP(rel=2),
    "RBP(rel=1,p=0.95)": ir_measures.RBP(rel=1, p=0.95),
    "ERR@3": ir_measures.ERR @ 3,
    "ERR@20": ir_measures.ERR @ 20,
    "infAP": ir_measures.infAP(rel=2),
    "bpref": ir_measures.Bpref(rel=2),
    "Bpref(rel=1)": ir_measures.Bpref(rel=1),
    "Rprec": ir_measures.Rprec(rel=2),
    "Rprec(judged_only=True)": ir_measures.Rprec(rel=2, judged_only=True),
    "nDCG(dcg='exp-log2')@5": ir_measures.nDCG(dcg="exp-log2") @ 5,
    "nDCG(judged_only=True)@5": ir_measures.nDCG(judged_only=True) @ 5,
    "nDCG(gains={1:2,2:7,3:9})@5": ir_measures.nDCG(gains={1: 2, 2: 7, 3: 9}) @ 5,
    "AP(judged_only=True)": ir_measures.AP(rel=2, judged_only=True),
    "P(rel=1)@5": ir_measures.P(rel=1) @ 5,
    "R(rel=3)@4": ir_measures.R(rel=3) @ 4,
    "RR(rel=3)@4": ir_measures.RR(rel=3) @ 4,
    "AP(rel=1)@3": ir_measures.AP(rel=1) @ 3,
    "Success(rel=1)@2": ir_measures.Success(rel=1) @ 2,
    "SetP": ir_measures.SetP(rel=2),
    "SetRelP": ir_measures.SetP(rel=2, relative=True),
    "SetR": ir_measures.SetR(rel=2),
    "SetF(beta=0.5)": ir_measures.SetF(rel=2, beta=0.5),
    "SetAP": ir_measures.SetAP(rel=2),
    "IPrec@0.3": ir_measures.IPrec(rel=2) @ 0.3,
    "Compat(p=0.8)": ir_measures.Compat(p=0.8),
    "SDCG(max_rel=3)@5": ir_measures.SDCG(max_rel=3) @ 5,
    "BPM(max_rel=3)@5": ir_measures.BPM(max_rel=3) @ 5,
    "INST(max_rel=3)": ir_measures.INST(max_rel=3),
    "INSQ(max_rel=3,T=2)": ir_measures.INSQ(max_rel=3, T=2.0),
    "NERR8(max_rel=3)@5": ir_measures.NERR8(max_rel=3) @ 5,
    "NERR9(max_rel=3)@5": ir_measures.NERR9(max_rel=3) @ 5,
    "NERR10(max_rel=3)": ir_measures.NERR10(max_rel=3),
    "NERR11(max_rel=3)": ir_measures.NERR11(max_rel=3),
}
# gdeval writes so many decimals.
CLOSE = {"ERR": 1e-5, "nDCG(dcg": 1e-5}


def draw(seed: int, n: int = 6, deep: int = 9) -> tuple[Run, Qrels, dict, dict]:
    """A run full of ties with queries that it does not answer, graded labels with holes; and both as plain
    dicts, in the order of the run: query numbers, since gdeval reads no others."""
    random = np.random.default_rng(seed)
    scores = random.integers(0, 4, (n, 12)).astype(np.float32)
    full = best(scores, tie_ranks(IDS), deep)
    docs, values = full.docs.copy(), full.scores.copy()
    for row in range(n):
        kept = int(random.integers(0, deep + 1)) if row else 0
        docs[row, kept:], values[row, kept:] = -1, -np.inf
    grades = {}
    for row in range(n):
        judged = random.choice(12, int(random.integers(2, 8)), replace=False)
        grades[f"q{row}"] = {IDS[d]: int(random.integers(0, 4)) for d in judged} | {IDS[judged[0]]: 3}
    plain_run = {
        str(row): {IDS[d]: 100.0 - place for place, d in enumerate(docs[row]) if d >= 0}
        for row in range(n)
    }
    plain_run = {key: answer for key, answer in plain_run.items() if answer}
    plain_qrels = {key[1:]: dict(judged) for key, judged in grades.items()}
    return Run(docs, values), Qrels(grades, relevant=2), plain_run, plain_qrels


def values_of(text: str, run: Run, qrels: Qrels) -> np.ndarray:
    queries = make_queries(*"?" * len(run.docs))
    return evaluate(run, queries, qrels, COLLECTION, [Measure.parse(text)]).values[0]


@pytest.mark.parametrize("text", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_ir_measures(text, seed):
    run, qrels, plain_run, plain_qrels = draw(seed)
    wanted = np.zeros(len(run.docs))
    for found in ir_measures.iter_calc([CASES[text]], plain_qrels, plain_run):
        wanted[int(found.query_id)] = found.value
    near = next((within for name, within in CLOSE.items() if text.startswith(name)), 1e-12)
    got = values_of(text, run, qrels)
    assert got == pytest.approx(wanted, abs=near)
    assert got[0] == 0.0, "a query without an answer counts 0"
    assert got.max() > 0


def test_measures_asked_together_have_the_values_that_each_has_alone():
    run, qrels, *_ = draw(7)
    asked = [Measure.parse(text) for text in [*CASES, "nDCG@5", "MAP", "Judged@5"]]
    together = evaluate(run, make_queries(*"?" * 6), qrels, COLLECTION, asked)
    for measure in asked:
        assert together.row(str(measure)).tolist() == values_of(str(measure), run, qrels).tolist(), (
            measure
        )


def rel_of(run: Run, qrels: Qrels, row: int) -> list[int]:
    return [qrels.grades[f"q{row}"].get(IDS[d], -1) for d in run.docs[row] if d >= 0]


@pytest.mark.parametrize("seed", range(3))
def test_formulas_written_out(seed):
    run, qrels, *_ = draw(seed)
    for row in range(len(run.docs)):
        grades = rel_of(run, qrels, row)
        rbp = sum(0.2 * 0.8**i for i, grade in enumerate(grades) if grade >= 2)
        assert values_of("RBP(p=0.8)", run, qrels)[row] == pytest.approx(rbp, abs=1e-9)
        err, go_on = 0.0, 1.0
        for place, grade in enumerate(grades[:4], start=1):
            stops = (2 ** max(grade, 0) - 1) / 16
            err, go_on = err + go_on * stops / place, go_on * (1 - stops)
        assert values_of("ERR@4", run, qrels)[row] == pytest.approx(err, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rel", [1, 2, 3, 4, 1000])
def test_bpref_written_out_also_where_no_grade_is_as_high(seed, rel):
    run, qrels, *_ = draw(seed)
    found = values_of(f"Bpref(rel={rel})", run, qrels)
    for row in range(len(run.docs)):
        grades = rel_of(run, qrels, row)
        judged = list(qrels.grades[f"q{row}"].values())
        n_relevant = sum(grade >= rel for grade in judged)
        n_others = len(judged) - n_relevant
        bpref = 0.0
        for place, grade in enumerate(grades):
            above = sum(0 <= other < rel for other in grades[:place])
            if grade >= rel:
                bpref += 1 - min(above, n_relevant) / min(n_relevant, n_others) if above else 1
        assert found[row] == pytest.approx(bpref / max(1, n_relevant), abs=1e-9)


@pytest.mark.parametrize("text", ["Bpref", "infAP", "nDCG(judged_only=True)@5", "AP(judged_only=True)"])
def test_in_a_complete_set_what_is_absent_is_a_judged_zero(text):
    differs = False
    for seed in range(12):
        run, qrels, *_ = draw(seed, deep=4)
        holes = {
            q: {doc: grade for doc, grade in judged.items() if grade}
            for q, judged in qrels.grades.items()
        }
        full = {query: dict.fromkeys(IDS, 0) | judged for query, judged in holes.items()}
        got = values_of(text, run, Qrels(holes, complete=True, relevant=2)).tolist()
        assert got == values_of(text, run, Qrels(full, relevant=2)).tolist()
        differs |= got != values_of(text, run, Qrels(holes, relevant=2)).tolist()
    assert differs


def test_blocks_of_queries_change_nothing(monkeypatch):
    from bench.evaluation import ir_measures_provider

    run, qrels, *_ = draw(5, n=9)
    whole = {text: values_of(text, run, qrels).tolist() for text in ("Bpref", "RBP", "ERR@3")}
    monkeypatch.setattr(ir_measures_provider, "_BLOCK", 2)
    assert whole == {text: values_of(text, run, qrels).tolist() for text in whole}


# --- the grammar ---

VALUES = {
    int: st.integers(0, 5),
    float: st.sampled_from([0.1, 0.25, 0.5, 0.8, 0.95, 1.0, 2.0, 1e-7]),
    bool: st.booleans(),
    str: st.sampled_from(["log2", "exp-log2"]),
    dict: st.dictionaries(st.integers(0, 4), st.integers(0, 9), min_size=1, max_size=3),
}


@st.composite
def spelled(draw_):
    """(name, parameters, cut-off) of any measure of ir_measures, with parameters of the right type."""
    name = draw_(st.sampled_from(sorted(n for n in theirs.registry if n.isascii())))
    infos = theirs.registry[name].SUPPORTED_PARAMS
    params = {
        key: draw_(VALUES[i.dtype]) for key, i in infos.items() if i.required or draw_(st.booleans())
    }
    return name, params


def text_of(name, params, spaces=""):
    inside = ("," + spaces).join(f"{key}{spaces}={spaces}{value!r}" for key, value in params.items())
    return f"{name}({inside})"


@given(spelled(), st.booleans())
def test_every_measure_prints_as_it_is_read_and_means_the_same(one, at):
    name, params = one
    written = text_of(name, params)
    if at and "cutoff" in params:
        written = (
            text_of(name, {k: v for k, v in params.items() if k != "cutoff"}) + f"@{params['cutoff']}"
        )
    try:
        measure = Measure.read(written)
    except BenchError as error:
        assert len(str(error).splitlines()) == 1 and name in str(error)
        return
    assert Measure.read(str(measure)) == measure
    assert str(Measure.read(str(measure))) == str(measure)
    assert Measure.read(text_of(name, params, " ")) == measure
    kind = theirs.registry[name]
    meant = {**kind.params, **params, **({} if measure.own else {"rel": params.get("rel")})}
    kept = dict(measure.params) | ({"cutoff": measure.cutoff} if measure.cutoff else {})
    for key, value in meant.items():
        if value is not None and value != kind.SUPPORTED_PARAMS[key].default:
            found = kept[key]
            assert (dict(found) if isinstance(found, tuple) else found) == value, key
    assert kept.keys() <= {*meant, "p"}


def test_every_name_is_read_but_those_with_no_value_between_0_and_1():
    required = {"max_rel": 3, "cutoff": 5, "recall": 0.1}
    read = set()
    for name, one in theirs.registry.items():
        params = {
            k: required[k] for k, info in one.SUPPORTED_PARAMS.items() if info.required or k == "cutoff"
        }
        if name == "RBP":
            params = {}
        if one.NAME in REFUSED:
            with pytest.raises(BenchError):
                Measure.parse(text_of(one.NAME, params))
        elif name.isascii():
            read.add(Measure.parse(text_of(name, params)).name)
    names = [re.split(r"[@\[]", name)[0] for name, _ in known()]
    assert set(names) == read
    assert len(names) == len(set(names)) and all(line and "\n" not in line for _, line in known())


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("AP", "MAP"), ("RR@10", "MRR@10"), ("R@5", "Recall@5"), ("Precision@5", "P@5"), ("NDCG@10", "nDCG@10"),
        ("nDCG(cutoff=10)", "nDCG@10"), ("nDCG(judged_only=False)@10", "nDCG@10"), ("bpref", "Bpref"),
        ("RBP", "RBP(p=0.8)"), ("MAP(rel=1)", "AP(rel=1)"), ("P( rel = 2 )@5", "P(rel=2)@5"),
        ("IPrec(recall=0.1)", "IPrec@0.1"), ('nDCG(dcg="exp-log2")@10', "nDCG(dcg='exp-log2')@10"),
        ("SetRelP", "SetP(relative=True)"), ("INST(max_rel=3,T=2)", "INST(T=2.0,max_rel=3)"),
    ],
)  # fmt: skip
def test_one_measure_has_one_spelling(text, same):
    assert str(Measure.parse(text)) == same


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("RBPP", "did you mean 'RBP'"), ("MPA", "did you mean 'MAP'"), ("NumRet", "between 0 and 1"),
        ("NumRelRet", "between 0 and 1"), ("alpha_nDCG@5", "subtopic"), ("Accuracy", "no value"),
        ("SDCG@10", r"max_rel; write SDCG\(max_rel=…\)"), ("IPrec", "IPrec@0.1"), ("RBP@10", "leave the cut-off out"),
        ("ERR", "give it a cut-off"), ("P(k=3)@5", "no parameter 'k'; it takes cutoff, rel, judged_only"),
        ("P(cutoff=3)@5", "twice"), ("P(rel=2,rel=3)@5", "malformed"), ("P(**x)@5", "malformed"),
        ("P(2)@5", "malformed"), ("P(rel=__import__('os'))@5", "malformed"), ("P(rel=0)@5", "at least 1"),
        ("P(rel=True)@5", "whole number"), ("P(rel='2')@5", "whole number"), ("RBP(p=1.0)", "at most 0.99"),
        ("RBP(p=0)", "above 0"), ("IPrec@0.123", "two decimals"), ("nDCG(dcg='ln')@5", "'log2', 'exp-log2'"),
        ("SDCG(max_rel=2,min_rel=2)@5", "above min_rel"), ("nDCG(gains={1:-2})@5", "at least 0"),
        ("P(rel=2)@0", "at least 1"), ("P(rel=2)@99999999", "at most 1000000"), ("P(" * 400, "malformed"),
        ("P(rel=" + "(" * 150 + ")", "malformed"), ("P(rel='\\d')@5", "malformed"), ("P(rel=2)@2.5", "cut-off"),
        ("nDCG(gains={1:2},dcg='exp-log2')@5", "no provider"), ("SetF(beta=1e999)", "at most 10000"), ("", "malformed"),
        ("IPrec@1.2.3", "no number"), ("RR(judged_only=True)@5", "no provider"), ("nDCG(gains={})@5", "at least 0"),
        ("nDCG(gains={1:1000001})@5", "gains is {1: 1000001}, and must be .* at least 0 and at most 1000000"),
        ("nDCG(gains={1:2147483648})@5", "at most 1000000"), ("SDCG(max_rel=9,min_rel=2147483648)@5", "at most 2147483647"),
        ("SetF(beta=1e-05)", "beta is 1e-05, and must be at least 0.0001"), ("SetF(beta=1e16)", "at most 10000"),
        ("INSQ(max_rel=3,T=10.1)", "T is 10.1, and must be above 0 and at most 10"), ("INST(max_rel=3,T=100)", "at most 10"),
        ("NERR11(max_rel=3,T=1e300)", "at most 10"), ("INST(max_rel=3,T=0)", "above 0"), ("BPM(max_rel=3,T=0)@5", "above 0"),
        ("SDCG(max_rel=3)@1001", "cutoff is 1001, and must be at least 1 and at most 1000"), ("BPM(max_rel=3)@2000", "at most 1000"),
        ("NERR8(max_rel=3)@2000", "at most 1000"), ("NERR9(max_rel=3)@2000", "at most 1000"), ("NERR9(max_rel=3)@0", "at least 1"),
    ],
)  # fmt: skip
def test_what_can_not_be_measured_is_refused_in_one_line(text, says):
    with pytest.raises(BenchError, match=says) as refused:
        Measure.parse(text)
    assert len(str(refused.value).splitlines()) == 1


def test_what_no_provider_computes_here_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(ir_measures.gdeval, "_is_available", None)
    with pytest.raises(BenchError, match=r"ERR@10.*gdeval.*Install perl"):
        Measure.parse("ERR@10")
    assert Measure.read("ERR@10").cutoff == 10, "values of another machine can be read"
    assert Measure.parse("nDCG(dcg='exp-log2')@10"), "needs no perl"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SDCG(max_rel=2)@5", "at most 2.*have 3; raise max_rel"),
        ("ERR@5", "at most 4, and the labels have 5"),
        (
            "nDCG(dcg='exp-log2')@10",
            "exp-log2.*at most 19, as a gain is at most 1000000, and .* have 20",
        ),
    ],
)
def test_grades_that_a_measure_can_not_take_are_refused(text, says):
    run = Run(np.array([[0]], dtype=np.int32), np.ones((1, 1), dtype=np.float32))
    grade = 5 if "ERR" in text else 20 if "exp" in text else 3
    with pytest.raises(BenchError, match=says):
        values_of(text, run, Qrels({"q0": {"d0": grade}}))


@pytest.mark.parametrize("wanted", [0.5, 1, 3, 10])
def test_what_cwl_eval_does_not_see_of_patience_is_two_percent_at_most(wanted):
    """INSQ's weight of place i is in proportion to 1 / (i + 2T - 1)^2; the places beyond 2,000,000 add
    about one over their number."""
    run = Run(np.array([[0]], dtype=np.int32), np.ones((1, 1), dtype=np.float32))
    found = values_of(f"INSQ(max_rel=3,T={wanted})", run, Qrels({"q0": {"d0": 3}}))[0]
    places = np.arange(1, 2_000_001)
    first = 1 / (2 * wanted) ** 2 / (np.sum(1 / (places + 2 * wanted - 1.0) ** 2) + 1 / 2_000_000)
    assert first < found < 1.02 * first


@given(st.floats(0.0001, 10_000))
@example(0.0001)
@example(10_000.0)
def test_setf_written_out_for_any_beta_that_is_taken(beta):
    """As trec_eval has it: (beta + 1) P R / (beta P + R), which is P at 0 and R at infinity."""
    run = Run(np.array([[0, 1, 2, 3]], dtype=np.int32), -np.arange(4, dtype=np.float32)[None])
    qrels = Qrels({"q0": {"d0": 1, "d8": 1, "d9": 1}})
    p, r = 1 / 4, 1 / 3
    found = values_of(f"SetF(beta={beta!r})", run, qrels)[0]
    assert found == pytest.approx((beta + 1) * p * r / (r + beta * p), rel=1e-9)


def test_cwl_eval_warns_nobody_of_labels_without_the_highest_grade():
    code = (
        "from test_ir_measures import *\n"
        "run = Run(np.array([[0]], dtype=np.int32), np.ones((1, 1), dtype=np.float32))\n"
        "assert values_of('INST(max_rel=3)', run, Qrels({'q0': {'d0': 2}}))[0] > 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "tests", check=True, capture_output=True, text=True
    )
    assert done.stderr == ""


MEMORY = """
import resource
from pathlib import Path
from bench.evaluation.parameters import HIGHEST_GAIN
from test_ir_measures import *
run = Run(np.array([[0]], dtype=np.int32), np.ones((1, 1), dtype=np.float32))
text = "nDCG(gains={1:%d})@10"
assert values_of(text % 1, run, Qrels({"q0": {"d0": 1}}))[0] == 1
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))
print(values_of(text % HIGHEST_GAIN, run, Qrels({"q0": {"d0": 1}}))[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no other system says what a process has taken")
def test_the_highest_gain_is_measured_in_64_mb():
    """trec_eval says nothing where its memory ends, and answers 0."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], cwd=ROOT / "tests", check=True, capture_output=True, text=True
    )
    assert done.stdout == "1.0\n"


def test_the_package_is_imported_only_for_its_measures():
    code = (
        "import sys; from bench.evaluation.measures import Measure\n"
        "for name in ('nDCG@10', 'MAP', 'MRR@10', 'Judged@10', 'Recall@5', 'AP', 'R@3'): Measure.parse(name)\n"
        "assert 'ir_measures' not in sys.modules\n"
        "Measure.parse('Bpref'); assert 'ir_measures' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- labels with holes ---


@pytest.mark.parametrize("p", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("seed", range(3))
def test_the_residual_is_what_rbp_would_gain_were_the_unjudged_relevant(seed, p):
    run, qrels, *_ = draw(seed)
    found = residual(run, make_queries(*"?" * 6), qrels, COLLECTION, p)
    for row in range(6):
        grades = rel_of(run, qrels, row)
        as_they_are = sum((1 - p) * p**i for i, grade in enumerate(grades) if grade >= 2)
        at_best = sum((1 - p) * p**i for i, grade in enumerate(grades) if grade >= 2 or grade < 0)
        at_best += sum((1 - p) * p**i for i in range(len(grades), 3000))
        assert found[row] == pytest.approx(at_best - as_they_are)
    assert found[0] == 1.0, "without an answer nothing is known"
    complete = residual(run, make_queries(*"?" * 6), Qrels(qrels.grades, complete=True), COLLECTION, p)
    n_found = (run.docs >= 0).sum(axis=1)
    assert complete == pytest.approx(p**n_found)


def run_of_tiny(bench, tmp_path, measures, *more):
    folder = tmp_path / "tiny"
    if not folder.exists():
        write_beir(folder)
    done = bench(
        "run", "collection=beir", f"collection.path={folder}", "retriever=[bm25]", f"measures={measures}",
        "output=out", *more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return only_run(tmp_path / "out")


def test_a_run_says_which_measures_to_read_and_what_rbp_lacks(bench, tmp_path):
    asked = """["RBP(p=0.8)",Bpref,nDCG@10,"nDCG(judged_only=True)@10",Judged@10,infAP]"""
    run = run_of_tiny(bench, tmp_path, asked)
    record = content_of(run)
    system = record["systems"]["bm25"]
    text = " ".join((run / "summary.md").read_text().replace("\\", "").split())
    judged = np.mean(system["values"]["Judged@10"])
    assert record["measures"][0] == "RBP(p=0.8)" and judged < 0.9
    assert (
        f"Labels have holes (Judged@10 is {judged:.2f} for bm25): read Bpref, nDCG(judged_only=True)@10, "
        "rather than nDCG@10, infAP, which count unjudged documents as not relevant." in text
    )
    more = system["residuals"]["RBP(p=0.8)"]
    assert 0 < more < 1
    assert (
        f"RBP(p=0.8): bm25 up to {more:.2f} more, were all unjudged documents relevant (residual, mean)."
        in text
    )


def test_infap_is_map_unless_grades_of_minus_one_say_pooled_but_not_judged():
    """And so it is no measure for labels with holes where no pair has that grade."""
    apart = False
    for seed in range(6):
        run, qrels, *_ = draw(seed, deep=4)
        zeros = {q: {doc: max(grade, 0) for doc, grade in of.items()} for q, of in qrels.grades.items()}
        without = Qrels(zeros, relevant=2)
        assert values_of("infAP", run, without) == pytest.approx(
            values_of("MAP", run, without), abs=1e-4
        )
        pooled = Qrels(
            {q: {doc: grade or -1 for doc, grade in of.items()} for q, of in zeros.items()}, relevant=2
        )
        apart |= bool(
            (abs(values_of("infAP", run, pooled) - values_of("MAP", run, pooled)) > 0.01).any()
        )
    assert apart


@pytest.mark.parametrize(
    ("grade", "said"),
    [
        ("0", "measure Bpref or nDCG(judged_only=True)@10 too, and read them, rather than MAP, which"),
        ("-1", "measure infAP, Bpref or nDCG(judged_only=True)@10 too, and read them, rather than MAP"),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_infap_is_recommended_only_where_a_grade_is_minus_one(bench, tmp_path, grade, said, named):
    labels = write_beir(tmp_path / "tiny") / "qrels" / "test.tsv"
    labels.write_text(labels.read_text() + f"q1\td02\t{grade}\n")
    run = run_of_tiny(bench, tmp_path, "[MAP,infAP,Judged@10]" if named else "[MAP,Judged@10]")
    text = " ".join((run / "summary.md").read_text().replace("\\", "").split())
    read = "read infAP, rather than MAP, which" if grade == "-1" else said.replace("MAP", "MAP, infAP")
    assert (read if named else said) in text


def test_what_ties_do_to_a_measure_of_theirs_is_said_to_be_unknown(bench, tmp_path):
    documents = {f"d{i}": ("same", "equal words") for i in range(4)}
    write_beir(tmp_path / "tiny", documents, {"q": ("equal words", "s"), "r": ("same", "s")},
               {"q": {"d1": 2, "d2": 0}, "r": {"d3": 1}})  # fmt: skip
    run = run_of_tiny(bench, tmp_path, "[nDCG@3,Bpref,MAP,Rprec]")
    system = content_of(run)["systems"]["bm25"]
    assert system["ties_unknown"] == ["Bpref", "Rprec"]
    assert system["ties"].keys() == {"nDCG@3", "MAP"}
    text = " ".join((run / "summary.md").read_text().replace("\\", "").split())
    assert (
        "bm25: equal scores could stand in another order; how far that moves Bpref, Rprec is not known."
        in text
    )


def test_without_such_measures_no_ties_are_unknown_and_complete_labels_have_no_residual(bench, tmp_path):
    run = run_of_tiny(bench, tmp_path, "[nDCG@3,RBP]", "collection.complete=true")
    system = content_of(run)["systems"]["bm25"]
    assert system["residuals"] == {}
    assert "holes" not in (run / "summary.md").read_text()
    assert math.isfinite(sum(system["values"]["RBP(p=0.8)"]))
