"""Signals arrive, once and in one line, and leave nothing half done."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from bench.cli import app
from bench.cli.endings import Stopped, stoppable
from bench.storage.leftovers import part_folder

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_an_exception_and_part_folders_go(tmp_path, number):
    with pytest.raises(Stopped) as stopped, stoppable(), part_folder(tmp_path):
        os.kill(os.getpid(), number)
    assert stopped.value.exit_code == SIGNALS[number]
    assert list(tmp_path.iterdir()) == []


def swallowing():
    """As the import system drops what is raised in its callbacks."""
    with contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_that_a_library_swallows_is_raised_again():
    with pytest.raises(Stopped), stoppable():
        swallowing()
        threading.Event().wait(30)


def test_what_a_half_loaded_library_says_then_is_not_taken_for_bad_input():
    with pytest.raises(Stopped), stoppable():
        swallowing()
        raise ImportError("cannot import name")


def test_cleaning_up_is_not_interrupted_again():
    """It may take longer than the time after which an interrupt is raised again."""
    cleaned = []
    with pytest.raises(Stopped), stoppable():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            until = time.monotonic() + 1.2
            while time.monotonic() < until:
                try:
                    raise FileNotFoundError
                except FileNotFoundError as other:  # while something else is handled too
                    str(other)
            cleaned.append(True)
    assert cleaned


def test_handlers_are_as_before_afterwards():
    numbers = (*SIGNALS, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    with stoppable():
        pass
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_was_ignored_stays_ignored():
    """As `nohup` and a shell's background jobs ask."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("number", "says"), [(2, "interrupted"), (15, "terminated")])
def test_a_command_that_is_stopped_says_one_line(monkeypatch, capsys, number, says):
    def stop():
        os.kill(os.getpid(), number)

    (info,) = (i for i in app.app.registered_commands if i.name == "report")
    monkeypatch.setattr(info, "callback", stop)
    monkeypatch.setattr(sys, "argv", ["bench", "report"])
    with pytest.raises(SystemExit) as left:
        app.main()
    assert left.value.code == 128 + number
    assert capsys.readouterr().err == f"bench: {says}\n"


WAITS = """
from dataclasses import dataclass
@dataclass(frozen=True)
class Waits:
    def index(self, collection, store):
        import sys, threading
        print("ready", file=sys.stderr, flush=True)
        threading.Event().wait(60)
"""


def test_a_run_that_is_terminated_leaves_no_part_folder_and_no_process(beir, tmp_path):
    (tmp_path / "waits.py").write_text(WAITS)
    command = [
        sys.executable, "-m", "bench", "run", "collection=beir", f"collection.path={beir}",
        "retriever=[bm25]", "output=out", "+retrievers.waits._target_=waits.Waits", "--allow", "waits",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr.readline() == "ready\n"
        run.terminate()
        assert run.stderr.read() == "bench: terminated\n"
    assert run.returncode == 143
    # what was finished is kept for the next try, and nothing else
    assert [file.name for file in (tmp_path / "out").iterdir()] == [".unfinished"]


def test_an_interrupt_while_the_command_line_is_loaded_is_one_line(tmp_path):
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--help"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "bench: interrupted\n")
