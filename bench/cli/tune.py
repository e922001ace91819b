"""`bench tune`: search a retriever's settings, and say how to run what was found."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.options import Allowed, ConfigDirs, Settings
from bench.errors import BenchError, require, visible

if TYPE_CHECKING:
    from bench.cli.compose import Given

# Settings of a search that a run of what it found does not have.
_OF_TUNING = ("tune.", "collection.split=")


def tune(settings: Settings = None, own: ConfigDirs = None, allow: Allowed = None) -> None:
    """Search a retriever's settings on dev; tell on test what that was worth."""
    _tune(settings or (), own or (), allow or ())


def _tune(overrides: Sequence[str], own: Sequence[Path], allowed: Sequence[str]) -> None:
    """Search, and print and save what was found.

    `retriever=NAME` picks the group tune/NAME, whose space a sweep such as
    `retrievers.NAME.k1=0.9,1.2` replaces for its key.
    """
    from bench.cli.compose import compose, read
    from bench.evidence.crossval import DEFAULT, grid, in_one_word
    from bench.experiment.tuning import space_of
    from bench.experiment.tuning import tune as search
    from bench.paths import as_seen_from_here
    from bench.report.markdown import markdown
    from bench.report.tuning import tuning_json, tuning_tables
    from bench.report.write import print_grids
    from bench.storage.files import write_numbered

    given = read(overrides, own)
    name = _one_retriever(given)
    prefix = f"retrievers.{name}."
    swept = {}
    for one in given:
        if one.sweep:
            require(
                one.key.startswith(prefix),
                f"cannot search over '{one.key}'; a space has settings of {prefix[:-1]}",
            )
            swept[one.key.removeprefix(prefix)] = list(one.values)
    fixed = [one.texts[0] for one in given if not one.sweep and one.key != "retriever"]
    chosen = [f"retriever=[{name}]", *fixed]
    if not any(one.key == "collection.split" for one in given):
        chosen.append("collection.split=dev")
    # Without the space first: its settings' errors name settings, not the space that lacks them.
    compose([text for text in chosen if not text.lstrip("+~").startswith("tune.")], own)
    settings = compose([*chosen, f"+tune={name}"], own)
    asked: Any = settings.pop("tune", None)
    space = space_of(asked, swept)
    tuned = search(settings, name, space, asked.get("folds"), allowed)
    tables = tuning_tables(tuned)
    shown = {"json": tuning_json(tuned), "md": markdown(tables)}
    page = write_numbered(Path(settings["output"]), f"tune-{name}", shown)
    print_grids(tables)
    if tuned.chosen != DEFAULT:
        found = next(one for one in grid(space) if in_one_word(one) == tuned.chosen)
        words = [text for text in chosen if not text.lstrip("+~").startswith(_OF_TUNING)]
        words += [f"{prefix}{key}={_in_grammar(value)}" for key, value in found.items()]
        options = [word for folder in own for word in ("--config-dir", str(folder))]
        options += [word for module in allowed for word in ("--allow", module)]
        print(f"run it with: {visible(shlex.join(['bench', 'run', *options, *words]))}")
    print(as_seen_from_here(page))


def _in_grammar(value: Any) -> str:
    """Return a value of a setting as Hydra's grammar has it: JSON, but for the keys of a mapping."""
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{_in_grammar(one)}' for key, one in value.items())}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(map(_in_grammar, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _one_retriever(given: Sequence[Given]) -> str:
    named = [one for one in given if one.key == "retriever"]
    name = named[0].values[0] if len(named) == 1 and not named[0].sweep else None
    if not isinstance(name, str) or not name or named[0].texts[0] != f"retriever={name}":
        raise BenchError("name the one retriever to tune, once, such as retriever=bm25")
    return name
