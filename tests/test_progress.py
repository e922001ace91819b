"""Signs of life: in a log a line now and then, on a terminal a bar, and nothing of what is quick."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from bench import progress

PATIENCE_S = 20


def wait_for(condition):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_log_gets_a_line_now_and_then_of_what_goes_on_and_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_EVERY_S", 0.02)
    said = []

    def told(text):
        said.append(capsys.readouterr().err)
        return text in "".join(said)

    with progress.waiting("dense, index"):
        wait_for(lambda: told("dense, index (0 s)\n"))
        with progress.bar("encoding", 3000) as advance:
            advance(1200)
            wait_for(lambda: told("dense, index: encoding, 1,200 of 3,000 (0 s)\n"))
        said.clear()
        wait_for(lambda: told("dense, index (0 s)\n"))
    capsys.readouterr()
    with progress.waiting("bm25, index"):
        wait_for(lambda: told("bm25, index (0 s)\n"))
    assert "dense" not in said[-1]


def test_what_is_quick_says_nothing_and_leaves_nothing_behind_not_even_after_an_error(capsys):
    with (
        pytest.raises(ValueError, match="broken"),
        progress.waiting("index"),
        progress.bar("encoding", 2) as advance,
    ):
        advance(1)
        raise ValueError("broken")
    with progress.bar("encoding", 2) as advance:
        advance(2)
    assert capsys.readouterr().err == ""
    assert progress._steps == []
    assert progress._display is None


ON_A_TERMINAL = """
import sys, time
from bench import progress
progress._DELAY_S = 0.05
with progress.waiting("dense, index"):
    with progress.bar("encoding", 4) as advance:
        for _ in range(4):
            time.sleep(0.15)
            advance(1)
print("done")
"""


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end():
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    )
    os.close(theirs)
    seen = b""
    while process.poll() is None or select.select([ours], [], [], 0)[0]:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                seen += os.read(ours, 4096)
            except OSError:  # closed at the other end
                break
    os.close(ours)
    assert process.wait() == 0
    text = seen.decode()
    assert "dense, index: encoding" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert "50%" in text
    assert "done" in text
    assert text.rstrip().endswith("done")
    # the line of the bar is erased before anything else is written
    assert text.rfind("\x1b[2K") > text.rfind("encoding")
