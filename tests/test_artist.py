"""The process that draws: it says what went wrong, and never outlives the one that started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from conftest import only_run

WAITS = """
from bench.report.artist import Artist
with Artist() as artist:
    print(artist._process.pid, flush=True)
    input()
"""


def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds; one that nobody collects counts as ended."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_it_ends_with_its_starter_even_if_that_is_killed():
    for kill in (True, False):
        process = subprocess.Popen(
            [sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        pid = int(process.stdout.readline())
        if kill:
            process.kill()
        process.communicate("\n" if not kill else None)
        assert gone(pid)


def test_what_it_can_not_draw_is_one_line(bench, beir, tmp_path):
    done = bench("run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out")
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path / "out")
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "plots").write_text("in the way")
    done = bench("report", str(run), "--out", "again")
    assert done.returncode == 2
    assert done.stderr.startswith("bench: could not draw the plots: FileExistsError")
    assert done.stderr.count("\n") == 1


def test_pictures_are_the_same_every_time(bench, beir, tmp_path):
    bench("run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out")
    run = only_run(tmp_path / "out")
    assert bench("report", str(run), "--out", "again").returncode == 0
    files = sorted(file.name for file in (run / "plots").iterdir())
    assert {file.rpartition(".")[2] for file in files} == {"png", "svg"}
    for file in files:
        assert (run / "plots" / file).read_bytes() == (tmp_path / "again" / "plots" / file).read_bytes()
