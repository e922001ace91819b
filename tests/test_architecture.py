"""Imports point one way, heavy libraries load only in their leaf, and modules stay readable."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from conftest import ROOT

# Each module may import what stands in the same line or above it.
LAYERS = (
    {"errors", "endings", "resources"},
    {"outside", "leftovers", "strict_json"},
    {"earlier"},
    {"types", "files", "naming", "progress", "cache", "models", "provenance", "sources", "passages"},
    {"identity"},
    {"ranking", "indexing", "evidence"},
    {"encoder_output"},
    {"collections", "encode", "retrievers", "measure"},
    {"ties", "agreement"},
    {"crossval"},
    {"ir_metadata", "record_schema"},
    {"record"},
    {"run_folder", "baseline"},
    {"comparable", "contenders", "relabel", "reproduction", "gate", "judge", "resume", "build", "looks"},
    {"diff"},
    {"report", "experiment"},
    {"execute"},
    {"tuning"},
    {"config_errors"},
    {"compose"},
    {"job", "completion"},
    {"commands", "crash"},
    {"cli"},
    {"__main__"},
)
LEAVES = {
    "pytrec_eval": {"measure"},
    "torch": {"encode"},
    "sentence_transformers": {"encode"},
    "transformers": {"encode"},
    "faiss": {"retrievers.dense", "retrievers.hnsw"},
    "bm25s": {"retrievers.bm25", "judge.mark"},
    "rank_bm25": {"retrievers.bm25"},
    "Stemmer": {"retrievers.bm25", "judge.mark"},
    "matplotlib": {"report.plots"},
    "hydra": {"compose", "config_errors"},
    "omegaconf": {"compose", "config_errors"},
    "typer": {
        "cli",
        "commands.data",
        "commands.diff",
        "commands.labels",
        "commands.evidence",
        "commands.gate",
        "commands.verify",
    },
    "textual": {"judge.screen"},
    "scipy": {"relabel", "reproduction", "evidence.intervals", "evidence.power"},
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
            names = (
                [f"bench.{alias.name}" for alias in node.names]
                if node.module == "bench"
                else [node.module]
            )
            found += [(name, early) for name in names]
    return found


def layer(module: str) -> int:
    top = module.split(".")[0]
    return next((place for place, names in enumerate(LAYERS) if top in names), -1)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_one_way(module):
    assert layer(module) >= 0, f"{module} has no place in the layers"
    for name, _ in imports(MODULES[module]):
        if name.startswith("bench."):
            assert layer(name.removeprefix("bench.")) <= layer(module), f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("retrievers.")))
def test_retrievers_do_not_import_each_other(module):
    assert not [name for name, _ in imports(MODULES[module]) if name.startswith("bench.retrievers")]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_heavy_libraries_stay_in_their_leaf(module):
    for name, early in imports(MODULES[module]):
        library = name.split(".")[0]
        if library in LEAVES:
            assert module in LEAVES[library], f"{module} imports {name}"
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
