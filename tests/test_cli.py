"""The command line as a user meets it: processes of their own, real files, real exit codes."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import pytrec_eval
from conftest import only_run

from bench.cli import app
from bench.runs.record import Record
from bench.storage.cache import cache_folder

BM25 = "retriever=[bm25]"
FILES = {
    "record.json",
    "values.npz",
    "summary.md",
    "summary.csv",
    "summary.tex",
    "per_query.csv",
    "plots",
}
PLOTS = {
    f"{name}.{kind}"
    for name in ("primary", "recall", "query_sets", "difference")
    for kind in ("png", "svg")
}


@pytest.fixture
def tiny(beir):
    return ("collection=beir", f"collection.path={beir}", "collection.relevant=2")


@pytest.mark.slow
def test_the_main_job_leaves_all_it_promises(bench, tiny, tmp_path):
    done = bench("run", *tiny)
    assert (done.returncode, done.stderr) == (0, "")
    folder = only_run(tmp_path / "results" / "runs")
    assert done.stdout.splitlines()[-1] == f"results/runs/{folder.name}"
    systems = ["bm25", "dense", "hybrid", "hnsw"]
    assert {file.name for file in folder.iterdir()} == FILES | {f"{name}.trec" for name in systems}
    assert {file.name for file in (folder / "plots").iterdir()} == PLOTS
    record = Record.load(folder)
    assert record.systems == systems
    assert record.query_ids == ["q1", "q2", "q3", "q4"]
    content = record.content
    assert content["systems"]["hnsw"]["recall@10_vs_exact"] == 1.0
    assert content["systems"]["bm25"]["recall@10_vs_exact"] is None
    assert content["systems"]["dense"]["facts"]["texts_cut"] == 1
    assert "1 of 12 texts are longer than the encoder reads" in done.stdout
    assert content["systems"]["dense"]["facts"]["weights_sha256"].startswith("53aa5117")
    assert content["evidence"]["seed"] == 0
    assert content["evidence"]["draws"] == 100_000
    assert content["peak_memory_mb"] > 10
    for key in ("versions", "git", "platform", "collection", "labels", "seconds"):
        assert content[key]
    check_files(folder, record)


def check_files(folder, record):
    """The record, the run files and the tables say the same."""
    with (folder / "per_query.csv").open() as lines:
        values = {
            (r["system"], r["measure"], r["query"]): float(r["value"]) for r in csv.DictReader(lines)
        }
    with (folder / "summary.csv").open() as lines:
        means = {(r["system"], r["measure"]): r for r in csv.DictReader(lines) if r["set"] == "all"}
    grades = {"q1": {"d01": 3, "d09": 1, "d12": 2}, "q2": {"d03": 3, "d04": 3}}
    grades |= {"q3": {"d05": 3, "d02": 1}, "q4": {"d07": 2}}
    for system in record.systems:
        with (folder / f"{system}.trec").open() as run:
            theirs = pytrec_eval.RelevanceEvaluator(
                grades, {"ndcg_cut.10", "map"}, relevance_level=2
            ).evaluate(pytrec_eval.parse_run(run))
        for measure, name in (("nDCG@10", "ndcg_cut_10"), ("MAP", "map")):
            for query in record.query_ids:
                assert values[system, measure, query] == pytest.approx(theirs[query][name], abs=1e-6)
            row = means[system, measure]
            mean = np.mean([values[system, measure, q] for q in record.query_ids])
            assert float(row["mean"]) == pytest.approx(mean, abs=1e-5)
            assert float(row["low"]) <= float(row["mean"]) <= float(row["high"])
            assert row["n"] == "4"
    for plot in (folder / "plots").glob("*.svg"):
        ElementTree.parse(plot)


def test_what_a_bm25_run_and_the_help_import(bench, tiny):
    done = bench("run", BM25, *tiny, python=("-X", "importtime"))
    assert done.returncode == 0
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.M))
    assert "bm25s" in loaded
    assert not loaded & {
        "torch",
        "faiss",
        "sentence_transformers",
        "transformers",
        "scipy.stats",
        "rank_bm25",
    }
    # a shell asks for the second when it starts
    for arguments in (("--help",), ("complete", "bash")):
        done = bench(*arguments, python=("-X", "importtime"))
        loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.M))
        assert not loaded & {"numpy", "hydra", "matplotlib", "rich.console"}


@pytest.mark.slow
def test_a_cached_run_imports_neither_torch_nor_scipy_stats(bench, tiny):
    assert bench("run", *tiny).returncode == 0
    again = bench("run", *tiny, python=("-X", "importtime"))
    loaded = set(re.findall(r"\| +([\w.]+)$", again.stderr, re.M))
    assert {"faiss", "matplotlib.figure"} <= loaded
    assert not loaded & {"torch", "sentence_transformers", "transformers", "tokenizers", "scipy.stats"}


@pytest.mark.slow
def test_two_processes_give_the_same_bytes(bench, tiny, tmp_path):
    for seed in ("1", "2"):
        assert bench("run", *tiny, f"output=out{seed}", PYTHONHASHSEED=seed).returncode == 0
    one, other = only_run(tmp_path / "out1"), only_run(tmp_path / "out2")
    for file in sorted(
        p.relative_to(one) for p in one.rglob("*") if p.is_file() and p.name != "record.json"
    ):
        assert (one / file).read_bytes() == (other / file).read_bytes(), file
    first, second = Record.load(one), Record.load(other)
    for measure in first.measures:
        assert np.array_equal(first.values(measure), second.values(measure))


def test_report_draws_the_same_files_again(bench, tiny, tmp_path):
    bench("run", BM25, *tiny)
    folder = only_run(tmp_path / "results" / "runs")
    done = bench("report", str(folder), "--out", "again")
    assert done.returncode == 0
    for file in (
        "summary.md",
        "summary.tex",
        "summary.csv",
        "per_query.csv",
        "plots/primary.svg",
        "plots/primary.png",
    ):
        assert (tmp_path / "again" / file).read_bytes() == (folder / file).read_bytes()


def test_a_sweep_runs_once_for_each_value(bench, tiny, tmp_path):
    done = bench("run", "-m", BM25, *tiny, "retrievers.bm25.b=0.3,0.75")
    assert done.returncode == 0
    runs = [
        Record.load(folder) for folder in (tmp_path / "results" / "runs").iterdir() if folder.is_dir()
    ]
    assert sorted(run.content["config"]["retrievers"]["bm25"]["b"] for run in runs) == [0.3, 0.75]


def test_settings_can_be_shown_and_completed(bench, tiny):
    shown = bench("run", "--cfg", "job", *tiny, "retrievers.bm25.k1=0.9")
    assert "k1: 0.9" in shown.stdout
    for line, choices in (
        ("bench ru", {"run"}),
        ("bench gate --fl", {"--floor"}),
        ("bench run retriever", {"retriever=", "retrievers."}),
        (
            "bench run retriever=bm25 collection=",
            {"collection=digest", "collection=digest-v1", "collection=beir"},
        ),
    ):
        assert set(bench("complete", "bash", "--line", line).stdout.split()) == choices
    assert 'eval "$(bench complete bash)"' in bench("run", "--help").stdout
    assert "complete -o default" in bench("complete", "bash").stdout


def test_a_run_file_of_another_system_is_scored(bench, tiny, tmp_path):
    run = tmp_path / "theirs.trec"
    run.write_text(
        "".join(f"q{q} Q0 {doc} 1 1.0 x\n" for q, doc in ((1, "d01"), (2, "d03"), (3, "d05")))
    )
    done = bench("run", "retriever=[runfile]", f"retrievers.runfile.path={run}", *tiny)
    assert done.returncode == 0
    record = Record.load(only_run(tmp_path / "results" / "runs"))
    assert record.values("MRR@10").tolist() == [[1, 1, 1, 0]]


def test_queries_without_a_relevant_document_are_left_out_by_name(bench, beir, tiny, tmp_path):
    with (beir / "queries.jsonl").open("a") as out:
        out.write(json.dumps({"_id": "q5", "text": "nothing"}) + "\n")
        out.write(json.dumps({"_id": "q6", "text": "none", "metadata": {"no_answer": True}}) + "\n")
    with (beir / "qrels" / "test.tsv").open("a") as out:
        out.write("q5\td01\t1\nq6\td01\t0\n")
    done = bench("run", BM25, *tiny)
    assert "Left out, having no relevant document: q5" in done.stdout
    assert "1 queries are marked as having no answer" in done.stdout
    queries = Record.load(only_run(tmp_path / "results" / "runs")).content["queries"]
    assert (len(queries["ids"]), queries["left_out"], queries["no_answer"]) == (4, ["q5"], ["q6"])


BAD = {
    "retriever": (["retriever=[bm25,dens]"], "unknown retriever 'dens'; did you mean 'dense'?"),
    "collection": (["collection=digset"], "did you mean 'digest' or 'digest-v1'?"),
    "setting": (
        ["retrievers.bm25.k2=3"],
        "unknown setting 'retrievers.bm25.k2'; did you mean 'retrievers.bm25.k1'",
    ),
    "top setting": (["depht=3"], "unknown setting 'depht'; did you mean 'depth'?"),
    "added setting": (
        ["+retrievers.bm25.foo=3"],
        "unknown setting 'retrievers.bm25.foo'; known: b, delta",
    ),
    "type": (["retrievers.bm25.k1=abc"], "retrievers.bm25.k1 must be a number, got 'abc'"),
    "list": (["retrievers.bm25.fields=title"], "retrievers.bm25.fields must be a list, got 'title'"),
    "range": (["retrievers.bm25.b=7"], "bm25.b must lie between 0 and 1, got 7"),
    "syntax": (["retriever=[bm25"], "retriever=[bm25"),
    "flag": (["--foo"], "No such option: --foo"),
    "foreign target": (
        ["retrievers.bm25._target_=os.system"],
        "names 'os.system', which is not part of bench",
    ),
    "missing target": (["retrievers.bm25._target_=bench.retrievers.bm25.BM26"], "can not be imported"),
    "model": (
        ["retriever=[dense]", "encoder.model=no/body", "encoder.sha256=null"],
        "three ways to get it",
    ),
    "hash": (["retriever=[dense]", "encoder.sha256=" + "0" * 64], "expected 00000"),
    "name of a file elsewhere": (
        ["+retrievers={../evil:{_target_:bench.retrievers.bm25.BM25}}"],
        "system '../evil' can not name a run file",
    ),
    "name of two words": (
        ["+retrievers={my sys:{_target_:bench.retrievers.bm25.BM25}}"],
        "system 'my sys' can not name a run file",
    ),
    "depth": (["depth=0"], "depth must be at least 1, got 0"),
    "depth type": (["depth=many"], "depth must be a whole number"),
    "seed": (["seed=x"], "seed must be a whole number"),
    "measure": (["measures=[ndgc@10]"], "did you mean 'nDCG'"),
    "cut-off": (["measures=[nDCG@0]"], "the cut-off must be at least 1"),
    "measure twice": (["measures=[MAP,MAP]"], "stands twice"),
    "no retriever": (["retriever=[]"], "retrievers must be chosen"),
    "no path": (["retriever=[runfile]"], "retrievers.runfile.path must be given"),
    "no folder": (["collection.path=/no/such"], "collection folder /no/such does not exist"),
    "split": (["collection.split=tset"], "no split 'tset'; did you mean 'test'"),
    "set": (["collection.sets=[topics]"], "no query set 'topics'"),
    "nothing relevant": (["collection.relevant=9"], "has a document of grade 9 or more"),
    "output": (["output=/dev/null/x"], "cannot write to /dev/null/x"),
    "no output": (["output=null"], "output must be a text, got None"),
    "negative seed": (["seed=-1"], "seed must not be negative"),
    "sets are numbers": (["collection.sets=[1]"], "collection.sets must be a list or null"),
    "sets are one number": (["collection.sets=5"], "collection.sets must be a list or null, got 5"),
    "passages": (
        ["retriever=[dense]", "passages=5"],
        "retrievers.dense.passages must be settings of Passages",
    ),
    "tokenizer": (["retrievers.bm25.tokenizer=null"], "tokenizer must be settings of Tokenizer"),
    "pattern": (["retrievers.bm25.tokenizer.pattern='('"], "is no regular expression"),
    "pattern groups": (["retrievers.bm25.tokenizer.pattern='(a)(b)'"], "has 2 groups"),
    "weight": (["retriever=[hybrid]", "retrievers.hybrid.weights.lexical=abc"], "weights must be"),
    "huge cut-off": (["measures=[nDCG@99999999999999999999]"], "at most 1000000"),
    "depth below cut-off": (["depth=5"], "depth 5 is less than the cut-off 100"),
    "no retrievers": (["retrievers=null"], "retrievers must be chosen"),
    "no collection": (["~collection"], "collection must be chosen"),
    "model folder": (
        ["retriever=[dense]", "encoder.model=./typo"],
        "model folder ./typo does not exist",
    ),
    "device": (["retriever=[dense]", "encoder.device=nowhere", "encoder.max_length=7"], "on nowhere"),
}


@pytest.mark.parametrize(
    ("arguments", "says"),
    # "device" loads torch into this process
    [pytest.param(*bad, id=n, marks=[pytest.mark.long] * (n == "device")) for n, bad in BAD.items()],
)
def test_bad_input_is_one_line_and_exit_2_and_leaves_nothing(
    monkeypatch, capsys, beir, tmp_path, arguments, says
):
    """In this process, to be fast; the next test shows that a process does the same."""
    chosen = [] if arguments[0].startswith("retriever=") else [BM25]
    path = (
        []
        if arguments[0].startswith(("collection=", "~collection"))
        else ["collection=beir", f"collection.path={beir}"]
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", "run", *chosen, *path, *arguments])
    with pytest.raises(SystemExit) as left:
        app.main()
    printed = capsys.readouterr()
    assert says in printed.err
    assert left.value.code == 2
    assert len(printed.err.splitlines()) == 1
    assert printed.err.startswith("bench: ")
    assert printed.out == ""
    assert {file.name for file in tmp_path.iterdir()} == {"tiny"}


def test_a_process_refuses_in_the_same_way(bench, tiny, tmp_path):
    done = bench("run", BM25, *tiny, "retrievers.bm25.b=7")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "bench: bm25.b must lie between 0 and 1, got 7\n"
    assert {file.name for file in tmp_path.iterdir()} == {"tiny"}


def test_debug_shows_the_traceback(bench, tiny):
    done = bench("run", BM25, *tiny, "depth=0", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rum"], "Did you mean 'run'"),
        (["report", "."], "cannot read record.json"),
        (["ingest", "nope.txt", "--out", "x"], "cannot read nope.txt"),
        (["ingest"], "Missing argument"),
    ],
)
def test_other_commands_refuse_in_one_line_too(bench, tmp_path, arguments, says):
    done = bench(*arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert says in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_typo_beside_an_own_retriever_is_still_one_line(bench, tiny, tmp_path):
    (tmp_path / "own" / "retriever").mkdir(parents=True)
    (tmp_path / "own" / "retriever" / "mine.yaml").write_text(
        "# @package retrievers.mine\n_target_: bench.retrievers.bm25.BM25\nk1: 1.0\n"
    )
    done = bench("run", "--config-dir", "own", "retriever=[mine]", *tiny, "retrievers.mine.k2=1")
    assert done.returncode == 2
    assert "unknown setting 'retrievers.mine.k2'; did you mean 'retrievers.mine.k1'" in done.stderr


def test_an_own_retriever_that_can_not_be_hashed_or_gives_numpy_facts(bench, tiny, tmp_path):
    (tmp_path / "own" / "retriever").mkdir(parents=True)
    (tmp_path / "own" / "retriever" / "mine.yaml").write_text(
        "# @package retrievers.mine\n_target_: mine.Mine\n"
    )
    code = """
from dataclasses import dataclass
import numpy as np
from bench.ranking import best, ties_of
@dataclass(FROZEN)
class Mine:
    def index(self, collection, store):
        return Answers(ties_of(collection))
@dataclass(eq=False)
class Answers:
    ties: object
    nbytes: object = np.int64(4)
    exact: object = None
    @property
    def facts(self):
        return {"n": np.int64(3)}
    def search(self, queries, k):
        return best(np.ones((len(queries), len(self.ties)), np.float32), self.ties, k)
"""
    command = ("run", "--config-dir", "own", "--allow", "mine", "retriever=[mine]", *tiny)
    (tmp_path / "mine.py").write_text(code.replace("FROZEN", ""))
    assert "make its class a @dataclass(frozen=True)" in bench(*command).stderr
    (tmp_path / "mine.py").write_text(code.replace("FROZEN", "frozen=True"))
    done = bench(*command)
    assert done.returncode == 0, done.stderr
    record = Record.load(only_run(tmp_path / "results" / "runs"))
    assert record.content["systems"]["mine"]["facts"] == {"n": 3}


def test_queries_without_a_set_stand_beside_those_with_one(bench, beir, tiny, tmp_path):
    with (beir / "queries.jsonl").open("a") as out:
        out.write(json.dumps({"_id": "q5", "text": "rank fusion"}) + "\n")
    with (beir / "qrels" / "test.tsv").open("a") as out:
        out.write("q5\td10\t2\n")
    assert bench("run", BM25, *tiny).returncode == 0
    with (only_run(tmp_path / "results" / "runs") / "summary.csv").open() as lines:
        sizes = {row["set"]: row["n"] for row in csv.DictReader(lines)}
    assert sizes == {"all": "5", "topic": "2", "question": "2", "unlabelled": "1"}


def test_a_run_of_another_query_set_is_refused_and_silence_is_said(bench, tiny, tmp_path):
    run = tmp_path / "theirs.trec"
    run.write_text("q9 Q0 d01 1 1.0 x\n")
    command = ("run", "retriever=[runfile]", f"retrievers.runfile.path={run}", *tiny)
    assert "answers none of the queries" in bench(*command).stderr
    run.write_text("q1 Q0 d01 1 1.0 x\n")
    assert "runfile gave no answer to 3 of 4 queries" in bench(*command).stdout


@pytest.mark.long
def test_an_approximate_part_makes_a_fusion_approximate(bench, tiny, tmp_path):
    (tmp_path / "own" / "retriever").mkdir(parents=True)
    (tmp_path / "own" / "retriever" / "fast.yaml").write_text(
        "# @package retrievers.fast\ndefaults:\n  - /retriever/bm25@parts.lexical\n"
        "  - /retriever/hnsw@parts.dense\n_target_: bench.retrievers.fuse.Fused\n"
    )
    done = bench(
        "run",
        "--config-dir",
        "own",
        "retriever=[fast]",
        *tiny,
        "retrievers.fast.parts.dense.ef_search=1",
    )
    assert done.returncode == 0, done.stderr
    record = Record.load(only_run(tmp_path / "results" / "runs"))
    assert record.content["systems"]["fast"]["recall@10_vs_exact"] < 1


def test_a_record_of_another_schema_or_none_is_refused(bench, tmp_path):
    for text, says in (("{}", "no record of schema"), ("{", "is no record")):
        (tmp_path / "record.json").write_text(text)
        assert says in bench("report", ".").stderr


@pytest.mark.long
def test_a_damaged_cache_file_is_rebuilt_and_said(bench, tiny, tmp_path):
    bench("run", "retriever=[dense]", *tiny, "output=one")
    cache = tmp_path / "cache"
    shutil.copytree(cache_folder(), cache)
    for file in (cache / "embeddings").rglob("*.npz"):
        file.write_bytes(file.read_bytes()[:-40])
    done = bench("run", "retriever=[dense]", *tiny, "output=two", BENCH_CACHE=str(cache))
    assert done.returncode == 0
    assert "is damaged" in done.stderr
    one, two = (Record.load(only_run(tmp_path / name)) for name in ("one", "two"))
    assert np.array_equal(one.values("MAP"), two.values("MAP"))


def test_records_carry_no_absolute_path(bench, tiny, tmp_path):
    bench("run", BM25, *tiny)
    text = (only_run(tmp_path / "results" / "runs") / "record.json").read_text()
    assert str(tmp_path) not in text
    assert not re.search(r'"/[a-z]', text)
