"""Settings from conf/ and the command line: every refusal is one line, a sweep is every combination."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, write_beir
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.cli import app
from bench.cli.completion import SCRIPTS, answers
from bench.cli.compose import SETTINGS, compose, jobs, options, read
from bench.errors import BenchError
from bench.evidence.family import Margins
from bench.experiment.build import build
from bench.experiment.run import run as run_settings
from bench.experiment.tuning import space_of

# What no command line may say, to run or to tune. Each ends in a BenchError, never in another exception.
REFUSED = """
measures=[] | measures=null | measures=MAP | measures=[1] | measures=[null] | measures=[[MAP]]
measures={a:1} | measures=[MAP,MAP] | measures=[foo] | measures=[nDCG@] | measures=['']
measures=${measures} | depth=x | depth=null | depth=1.5 | depth=0 | depth=-1 | depth=true | depth=[1]
depth=${nope} | depth=${depth} | depth=${oc.env:NOPE_X} | depth=${hydra:run.dir} | depth=${foo:bar}
depth=${ | depth=??? | depth=1,2 | seed=x | seed=null | seed=-1 | seed=1.0 | output=null | output=5
output=[a] | output=/dev/null/x | trec_header=3 | ~depth | ~measures | ~seed | ~output | ~retrievers
collection=null | collection=5 | collection=[] | ~collection | ~collection._target_
collection._target_=null | collection._target_=5 | collection._target_='' | collection._target_=.
collection._target_=bench. | collection._target_=bench.errors.require
collection._target_=bench.types.DocArray | collection.path=null | collection.path=[a]
collection.path=/no/such | collection.name=5 | collection.sets=x | collection.sets=[nope]
collection.relevant=x | collection.relevant=99 | collection.split=5 | collection.foo=1
+collection.foo=1 | retrievers=null | retrievers.bm25=null | retrievers.bm25=5 | ~retrievers.bm25
~retrievers.bm25._target_ | retrievers.bm25._target_=null | retrievers.bm25._target_=os.system
retrievers.bm25.b=inf | retrievers.bm25.b=nan | retrievers.bm25.k1= | retrievers.bm25.k1.x=2
retrievers.bm25.fields=[] | retrievers.bm25.tokenizer=5 | retrievers.bm25.tokenizer.pattern='('
retrievers.bm25.tokenizer._target_=bench.errors.BenchError | retrievers.bm52.k1=1 | encoder=nope
hydra.mode=MULTIRUN | hydra/launcher=foo | hydra=null | hydra.searchpath=[nope] | hydra.run.dir=x
+hydra.foo=1 | foo | = | =5 | a.b | '' | a=b=c | foo=1 | +foo=??? | @=3 | {} | []=3 | k=[ | k={
+retrievers.x=[1] | +retrievers.x=bm25 | evidence=false | evidence=0 | evidence=[] | evidence=''
evidence.margin=0 | evidence.margin=false | evidence.margin=[] | evidence.margin=''
evidence.tolerance=0 | evidence.tolerance=false | evidence.tolerance=[] | evidence.tolerance=0.02
evidence.margin=x | evidence.pairs=0 | evidence.pairs=null | evidence.measures=false
retrievers.bm25.k1=HUGE | retrievers.bm25.k1=-HUGE | retrievers.bm25.b=HUGE
collection@foo=beir | collection@foo:bar=beir
"""
HUGE = "1" + 400 * "0"  # a whole number beyond every float
ONES = [one.strip() for line in REFUSED.strip().splitlines() for one in line.split(" | ")]


@pytest.fixture
def both_splits(tmp_path):
    folder = write_beir(tmp_path / "c")
    (folder / "qrels" / "dev.tsv").write_text((folder / "qrels" / "test.tsv").read_text())
    queries = folder / "queries.jsonl"
    queries.write_text(queries.read_text() + queries.read_text().replace('"q', '"p'))
    dev = folder / "qrels" / "dev.tsv"
    dev.write_text(dev.read_text().replace("\nq", "\np"))
    return ("collection=beir", f"collection.path={folder}", "output=out")


@pytest.mark.parametrize("one", ONES)
@pytest.mark.parametrize(
    "command", [("run", "retriever=[bm25]"), ("tune", "retriever=bm25")], ids=["run", "tune"]
)
def test_bad_settings_are_refused_in_one_line_and_leave_nothing(
    refusal, both_splits, tmp_path, command, one
):
    said = refusal(*command, *both_splits, one.replace("HUGE", HUGE))
    assert len(said) < 330, said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_the_lists_are_as_long_as_they_should_be():
    assert len(ONES) > 90


FAULTY = {
    "broken": ("a: [1\n", "retriever/m.yaml:2: expected ',' or ']'"),
    "a tab": ("\ta: 1\n", "retriever/m.yaml:1: found character"),
    "a key twice": (
        "# @package retrievers.m\nk1: 1\nk1: 2\n",
        "retriever/m.yaml:3: found duplicate key",
    ),
    "a tag": ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
    "a number": ("5\n", "a settings file can not be read"),
    "bytes": (b"\xff\xfe\x00k", "a settings file can not be read"),
    "hydra": (
        "# @package retrievers.m\n_target_: bench.retrievers.bm25.BM25\nk1: ${hydra:job.num}\n",
        "a setting refers to ${hydra:...}, which has no value here",
    ),
    "defaults": ("defaults:\n  - nope\n", "unknown retriever 'nope'"),
    "no defaults": ("defaults: 5\n", "Invalid defaults list"),
}


@pytest.mark.parametrize("name", FAULTY)
@pytest.mark.parametrize(("command", "chosen"), [("run", "retriever=[m]"), ("tune", "retriever=m")])
def test_a_fault_in_an_own_file_names_the_file(refusal, tmp_path, name, command, chosen):
    content, says = FAULTY[name]
    file = tmp_path / "own" / "retriever" / "m.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert says in refusal(command, "--config-dir", "own", chosen, "output=out")


@pytest.mark.parametrize("folder", ["nope", "file"])
@pytest.mark.parametrize("command", ["run", "tune"])
def test_a_config_folder_that_is_none_is_refused(refusal, tmp_path, command, folder):
    (tmp_path / "file").write_text("")
    said = refusal(command, "--config-dir", folder, "retriever=bm25")
    assert f"config folder {folder} does not exist" in said


OF_SHIPPED = ["retriever/bm25.yaml", "tune/bm25.yaml", "encoder/minilm.yaml", "config.yaml"]


@pytest.mark.parametrize("name", OF_SHIPPED)
@pytest.mark.parametrize(
    "command", [("run", "retriever=[dense]"), ("tune", "retriever=hybrid"), ("list", "retrievers")]
)
def test_an_own_file_with_the_name_of_a_shipped_one_is_refused(refusal, tmp_path, name, command):
    """Whatever is chosen: Hydra would read the shipped one, and nobody would know."""
    file = tmp_path / "own" / name
    file.parent.mkdir(parents=True)
    file.write_text("# @package retrievers.bm25\n_target_: bench.retrievers.bm25.BM25\nk1: 0.5\n")
    said = refusal(*command, "--config-dir", "own")
    assert f"own/{name} is never read: bench ships a conf/{name}, which comes first; " in said
    assert ("+experiment=NAME" in said) == (name == "config.yaml")


def test_the_shipped_folder_itself_may_be_named():
    assert compose(["retriever=[bm25]"], [ROOT / "conf"]) == compose(["retriever=[bm25]"])


# What the grammar has a meaning for, beside what it has no place for; a comma makes two values.
IN_A_PATH = st.text(st.sampled_from("ab1é中 ~()[]{}'\"=#&;!|<>:@+*?%^`"), max_size=12)


@settings(max_examples=60)
@given(IN_A_PATH)
def test_a_path_of_any_characters_is_taken_as_it_is_written(text):
    path = f"/data/{text}".rstrip()
    (one,) = read([f"collection.path={path}"])
    assert (one.values, one.sweep) == ((path,), False)


def test_a_tilde_is_the_home_folder_and_what_has_no_end_is_refused(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    chosen = ["retriever=[bm25]", "collection=beir"]
    for written, read_as in (("~/my papers", "/home/ann/my papers"), ("/it's (2)#é", "/it's (2)#é")):
        assert compose([*chosen, f"collection.path={written}"])["collection"]["path"] == read_as
    for written in ('"/data', "'/data", "[a", "{a", "${a", "(a"):
        with pytest.raises(BenchError, match=r"collection\.path="):
            compose([*chosen, f"collection.path={written}"])


@pytest.mark.parametrize("name", ["plain", "a b", "it's", "a,b", "[x]", 'q"q', "a\\", "ü=1:2#3"])
def test_own_folders_are_found_whatever_their_names(tmp_path, name):
    for own, value in ((tmp_path / name, 7), (tmp_path / "second", 8)):
        (own / "retriever").mkdir(parents=True)
        (own / "retriever" / f"m{value}.yaml").write_text(
            f"# @package retrievers.m{value}\nx: {value}\n"
        )
    owns = (tmp_path / name, tmp_path / "second")
    assert compose(["retriever=[m7,m8]"], owns)["retrievers"] == {"m7": {"x": 7}, "m8": {"x": 8}}
    assert set(options("retriever", owns)) >= {"bm25", "m7", "m8"}


def test_settings_can_be_kept_in_a_file(tmp_path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "nightly.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /retriever: [bm25]\ndepth: 77\n"
    )
    settings = compose(["+experiment=nightly", "seed=3"], [tmp_path])
    assert (list(settings["retrievers"]), settings["depth"], settings["seed"]) == (["bm25"], 77, 3)
    assert answers(f"bench run -cd {tmp_path} +exp", FLAGS) == ["+experiment="]
    with pytest.raises(BenchError, match="unknown experiment 'nightli'; did you mean 'nightly'"):
        compose(["+experiment=nightli"], [tmp_path])


KEYS = ("depth", "seed", "retrievers.bm25.k1", "retrievers.bm25.tokenizer.stemmer")
Values = st.one_of(
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
    st.lists(st.sampled_from(["a b", "it's", "x,y", "[1]", "plain"]), min_size=1, max_size=2),
)


@given(st.dictionaries(st.sampled_from(KEYS), Values, max_size=3))
def test_a_sweep_is_every_combination_in_order(asked):
    """The expected settings are made from the values, never from the texts."""
    texts = [f"{key}={','.join(quoted(one) for one in values)}" for key, values in asked.items()]
    found = [{one.key: one.values[0] for one in read(job)} for job in jobs(texts)]
    assert found == [dict(zip(asked, one, strict=True)) for one in itertools.product(*asked.values())]


def quoted(value):
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "\\'") + "'"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("depth=range(1,4)", [1, 2, 3]),
        ("retrievers.bm25.b=range(0,1,0.5)", [0.0, 0.5]),
        ("depth=choice(5,7)", [5, 7]),
        ("retriever=[bm25],[dense]", [["bm25"], ["dense"]]),
        ("retriever=glob(b*)", ["bm25"]),
        ("+depth=1,2", [1, 2]),
        ("depth=[1,2]", [[1, 2]]),
    ],
)
def test_what_a_sweep_may_be_written_as(text, values):
    assert [read(job)[0].values[0] for job in jobs([text])] == values


def test_all_jobs_of_a_sweep_are_composed_before_the_first_runs(refusal, both_splits, tmp_path):
    said = refusal("run", "-m", "retriever=[bm25],[dens]", *both_splits)
    assert "unknown retriever 'dens'; did you mean 'dense'?" in said
    assert not (tmp_path / "out").exists()


def test_several_values_without_m_are_refused(refusal):
    for more in ((), ("--cfg", "job")):
        said = refusal("run", "retriever=bm25,dense", *more)
        assert "retriever has several values; give -m for one run each" in said
        assert "'retriever=[...]'" in said
    assert "leave -m out" in refusal("run", "-m", "--cfg", "job", "depth=1,2")
    assert "go with --cfg job" in refusal("run", "--resolve")


def test_settings_are_shown_as_yaml(refusal, capsys):
    def printed(*arguments):
        app.app(args=["run", "retriever=[dense]", "depth=7", *arguments], standalone_mode=False)
        return capsys.readouterr().out

    shown = yaml.safe_load(printed("--cfg", "job"))
    assert (shown["depth"], shown["retrievers"]["dense"]["encoder"]) == (7, "${encoder}")
    assert "hydra" not in shown
    resolved = printed("-c", "job", "--resolve", "-p", "retrievers.dense.encoder")
    assert yaml.safe_load(resolved) == shown["encoder"]
    assert printed("--cfg", "job", "-p", "depth") == "7\n"
    assert "no settings at 'dept'" in refusal("run", "--cfg", "job", "-p", "dept")


STRICT = """
import argparse, sys
ask = argparse._ActionsContainer.add_argument
def add_argument(self, *names, **settings):
    # What Python 3.14 does: argparse tries to format each help text as the argument is added.
    action = ask(self, *names, **settings)
    if action.help and "%" in action.help:
        action.help % {"default": None, "prog": "", "choices": ""}
    return action
argparse._ActionsContainer.add_argument = add_argument
from bench.cli import app
sys.argv = ["bench", *sys.argv[1:]]
try:
    app.main()
except SystemExit as left:
    assert not left.code, left.code
from hydra._internal.utils import get_args_parser
try:
    get_args_parser()
except (TypeError, ValueError):
    print("Hydra's own parser can not be built")
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--cfg", "job"),
        ("complete", "bash", "--line", "bench run retriever="),
        ("tune", "retriever=bm25", "tune.space={k1:[1.2]}", "tune.space.b=[0.75]",
         "tune.space.k1=[1.2]", "output=out"),
    ],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_no_parser_is_built_that_python_3_14_refuses(tmp_path, arguments):
    """Hydra's command line has a help text that is no text (its issue 3121)."""
    done = subprocess.run(
        [sys.executable, "-c", STRICT, *arguments],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Hydra's own parser can not be built"


FLAGS = {"run": ["--cfg", "--config-dir"], "tune": ["--config-dir"], "gate": ["--floor"]}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bench ", ["gate", "run", "tune"]),
        ("bench ru", ["run"]),
        ("bench gate --", ["--floor"]),
        ("bench gate res", []),
        ("bench nope x", []),
        ("bench run --c", ["--cfg", "--config-dir"]),
        ("bench run retriever", ["retriever=", "retrievers."]),
        ("bench run retriever=b", ["retriever=bm25"]),
        ("bench run +tune=", ["+tune=bm25", "+tune=hybrid"]),
        (
            "bench tune retriever=bm25 collection=",
            ["collection=beir", "collection=digest", "collection=digest-v1"],
        ),
        ("bench run 'retriever=[bm25]' retrievers.", ["retrievers.bm25."]),
        ("bench run -m retriever=[bm25],[dense] retrievers.", ["retrievers.bm25."]),
        ("bench run retrievers.bm25.k", ["retrievers.bm25.k1="]),
        ("bench run retrievers.bm25.k1=", ["retrievers.bm25.k1=1.2"]),
        ("bench run trec_header=", ["trec_header=false"]),
        ("bench run retrievers.bm25.tokenizer.pattern=", []),  # a shell would not take it as it is
        ("bench run retrievers.bm25.k1.", []),
        ("bench run 'retr", []),
        ("bench run collection=nope dep", []),
        ("", ["gate", "run", "tune"]),
    ],
)
def test_what_tab_offers(line, expected):
    assert answers(line, FLAGS) == expected


@pytest.mark.parametrize("named", ["--config-dir own", "--config-dir=own", "-cd own"])
def test_tab_offers_what_own_folders_have(tmp_path, monkeypatch, named):
    (tmp_path / "own" / "retriever").mkdir(parents=True)
    (tmp_path / "own" / "retriever" / "mine.yaml").write_text("# @package retrievers.mine\nshort: 1\n")
    monkeypatch.chdir(tmp_path)
    assert answers(f"bench run {named} retriever=m", FLAGS) == ["retriever=mine"]
    given = f"bench run {named} 'retriever=[mine]' retrievers."
    assert answers(given, FLAGS) == ["retrievers.mine."]


@pytest.mark.parametrize(
    ("breaks", "line", "expected"),
    [
        ("=:", "bench ru", ["run"]),
        ("=:", "bench run retriever=b", ["bm25"]),  # bash replaces what is behind "="
        (":", "bench run retriever=b", ["retriever=bm25"]),
        ("=:", "bench run retrievers.bm25.k1", ["retrievers.bm25.k1="]),
        ("=:", "bench run retrievers.bm25.tokenizer.pattern=", []),
    ],
)
def test_the_script_completes_in_bash(tmp_path, breaks, line, expected):
    program = tmp_path / "bench"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bench "$@"\n')
    program.chmod(0o755)
    script = (
        f"COMP_WORDBREAKS='{breaks}'\n"
        + SCRIPTS["bash"]
        + '_bench\n(( ${#COMPREPLY[@]} )) && printf "%s\\n" "${COMPREPLY[@]}"\ntrue\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path),
            "COMP_LINE": line, "COMP_POINT": str(len(line)),
        },
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == expected


MINE = """
from dataclasses import dataclass
import numpy as np
from bench.ranking import best, ties_of

@dataclass(frozen=True)
class Mine:
    settings: object = None
    def __init__(self, **settings):
        object.__setattr__(self, "settings", repr(settings))
    def index(self, collection, store):
        return Answers(ties_of(collection))

@dataclass(eq=False)
class Answers:
    ties: object
    nbytes: int = 0
    exact: object = None
    facts: object = None
    def __post_init__(self):
        self.facts = {}
    def search(self, queries, k):
        return best(np.ones((len(queries), len(self.ties)), np.float32), self.ties, k)
"""
PATHS = {
    "path": ("/home/ann/runs/a.trec", "a.trec"),
    "model": ("/models/minilm", "minilm"),
    "weights": ("/models/own/w.bin", "w.bin"),
    "start_checkpoint": ("/models/own/step_9", "step_9"),
    "location": ("/srv/data", "data"),
    "root": ("/srv/all", "all"),
    "stopword_file": ("/etc/words.txt", "words.txt"),
    "shard_paths": (["/a/one", "b/two"], ["one", "b/two"]),
}
TEXTS = {
    "prompt": "/query: ",
    "pattern": r"/?\w+",
    "separator": "/",
    "prefixes": ["/a/", "/b c"],
    "by_model": {"one": "/x/y"},
    "pathology": "/not/a/path",
    "grassroots": "/not/a/path/either",
}


def test_a_record_shortens_paths_and_no_other_text(beir, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    given = {key: value for key, (value, _) in PATHS.items()} | TEXTS
    settings = compose(
        ["collection=beir", f"collection.path={beir}", f"output={tmp_path}/out", "retriever=[bm25]"]
    )
    settings["encoder"]["model"] = "sentence-transformers/all-MiniLM-L6-v2"
    settings["retrievers"] = {"mine": {"_target_": "mine.Mine", **given}}
    saved, _, _ = run_settings(settings, ["mine"])
    config = saved.content["config"]
    kept = {key: value for key, (_, value) in PATHS.items()} | TEXTS
    assert config["retrievers"]["mine"] == {"_target_": "mine.Mine", **kept}
    assert (config["output"], config["collection"]["path"]) == ("out", Path(beir).name)
    assert config["encoder"]["model"] == "sentence-transformers/all-MiniLM-L6-v2"


def test_errors_of_other_kinds_are_not_taken_for_bad_settings():
    with pytest.raises(BenchError, match="unknown setting 'dept'; did you mean 'depth'"):
        compose(["dept=3"])
    with pytest.raises(TypeError):
        compose(3)  # type: ignore[arg-type]


def made(name, **settings):
    targets = {
        "bm25": "bench.retrievers.bm25.BM25",
        "tokenizer": "bench.retrievers.bm25.Tokenizer",
        "fused": "bench.retrievers.fuse.Fused",
    }
    bm25 = {"_target_": targets["bm25"]}
    parts = {"parts": {"a": bm25, "b": {**bm25, "k1": 2.0}}} if name == "fused" else {}
    return build({"_target_": targets[name], **parts, **settings}, name)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("bm25", {"k1": float("inf")}, "bm25.k1 must be at least 0 and at most 1000, got inf"),
        ("bm25", {"k1": float("nan")}, "bm25.k1 must be at least 0 and at most 1000, got nan"),
        ("bm25", {"delta": float("nan")}, "bm25.delta must be at least 0 and at most 1000, got nan"),
        ("bm25", {"delta": -0.5}, "bm25.delta must be at least 0 and at most 1000"),
        ("bm25", {"b": float("nan")}, "bm25.b must lie between 0 and 1"),
        ("bm25", {"fields": ["title", "title"]}, "a field stands twice"),
        ("tokenizer", {"pattern": ""}, "matches the empty text"),
        ("tokenizer", {"pattern": "(?u)"}, "matches the empty text"),
        ("tokenizer", {"pattern": "x*"}, "matches the empty text"),
        ("fused", {"weights": {"a": 0, "b": 0.0}}, "hybrid.weights are all 0"),
        ("fused", {"weights": {"a": float("inf")}}, "hybrid.weights.a must not be negative nor above"),
        ("fused", {"weights": {"a": float("nan")}}, "hybrid.weights.a must not be negative nor above"),
        ("fused", {"weights": {"a": 1e300}}, "hybrid.weights.a must not be negative nor above"),
        ("fused", {"k": float("inf")}, "hybrid.k must not be negative nor above"),
        ("fused", {"k": float("nan")}, "hybrid.k must not be negative nor above"),
    ],
)
def test_settings_without_meaning_are_refused(name, settings, said):
    with pytest.raises(BenchError, match=said):
        made(name, **settings)


def test_a_part_may_have_no_weight_and_a_word_one_letter():
    assert made("fused", weights={"a": 0}).weights == {"a": 0}
    assert made("tokenizer", pattern=r"(?u)\w+")(["a b"]) == [["b"]]


def test_a_setting_that_nothing_reads_is_refused_and_one_that_another_refers_to_is_not():
    for text in ("+foo=1", "+foo={}", "+dept=10"):
        with pytest.raises(BenchError, match=r"unknown setting '(foo|dept)', which nothing reads"):
            compose(["retriever=[bm25]", text])
    with pytest.raises(BenchError, match="did you mean 'depth'"):
        compose(["+dept=10"])
    found = compose(["+my_depth=20", "depth=${my_depth}"])
    assert found["depth"] == 20
    # Every setting that the shipped config has is known.
    assert set(compose([])) | {"tune"} == SETTINGS


@pytest.mark.parametrize("value", ["inf", "nan", "1", "-1"])
def test_margins_without_meaning_are_refused(value):
    with pytest.raises(BenchError, match="must lie between 0 and 1"):
        Margins().changed([value], ["MAP"], "--margin")


def test_the_settings_of_a_search_are_a_space_and_folds():
    with pytest.raises(BenchError, match=r"unknown setting 'tune\.fold'; known: folds, space"):
        space_of({"space": {"k1": [1]}, "fold": 3}, {})


def test_a_system_whose_name_no_file_can_have_is_refused(refusal, beir):
    data = ("collection=beir", f"collection.path={beir}", "output=out")
    plain = "{_target_: bench.retrievers.bm25.BM25}"
    for name, said in (("k" * 260, "too long a name"), ("k" * 201, "too long a name"), ("ü" * 101, "")):
        found = refusal("run", "retriever=[bm25]", f"+retrievers.{name}={plain}", *data)
        assert said in found
        assert "hydra/conf" not in found
    said = refusal("run", f"retriever={'k' * 260}", *data)
    assert "hydra/conf" not in said


def test_a_settings_file_that_is_a_pipe_is_refused_by_its_name(refusal, tmp_path):
    (tmp_path / "own" / "retriever").mkdir(parents=True)
    os.mkfifo(tmp_path / "own" / "retriever" / "m.yaml")
    said = refusal("run", "retriever=m", "--config-dir", "own")
    assert said.startswith("cannot read own/retriever/m.yaml: it is a pipe")


def test_what_the_config_says_of_a_margin_by_measure_can_be_given():
    words = (ROOT / "conf" / "config.yaml").read_text()
    (example,) = re.findall(r"\+evidence\.margin\.\S+", words)
    assert compose([example])["evidence"]["margin"] == {"default": 0.02, "MAP": 0.03}
