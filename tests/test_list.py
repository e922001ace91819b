"""`bench list` and `bench show`: what can be named, and saved runs, read without anything heavy."""

from __future__ import annotations

import json
import re

import pytest
from conftest import ROOT, content_of

from bench.cli import app
from bench.cli.completion import answers
from bench.evaluation.measures import Measure

CONF = ROOT / "conf"


@pytest.fixture
def lines(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; return the lines that it prints."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        capsys.readouterr()
        assert app._command([str(one) for one in arguments]) == 0
        return capsys.readouterr().out.splitlines()

    return call


@pytest.mark.parametrize("kind", ["retriever", "encoder", "collection"])
def test_each_yaml_stands_with_its_own_comment(lines, kind):
    files = sorted((CONF / kind).glob("*.yaml"), key=lambda file: file.stem)
    shown = dict(re.split(" {2,}", line, maxsplit=1) for line in lines("list", f"{kind}s"))
    assert list(shown) == [file.stem for file in files]
    for file in files:
        assert f"# {shown[file.stem]}\n" in file.read_text()


def test_every_yaml_of_conf_says_what_it_is():
    for file in CONF.rglob("*.yaml"):
        head = [line for line in file.read_text().splitlines()[:2] if "@package" not in line]
        assert re.match(r"# \w.{20,}\.$", head[0]), file


def test_own_options_are_listed_and_their_code_is_not_run(lines, tmp_path, monkeypatch):
    (tmp_path / "own" / "retriever").mkdir(parents=True)
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("raise SystemExit('run')\n")
    (tmp_path / "pack" / "mine.py").write_text(
        'raise SystemExit("run")\nclass Mine:\n    """Counts words.\n\n    Slowly.\n    """\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in {
        "commented": "# @package retrievers.commented\n\n#  By hand.\nk: 1 # one\n_target_: pack.mine.Mine\n",
        "mine": "# @package retrievers.mine\n_target_: pack.mine.Mine # which counts\n# later\n",
        "nested": "# @package retrievers\nnested: {_target_: 'pack.mine.Mine'}\n",
        "gone": "# @package retrievers.gone\n_target_: not_there.at_all.Mine\n",
        "bare": "# @package retrievers.bare\nk: 1\n",
    }.items():
        (tmp_path / "own" / "retriever" / f"{name}.yaml").write_text(text)
    shown = dict(
        [*re.split(" {2,}", line, maxsplit=1), ""][:2]
        for line in lines("list", "retrievers", "--config-dir", "own")
    )
    assert shown["commented"] == "By hand."
    assert shown["mine"] == shown["nested"] == "Counts words."
    assert shown["gone"] == shown["bare"] == ""
    assert shown["bm25"].startswith("BM25 ")
    assert list(shown) == sorted(shown)


def test_every_measure_listed_can_be_written_and_no_other(lines):
    written = [line.split()[0] for line in lines("list", "measures")]
    for text in written:
        if "@k" in text:  # some of the others have parameters of their own
            assert str(Measure.parse(text.replace("[@k]", "@10").replace("@k", "@10")))
        if "[@k]" in text:
            assert Measure.parse(text.replace("[@k]", "")).cutoff is None
    # as many as the message for a wrong name knows
    names = {re.split(r"[@\[]", text)[0] for text in written}
    assert {"nDCG", "MAP", "RBP", "Bpref", "Rprec", "ERR", "infAP"} <= names


@pytest.fixture
def runs(tmp_path):
    """Four runs, of which two are damaged, and what is none."""
    folder = tmp_path / "results" / "runs"
    content = content_of(ROOT / "results" / "baseline")
    for name, day in (("older", "2001-01-02"), ("newer", "2001-01-03")):
        (folder / name).mkdir(parents=True)
        made = {**content, "created": f"{day}T00:00:00+00:00"}
        (folder / name / "record.json").write_text(json.dumps(made))
    for name, file, text in (
        ("cut", "record.json", "{"),
        ("bare", "bm25.trec", "q1 Q0 d1 1 1 x\n"),
        ("notes", "notes.txt", "mine"),
        (".part-x", "record.json", "{"),
    ):
        (folder / name).mkdir()
        (folder / name / file).write_text(text)
    (folder / "file").write_text("")
    return folder


def test_runs_are_listed_newest_first_and_damaged_ones_are_named(lines, runs):
    shown = lines("list", "runs")
    assert sorted(line.split()[0] for line in shown[:2]) == ["bare", "cut"]  # written just now
    assert [line.split()[0] for line in shown[2:]] == ["newer", "older"]
    for line in shown[:2]:
        assert "damaged: " in line and "record.json" in line
    assert shown == [line.replace(f"{runs}/", "results/runs/") for line in lines("list", "runs", runs)]
    record = json.loads((runs / "newer" / "record.json").read_text())
    assert "digest, 125 documents, 480 test queries" in shown[2]
    means = record["evidence"]["means"]["all"]["nDCG@10"]
    for system, cell in means.items():
        assert f"{system} {cell['mean']:.4f}" in shown[2]


def test_systems_that_failed_are_named_in_the_line_of_their_run(lines, runs):
    assert not any("failed" in line for line in lines("list", "runs"))
    file = runs / "newer" / "record.json"
    content = json.loads(file.read_text())
    content["failed"] = {"slow": "no such model", "large": "no memory"}
    file.write_text(json.dumps(content))
    newer, older = lines("list", "runs")[2:]
    assert newer.endswith("; failed: slow, large")
    assert newer.removesuffix("; failed: slow, large").split()[1:] == older.split()[1:]


def test_a_folder_without_runs_says_so_on_stderr(tmp_path, capsys):
    assert app._command(["list", "runs", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no run in " in printed.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["retriever"], "did you mean 'retrievers'?"),
        (["systems"], "known: collections, encoders, measures, retrievers, runs"),
        (["runs"], "no folder results/runs; make a run with bench run"),
        (["measures", "x"], "a folder goes with 'runs'"),
        (["measures", "--config-dir", "x"], "--config-dir adds no measures"),
        (["encoders", "--config-dir", "x"], "config folder x does not exist"),
    ],
)
def test_a_wrong_word_is_refused_with_what_would_do(refusal, arguments, says):
    assert says in refusal("list", *arguments)


def test_a_run_is_no_folder_of_runs(refusal, saved):
    assert f"bench show {saved}" in refusal("list", "runs", str(saved))


def test_show_prints_what_report_prints_and_writes_nothing(lines, saved, tmp_path):
    before = {file: file.stat().st_mtime_ns for file in saved.rglob("*")}
    shown = lines("show", saved)
    assert {file: file.stat().st_mtime_ns for file in saved.rglob("*")} == before
    assert not list(tmp_path.iterdir())
    assert shown == lines("show", saved / "record.json")
    tables = lines("report", saved, "--out", tmp_path / "again")
    assert shown[-len(tables) :] == tables
    record = json.loads((saved / "record.json").read_text())
    head = dict(re.split(" {2,}", line, maxsplit=1) for line in shown[: -len(tables) - 1])
    assert head["run"] == record["id"]
    assert head["systems"] == "bm25"
    assert record["created"] in head["made"]
    assert record["collection"]["name"] in head["collection"]
    for name, seconds in record["seconds"].items():
        assert f"{name} {seconds:.1f}" in head["seconds"]


def test_show_tells_the_commit_and_leaves_out_what_a_record_does_not_tell(lines, tmp_path):
    content = content_of(ROOT / "results" / "baseline")
    (code,) = [line for line in lines("show", ROOT / "results" / "baseline") if line.startswith("code")]
    assert content["git"]["commit"] in code
    for key in ("seconds", "created", "bench"):
        del content[key]
    content["git"]["commit"], content["platform"] = None, {}
    (tmp_path / "record.json").write_text(json.dumps(content))
    shown = lines("show", tmp_path)
    assert [line.split()[0] for line in shown[:3]] == ["run", "systems", "collection"]
    assert shown[3] == ""


@pytest.mark.parametrize("command", [("show",), ("list", "runs")])
def test_reading_runs_loads_nothing_heavy(bench, saved, command):
    where = saved if command == ("show",) else saved.parent
    done = bench(*command, str(where), python=("-X", "importtime"))
    assert done.returncode == 0, done.stderr
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.M))
    assert not loaded & {"matplotlib", "torch", "hydra", "omegaconf", "faiss", "pytrec_eval", "bm25s"}


def test_what_conf_holds_is_listed_without_numpy_and_hydra(bench):
    done = bench("list", "retrievers", python=("-X", "importtime"))
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.M))
    assert not loaded & {"numpy", "hydra", "omegaconf", "yaml"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bench list ", ["collections", "encoders", "measures", "retrievers", "runs"]),
        ("bench list r", ["retrievers", "runs"]),
        ("bench list runs ", []),
        ("bench complete ", ["bash", "fish", "zsh"]),
        ("bench list --c", ["--config-dir"]),
        ("bench sh", ["show"]),
    ],
)
def test_words_are_completed(line, expected):
    assert answers(line, {"list": ["--config-dir"], "show": [], "complete": ["--line"]}) == expected


def test_a_damaged_yaml_is_named(refusal, tmp_path):
    (tmp_path / "own" / "encoder").mkdir(parents=True)
    (tmp_path / "own" / "encoder" / "mine.yaml").write_bytes(b"\xff")
    assert "mine.yaml: it is not UTF-8 text" in refusal("list", "encoders", "--config-dir", "own")


def test_a_control_character_of_a_comment_is_shown_as_an_escape(lines, tmp_path):
    (tmp_path / "own" / "encoder").mkdir(parents=True)
    (tmp_path / "own" / "encoder" / "mine.yaml").write_text("# \x1b[31mred\n")
    assert r"\x1b[31mred" in lines("list", "encoders", "--config-dir", "own")[0]
