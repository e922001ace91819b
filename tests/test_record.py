"""A record is checked when it is read, and facts where they enter it."""

from __future__ import annotations

import copy
import io
import itertools
import json
import math
import os
import shutil
import signal

import numpy as np
import pytest
from conftest import ROOT, content_of, only_run, with_evidence
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from bench.errors import BenchError
from bench.evaluation.facts import check_facts, check_nbytes
from bench.experiment.gate import require_comparable
from bench.experiment.run import run_and_save
from bench.report.tables import has_wide, run_tables
from bench.report.terminal import terminal
from bench.report.write import write_tables
from bench.runs.record import Record
from bench.runs.reproduction import differences


def cut_down(n_queries=6, measures=("nDCG@10", "MAP"), systems=("bm25", "hnsw")):
    """A real record with fewer of all, so that its tables are made at once."""
    content = content_of(ROOT / "results" / "baseline")
    step = len(content["queries"]["ids"]) // n_queries
    for key in ("ids", "sets", "splits"):
        content["queries"][key] = content["queries"][key][::step][:n_queries]
    content["measures"] = list(measures)
    content["systems"] = {name: content["systems"][name] for name in systems}
    for system in content["systems"].values():
        system["values"] = {m: system["values"][m][::step][:n_queries] for m in measures}
    return json.loads(json.dumps(with_evidence(content)))


REAL = cut_down()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shown")


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    file = tmp_path_factory.mktemp("damaged") / "record.json"

    def call(content):
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return Record.load(file)

    return call


def shown(record, folder):
    """All that `report`, `gate` and `verify` make of what they read."""
    write_tables(record, folder)
    for table in run_tables(record):
        Console(file=io.StringIO(), width=200).print(*terminal(table))
    # the damaged one may be either of the two
    for pair in itertools.permutations([record, Record(REAL)]):
        differences(*pair)
        try:
            require_comparable(*pair)
        except BenchError:
            continue


def nodes(value, at=()):
    yield at
    if isinstance(value, dict):
        for key, one in value.items():
            yield from nodes(one, (*at, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from nodes(one, (*at, place))


# Not each of many equal values, and not what only a new run reads.
PATHS = [
    path
    for path in nodes(REAL)
    if path
    and path[0] not in ("config", "ir_metadata", "seconds")
    and not (path[0] in ("platform", "versions") and len(path) > 1)
    and path[-1] not in (2, 3, 4, 5)
]
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 300),
        st.sampled_from([10**30, 10**400, -(2**63)]),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["\ud800", "all", "test", "nDCG@10", "a\nb", "\x1b[1m"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.text(max_size=8) | st.sampled_from(["texts_cut", "x_sha256"]), inner, max_size=4
        ),
    ),
    max_leaves=6,
)


def with_node(path, change):
    """The record with `change(object or list, key)` done to one of its nodes."""
    content = copy.deepcopy(REAL)
    *parents, last = path
    inner = content
    for key in parents:
        inner = inner[key]
    change(inner, last)
    return content


def refused_or_harmless(load, folder, content):
    try:
        record = load(content)
    except BenchError as refused:
        assert "record.json" in str(refused)
        assert len(str(refused)) < 1_000  # the command line makes it one line
        return
    shown(record, folder)


@pytest.mark.parametrize("value", ["deleted", None, 3, "\ud800", [1], {"a": 1}], ids=ascii)
def test_each_node_replaced_is_refused_or_does_no_harm(load, folder, value):
    def change(inner, key):
        if value == "deleted":
            del inner[key]
        else:
            inner[key] = value

    for path in PATHS:
        refused_or_harmless(load, folder, with_node(path, change))


@pytest.mark.long
@settings(max_examples=1_500, deadline=None)
@given(data=st.data())
def test_any_damage_is_refused_in_one_line_or_does_no_harm(load, folder, data):
    def change(inner, key):
        if how == "replace":
            inner[key] = data.draw(JSON)
        elif how == "rename" and isinstance(inner, dict):
            inner[data.draw(st.text(max_size=8) | st.sampled_from(["a/b", "\0", ".."]))] = inner.pop(key)
        elif isinstance(inner, list):
            inner.insert(key, inner[key])
        else:
            inner[key] = [inner[key]] * 2

    how = data.draw(st.sampled_from(["replace", "rename", "double"]))
    refused_or_harmless(load, folder, with_node(data.draw(st.sampled_from(PATHS)), change))


def changed(*path, to):
    return with_node(path, lambda inner, key: inner.update({key: to(inner[key])}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is no record of a run"),
        ("[]", "no record of schema"),
        ('{"schema": 99}', "no record of schema"),
        ("[" * 100_000, "is no record of a run"),
        ('{"schema": ' + "1" * 5_000 + "}", "is no record of a run"),
        ({"schema": REAL["schema"]}, "id is missing; the record is damaged"),
        (with_node(("queries", "ids"), dict.pop), "queries.ids is missing"),
        (changed("queries", "sets", to=lambda x: x[:-1]), "queries.sets has 5 entries for 6 queries"),
        (changed("queries", "ids", to=lambda x: [*x[:-1], x[0]]), "queries.ids holds 'topic-02' twice"),
        (
            changed("queries", "splits", to=lambda x: [*x[:-1], 3]),
            "queries.splits[5] must be text, found 3",
        ),
        (changed("measures", to=lambda x: [*x, "MAP"]), "measures holds 'MAP' twice"),
        (changed("measures", to=lambda x: [*x, "P@5"]), "systems.bm25.values.P@5 is missing"),
        (changed("measures", to=lambda _: []), "measures is empty"),
        (changed("systems", to=lambda _: {}), "systems is empty"),
        (changed("systems", to=lambda x: {"a/b": x["bm25"]}), "'a/b', which can not name a run file"),
        (
            changed("systems", "bm25", "values", "MAP", to=lambda x: x[:-1]),
            "systems.bm25.values.MAP has 5 values for 6 queries",
        ),
        (
            changed("systems", "bm25", "values", "MAP", to=lambda x: [*x[:-1], math.nan]),
            "systems.bm25.values.MAP: nan for query",
        ),
        (
            changed("systems", "bm25", "values", "MAP", to=lambda x: [*x[:-1], True]),
            "systems.bm25.values.MAP: True for query",
        ),
        (
            changed("systems", "bm25", "values", "MAP", to=lambda x: [*x[:-1], 1.5]),
            "is no number between 0 and 1",
        ),
        (
            changed("systems", "hnsw", "facts", "tokens", to=lambda _: math.inf),
            "systems.hnsw.facts.tokens must be text, a finite number, true, false or null, found inf",
        ),
        (
            changed("systems", "hnsw", "facts", "weights_sha256", to=lambda _: 7),
            "systems.hnsw.facts.weights_sha256 must be text, found 7",
        ),
        (
            changed("evidence", "draws", to=lambda _: -1),
            "evidence.draws must be a whole number from 0 on",
        ),
        (
            changed("collection", "name", to=lambda _: {}),
            "collection.name must be text, found an object",
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:40],
)
def test_what_is_wrong_is_named_with_its_place(load, content, says):
    with pytest.raises(BenchError) as refused:
        load(content)
    assert says in str(refused.value)
    assert "record.json" in str(refused.value)


def test_a_real_record_and_new_keys_are_accepted(load):
    whole = content_of(ROOT / "results" / "baseline")
    assert load(whole).content == whole
    assert load({**whole, "more": {"any": [1]}}).systems == list(whole["systems"])


FACT = st.one_of(st.none(), st.booleans(), st.integers(-(10**300), 10**300), st.text(), st.floats())


@given(st.dictionaries(st.text(max_size=9), FACT, max_size=4))
def test_facts_are_taken_as_they_are_or_refused_by_name(facts):
    bad = [key for key, value in facts.items() if isinstance(value, float) and not math.isfinite(value)]
    bad += [
        key for key, value in facts.items() if key.endswith("_sha256") and not isinstance(value, str)
    ]
    if bad:
        with pytest.raises(BenchError, match="retriever 'mine': facts"):
            check_facts(facts, "mine")
    else:
        assert check_facts(facts, "mine") == facts


def test_numpy_scalars_become_plain_and_other_things_are_refused():
    told = {"i": np.int64(3), "f": np.float32(0.5), "b": np.bool_(True), np.str_("s"): np.str_("x")}
    plain = check_facts(told, "mine")
    assert plain == {"i": 3, "f": 0.5, "b": True, "s": "x"}
    assert [type(value) for value in plain.values()] == [int, float, bool, str]
    assert {type(key) for key in plain} == {str}
    assert json.loads(json.dumps(plain)) == plain
    assert (check_nbytes(np.int64(4), "mine"), check_nbytes(4.0, "mine")) == (4, 4)
    for facts, says in (
        ({"mean": math.nan}, "retriever 'mine': facts.mean must be .* found nan"),
        ({"mean": np.float32("nan")}, "facts.mean"),
        ({"list": [1]}, "facts.list"),
        ({"array": np.zeros(2)}, "facts.array"),
        ({"huge": 10**400}, "facts.huge"),
        ({3: 1}, "a key of facts must be text, found 3"),
        ([("a", 1)], "facts must be an object"),
        (None, "facts must be an object"),
        ({"weights_sha256": None}, "facts.weights_sha256 must be text"),
    ):
        with pytest.raises(BenchError, match=says):
            check_facts(facts, "mine")
    for nbytes in (math.nan, -1, "4", None, math.inf, True):
        with pytest.raises(BenchError, match="retriever 'mine': nbytes must be a number from 0 on"):
            check_nbytes(nbytes, "mine")


def test_a_fact_that_is_nan_is_refused_and_the_finished_systems_stay(bench, beir, tmp_path):
    (tmp_path / "told.py").write_text(
        "from dataclasses import dataclass, field\n"
        "from bench.retrievers.bm25 import BM25\n"
        "@dataclass(frozen=True)\n"
        "class Told:\n"
        "    def index(self, collection, store):\n"
        "        return Answers(BM25().index(collection, store))\n"
        "@dataclass(frozen=True)\n"
        "class Answers:\n"
        "    inner: object\n"
        "    nbytes = 4\n"
        "    exact = None\n"
        "    facts = {'share': float('nan')}\n"
        "    def search(self, queries, k):\n"
        "        return self.inner.search(queries, k)\n"
    )
    command = (
        "run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out",
        "+retrievers.told._target_=told.Told", "--allow", "told",
    )  # fmt: skip
    done = bench(*command)
    assert done.returncode == 2
    assert "\nbench: retriever 'told': facts.share must be text, a finite number" in done.stderr
    assert done.stderr.count("\n") == 2
    run = only_run(tmp_path / "out")
    assert Record.load(run).systems == ["bm25"]
    assert "facts.share" in Record.load(run).content["failed"]["told"]
    shutil.rmtree(run)
    # a hash without the name of its model, and a count of its own meaning, are facts like others
    code = (tmp_path / "told.py").read_text()
    facts = "'weights_sha256': 'x', 'texts_cut': 'all of them'"
    (tmp_path / "told.py").write_text(code.replace("'share': float('nan')", facts))
    done = bench(*command)
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "out").glob("[0-9]*")
    facts = Record.load(run).content["systems"]["told"]["facts"]
    assert facts == {"weights_sha256": "x", "texts_cut": "all of them"}


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a\0", 3])
def test_a_name_that_can_not_name_a_file_is_refused_at_once(tmp_path, name):
    settings = {"retrievers": {name: {}}, "collection": {}, "output": str(tmp_path), "depth": 10}
    with pytest.raises(BenchError, match="can not name a run file"):
        run_and_save({**settings, "seed": 0, "measures": ["MAP"], "trec_header": False})


def test_half_a_surrogate_pair_is_refused_where_it_is_read(refusal, beir):
    text = (beir / "queries.jsonl").read_text()
    file = beir / "queries.jsonl"
    command = ("run", "retriever=[bm25]", "collection=beir", f"collection.path={beir}", "depth=5")
    file.write_text(text.replace('"topic"', r'"\ud83d\ude00 \\ud800"', 1))  # an emoji, and no escape
    assert "depth 5 is less" in refusal(*command)
    file.write_text(text.replace('"topic"', r'"\ud83d"', 1))
    assert "queries.jsonl:1: half of a surrogate pair" in refusal(*command)


@pytest.mark.parametrize(
    ("collection", "retriever", "says"),
    [
        ({}, {"_target_": "bench.retrievers.bm25.BM25"}, "collection has no _target_"),
        ({"path": "x"}, {"_target_": "bench.retrievers.bm25.BM25"}, "collection has no _target_"),
        ({"_target_": "bench.collections.beir.digest"}, {}, "retrievers.one has no _target_"),
        # texts and lists have an `index` of their own
        ({"_target_": "bench.collections.beir.digest"}, "bm25", "retrievers.one has no _target_"),
        ({"_target_": "bench.collections.beir.digest"}, ["bm25"], "retrievers.one has no _target_"),
    ],
)
def test_settings_of_a_damaged_record_are_bad_input(tmp_path, collection, retriever, says):
    settings = {"collection": collection, "retrievers": {"one": retriever}, "output": str(tmp_path)}
    with pytest.raises(BenchError, match=says):
        run_and_save({**settings, "depth": 9, "seed": 0, "measures": ["MAP"], "trec_header": False})


def test_a_table_explains_the_degree_sign_just_where_it_stands_in_it():
    """On the shipped corpus, BM25's mean over all queries is even, those of single sets are not."""
    marked = []
    for table in run_tables(Record.load(ROOT / "results" / "baseline")):
        shown = has_wide(table.rows)
        assert shown == any(note.startswith("°") for note in table.notes)
        marked.append(shown)
    assert False in marked
    assert True in marked


@pytest.mark.parametrize(
    "command",
    [
        "report RUN",
        "compare RUN",
        "compare RUN a.trec --collection tiny",
        "diff RUN RUN",
        "verify RUN",
        "gate RUN",
        "gate --baseline RUN",
        "gate --baseline RUN --update",
        "agree tiny --pooled --runs RUN",
    ],
)
def test_a_record_that_is_a_pipe_or_a_device_is_refused_and_not_waited_for(
    beir, tmp_path, monkeypatch, refusal, command
):
    """Opened for reading, a pipe without a writer waits for ever, and /dev/zero never ends."""
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "record.json")
    (tmp_path / "zero").mkdir()
    (tmp_path / "zero" / "record.json").symlink_to("/dev/zero")
    (tmp_path / "a.trec").write_text("q1 Q0 d01 1 1 x\n")
    (beir / "passes").mkdir()
    for name in ("ann", "bob"):
        (beir / "passes" / f"{name}.tsv").write_text("q1\td01\t1\n")
    if "--baseline" not in command:
        command = command.replace("gate", "gate --baseline pipe")

    def hangs(*_):
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.setitimer(signal.ITIMER_REAL, 3)
    try:
        for folder in (
            "pipe",
            "zero",
            *(["pipe/record.json"] if "--baseline RUN" not in command else []),
        ):
            said = refusal(*command.replace("RUN", folder).split())
            assert "record.json: it is a pipe or a device" in said
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
