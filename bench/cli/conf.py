"""The options of a group of conf/ with a line on each, read without Hydra and without their code."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from bench import plugins
from bench.errors import BenchError, require
from bench.paths import resource
from bench.storage.files import require_regular

_TARGET = re.compile(r"""_target_:\s*["']?([\w.]+)""")


def folders(own: Sequence[Path]) -> list[Path]:
    """Return where options are looked for: the shipped conf/ first, as Hydra does, and plug-ins last.

    Raises `BenchError` for one of `own` that can not be used.
    """
    require_usable(own)
    return [resource("conf"), *own, *plugins.configs()]


def require_usable(own: Sequence[Path]) -> None:
    """Raise `BenchError` for a folder of --config-dir that is missing, or has a file that is never read.

    That is one of a shipped one's name, one that does not end in .yaml, and what is no file at all.
    """
    for folder in own:
        require(folder.is_dir(), f"config folder {folder} does not exist; check --config-dir")
        for file in sorted(folder.glob("*/*.yaml")):
            require_regular(file)
            require(not file.is_dir(), f"{file} is a folder, not a file of settings; rename it")
        for file in _misspelled(folder):
            raise BenchError(f"{file} is never read: settings files end in .yaml; rename it")
        for name in plugins.hidden_by_shipped(folder):
            mend = "rename it"
            if len(name.parts) == 1:
                mend = f"move it to {folder / 'experiment'}/NAME.yaml, and add +experiment=NAME"
            raise BenchError(
                f"{folder / name} is never read: bench ships a conf/{name}, which comes first; {mend}"
            )


def _misspelled(folder: Path) -> list[Path]:
    """The files that were meant as settings and Hydra does not look for. Other programs have a .yml too:
    here it is one that lies where ours do."""
    groups = [*(one.name for one in resource("conf").iterdir() if one.is_dir()), "experiment"]
    found = [file for group in groups for file in (folder / group).glob("*")]
    there = [*folder.glob("config.*"), *sorted(found)]
    return [
        file for file in there if file.suffix.lower() in (".yml", ".yaml") and file.suffix != ".yaml"
    ]


def described(group: str, own: Sequence[Path] = ()) -> dict[str, str]:
    """Return name → what it is, of each option of a group, by name. Raises `BenchError`."""
    found: dict[str, str] = {}
    for folder in folders(own):
        for file in sorted((folder / group).glob("*.yaml")):
            if file.stem not in found:
                found[file.stem] = _line_of(file)
    return dict(sorted(found.items()))


def _line_of(file: Path) -> str:
    require_regular(file)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BenchError(f"cannot read {file}: {why}; mend or remove it") from error
    return _first_comment(text) or _first_line_of_class(text)


def _first_comment(text: str) -> str:
    """The first line of the comment above all settings; "# @package …" is for Hydra."""
    for line in map(str.strip, text.splitlines()):
        words = line.lstrip("#").strip()
        if line and not line.startswith("#"):
            return ""
        if words and not words.startswith("@"):
            return words
    return ""


def _first_line_of_class(text: str) -> str:
    """The docstring's first line of what `_target_` names. The source is read, never run."""
    target = _TARGET.search(text)
    if target is None:
        return ""
    module, _, name = target[1].rpartition(".")
    source = _source_of(module)
    if source is None:
        return ""
    try:
        tree = ast.parse(source.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def _source_of(module: str) -> Path | None:
    """The source of a module, found without importing the packages that it lies in."""
    places: Sequence[str] | None = None
    spec = None
    for place, _ in enumerate(parts := module.split("."), 1):
        spec = PathFinder.find_spec(".".join(parts[:place]), places)
        if spec is None:
            return None
        places = spec.submodule_search_locations
        if places is None and place < len(parts):
            return None
    return Path(spec.origin) if spec and spec.origin else None
