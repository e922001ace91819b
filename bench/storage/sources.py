"""The source files and the libraries that a module depends on, read from its import statements."""

from __future__ import annotations

import ast
import hashlib
import os
import pkgutil
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, NamespaceLoader
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

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

# What stands for code that nobody can tell: equal to that of no other process.
UNKNOWN = "unknown-"
_OF_THIS_PROCESS = UNKNOWN + secrets.token_hex(16)


def _process_start() -> int:
    """Return when this process began, in ns since 1970, at most a tick of 10 ms late: no module of a
    user is loaded as early as that. Where the system does not tell (no /proc), it is now."""
    try:
        told = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
        ticks = int(told.rpartition(")")[2].split()[19]) + 1
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        age = 0.0
    return time.time_ns() - int(age * 1e9)


_STARTED_NS = _process_start()


@dataclass(frozen=True)
class Sources:
    """`code`: dotted name → sha256 of its source. `libraries`: distribution → version."""

    code: dict[str, str]
    libraries: dict[str, str]

    @property
    def known(self) -> bool:
        """Whether this is the code that runs, all of it."""
        return not any(is_unknown(sha256) for sha256 in self.code.values())


def is_unknown(code: str) -> bool:
    """Whether a hash of code stands for code that nobody can tell."""
    return code.startswith(UNKNOWN)


@dataclass(frozen=True)
class _Module:
    """A module as it was read; `loaded` and `changed_ns` tell whether that is still what runs."""

    name: str
    file: Path
    sha256: str
    imports: frozenset[str]  # the modules that it imports, and the packages that it lies in
    loaded: object
    changed_ns: int

    @property
    def is_current(self) -> bool:
        """A process goes on with what it has loaded, whatever is written to the file meanwhile, until it
        loads it again. The tools of a notebook (%autoreload) also change what is loaded in its place."""
        if _loaded(self.name) is not self.loaded:
            return False
        return not _is_interactive() or _changed_ns(self.file) == self.changed_ns


_modules: dict[str, _Module] = {}
_followed: dict[str, tuple[Sources, list[_Module]]] = {}


def sources_of(module: str) -> Sources:
    """Return what a module is made of: itself and, step by step, all that it imports, with the packages
    that they lie in, which Python runs before them.

    A module counts by its version where a distribution installed it, and by its source everywhere else:
    that of bench and what lies beside the user's own. A script counts by its file. Imports inside
    functions count; what `importlib` is asked for at run time does not, and neither does what is not
    there, as an optional library.

    Unknown is the code of a module without source and version, as what is typed into a notebook or lies
    in a zip, of all that import it, and of one whose file was changed after this process began: it may
    be loaded from what the file was before, and Python does not tell when it was.
    """
    kept = _followed.get(module)
    if kept is None or not all(one.is_current for one in kept[1]):
        kept = _followed[module] = _follow(module)
    return kept[0]


def _follow(module: str) -> tuple[Sources, list[_Module]]:
    code: dict[str, _Module] = {}
    libraries: dict[str, str] = {}
    untold: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in code:
            continue
        if found := _read(name):
            code[name] = found
            waiting += found.imports
        elif versions := _versions(name):
            libraries |= versions
        elif _is_code(name):
            untold.add(name)
    if not (code or libraries or _is_of_python(module)):
        untold.add(module)
    hashes = {name: one.sha256 for name, one in code.items()} | dict.fromkeys(untold, _OF_THIS_PROCESS)
    return Sources(dict(sorted(hashes.items())), dict(sorted(libraries.items()))), list(code.values())


def _read(name: str) -> _Module | None:
    """Return a module, None where it is not ours or the user's."""
    kept = _modules.get(name)
    if kept is not None and kept.is_current:
        return kept
    file = _file_of(name)
    if file is None:
        return None
    loaded = _loaded(name)
    source = file.read_bytes()
    changed = _changed_ns(file)  # after reading it
    sha256 = hashlib.sha256(source).hexdigest() if changed <= _STARTED_NS else _OF_THIS_PROCESS
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    if name == "__main__":  # of a package, by python -m, or of none
        package = getattr(loaded, "parent", "")
    _modules[name] = _Module(name, file, sha256, _imported(name, package, source), loaded, changed)
    return _modules[name]


def _imported(name: str, package: str, source: bytes) -> frozenset[str]:
    """Return the modules that a module imports, with the packages that it lies in."""
    parents = package.split(".") if package else []
    found = {".".join(parents[: n + 1]) for n in range(len(parents))} - {name}
    for choices in _imports(source, package):
        if name.split(".")[0] == "bench" and choices[0].split(".")[0] not in ("bench", *_LIBRARIES):
            continue
        found.add(next((choice for choice in choices if _is_code(choice)), choices[0]))
    return frozenset(found)


@cache
def _imports(source: bytes, package: str) -> tuple[tuple[str, ...], ...]:
    """Return what each import can mean, the likelier first: `from a import b` is a.b, or b of a."""
    found: list[tuple[str, ...]] = []
    try:
        waiting: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError):  # compiled, or an import inside a function, not reached yet
        return ()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found += [(alias.name,) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            above = parents[: len(parents) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [(f"{base}.{alias.name}", base) for alias in node.names]
        else:  # an import is a statement: expressions need no look, which ast.walk would take 20 ms for
            waiting += [inner for block in _BLOCKS for inner in getattr(node, block, ())]
    return tuple(found)


def _file_of(name: str) -> Path | None:
    """Return the file that Python takes a module from; None where there is no such module or file, and
    where it is a part of Python or of what is installed with a version."""
    if _is_of_python(name):
        return None
    if name == "__main__":
        origin = None if _is_interactive() else getattr(sys.modules[name], "__file__", None)
    else:
        spec = _spec(name)
        origin = spec.origin if spec and spec.has_location else None
    if origin is None or not (file := Path(origin)).is_file():
        return None
    installed_there = any(part in _INSTALLED for part in file.parts) and name.split(".")[0] != "bench"
    return None if installed_there and _versions(name) else file


def _is_code(name: str) -> bool:
    """Whether there is such a module, but for those of Python, and folders without __init__."""
    if _is_of_python(name):
        return False
    if spec := _spec(name):
        return not (spec.loader is None or isinstance(spec.loader, NamespaceLoader))
    return sys.modules.get(name) is not None


def _is_of_python(name: str) -> bool:
    return name.split(".")[0] in sys.stdlib_module_names


def _spec(name: str) -> ModuleSpec | None:
    """Return where a module comes from. Nothing is imported for it, not even the packages above."""
    if name in sys.modules:
        loaded = _loaded(name)
        return loaded if isinstance(loaded, ModuleSpec) else None
    parent = name.rpartition(".")[0]
    try:
        if not parent:
            return find_spec(name)
    except (ImportError, ValueError):  # no module, or one that nothing tells the place of
        return None
    above = _spec(parent)
    folders: list[str] = []  # of a namespace package, which Python's own finder needs the parent for
    places = getattr(sys.modules.get(parent), "__path__", None)
    for place in places or (above.submodule_search_locations if above else None) or ():
        finder = pkgutil.get_importer(place)
        if found := finder.find_spec(name) if finder else None:
            if found.loader:
                return found
            folders += found.submodule_search_locations or ()
    namespace = ModuleSpec(name, None, is_package=True)
    namespace.submodule_search_locations = folders
    return namespace if folders else None


def _loaded(name: str) -> object:
    """Return what is another object after a module was loaded, or loaded again."""
    return getattr(sys.modules.get(name), "__spec__", None)


def _changed_ns(file: Path) -> int:
    """Return when a file came to be as it is. The second of the two no program can set back, as moving
    another file to its place does with the first."""
    seen = file.stat()
    return max(seen.st_mtime_ns, seen.st_ctime_ns)


def _is_interactive() -> bool:
    """Whether somebody types, here or in a notebook: what runs may be in no file, or another there."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)


def _versions(name: str) -> dict[str, str]:
    """Return distribution → version of those that a module may come in, by its top-level name."""
    top = name.split(".")[0]
    if _is_of_python(top):
        return {}
    known = [one for one in _LIBRARIES.get(top, ()) if installed(one)]
    found = known or _distributions().get(top, [])
    return {one: number for one in found if (number := installed(one))}


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Return top-level name → distributions. This looks through everything installed, 0.15 s."""
    return packages_distributions()


@cache
def installed(distribution: str) -> str | None:
    """Return the version of a distribution, None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
