"""A full disk is one line and exit code 2; what was there stays, and nothing half written is left."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import QRELS, ROOT

from bench.cli import app

pytestmark = pytest.mark.long
BASELINE = ROOT / "results" / "baseline"


@pytest.fixture
def full(tmp_path):
    """A small file system of its own; `fill` leaves no byte of it free. Only root can mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine mounts no small file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk):
    with (disk / "fill").open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(4096))
        except OSError:
            return


def state(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


COMMANDS = {
    "run": ("run", "retriever=[bm25]", "measures=[nDCG@10]", "output=disk/out"),
    "gate --json": ("gate", BASELINE, "--baseline", BASELINE, "--json", "disk/there"),
    "gate --junit": ("gate", BASELINE, "--baseline", BASELINE, "--junit", "disk/there"),
    "gate --summary": ("gate", BASELINE, "--baseline", BASELINE, "--summary", "disk/new/there"),
    "gate --update": ("gate", BASELINE, "--update", "--reason", "new", "--baseline", "disk/base"),
    "first baseline": ("gate", BASELINE, "--update", "--baseline", "disk/none"),
    "compare": ("compare", BASELINE, "--out", "disk/there.md"),
    "report": ("report", BASELINE, "--out", "disk/report"),
    "export": ("export", "--trec", "--out", "disk/trec"),
    "adjudicate": ("adjudicate", "disk/labels", "--write"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_one_line_and_the_old_state_stays(full, tmp_path, monkeypatch, capsys, command):
    from test_agreement import A, with_passes

    monkeypatch.chdir(tmp_path)
    shutil.copytree(BASELINE, full / "base", ignore=shutil.ignore_patterns("plots"))
    (full / "there").write_text("earlier")
    (full / "there.md").write_text("earlier")
    labels = with_passes(full / "labels", A, A)
    text = (labels / "queries.jsonl").read_text()
    for query in QRELS:
        text = text.replace(f'"_id": "{query}",', f'"_id": "{query}", "x": 0,')
    (labels / "queries.jsonl").write_text(
        text.replace('"metadata": {', '"metadata": {"split": "test", ')
    )
    fill(full)
    before = state(full)
    monkeypatch.setattr(sys, "argv", ["bench", *map(str, COMMANDS[command])])
    with pytest.raises(SystemExit) as left:
        app.main()
    said = capsys.readouterr().err.splitlines()
    assert left.value.code == 2, said
    assert "No space left on device" in said[-1]
    assert said[-1].startswith("bench: cannot write ")
    # A run also says that it keeps nothing for a next try.
    assert len(said) == 1 + (command == "run"), said
    assert state(full) == before


def test_what_was_computed_is_kept_where_there_is_room(full, tmp_path, monkeypatch, capsys):
    """Room for what one system gave, batch and whole, and not for a run's folder beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["bench", "run", "retriever=[bm25]", "measures=[nDCG@10]", "output=disk/out"]
    )
    fill(full)
    with (full / "fill").open("r+b") as out:
        out.truncate((full / "fill").stat().st_size - 1200 * 1024)
    with pytest.raises(SystemExit) as left:
        app.main()
    assert left.value.code == 2
    kept = {file.name.split("-")[0] for file in (full / "out").glob(".unfinished/*/*")}
    assert "bm25" in kept
    capsys.readouterr()
    (full / "fill").unlink()
    with pytest.raises(SystemExit) as left:
        app.main()
    assert left.value.code == 0
    assert "going on with a run that was interrupted after bm25" in capsys.readouterr().err
    assert [Path(name).name for name in (full / "out").glob("[0-9]*/record.json")] == ["record.json"]
