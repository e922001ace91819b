"""CONTRIBUTING.md: its map is that of the tests, and each recipe, done as it stands in a copy, works."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, only_run
from test_architecture import DOORS, MAY_USE, WORDS
from test_plugins import install

from bench import __version__
from bench.plugins import GROUPS
from bench.runs.record import Record

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# A label, and the fenced block below it: a new file, or lines that go below one that is there.
BLOCK = re.compile(r"^`([\w./]+)`(?:, below `([^`\n]+)`)?\n\n```\w+\n(.*?)^```", re.M | re.S)


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the repository, without what is committed of results."""
    for name in ("bench", "conf", "docs", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "CONTRIBUTING.md", tmp_path)
    (tmp_path / "qrels").symlink_to(ROOT / "qrels")
    return tmp_path


def python(house: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def follow(title: str, house: Path) -> str:
    """Do what a recipe says, then its command and the tests of the rooms; return what the command prints."""
    text = section(title)
    assert BLOCK.search(text)
    for name, anchor, content in BLOCK.findall(text):
        file = house / name
        if anchor:
            before, found, after = re.split(
                rf"^({re.escape(anchor)}.*\n)", file.read_text(), maxsplit=1, flags=re.M
            )
            file.write_text(before + found + content + after)
        else:
            assert not file.exists()
            file.write_text(content)
    made = {name for name, _, _ in BLOCK.findall(text) if name.endswith(".py")}
    python(house, "-m", "ruff", "check", *made)
    python(house, "-m", "ruff", "format", "--check", *made)
    python(house, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_architecture.py")
    (line,) = re.findall(r"^\$ (bench .*)$", text, re.M)
    return python(house, "-m", *shlex.split(line))


def record(house: Path) -> Record:
    return Record.load(only_run(house / "results" / "runs"))


def test_a_method(house):
    follow("Add a method", house)
    assert record(house).systems == ["bm25", "longest"]
    # The contract is asked of it without its being named: pytest fails where -k chooses nothing.
    python(
        house,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_retrievers.py",
        "-k",
        "longest",
    )


def test_a_measure(house):
    relevant_of = Counter(
        line.split("\t")[0]
        for line in (ROOT / "qrels/digest/qrels/test.tsv").read_text().splitlines()[1:]
        if int(line.split("\t")[2]) >= 2
    )
    follow("Add a measure", house)
    found = record(house)
    # The top 10 can not hold more relevant documents than there are.
    precision, relative = found.values("P@10")[0], found.values("RelP@10")[0]
    relevant = np.array([relevant_of[query] for query in found.query_ids])
    np.testing.assert_allclose(relative, precision * 10 / np.minimum(relevant, 10))
    assert "RelP@k" in python(house, "-m", "bench", "list", "measures")


def test_a_collection(house):
    follow("Add a collection", house)
    assert record(house).query_ids == ["q"]
    assert "one_file" in python(house, "-m", "bench", "list", "collections")


def test_a_plug_in(tmp_path, bench):
    """The class and the yaml of the recipe for a method, in the package that the entry points name."""
    (text,) = re.findall(r"^```toml\n(.*?)^```", section("Add a plug-in"), re.M | re.S)
    points = tomllib.loads(text)["project"]["entry-points"]
    assert set(points) == set(GROUPS)
    package = points["bench.retrievers"]["longest"]
    made = {Path(name).name: content for name, _, content in BLOCK.findall(section("Add a method"))}
    yaml = made["longest.yaml"].replace("bench.retrievers.longest", f"{package}.longest")
    install(
        tmp_path / "site",
        "my-methods",
        f"[bench.retrievers]\nlongest = {package}\n",
        {
            f"{package}/__init__.py": "",
            f"{package}/longest.py": made["longest.py"],
            f"{package}/conf/retriever/longest.yaml": yaml,
        },
    )
    here = os.pathsep.join([str(tmp_path / "site"), str(ROOT)])
    done = bench("run", "retriever=[longest]", "output=out", PYTHONPATH=here)
    assert done.returncode == 0, done.stderr
    assert Record.load(only_run(tmp_path / "out")).systems == ["longest"]


def test_a_command(house):
    files = (ROOT / "qrels/digest/qrels").glob("*.tsv")
    pairs = [line.split("\t") for file in files for line in file.read_text().splitlines()[1:]]
    said = follow("Add a command", house)
    assert said == f"{len({query for query, *_ in pairs}):,} queries, {len(pairs):,} judgements\n"
    python(house, "tests/studies/reference.py")
    assert "## bench count" in (house / "docs" / "cli.md").read_text()


def test_the_map_is_the_table_that_the_tests_hold_imports_to():
    rows = re.findall(r"^\| `?(\w+)/?`? \| (.*) \| ?(.*?) ?\|$", section("The map of rooms"), re.M)
    said = {room: set(filter(None, used.split(", "))) for room, _, used in rows if room != "room"}
    assert said.pop("cli") == {"everything"}
    assert said == {room: used for room, used in MAY_USE.items() if room not in {"cli", *DOORS}}
    words = next(lives for room, lives, _ in rows if room == "words")
    assert set(re.findall(r"`(\w+)`", words)) == WORDS


def test_the_readme_names_every_room_and_points_here():
    shown = (ROOT / "README.md").read_text(encoding="utf-8").split("## Where things are\n", 1)[1]
    rows = "".join(line.split(" | ")[0] for line in shown.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)/`", rows)) == MAY_USE.keys() - {"words"} - DOORS
    for page in re.findall(r"\]\(([\w./]+)\)", shown):
        assert (ROOT / page).is_file()
    assert "(CONTRIBUTING.md)" in shown


def test_the_changes_begin_with_what_is_not_released_and_name_this_version():
    titles = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert titles[:2] == ["Unreleased", __version__]


def test_it_is_one_page_without_what_is_gone():
    assert len(PAGE.splitlines()) < 260
    for path in re.findall(r"`((?:bench|tests|conf|qrels|results)/[\w./]*)`", PAGE):
        made = path in {name for name, _, _ in BLOCK.findall(PAGE)}
        assert made or (ROOT / path).exists(), path
