"""Exit codes: a crash of ours is 70 and can be reported, and is never taken for a verdict."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import typer
from conftest import ROOT, only_run

from bench.cli import app
from bench.errors import BenchError
from bench.runs.record import SCHEMA, Record

COMMANDS = [info.name or info.callback.__name__ for info in app.app.registered_commands]
LINE = re.compile(r"bench: internal error: (.*); the traceback is in (\S+), please report it\n")


class UnspeakableError(Exception):
    def __str__(self):
        raise ValueError("planted")


def for_ever(n=0):
    return for_ever(n + 1)


def fail(error):
    if error is RecursionError:
        for_ever()
    raise error


@pytest.fixture
def leave(monkeypatch, capsys, tmp_path):
    """Run a command whose body raises this; return exit code and what it says on stderr."""

    def call(command, error, *options):
        (info,) = (i for i in app.app.registered_commands if command in (i.name, i.callback.__name__))
        monkeypatch.setattr(info, "callback", lambda: fail(error))
        monkeypatch.setattr(info, "name", command)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["bench", command, *options])
        with pytest.raises(SystemExit) as left:
            app.main()
        return left.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_a_crash_of_any_command_is_70_one_line_and_a_file(leave, tmp_path, command):
    code, said = leave(command, ValueError("planted\n\x1b[31m"))
    assert code == 70
    found = LINE.fullmatch(said)
    assert found, said
    assert found[1] == r"ValueError: planted \x1b[31m"
    assert Path(found[2]).parent == tmp_path
    kept = Path(found[2]).read_text()
    assert "Traceback (most recent call last)" in kept
    assert "in fail" in kept
    assert "ValueError: planted" in kept


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (MemoryError("8 GB"), 70, "internal error: MemoryError: 8 GB"),
        (RecursionError, 70, "internal error: RecursionError"),
        (EOFError(), 70, "internal error: EOFError"),
        (KeyError("MAP"), 70, "internal error: KeyError: 'MAP'"),
        (AssertionError(), 70, "internal error: AssertionError"),
        (OSError(errno.EIO, "Input/output error"), 70, "internal error: OSError"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), 70, "internal error: UnicodeEncodeError"),
        (SystemExit(1), 70, "internal error"),
        (SystemExit("text"), 70, "internal error"),
        (
            UnspeakableError(),
            70,
            "internal error: test_exit_codes.UnspeakableError: <exception str() failed>",
        ),
        (SystemExit(0), 70, "internal error"),
        (BenchError("bad"), 2, "bench: bad\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "No space left on device; free some"),
        (
            PermissionError(errno.EACCES, "Permission denied", "ann.tsv"),
            2,
            "ann.tsv: Permission denied;",
        ),
        (OSError(errno.EROFS, "Read-only file system", "ann.tsv"), 2, "ann.tsv: Read-only file system;"),
        (BenchError(f"unknown id {'x' * 10_000}; check it"), 2, "xx…xx"),
        (typer.Exit(3), 3, ""),
        (KeyboardInterrupt(), 130, "bench: interrupted\n"),
    ],
    ids=repr,
)
def test_what_ends_a_command_has_its_exit_code(leave, error, code, says):
    found, said = leave("report", error)
    assert found == code
    assert says in said
    assert said.count("\n") == (1 if says else 0)
    assert len(said) < 1000


def test_debug_shows_tracebacks_and_changes_no_exit_code(leave):
    for error, code in ((ValueError("planted"), 70), (BenchError("bad"), 2)):
        found, said = leave("report", error, "--debug")
        assert found == code
        assert said.startswith("Traceback")
        assert said.splitlines()[-1].startswith("bench: ")


def test_a_traceback_that_can_not_be_kept_stands_before_the_line(leave, monkeypatch):
    monkeypatch.setattr(tempfile, "mkstemp", no_place)
    code, said = leave("report", ValueError("planted"))
    assert code == 70
    assert said.startswith("Traceback")
    assert "could not be kept and stands above" in said.splitlines()[-1]


def no_place(**_):
    raise PermissionError(errno.EACCES, "Permission denied")


def test_where_the_temporary_folder_is_read_only_the_cache_takes_it(leave, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/dev/null/none")
    _, said = leave("report", ValueError("planted"))
    assert Path(LINE.fullmatch(said)[2]).parent == tmp_path / "cache"


def test_a_retriever_out_of_memory_in_a_process(bench, beir, tmp_path):
    (tmp_path / "greedy.py").write_text(
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\n"
        "class Greedy:\n"
        "    def index(self, collection, store):\n"
        "        raise MemoryError('cannot allocate 8 TB')\n"
    )
    done = bench(
        "run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out",
        "+retrievers.greedy._target_=greedy.Greedy", "--allow", "greedy", TMPDIR=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 70
    assert (
        "MemoryError: cannot allocate 8 TB"
        in LINE.fullmatch(done.stderr.splitlines(keepends=True)[-1])[1]
    )
    assert Record.load(only_run(tmp_path / "out")).systems == ["bm25"]


@pytest.fixture
def run(bench, beir, tmp_path):
    done = bench("run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out")
    assert done.returncode == 0, done.stderr
    return only_run(tmp_path / "out")


def test_bad_input_that_crashed_once(bench, run, tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "record.json").write_text(f'{{"schema": {SCHEMA}}}')
    again = "--set", f"collection.path={tmp_path / 'tiny'}"
    for arguments, says in (
        (("gate", str(run), "--baseline", "base"), "base/record.json: id is missing"),
        (("verify", str(run), *again, "--set", "measures=[MAP]"), "verify repeats a run with its own measures"),
        (("verify", str(run), *again, "--set", "retrievers={}"), "no retriever chosen"),
        (
            (
                "verify", str(run), *again, "--set",
                "retrievers={other: {_target_: bench.retrievers.bm25.BM25}}",
            ),
            "verify repeats a run with its own systems",
        ),
    ):  # fmt: skip
        done = bench(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert says in done.stderr


BASELINE = str(ROOT / "results" / "baseline")
GATE = [sys.executable, "-m", "bench", "gate", BASELINE, "--baseline", BASELINE]


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--floor", "nDCG@10=1"), 1)])
def test_a_reader_that_goes_away_changes_no_exit_code(options, code):
    """`bench gate | head -1` passes or not as it does without head."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [*GATE, *options]
    with os.fdopen(writing, "w") as gone:
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")


def test_an_output_that_is_full_or_closed_is_no_verdict():
    for full in filter(Path.exists, [Path("/dev/full")]):  # a device of Linux
        with full.open("w") as out:
            done = subprocess.run(GATE, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr == "bench: cannot write: No space left on device; free some space\n"
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *GATE], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
