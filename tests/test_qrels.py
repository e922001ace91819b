"""Two run files and qrels, and no corpus: the values are those of ir_measures and trec_eval."""

from __future__ import annotations

import json
import string

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import app
from bench.collections.judgements import judged, read_trec_qrels
from bench.runs.contenders import gather

QRELS = """\
q1 0 d1 3
q1 0 d2 0
q1 0 d3 1
q1 0 d9 2
q2 0 d2 1
q2 0 d4 2
q3 0 d5 1
q3 0 d1 2
"""
# a: two equal scores, and no answer to q3. b: ranks that contradict the scores, and a query too many.
RUNS = {
    "a.run": """\
q1 Q0 d2 1 9.5 a
q1 Q0 d3 2 9.5 a
q1 Q0 d1 3 7 a
q1 Q0 d7 4 1e-3 a
q2 Q0 d4 1 3 a
q2 Q0 d8 2 2 a
q2 Q0 d2 3 1 a
""",
    "b.run": """\
q1 Q0 d1 7 0.2 b
q1 Q0 d9 1 0.4 b
q2 Q0 d8 1 0.9 b
q2 Q0 d7 2 0.8 b
q2 Q0 d6 3 0.7 b
q2 Q0 d4 4 0.6 b
q3 Q0 d1 1 -1 b
q3 Q0 d5 2 -2 b
q4 Q0 d5 2 -2 b
""",
}
# What ir_measures 0.4.3 says of these: nDCG@10, AP, RR, P@5, R@5, and AP(rel=2), R(rel=2)@5.
ALL = {
    "nDCG@10": (0.4917464687249152, 0.7149628213961187),
    "MAP": (0.46296296296296297, 0.5972222222222222),
    "MRR": (0.6666666666666666, 0.75),
    "P@5": (0.26666666666666666, 0.3333333333333333),
    "Recall@5": (0.5555555555555555, 0.7222222222222222),
}
FROM_2 = {"MAP": (0.3888888888888889, 0.75), "Recall@5": (0.5, 1.0)}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"qrels.txt": QRELS, **RUNS}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(("options", "expected"), [((), ALL), (("--relevant", "2"), FROM_2)])
def test_means_are_those_of_ir_measures(files, capsys, options, expected):
    named = [word for measure in expected for word in ("--measure", measure)]
    command = ["compare", *RUNS, "--qrels", "qrels.txt", "--out", "c.json", *named, *options]
    app.app(args=command, standalone_mode=False)
    found = {row["measure"]: row for row in json.loads((files / "c.json").read_text())}
    for measure, (a, b) in expected.items():
        row = found[measure]
        assert (row["baseline_mean"], row["mean"]) == pytest.approx((a, b), abs=1e-12)
        assert (row["system"], row["baseline"]) == ("b.run", "a.run")
    shown = capsys.readouterr()
    a, b = (f"{mean:.4f}" for mean in expected["MAP"])
    assert any(a in line and b in line and "MAP" in line for line in shown.out.splitlines())
    assert shown.err.splitlines()[0] == (
        "b.run: 1 of its 4 queries are not in qrels.txt, and not measured"
    )
    assert "a.run gave no answer to 1 of 3 queries; they count as 0." in shown.out


SCORES = st.one_of(st.integers(-2, 3).map(float), st.floats(-1e6, 1e6, width=32))
DOCS = [f"d{letter}" for letter in string.ascii_lowercase[:9]]
ANSWERS = st.dictionaries(st.sampled_from(DOCS), SCORES, min_size=1)
JUDGED = st.dictionaries(st.sampled_from(DOCS), st.integers(0, 3), min_size=1)
MEASURES = {"nDCG@5": "ndcg_cut_5", "MAP": "map", "MRR": "recip_rank", "P@5": "P_5", "Recall@5": "recall_5"}  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), JUDGED, min_size=1),
    st.dictionaries(st.sampled_from(["q1", "q2", "q3", "q4"]), ANSWERS, min_size=1),
)
def test_values_of_each_query_are_those_of_trec_eval_on_the_scores(tmp_path_factory, qrels, run):
    """trec_eval orders the scores itself, ties too."""
    kept = [query for query, its in qrels.items() if max(its.values()) > 0]
    if not any(run.get(query, {}).keys() & qrels[query].keys() for query in kept):
        return  # refused
    folder = tmp_path_factory.mktemp("files")
    (folder / "qrels").write_text(
        "".join(f"{q} 0 {d} {g}\n" for q, its in qrels.items() for d, g in its.items())
    )
    lines = [f"{q} Q0 {d} 1 {s!r} x\n" for q, its in run.items() for d, s in its.items()]
    (folder / "x.run").write_text("".join(lines))
    test, _ = judged(folder / "qrels", [folder / "x.run"])
    found = gather([str(folder / "x.run")], test, list(MEASURES))
    asked = {"ndcg_cut.5", "map", "recip_rank", "P.5", "recall.5"}
    expected = pytrec_eval.RelevanceEvaluator(qrels, asked).evaluate(run)
    assert found.query_ids == tuple(kept)
    for row, measure in zip(found.values[0], MEASURES.values(), strict=True):
        wanted = [expected.get(query, {}).get(measure, 0.0) for query in kept]
        assert np.allclose(row, wanted, atol=1e-12), measure


@pytest.mark.parametrize("options", [(), ("--complete",)])
@pytest.mark.parametrize("said_of", [str.upper, lambda name: name.replace("d", "d\u0301")])
def test_a_run_of_other_document_ids_is_refused(files, refusal, said_of, options):
    rows = [line.split() for line in RUNS["a.run"].splitlines()]
    (files / "up.run").write_text(
        "".join(f"{q} Q0 {said_of(d)} {r} {s} {t}\n" for q, _, d, r, s, t in rows)
    )
    said = refusal("compare", "a.run", "up.run", "--qrels", "qrels.txt", *options)
    first = said_of("d2")
    assert f"up.run: none of its documents, such as '{first}', is judged in qrels.txt" in said


def test_a_document_that_is_judged_for_another_query_is_none_of_these(files, refusal):
    """Unless all was judged: then it is a document that was found irrelevant."""
    (files / "c.run").write_text("q1 Q0 d4 1 1 c\n")
    command = ["compare", "a.run", "c.run", "--qrels", "qrels.txt"]
    assert "c.run: none of its documents, such as 'd4', is judged" in refusal(*command)
    app.app(args=[*command, "--complete"], standalone_mode=False)


def test_a_run_few_of_whose_documents_are_judged_is_said(files):
    """Of a pool, what others did not find is unjudged: normal, but its values are too low."""
    ids = [f"d{number:02}" for number in range(30)]
    (files / "qrels.txt").write_text("".join(f"q1 0 {doc} 1\n" for doc in ids[:12]) + "q2 0 d00 0\n")

    def run(name, *docs):
        lines = [f"q1 Q0 {doc} 0 {1 - place / 100} {name}\n" for place, doc in enumerate(docs)]
        # The file's own order says nothing, and of q2 nothing is measured.
        (files / name).write_text("".join(lines[::-1]) + "q2 Q0 d00 1 1 x\n")
        return files / name

    pooled = run("pooled.run", *ids)
    half = run("half.run", *ids[:5], *ids[20:], *ids[5:12])
    few = run("few.run", *ids[:4], *ids[20:], *ids[4:12])
    assert judged(files / "qrels.txt", [pooled, half])[1] == []
    said = judged(files / "qrels.txt", [few, pooled])[1]
    assert len(said) == 1
    assert said[0].startswith(
        f"{few}: 40% of the first ten documents of its queries are judged, 100% of"
    )
    assert str(pooled) in said[0]
    assert judged(files / "qrels.txt", [few, pooled], complete=True)[1] == []


def test_queries_without_a_relevant_document_are_left_out_and_it_is_said(files, capsys):
    (files / "qrels.txt").write_text(QRELS + "q5 0 d1 0\n")
    app.app(args=["compare", *RUNS, "--qrels", "qrels.txt"], standalone_mode=False)
    out = capsys.readouterr().out
    assert "on 3 queries" in out
    assert "Left out, having no relevant document: q5." in out


def test_the_qrels_of_a_beir_folder_are_read_too(files):
    rows = [line.split() for line in QRELS.splitlines()]
    text = "query-id\tcorpus-id\tscore\n" + "".join(f"{q}\t{d}\t{g}\n" for q, _, d, g in rows)
    (files / "test.tsv").write_text(text)
    assert read_trec_qrels(files / "test.tsv") == read_trec_qrels(files / "qrels.txt")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("q1 0 d1 1\nq1 0 d2\n", "qrels.txt:2: expected 'query 0 document grade', found 3 column(s)"),
        ("query-id corpus-id score\nq1 0 d1 1\n", "qrels.txt:2: expected 'query-id corpus-id score'"),
        ("q1 0 d1 1\nq1 0 d1 0\n", "qrels.txt:2: the pair q1, d1 stands twice"),
        ("q1 0 d1 x\n", "qrels.txt:1: grade 'x' is no integer"),
        ("", "qrels.txt has no judgements"),
        ("q7 0 d1 1\nq8 0 d1 1\n", "a.run answers none of the queries"),
        ("q1 0 d1 0\n", "has a relevant document"),
    ],
)
def test_qrels_that_can_not_be_read(files, refusal, content, said):
    (files / "qrels.txt").write_text(content)
    assert said in refusal("compare", *RUNS, "--qrels", "qrels.txt")


def test_what_goes_with_qrels(files, refusal):
    given = ("--qrels", "qrels.txt")
    assert "leave one out" in refusal("compare", *RUNS, *given, "--collection", "digest")
    assert ". is no run file, and --qrels is for those" in refusal("compare", "a.run", ".", *given)
    assert refusal("compare", "nope.run", "b.run", *given) == "nope.run does not exist; name a run file"
    assert "nope does not exist" in refusal("compare", "a.run", "nope:bm25", *given)
    assert "cannot read none.txt" in refusal("compare", *RUNS, "--qrels", "none.txt")
    assert "stands twice" in refusal("compare", "a.run", "a.run", *given)
    assert "leave --split out" in refusal("compare", *RUNS, *given, "--split", "dev")
    assert "only one system, a" in refusal("compare", "a.run", *given)


def test_the_rules_of_the_qrels(files, capsys):
    (files / "qrels.txt").write_text("d1 0 d1 1\nd1 0 d2 1\nd2 0 d3 1\n")
    (files / "a.run").write_text("d1 Q0 d1 1 2 a\nd1 Q0 d2 2 1 a\nd2 Q0 d3 1 1 a\n")
    (files / "b.run").write_text("d1 Q0 d2 1 2 a\nd2 Q0 d3 1 1 a\n")
    named = ["compare", *RUNS, "--qrels", "qrels.txt", "--measure", "P@1", "--out", "c.json"]
    app.app(args=[*named, "--ignore-identical-ids"], standalone_mode=False)
    (row,) = json.loads((files / "c.json").read_text())
    assert (row["baseline_mean"], row["mean"]) == (1, 1)


def test_nothing_heavy_is_loaded(files, bench):
    """What makes a process slow is what it imports: it took 0.7 s of processor time without these."""
    done = bench("compare", *RUNS, "--qrels", "qrels.txt", python=("-X", "importtime"))
    assert done.returncode == 0, done.stderr
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "pytrec_eval" in loaded
    heavy = {
        "torch",
        "transformers",
        "faiss",
        "hydra",
        "omegaconf",
        "matplotlib",
        "pandas",
        "bm25s",
        "yaml",
    }
    assert not loaded & heavy
