"""What `gate` leaves for others to read says what the process exits with, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import signals_as_before
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import app
from bench.cli.endings import Stopped, stoppable
from bench.cli.exits import ending_of
from bench.cli.verdict import telling
from bench.errors import BenchError
from bench.report.no_verdict import (
    no_verdict_annotation,
    no_verdict_json,
    no_verdict_junit,
    no_verdict_markdown,
)

FORMS = {"--junit": "g.xml", "--summary": "g.md", "--json": "g.json"}
ALL = [word for pair in FORMS.items() for word in pair]


@pytest.fixture
def here(saved, tmp_path, monkeypatch):
    """A folder to stand in with a baseline and a run like it."""
    for name in ("base", "run"):
        shutil.copytree(saved, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def gate(here, monkeypatch, capfd):
    """Run the command to its end: (exit code, what it says on stdout and on stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench", "gate", *map(str, arguments)])
        with pytest.raises(SystemExit) as left, signals_as_before():
            app.main()
        return left.value.code, *capfd.readouterr()

    return call


@pytest.fixture
def github(here, monkeypatch):
    """Be a step of GitHub's, whose page others have begun."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "page.md")
    (here / "page.md").write_text("others\n")


def told(kind):
    """Exit code and reason in a form, None for the reason where there is a verdict."""
    if kind == "--json":
        content = json.loads(Path(FORMS[kind]).read_text())
        return content["exit_code"], content["error"]
    if kind == "--junit":
        suite = ElementTree.parse(FORMS[kind]).getroot()
        found = [case.find("error") for case in suite if case.find("error") is not None]
        assert suite.get("errors") == str(len(found))
        assert suite.get("tests") == str(len(suite))
        if found:
            return int(found[0].get("type").removeprefix("exit ")), found[0].get("message")
        return int(suite.get("failures") != "0"), None
    return told_in_markdown(Path(FORMS[kind]).read_text())


def told_in_markdown(text):
    line = re.fullmatch(r"### ❌ Retrieval quality: could not run \(exit (\d+)\): (.*)\n", text)
    if line:
        return int(line[1]), line[2].replace("\\", "")
    return {"✅": 0, "❌": 1}[text.split()[1]], None


def require_told(code, why, kinds=FORMS):
    for kind in kinds:
        found, reason = told(kind)
        assert found == code, kind
        assert (reason is None) == (why is None), kind
        if why:
            assert why in reason, kind


ONE_PLACE = {
    "alike": ("out", "out"),
    "relative": ("out", "./none/../out"),
    "through a link": ("out", "link"),
    "absolute": ("out", "HERE/out"),
    "a folder's link": ("folder/out", "folder-link/out"),
    "standard output": ("-", "-"),
    "its device": ("-", "/dev/stdout"),
    "a device": ("/dev/null", "/dev/null"),
}


@pytest.mark.parametrize("places", ONE_PLACE)
@pytest.mark.parametrize("options", [("--junit", "--json"), ("--summary", "--junit")])
def test_two_forms_in_one_place_are_refused_before_anything_is_run(
    gate, here, monkeypatch, places, options
):
    """There is no RUN here, and the baseline would be run again."""
    monkeypatch.setattr("bench.experiment.run.run_and_save", None)
    (here / "link").symlink_to("out")
    (here / "folder").mkdir()
    (here / "folder-link").symlink_to("folder")
    if places == "through a link":
        (here / "out").write_text("earlier")
    one, other = (name.replace("HERE", str(here)) for name in ONE_PLACE[places])
    code, _, said = gate("--baseline", "base", options[0], one, options[1], other)
    assert code == 2
    assert said.splitlines()[-1].startswith("bench: ")
    assert "both name" in said
    assert set(options) <= set(said.split())


def test_forms_in_places_of_their_own_are_all_written(gate):
    assert gate("run", "--baseline", "base", *ALL)[0] == 0
    require_told(0, None)


@pytest.mark.usefixtures("github")
def test_a_form_that_would_replace_the_page_of_a_step_is_refused(gate, here):
    code, _, said = gate("run", "--baseline", "base", "--summary", here / "page.md")
    assert code == 2
    assert "GITHUB_STEP_SUMMARY and --summary both name" in said
    others, *ours = (here / "page.md").read_text().splitlines(keepends=True)
    assert others == "others\n"
    assert told_in_markdown("".join(ours))[0] == 2


@pytest.mark.parametrize(
    "file", ["base/record.json", "run/record.json", "link", "base/bm25.trec", "run/values.npz"]
)
def test_a_form_in_the_place_of_what_is_read_is_refused_and_the_others_say_so(gate, here, file):
    (here / "link").symlink_to("base/record.json")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    code, _, said = gate("run", "--baseline", "base", "--json", file, "--junit", "g.xml")
    assert code == 2
    assert f"--json names {file}, a file of the run in" in said
    require_told(2, "a file of the run", ["--junit"])
    (here / "g.xml").unlink()
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


PLUGIN = """
import os, signal, sys
from dataclasses import dataclass

@dataclass(frozen=True)
class Mine:
    does: str
    def index(self, collection, store):
        if self.does == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        elif self.does == "terminate":
            os.kill(os.getpid(), signal.SIGTERM)
        elif self.does == "leave":
            sys.exit(0)
        elif self.does == "memory":
            raise MemoryError("8 TB")
        raise ValueError("no luck")
"""
AGAIN = ("--allow", "mine_of_gate", "--set")
MINE = "retrievers.bm25={_target_: mine_of_gate.Mine, does: %s}"
ENDS = {
    "a floor that is none": (("run", "--floor", "nDCG"), 2, "floor 'nDCG' is malformed"),
    "options against each other": (("run", "--reason", "x"), 2, "belongs to --update"),
    "a form that can not be": (("run", "--summary", "file/g.md"), 2, "cannot write file/g.md"),
    "no run": (("gone",), 2, "cannot read gone"),
    "no baseline": (("run", "--baseline", "none"), 2, "no baseline in none"),
    "other labels": (("other",), 2, "different are the labels"),
    "refused as a baseline": (("other", "--update", "--reason", "x"), 2, "the labels changed"),
    "a method that fails": ((*AGAIN, MINE % "fail"), 2, "no luck"),
    "memory": ((*AGAIN, MINE % "memory"), 70, "internal error: MemoryError: 8 TB"),
    "an exit of a method's own": ((*AGAIN, MINE % "leave"), 70, "called sys.exit(0)"),
    "interrupted": ((*AGAIN, MINE % "interrupt"), 130, "interrupted"),
    "terminated": ((*AGAIN, MINE % "terminate"), 143, "terminated"),
}


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize("end", ENDS)
def test_what_an_earlier_gate_wrote_is_not_read_as_of_this_one(gate, here, end):
    (here / "mine_of_gate.py").write_text(PLUGIN)
    (here / "file").touch()
    shutil.copytree(here / "run", here / "other")
    content = json.loads((here / "other" / "record.json").read_text())
    content["labels"]["fingerprint"] = "x"
    (here / "other" / "record.json").write_text(json.dumps(content))
    assert gate("run", "--baseline", "base", *ALL)[0] == 0
    require_told(0, None)
    page = (here / "page.md").read_text()
    options, exit_code, why = ENDS[end]
    code, out, said = gate("--baseline", "base", *ALL, *options)
    assert code == exit_code
    assert why.split(": ")[-1] in said
    require_told(code, why, [kind for kind in FORMS if kind not in options])
    assert told_in_markdown((here / "page.md").read_text().removeprefix(page))[0] == code
    (line,) = [line for line in (out + said).splitlines() if line.startswith("::")]
    assert line.startswith("::error title=bench gate could not run::")
    assert line.endswith(f" (exit {code})")
    assert why in line


@pytest.mark.parametrize("update", [False, True])
@pytest.mark.parametrize("full", ["--json", "--junit", "--summary", "GITHUB_STEP_SUMMARY"])
def test_a_form_that_can_not_be_written_is_told_by_the_others(gate, here, monkeypatch, full, update):
    if not Path("/dev/full").exists():
        pytest.skip("a device of Linux")
    forms = [
        word for kind, file in FORMS.items() for word in (kind, "/dev/full" if kind == full else file)
    ]
    if full not in FORMS:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/full")
    record = here / "base" / "record.json"
    before = record.stat().st_ino
    code, _, said = gate("run", "--baseline", "base", *forms, *(["--update"] if update else []))
    assert code == 2
    assert said.splitlines()[-1].startswith("bench: cannot write /dev/full: No space left on device")
    replaced = "the baseline in base was replaced all the same"
    assert (replaced in said) == update == (record.stat().st_ino != before)
    why = replaced if update else "No space left"
    require_told(2, why, [kind for kind in FORMS if kind != full])
    assert not list(here.glob("*.bak*"))  # what was kept would be of this very gate


@pytest.mark.parametrize("github", ["false", "true"])
def test_an_output_that_is_full_is_no_verdict_in_any_form(here, github):
    """What is told on the screen is told before the forms say that all is well, and GitHub is too."""
    if not Path("/dev/full").exists():
        pytest.skip("a device of Linux")
    command = [sys.executable, "-m", "bench", "gate", "run", "--baseline", "base", *ALL]
    with Path("/dev/full").open("w") as out:
        done = subprocess.run(
            command, stdout=out, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "GITHUB_ACTIONS": github},
        )  # fmt: skip
    assert done.returncode == 2
    require_told(2, "No space left")


def test_what_goes_into_a_pipe_is_written_when_all_else_is(here, gate):
    code, out, _ = gate("run", "--baseline", "base", "--json", "-", "--junit", "g.xml")
    assert code == 0
    assert json.loads(out)["exit_code"] == 0
    code, out, _ = gate("run", "--baseline", "base", "--json", "-", "--floor", "x")
    assert code == 2
    assert json.loads(out)["exit_code"] == 2


def test_a_reader_of_json_finds_the_keys_of_a_verdict_where_there_is_none(gate):
    assert gate("run", "--baseline", "base", *ALL)[0] == 0
    verdict = json.loads(Path("g.json").read_text())
    none = json.loads(no_verdict_json(70, "why"))
    assert none.keys() == verdict.keys()
    assert verdict["error"] is None
    for key, value in verdict.items():
        assert value is None or key == "exit_code" or type(value) is type(none[key]), key


@given(st.text(min_size=1))
def test_a_reason_of_any_characters_stays_one_line_of_its_form(text):
    ending = ending_of(BenchError(text))
    assert json.loads(no_verdict_json(2, ending.why))["error"] == ending.why
    suite = ElementTree.fromstring(no_verdict_junit(2, ending.why).encode())
    assert suite[0][0].get("message") == ending.why
    for line in (no_verdict_markdown(2, ending.why), no_verdict_annotation(2, ending.why)):
        assert line.endswith("\n")
        assert len(line.splitlines()) == 1


def test_what_breaks_where_a_signal_was_swallowed_is_told_as_the_signal(here):
    """As `bench.cli.endings` has it: the import system drops what is raised in its callbacks."""
    with pytest.raises(Stopped), stoppable(), telling({"--json": Path("g.json")}, Path("base")):
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        raise ImportError("cannot import name")
    assert told("--json") == (130, "interrupted")


# Where a signal may come after the baseline's place was taken: removing what was there, and telling of it.
AFTER = {
    "while the old one is removed": "bench.storage.leftovers.shutil.rmtree",
    "before all is on the disk": "bench.runs.folder.to_disk",
}


@pytest.mark.parametrize("where", AFTER)
def test_a_signal_after_the_baseline_was_replaced_says_both(here, gate, monkeypatch, where):
    name, record = AFTER[where], here / "base" / "record.json"
    real, before = pkgutil.resolve_name(name), record.read_bytes()

    def signalled(*args, **kwargs):
        if record.exists() and record.read_bytes() != before:
            monkeypatch.setattr(name, real)
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*args, **kwargs)

    monkeypatch.setattr(name, signalled)
    code, _, said = gate("run", "--baseline", "base", "--update", "--reason", "new", "--json", "g.json")
    assert code == 143
    assert said.splitlines()[-1] == "bench: terminated; the baseline in base was replaced all the same"
    assert told("--json") == (143, "terminated; the baseline in base was replaced all the same")


def test_a_signal_before_the_baseline_was_replaced_says_that_alone(here, gate, monkeypatch):
    monkeypatch.setattr("bench.runs.folder._all_to_disk", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    before = (here / "base" / "record.json").read_bytes()
    code, _, said = gate("run", "--baseline", "base", "--update", "--reason", "new", "--json", "g.json")
    assert (code, told("--json")) == (143, (143, "terminated"))
    assert "replaced" not in said
    assert (here / "base" / "record.json").read_bytes() == before


# What a signal finds of a process that is as good as gone.
SIGNALLED = """
import atexit, os, signal
atexit.register(os.kill, os.getpid(), signal.%s)
from bench.__main__ import main
main()
"""


@pytest.mark.parametrize(("options", "ends"), [((), 0), (("--floor", "x"), 2)])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_after_the_forms_are_written_changes_nothing(here, name, options, ends):
    command = [sys.executable, "-c", SIGNALLED % name, "gate", "run", "--baseline", "base"]
    done = subprocess.run([*command, *ALL, *options], check=False, capture_output=True)
    assert done.returncode == ends
    require_told(ends, "floor" if ends else None)


def test_a_signal_while_it_is_told_that_there_is_no_verdict_is_told_in_its_place(here, monkeypatch):
    told_already = []

    def stopped_once(exit_code, why):
        if not told_already:
            told_already.append(exit_code)
            os.kill(os.getpid(), signal.SIGTERM)
        return no_verdict_markdown(exit_code, why)

    monkeypatch.setattr("bench.report.no_verdict.no_verdict_markdown", stopped_once)
    forms = {option: Path(file) for option, file in FORMS.items()}
    with pytest.raises(Stopped), stoppable(), telling(forms, Path("base")):
        error = BenchError("no luck")
        error.add_note("all the same")
        raise error
    assert told_already == [2]
    require_told(143, "terminated; all the same")


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize("option", FORMS)
def test_a_page_and_an_annotation_say_one_thing_though_a_device_is_full(gate, here, option):
    if not Path("/dev/full").exists():
        pytest.skip("a device of Linux")
    code, out, said = gate("run", "--baseline", "base", option, "/dev/full")
    assert code == 2
    page = (here / "page.md").read_text().removeprefix("others\n")
    assert told_in_markdown(page) == (
        2,
        "cannot write /dev/full: No space left on device; free some space",
    )
    (line,) = [line for line in (out + said).splitlines() if line.startswith("::")]
    assert line.startswith("::error title=bench gate could not run::")


@pytest.mark.parametrize("update", [False, True])
@pytest.mark.parametrize("file", ["base/v.json", "base/new/v.json", "first/v.json", "link/v.json"])
def test_a_form_in_the_baselines_folder_is_refused_at_once(gate, here, file, update):
    """A baseline that holds what no run writes can not be replaced."""
    (here / "link").symlink_to("base")
    baseline = "first" if file.startswith("first") else "base"
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    code, _, said = gate(
        "run", "--baseline", baseline, "--json", file, *(["--update"] if update else [])
    )
    assert code == 2
    assert f"--json names {file}, and {baseline} may hold only a run" in said
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def test_standard_output_is_in_no_folder(gate, here, monkeypatch):
    monkeypatch.chdir(here / "base")
    code, out, _ = gate("../run", "--baseline", ".", "--json", "-")
    assert code == 0
    assert json.loads(out)["exit_code"] == 0
