"""The source files and the libraries that a module depends on, read from its import statements."""

from __future__ import annotations

import ast
import hashlib
import os
import pkgutil
import secrets
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, NamespaceLoader, SourceFileLoader
from importlib.util import cache_from_source, find_spec
from pathlib import Path

from bench.storage.libraries import LIBRARIES, versions_of

# Where a statement keeps the statements inside it.
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")
_INSTALLED = ("site-packages", "dist-packages")
_STDLIB = Path(os.__file__).parent

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

    Unknown is the code of a module without source and version, as what is typed into a notebook, lies in
    a zip or is compiled, and of all that import it. So is that of a file which was changed after this
    process began: Python does not tell whether it was loaded before that. And so is that of a file whose
    kept bytecode, which is what runs, was made of another source.
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
        if name in code or _is_of_python(name):
            continue
        if found := _read(name):
            code[name] = found
            waiting += found.imports
        elif versions := versions_of(name):
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
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    if name == "__main__":  # of a package, by python -m, or of none
        package = getattr(loaded, "parent", "")
    imports = _imports(source, package)
    told = imports is not None and changed <= _STARTED_NS and _is_what_runs(source, name, file, changed)
    sha256 = hashlib.sha256(source).hexdigest() if told else _OF_THIS_PROCESS
    _modules[name] = _Module(
        name, file, sha256, _imported(name, package, imports or ()), loaded, changed
    )
    return _modules[name]


def _is_what_runs(source: bytes, name: str, file: Path, changed_ns: int) -> bool:
    """Whether Python runs this source, and not bytecode that it keeps of another one. It compares only
    size and date, which two states of a file may share, as where an archive dates all files alike.

    Bytecode that is newer than the source is not compared: compiling takes 1 ms a file.
    """
    kept = Path(cache_from_source(str(file)))
    if not kept.is_file() or kept.stat().st_mtime_ns > changed_ns:
        return True
    try:
        runs = SourceFileLoader(name, str(file)).get_code(name)
        return runs == compile(source, file, "exec", dont_inherit=True)
    except (ImportError, EOFError, SyntaxError, TypeError, ValueError):  # Python can not import it
        return False


def _imported(name: str, package: str, imports: Iterable[tuple[str, ...]]) -> frozenset[str]:
    """Return the modules that a module imports, with the packages that it lies in."""
    parents = package.split(".") if package else []
    found = {".".join(parents[: n + 1]) for n in range(len(parents))} - {name}
    for choices in imports:
        if name.split(".")[0] == "bench" and choices[0].split(".")[0] not in ("bench", *LIBRARIES):
            continue
        if choices[0].endswith(".*"):
            found |= _modules_in(choices[-1])
        found.add(next((choice for choice in choices if _is_code(choice)), choices[0]))
    return frozenset(found)


def _modules_in(package: str) -> set[str]:
    """Return the modules directly in a package of one's own. Of these `import *` imports those that the
    package's `__all__` names, which a program may make in any way."""
    if _is_of_python(package) or _file_of(package) is None:
        return set()
    return {f"{package}.{one.name}" for one in pkgutil.iter_modules(_folders_of(package))}


@cache
def _imports(source: bytes, package: str) -> tuple[tuple[str, ...], ...] | None:
    """Return what each import can mean, the likelier first: `from a import b` is a.b, or b of a. None
    for what is no source: nobody can tell what a compiled module imports."""
    found: list[tuple[str, ...]] = []
    try:
        waiting: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError):
        return None
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
    where it is a part of what is installed with a version."""
    if name == "__main__":
        origin = None if _is_interactive() else getattr(sys.modules[name], "__file__", None)
    else:
        spec = _spec(name)
        origin = spec.origin if spec and spec.has_location else None
    if origin is None or not (file := Path(origin)).is_file():
        return None
    installed_there = any(part in _INSTALLED for part in file.parts) and name.split(".")[0] != "bench"
    return None if installed_there and versions_of(name) else file


def _is_code(name: str) -> bool:
    """Whether there is such a module, and not only a folder without __init__."""
    if spec := _spec(name):
        return not (spec.loader is None or isinstance(spec.loader, NamespaceLoader))
    return sys.modules.get(name) is not None


def _is_of_python(name: str) -> bool:
    """Whether Python brings a module. Its place tells: one of the user's may have the same name."""
    top = name.split(".")[0]
    if top not in sys.stdlib_module_names:
        return False
    spec = _spec(top)
    if spec is None or spec.origin is None:  # one that this system does not have, or the user has made
        return spec is None and sys.modules.get(top) is None
    places = (_STDLIB, _STDLIB / "lib-dynload", _STDLIB / top)
    return spec.origin in ("built-in", "frozen") or Path(spec.origin).parent in places


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
    folders: list[str] = []  # of a namespace package, which Python's own finder needs the parent for
    for place in _folders_of(parent):
        finder = pkgutil.get_importer(place)
        if found := finder.find_spec(name) if finder else None:
            if found.loader:
                return found
            folders += found.submodule_search_locations or ()
    namespace = ModuleSpec(name, None, is_package=True)
    namespace.submodule_search_locations = folders
    return namespace if folders else None


def _folders_of(package: str) -> Iterable[str]:
    """Return where the modules of a package lie."""
    spec = _spec(package)
    loaded = getattr(sys.modules.get(package), "__path__", None)
    return loaded or (spec.submodule_search_locations if spec else None) or ()


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
