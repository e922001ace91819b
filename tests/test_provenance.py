"""A record says what it was made with, names nobody, and says where ties could have moved it."""

from __future__ import annotations

import getpass
import json
import os
import platform
import subprocess

import pytest
import yaml
from conftest import QRELS, only_run, write_beir

from bench import evaluate
from bench.collections.trec import read_run
from bench.retrievers.bm25 import BM25
from bench.runs import provenance
from bench.runs.record import Record

COMPONENTS = {"platform", "implementation", "method", "data", "research goal"}


@pytest.fixture
def run(bench, tmp_path):
    """A run with headers, where one of two equal documents is relevant and the other is not."""
    folder = write_beir(tmp_path / "tied", qrels={**QRELS, "q2": {"d04": 3}})
    done = bench(
        "run", "collection=beir", f"collection.path={folder}", "retriever=[bm25]", "output=out",
        "trec_header=true",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return only_run(tmp_path / "out")


def test_a_run_file_starts_with_its_annotation_and_is_still_read(run):
    lines = (run / "bm25.trec").read_text().splitlines()
    assert lines[0] == "# ir_metadata.start"
    end = lines.index("# ir_metadata.end")
    told = yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines[1:end]))
    assert told.pop("tag") == "bm25"
    assert told.keys() == COMPONENTS
    (method,) = told["method"]["retrieval"]
    assert (method["name"], method["params"]["k1"]) == ("bm25", 1.2)
    assert not any(line.startswith("#") for line in lines[end + 1 :])
    numbers = {f"d{n:02}": n for n in range(1, 13)}
    assert set(read_run(run / "bm25.trec", numbers)) <= set(QRELS)


def test_a_record_names_neither_user_nor_host_nor_absolute_path(run, tmp_path):
    text = (run / "record.json").read_text()
    told = json.loads(text)
    assert told["ir_metadata"].keys() == COMPONENTS
    assert str(tmp_path) not in text
    assert f'"{platform.node()}"' not in text
    assert f'"{getpass.getuser()}"' not in text


def test_what_ties_could_have_moved_stands_beside_the_value(run):
    record = Record.load(run)
    low, expected, high = record.content["systems"]["bm25"]["ties"]["nDCG@10"]
    mean = record.values("nDCG@10").mean()
    assert low <= mean <= high
    assert low < expected < high
    # ties fall by id, descending: the relevant d04 is first, which is the highest of both orders
    assert mean == pytest.approx(high)
    assert "over all orders of equal scores: nDCG@10" in (run / "summary.md").read_text()


def test_asking_git_writes_nothing_into_the_repository(tmp_path, monkeypatch):
    """`git status` would write its index anew, and a run that is killed then leaves the lock of it."""
    monkeypatch.setattr(provenance, "checkout", lambda: tmp_path)
    (tmp_path / "a").write_text("a")
    who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    for command in (("init", "-q"), ("add", "a"), (*who, "commit", "-qm", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "config", "status.showUntrackedFiles", "no"], check=True)
    index = tmp_path / ".git" / "index"
    os.utime(tmp_path / "a", (1, 1))  # same content, other times: reason enough to write the index
    before = index.read_bytes()
    found = provenance.git()
    assert found["clean"] is True
    assert len(found["commit"]) == 40
    assert index.read_bytes() == before
    (tmp_path / "b").write_text("in no commit")
    assert provenance.git()["clean"] is False


def test_the_commit_is_that_of_the_code_within_another_repositorys_hook(tmp_path, monkeypatch):
    heads = []
    for name in ("code", "other"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a").write_text(name)
        who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
        for command in (("init", "-q"), ("add", "a"), (*who, "commit", "-qm", name)):
            subprocess.run(["git", "-C", str(folder), *command], check=True)
        head = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        heads.append(subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip())
    monkeypatch.setattr(provenance, "checkout", lambda: tmp_path / "code")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / ".git" / "index"))
    assert heads[0] != heads[1]
    assert provenance.git() == {"commit": heads[0], "clean": True}


def test_the_commit_is_the_one_that_the_run_began_with(beir, monkeypatch):
    """Somebody commits, or changes branches, while it runs."""
    commits = iter("ab")
    monkeypatch.setattr(provenance, "git", lambda: {"commit": next(commits), "clean": True})

    class Commits(BM25):
        def index(self, collection, store):
            assert provenance.git()["commit"] == "b"
            return super().index(collection, store)

    found = evaluate(str(beir), {"own": Commits()}, measures=["P@1"], depth=5)
    assert found.content["git"] == {"commit": "a", "clean": True}
