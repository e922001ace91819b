"""Packages that add retrievers and collections: installed as pip leaves them, one whole, some broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, only_run

from bench.runs.record import Record

# A method in so few lines: every document as good as its number says.
CODE = '''
from dataclasses import dataclass

import numpy as np

from bench.collections.memory import InMemory
from bench.ranking import best, ties_of
from bench.types import Qrels, Queries, TestCollection


@dataclass(frozen=True)
class Countdown:
    """Ranks documents by their number."""

    step: int = 1

    def index(self, collection, store):
        return _Searcher(self, len(collection), ties_of(collection))


@dataclass(frozen=True, eq=False)
class _Searcher:
    settings: Countdown
    n: int
    ties: np.ndarray
    exact: None = None
    nbytes = 0
    facts = {}

    def search(self, queries, k):
        row = -np.arange(self.n, dtype=np.float32) * self.settings.step
        return best(np.tile(row, (len(queries), 1)), self.ties, k)


@dataclass(frozen=True)
class Three:
    def load(self):
        documents = InMemory("three", ["a", "b", "c"], ["", "", ""], ["one", "two", "three"])
        return TestCollection(documents, Queries(("q",), ("one",), ("all",), ("test",)), Qrels({"q": {"b": 1}}))
'''
RETRIEVER = "# @package retrievers.countdown\n_target_: bench_countdown.methods.Countdown\nstep: 2\n"
COLLECTION = "# Three documents.\n_target_: bench_countdown.methods.Three\n"


def install(site: Path, name: str, entry_points: str, files: dict[str, str]) -> None:
    """Leave what pip leaves: a package and its dist-info."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file, text in files.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text)


@pytest.fixture
def site(tmp_path) -> Path:
    folder = tmp_path / "site-packages"
    install(
        folder,
        "bench-countdown",
        "[bench.retrievers]\ncountdown = bench_countdown\n"
        "[bench.collections]\ncountdown = bench_countdown\n",
        {
            "bench_countdown/__init__.py": "",
            "bench_countdown/methods.py": CODE,
            "bench_countdown/conf/retriever/countdown.yaml": RETRIEVER,
            "bench_countdown/conf/collection/three.yaml": COLLECTION,
        },
    )
    return folder


def path(site: Path) -> str:
    return os.pathsep.join([str(site), str(ROOT)])


MEASURES = ("measures=[P@5,MAP]", "depth=10", "output=out")


def test_an_installed_package_adds_a_retriever_and_a_collection(bench, site, tmp_path):
    choice = ("retriever=[bm25,countdown]", "collection=three", *MEASURES)
    done = bench("run", *choice, PYTHONPATH=path(site))
    assert done.returncode == 0, done.stderr
    assert "plug-in" not in done.stderr
    run = only_run(tmp_path / "out")
    record = Record.load(run)
    assert record.systems == ["bm25", "countdown"]
    assert record.values("MAP")[1].tolist() == [0.5]
    assert record.content["config"]["retrievers"]["countdown"]["step"] == 2
    assert record.content["systems"]["countdown"]["fingerprint"]["libraries"]["bench-countdown"] == "1.0"
    done = bench("verify", str(run), PYTHONPATH=path(site))
    assert done.returncode == 0, done.stderr
    without = bench("verify", str(run))
    assert without.returncode == 2
    assert "allow it with --allow bench_countdown" in without.stderr


def test_it_is_listed_and_completed(bench, site):
    env = {"PYTHONPATH": path(site)}
    assert "countdown  Ranks documents by their number." in bench("list", "retrievers", **env).stdout
    assert re.search(
        "^three +Three documents.$", bench("list", "collections", **env).stdout, re.MULTILINE
    )
    line = "bench run collection=thr"
    assert bench("complete", "bash", "--line", line, **env).stdout == "collection=three\n"
    assert "countdown" not in bench("list", "retrievers").stdout


BROKEN = {
    "no package": ("gone = bench_gone\n", {}, "there is no package 'bench_gone'"),
    "no package below one": ("gone = bench_gone.a.b\n", {}, "there is no package 'bench_gone.a.b'"),
    "no conf": ("bare = bench_bare\n", {"bench_bare/__init__.py": ""}, "'bench_bare' has no folder conf"),
    "a module": ("bare = bench_bare\n", {"bench_bare.py": ""}, "'bench_bare' has no folder conf"),
    "fails": (
        "bare = bench_bare.inner\n",
        {"bench_bare/__init__.py": "raise RuntimeError('not\\ntoday')", "bench_bare/inner/conf/x": ""},
        "not today",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_one_is_said_in_one_line_and_left_out(kind, bench, site):
    entry, files, why = BROKEN[kind]
    install(site, "bench-broken", f"[bench.retrievers]\n{entry}", files)
    done = bench("list", "retrievers", PYTHONPATH=path(site))
    assert done.returncode == 0
    assert "countdown" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("plug-in '")
    assert "of bench-broken is left out: " in line
    assert why in line
    assert line.endswith("; mend or uninstall it")


def test_a_file_with_the_name_of_a_shipped_one_is_said_in_one_line_and_left_out(bench, site):
    conf = site / "bench_countdown" / "conf"
    (conf / "retriever" / "bm25.yaml").write_text("# of another\n" + RETRIEVER)
    (conf / "config.yaml").write_text("depth: 5\n")
    done = bench("list", "retrievers", PYTHONPATH=path(site))
    assert done.returncode == 0
    assert "countdown" in done.stdout
    assert "of another" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert line == (
        "plug-in 'countdown' of bench-countdown: config.yaml, retriever/bm25.yaml in its conf/ are left "
        "out: bench ships files of these names; rename them there"
    )


def test_one_whose_code_fails_is_a_clear_line_when_it_is_chosen(bench, site):
    (site / "bench_countdown" / "methods.py").write_text("raise RuntimeError('not today')")
    done = bench("run", "retriever=[countdown]", "collection=digest", PYTHONPATH=path(site))
    assert done.returncode == 2
    assert "bench_countdown.methods.Countdown" in done.stderr
    assert "not today" in done.stderr
    assert bench("run", "--cfg", "job", PYTHONPATH=path(site)).returncode == 0


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["list", "measures"]])
def test_what_composes_nothing_looks_for_none(words, site):
    code = (
        "import sys; from bench.cli import app\n"
        "try: app.app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('bench.plugins' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path(site)},
    )
    assert done.stdout.splitlines()[-1] == "False"
