"""`bench.evaluate`: the same numbers as the command line, from objects; a record that shows itself."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml
from conftest import QRELS, QUERIES, ROOT, make_queries, only_run

import bench
from bench import evaluate
from bench.collections.beir import BeirFolder
from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.experiment.build import build, settings_of_part
from bench.experiment.run import checked
from bench.report.about import about
from bench.retrievers.bm25 import BM25, Tokenizer
from bench.retrievers.fuse import Fused
from bench.runs.record import Record
from bench.types import Qrels, TestCollection

SYSTEMS = {"bm25": BM25(), "flat": BM25(b=0.0, tokenizer=Tokenizer(stemmer=None))}
FEW = {"measures": ["nDCG@10", "MAP"], "depth": 10}


@dataclasses.dataclass(frozen=True)
class Failing:
    """Fails when it is asked."""

    def index(self, collection, store):
        raise RuntimeError("no index today")


def test_the_values_are_those_of_the_command_line(bench, beir, tmp_path):
    found = evaluate(beir, {"bm25": BM25(b=0.3)}, **FEW)
    done = bench(
        *("run", "retriever=[bm25]", "retrievers.bm25.b=0.3", "collection=beir"),
        *(f"collection.path={beir}", "measures=[nDCG@10,MAP]", "depth=10", "output=out"),
    )
    assert done.returncode == 0, done.stderr
    run = Record.load(only_run(tmp_path / "out"))
    assert np.array_equal(found.all_values, run.all_values)
    assert found.evidence == run.evidence
    for key in ("collection", "labels", "queries", "measures"):
        assert found.content[key] == run.content[key]
    ours, theirs = found.content["systems"]["bm25"], run.content["systems"]["bm25"]
    assert ours["fingerprint"] == theirs["fingerprint"]
    assert found.content["config"]["retrievers"] == run.content["config"]["retrievers"]


def test_a_saved_one_is_a_run_that_can_be_verified(bench, beir, tmp_path):
    made = evaluate(str(beir), SYSTEMS, **FEW)
    folder = made.save(tmp_path / "out")
    assert Record.load(folder).content == json.loads(json.dumps(made.content))
    done = bench("verify", str(folder), "--set", f"collection.path={beir}")
    assert done.returncode == 0, done.stderr


def test_a_collection_in_memory_is_refused_by_verify_in_one_line(bench, collection, tmp_path):
    ids = tuple(QUERIES)
    queries = make_queries(*(text for text, _ in QUERIES.values()))
    queries = dataclasses.replace(queries, ids=ids)
    test = TestCollection(collection, queries, Qrels(QRELS))
    made = evaluate(test, SYSTEMS, **FEW)
    assert made.systems == ["bm25", "flat"]
    done = bench("verify", str(made.save(tmp_path / "out")))
    assert done.returncode == 2
    assert re.fullmatch(r"bench: collection has no _target_.*\n", done.stderr)


def test_the_defaults_are_those_of_the_shipped_config():
    config = yaml.safe_load((ROOT / "conf" / "config.yaml").read_text())
    parameters = inspect.signature(bench.evaluate).parameters
    assert list(parameters["measures"].default) == config["measures"]
    assert parameters["depth"].default == config["depth"]
    assert parameters["seed"].default == config["seed"]


def test_measures_of_ir_measures_and_one_name_are_taken(beir):
    import ir_measures

    one = bench.evaluate(beir, SYSTEMS, measures=[ir_measures.nDCG @ 10], depth=10)
    assert one.measures == ["nDCG@10"]
    assert np.array_equal(
        one.all_values, bench.evaluate(beir, SYSTEMS, measures="nDCG@10", depth=10).all_values
    )


def test_a_relevant_grade_that_an_object_names_counts_also_where_it_is_the_usual_one():
    """str() of a measure of ir_measures leaves a parameter out that has its default value there."""
    from ir_measures import AP, P, nDCG

    asked = [
        AP(rel=1),
        AP(rel=2),
        AP,
        P(rel=1) @ 5,
        AP(rel=1, judged_only=True),
        nDCG(dcg="log2") @ 5,
    ]
    found = bench.evaluate("digest", {"bm25": BM25()}, measures=asked, depth=10)  # of grade 2 on
    written = ["AP(rel=1)", "AP(rel=2)", "MAP", "P(rel=1)@5", "AP(rel=1,judged_only=True)", "nDCG@5"]
    assert found.measures == written
    again = bench.evaluate("digest", {"bm25": BM25()}, measures=written, depth=10)
    assert np.array_equal(found.all_values, again.all_values)
    means = found.all_values.mean(axis=-1)[0]
    assert means[0] != means[1] == means[2]


@pytest.mark.parametrize(
    ("collection", "retrievers", "more", "said"),
    [
        (None, SYSTEMS, {}, "collection is a NoneType; give 'digest', the path"),
        ("nowhere", SYSTEMS, {}, "collection folder nowhere does not exist.* to bench.evaluate"),
        ("digest", {}, {}, "no retriever chosen"),
        ("digest", [BM25()], {}, "retrievers must be a mapping name → retriever, got list"),
        ("digest", {"bm25": BM25}, {}, r"retriever 'bm25' must be an object .*got <class"),
        ("digest", {"a/b": BM25()}, {}, "system 'a/b' can not name a run file"),
        (
            "digest",
            {"x": object()},
            {},
            r"retriever 'x' must be an object with index\(collection, store\)",
        ),
        ("digest", SYSTEMS, {"measures": []}, "no measure chosen"),
        ("digest", SYSTEMS, {"measures": ["nGCD@10"]}, "measure 'nGCD' is unknown"),
        ("digest", SYSTEMS, {"depth": 0}, "depth must be at least 1"),
        ("digest", SYSTEMS, {"seed": "a"}, "seed must be a whole number"),
        ("digest", {"x": Failing()}, {}, "retriever 'x': Failing.index failed.*no index today"),
        ("digest", {"bm25": BM25(), "x": Failing()}, {}, "retriever 'x': Failing.index failed"),
    ],
)
def test_bad_input_is_one_clear_line(collection, retrievers, more, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError, match=said) as refused:
        bench.evaluate(collection, retrievers, **more)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


class Tags(HTMLParser):
    """Counts what is opened and closed, and keeps the text of cells."""

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data


def test_a_notebook_shows_its_tables(beir):
    made = bench.evaluate(beir, {"<b>": BM25(), "flat": BM25(b=0.0)}, **FEW)
    shown = Tags()
    shown.feed(made._repr_html_())
    assert not shown.open
    assert {"system", "nDCG@10", "a <b>", "b flat"} <= set(shown.cells)
    assert f"{made.values('nDCG@10')[0].mean():.4f}" in shown.cells


def test_import_bench_loads_nothing_else():
    code = (
        "import sys; import bench; print(bench.__version__, 'evaluate' in dir(bench), "
        "[m for m in sys.modules if m.startswith('bench.') or m in ('numpy', 'typing')])"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == f"{bench.__version__} True []\n"
    with pytest.raises(AttributeError, match="has no attribute 'evaluated'"):
        bench.evaluated  # noqa: B018


@pytest.mark.parametrize(
    "part",
    [
        *SYSTEMS.values(),
        Fused(SYSTEMS, weights={"bm25": 0.7, "flat": 0.3}),
        BeirFolder("x", sets=("topic",)),
    ],
)
def test_settings_of_a_part_are_those_that_build_it(part):
    settings = settings_of_part(part)
    assert json.loads(json.dumps(settings)) == settings
    assert build(settings, "x") == part


def test_what_an_evaluation_gave_can_not_be_written_into(beir):
    made = evaluate(beir, SYSTEMS, **FEW)
    result = made._results.systems["bm25"]
    for array in (
        made.all_values,
        made.values("MAP"),
        made.values("MAP")[0],
        result.run.docs,
        result.run.scores,
        result.measures.values,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1


def test_a_saved_record_can_not_be_written_into(saved):
    with pytest.raises(ValueError, match="read-only"):
        Record.load(saved).all_values[...] = 1


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["values"].update(sha256="0" * 64),
        lambda content: content["systems"].update(more=content["systems"]["bm25"]),
        lambda content: content.pop("labels"),
        lambda content: content["evidence"].update(draws=float("nan")),
    ],
)
def test_a_record_that_was_changed_into_a_damaged_one_is_not_saved(beir, tmp_path, change):
    made = evaluate(beir, SYSTEMS, **FEW)
    change(made.content)
    with pytest.raises(BenchError, match=r"was changed since .* evaluate again") as refused:
        made.save(tmp_path / "out")
    assert ".part" not in str(refused.value)
    assert not list((tmp_path / "out").glob("[0-9]*"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"query": "q1"}, "the query id 'q1' stands twice"),
        ({"doc": "d01"}, "the document id 'd01' stands twice"),
        ({"doc": "d 01"}, "the document id 'd 01'"),
        ({"grade": 2**40}, f"q1, d01: grade {2**40} is above"),
        ({"grade": -(2**40)}, "is below"),
        ({"grade": -1001}, "q1, d01: grade -1001 is below -1000"),
        ({"grade": 1.5}, r"q1, d01: grade 1\.5 is no integer; use 0, 1, 2, …"),
        ({"grade": True}, "q1, d01: grade True is no integer; use 0, 1, 2, …"),
        ({"grade": np.float64(1)}, "q1, d01: grade .* is no integer; use 0, 1, 2, …"),
        ({"grade": "1"}, "q1, d01: grade '1' is no integer; use 0, 1, 2, …"),
        ({"grade": np.int64(1001)}, "q1, d01: grade 1001 is above 1000"),
        ({"grade": 10**5000}, "q1, d01: a grade of over 30 digits is above 1000"),
        ({"relevant": 0}, "relevant must be a whole number of at least 1, got 0"),
        ({"relevant": -1}, "relevant must be a whole number of at least 1, got -1"),
        ({"relevant": 1.5}, r"relevant must be a whole number of at least 1, got 1\.5"),
        ({"relevant": True}, "relevant must be a whole number of at least 1, got True"),
        ({"set": "all"}, "the set 'all' is the name of all sets; choose another"),
    ],
)
def test_a_collection_in_memory_is_checked_as_files_are(change, says):
    documents = InMemory("own", ["d01", change.get("doc", "d02")], ["", ""], ["one word", "two"])
    queries = make_queries("word", "two")
    ids, sets = ("q1", change.get("query", "q2")), ("topic", change.get("set", "topic"))
    queries = dataclasses.replace(queries, ids=ids, sets=sets)
    grades = {"q1": {"d01": change.get("grade", 1)}, "q2": {"d01": 1}}
    qrels = Qrels(grades, relevant=change.get("relevant", 1))
    with pytest.raises(BenchError, match=says):
        evaluate(TestCollection(documents, queries, qrels), SYSTEMS, **FEW)


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint16])
def test_grades_of_an_array_are_those_of_a_file(beir, kind):
    from_files = BeirFolder(str(beir)).load()
    grades = {
        q: {d: kind(grade) for d, grade in of.items()} for q, of in from_files.qrels.grades.items()
    }
    in_memory = dataclasses.replace(from_files, qrels=Qrels(grades))
    assert json.dumps(checked(in_memory).qrels.grades) == json.dumps(from_files.qrels.grades)
    one, other = (evaluate(test, SYSTEMS, **FEW) for test in (from_files, in_memory))
    assert other.content["labels"] == one.content["labels"]
    assert np.array_equal(other.all_values, one.all_values)


def test_a_system_that_failed_is_named_where_its_run_is_shown(saved):
    record = Record.load(saved)
    assert not any(line.startswith("failed") for line in about(record))
    failed = Record({**record.content, "failed": {"slow": "no such model"}}, record.all_values)
    (line,) = [line for line in about(failed) if line.startswith("failed")]
    assert line.split(maxsplit=1)[1] == "slow (no such model)"


def test_a_collection_that_has_changed_since_is_not_saved_under_other_ids(tmp_path):
    test = BeirFolder(str(ROOT / "qrels" / "digest")).load()
    held = Changing(test.collection)
    run = evaluate(dataclasses.replace(test, collection=held), {"bm25": BM25()}, **FEW)
    held.suffix = "x"
    with pytest.raises(BenchError, match="has changed since it was evaluated; evaluate it again"):
        run.save(tmp_path / "out")
    assert not list(tmp_path.rglob("*.trec"))


class Changing:
    """A collection whose ids change when its file does."""

    def __init__(self, inner):
        self.inner, self.suffix = inner, ""

    @property
    def name(self):
        return self.inner.name

    @property
    def fingerprint(self):
        return self.inner.fingerprint + self.suffix

    def __len__(self):
        return len(self.inner)

    def ids(self, docs):
        return [doc + self.suffix for doc in self.inner.ids(docs)]

    def texts(self, docs, fields=("title", "text")):
        return self.inner.texts(docs, fields)

    def batches(self, size):
        return self.inner.batches(size)
