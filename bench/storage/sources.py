"""The source files and the libraries that a module depends on, read from its import statements."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from bench.paths import PACKAGE

# What bench imports that can change a result, and the distributions that it comes in. What else it
# imports (rich, hydra, matplotlib, …) only shows results.
_LIBRARIES = {
    "bm25s": ("bm25s",),
    "faiss": ("faiss-cpu",),
    "ir_measures": ("ir-measures", "cwl-eval"),
    "numpy": ("numpy",),
    "pyarrow": ("pyarrow",),
    "pytrec_eval": ("pytrec_eval-terrier",),
    "rank_bm25": ("rank-bm25",),
    "sentence_transformers": ("sentence-transformers",),
    "Stemmer": ("PyStemmer",),
    "torch": ("torch",),
    "transformers": ("transformers", "tokenizers"),
}
# Where a statement keeps the statements inside it.
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Sources:
    """`code`: dotted name → sha256 of its source. `libraries`: distribution → version."""

    code: dict[str, str]
    libraries: dict[str, str]


@cache
def sources_of(module: str) -> Sources:
    """Return what a module is made of: itself and, step by step, all that it imports, with the packages
    that they lie in, which Python runs before them.

    A module counts by its source where it is part of bench or lies outside the installed packages, as
    one beside the user's own does, and by its version where it is installed. Imports inside functions
    count; compiled modules and what `importlib` is asked for at run time do not. Read once in a process,
    which goes on with the code that it has loaded, whatever is written to the file meanwhile.
    """
    code: dict[str, str] = {}
    tops: set[str] = set() if _own_file(module) else {module.split(".")[0]}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in code and (found := _read(name)):
            code[name], own, others = found
            waiting += own
            parents = name.split(".")[:-1]
            waiting += [".".join(parents[: n + 1]) for n in range(len(parents))]
            tops |= others
    libraries = {name: number for top in tops for name, number in _versions(top)}
    return Sources(dict(sorted(code.items())), dict(sorted(libraries.items())))


@cache
def _read(name: str) -> tuple[str, frozenset[str], frozenset[str]] | None:
    """Return a module's sha256, the modules that it imports, and the libraries by their top-level name;
    None where it is not ours or the user's."""
    file = _own_file(name)
    if file is None:
        return None
    source = file.read_bytes()
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    own, others = set(), set()
    for choices in _imports(source, package):
        top = choices[0].split(".")[0]
        if module := next((choice for choice in choices if _own_file(choice)), None):
            own.add(module)
        elif top in _LIBRARIES or name.split(".")[0] != "bench":
            others.add(top)
    return hashlib.sha256(source).hexdigest(), frozenset(own), frozenset(others)


def _imports(source: bytes, package: str) -> Iterator[tuple[str, ...]]:
    """Yield what each import can mean, the likelier first: `from a import b` is a.b, or b of a."""
    try:
        waiting: list[ast.AST] = [ast.parse(source)]
    except SyntaxError:  # an import inside a function, not reached yet
        return
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            above = parents[: len(parents) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((f"{base}.{alias.name}", base) for alias in node.names)
        else:  # an import is a statement: expressions need no look, which ast.walk would take 20 ms for
            waiting += [inner for block in _BLOCKS for inner in getattr(node, block, ())]


def _own_file(name: str) -> Path | None:
    """Return the source file of a module, None if there is no such module, or it is an installed one."""
    home = _home(name.split(".")[0])
    if home is None:
        return None
    path = home.joinpath(*name.split("."))
    choices = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in choices if file.is_file()), None)


def _home(top: str) -> Path | None:
    """Return the folder that a module or package lies in, None if it is installed or not there."""
    if top == "bench":
        return PACKAGE.parent
    if top in sys.stdlib_module_names:
        return None
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):  # no module, or one that nothing tells the place of
        return None
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
    folder = next((Path(place) for place in places if place and Path(place).exists()), None)
    if folder is None or any(part in _INSTALLED for part in folder.parts):
        return None
    return folder.parent.parent if folder.name == "__init__.py" else folder.parent


def _versions(top: str) -> Iterator[tuple[str, str]]:
    """Yield the distributions that a top-level module comes in, none for the standard library."""
    if top in sys.stdlib_module_names:
        return
    known = [name for name in _LIBRARIES.get(top, ()) if installed(name)]
    # This looks through everything that is installed, 0.15 s.
    for name in known or packages_distributions().get(top, []):
        if number := installed(name):
            yield name, number


@cache
def installed(distribution: str) -> str | None:
    """Return the version of a distribution, None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
