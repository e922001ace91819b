"""Imports point one way, heavy libraries load only in their leaf, and modules stay readable."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

# `plugins` as `paths`: where things are, asked by who composes settings and by who checks them.
WORDS = {"types", "ranking", "errors", "progress", "paths", "outside", "plugins"}
# Room → the rooms that it may use, beside the words, which every room speaks. CONTRIBUTING.md has it too.
MAY_USE: dict[str, set[str]] = {
    "words": set(),
    "storage": set(),
    "evidence": set(),
    "collections": {"storage"},
    "encoders": {"storage"},
    "retrievers": {"storage", "collections", "encoders"},
    "evaluation": {"storage"},
    "runs": {"storage", "collections", "evaluation", "evidence"},
    "labelling": {"storage", "collections", "evaluation", "evidence", "runs"},
    "experiment": {"storage", "collections", "evaluation", "evidence", "runs"},
    "report": {"storage", "evaluation", "evidence", "runs", "labelling", "experiment"},
}
MAY_USE["cli"] = set(MAY_USE)  # everything
# The doors for Python outside: they use what the command line uses.
DOORS = {"api", "testing"}
MAY_USE["api"] = {"collections", "evaluation", "experiment", "report", "runs"}
MAY_USE["testing"] = {"storage", "collections", "evaluation", "experiment"}
LEAVES = {
    "pytrec_eval": {"evaluation.measures"},
    "ir_measures": {"evaluation.ir_measures_provider"},
    "torch": {"encoders.sentence"},
    "sentence_transformers": {"encoders.sentence"},
    "transformers": {"encoders.sentence"},
    "faiss": {"retrievers.dense", "retrievers.hnsw"},
    "bm25s": {"retrievers.bm25", "labelling.mark"},
    "rank_bm25": {"retrievers.bm25"},
    "Stemmer": {"retrievers.bm25", "labelling.mark"},
    "matplotlib": {"report.plots"},
    "hydra": {"cli"},
    "omegaconf": {"cli"},
    "typer": {"cli"},
    "textual": {"labelling.screen"},
    "scipy": {"labelling.relabel", "runs.reproduction", "evidence.intervals", "evidence.power"},
}
MODULES = {
    ".".join(file.relative_to(ROOT / "bench").with_suffix("").parts): file
    for file in (ROOT / "bench").rglob("*.py")
    if file.name != "__init__.py"
}


def imports(file: Path) -> list[tuple[str, bool]]:
    """(module, whether at import time) for each import of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for scope in ast.walk(tree)
        if isinstance(scope, (ast.FunctionDef, ast.If))
        for node in ast.walk(scope)
    }
    found = []
    for node in ast.walk(tree):
        early = id(node) not in inside
        if isinstance(node, ast.Import):
            found += [(alias.name, early) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            folder = ROOT.joinpath(*node.module.split("."))
            names = [
                f"{node.module}.{alias.name}" if (folder / f"{alias.name}.py").exists() else node.module
                for alias in node.names
            ]
            found += [(name, early) for name in names]
    return found


def room(module: str) -> str:
    top = module.split(".")[0]
    return "words" if top in WORDS else "cli" if top == "__main__" else top


def uses(module: str) -> set[str]:
    """The modules of bench that a module imports, anywhere in it."""
    found = {
        name.removeprefix("bench.") for name, _ in imports(MODULES[module]) if name.startswith("bench.")
    }
    return {next((m for m in (name, name.rpartition(".")[0]) if m in MODULES), name) for name in found}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_from_its_room_and_those_that_it_may_use(module):
    assert room(module) in MAY_USE, f"{module} lies in no room"
    allowed = {room(module), "words", *MAY_USE[room(module)]}
    for name in uses(module):
        assert room(name) in allowed, f"{module} imports {name}"


def test_rooms_use_each_other_in_one_direction():
    list(TopologicalSorter(MAY_USE).static_order())  # raises CycleError


@pytest.mark.parametrize("name", sorted(MAY_USE.keys() - {"words", "cli"}))
def test_the_table_allows_no_more_than_is_used(name):
    used = {room(other) for module in MODULES if room(module) == name for other in uses(module)}
    assert used - {name, "words"} == MAY_USE[name]


@pytest.mark.parametrize("room_name", sorted({room(module) for module in MODULES}))
def test_no_cycle_inside_a_room(room_name):
    graph = {m: {n for n in uses(m) if room(n) == room_name} for m in MODULES if room(m) == room_name}
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_every_room_says_what_it_is_for():
    for folder in {file.parent for file in MODULES.values()}:
        said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert said and len(said.splitlines()) <= 3, folder
        for name in re.findall(r"`(\w+)`", said):
            assert (folder / f"{name}.py").is_file(), f"{folder} names {name}"


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("retrievers.")))
def test_retrievers_do_not_import_each_other(module):
    """But a scorer of texts imports its base class, `PairScorer`."""
    found = {name for name, _ in imports(MODULES[module]) if name.startswith("bench.retrievers")}
    assert found <= {"bench.retrievers.rerank"}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_heavy_libraries_stay_in_their_leaf(module):
    for name, early in imports(MODULES[module]):
        library = name.split(".")[0]
        if library in LEAVES:
            assert {module, room(module)} & LEAVES[library], f"{module} imports {name}"
            assert not early or library in ("hydra", "omegaconf", "typer", "textual"), (
                f"{module} imports {name} at once"
            )


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_private_part_of_hydra_is_used_or_patched(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    named, theirs = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
            theirs |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named += [f"{node.module}.{alias.name}" for alias in node.names]
            theirs |= {alias.asname or alias.name for alias in node.names}
    for name in named:
        library, *parts = name.split(".")
        assert library not in ("hydra", "omegaconf") or not any(p[0] == "_" for p in parts), name
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                assert target.value.id not in theirs - {"sys"}, f"{module} patches {target.value.id}"


def test_types_needs_numpy_only():
    allowed = {"numpy", "numpy.typing", "bench.errors"}
    outside = {name for name, _ in imports(MODULES["types"])} - allowed
    assert outside <= {
        "__future__",
        "hashlib",
        "json",
        "collections.abc",
        "dataclasses",
        "pathlib",
        "typing",
    }


def test_modules_stay_under_300_lines():
    long = {m: n for m, f in MODULES.items() if (n := len(f.read_text().splitlines())) > 300}
    assert not long


def test_parts_are_indexed_by_the_store_alone_which_checks_their_answers():
    indexing = {
        module
        for module, file in MODULES.items()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "index"
        and node.args
        and ast.unparse(node.args[0]).endswith(("collection", "corpus"))
    }
    assert indexing == {"storage.indexes"}
