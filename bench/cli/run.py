"""`bench run` and `bench tune`: from a command line to what is saved and printed."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.cli.compose import Given, as_yaml, compose, jobs, read
from bench.errors import BenchError, require, visible
from bench.evidence.crossval import DEFAULT, grid, in_one_word
from bench.experiment import tuning
from bench.experiment.run import run_and_save
from bench.report.grid import markdown
from bench.report.sweep import sweep_table
from bench.report.tuning import tuning_json, tuning_tables
from bench.report.write import draw_run, print_grids, print_tables, run_stands
from bench.storage.files import write_numbered

# Settings of a search that a run of what it found does not have.
_OF_TUNING = ("tune.", "collection.split=")


def run(
    overrides: Sequence[str],
    own: Sequence[Path] = (),
    allowed: Sequence[str] = (),
    *,
    sweep: bool = False,
) -> None:
    """Run, save and print what these overrides of conf/ say; with `sweep`, once for each combination
    of the values that they name.

    own        folders searched beside conf/
    allowed    modules besides bench that a `_target_` may name

    All jobs of a sweep are composed before the first runs, and none runs after one that fails. At the
    end stands one table over the values swept. Raises `BenchError`.
    """
    if not sweep:
        _require_no_sweep(overrides, own)
    sweeps = [one.sweep for one in read(overrides, own)]
    todo = [(job, compose(job, own)) for job in (jobs(overrides, own) if sweep else [overrides])]
    done = []
    for job, settings in todo:
        run_saved = run_and_save(settings, allowed)
        saved, folder, _ = run_saved
        draw_run(saved, folder)
        with run_stands(folder):
            print_tables(saved)
        print(_shown(folder))
        run_saved.raise_failed()
        swept = [text.lstrip("+").partition("=") for text, its in zip(job, sweeps, strict=True) if its]
        done.append(({key: value for key, _, value in swept}, saved))
    if len(done) > 1:
        print()
        print_grids([sweep_table(done)])


def show(
    overrides: Sequence[str],
    own: Sequence[Path] = (),
    *,
    resolve: bool = False,
    package: str | None = None,
) -> None:
    """Print the settings as YAML and run nothing. Raises `BenchError`."""
    _require_no_sweep(overrides, own)
    print(as_yaml(overrides, own, resolve=resolve, package=package), end="")


def tune(overrides: Sequence[str], own: Sequence[Path] = (), allowed: Sequence[str] = ()) -> None:
    """Search a retriever's settings on dev, and print and save what was found.

    `retriever=NAME` picks the group tune/NAME, whose space a sweep such as
    `retrievers.NAME.k1=0.9,1.2` replaces for its key. Raises `BenchError`.
    """
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
    space = tuning.space_of(asked, swept)
    tuned = tuning.tune(settings, name, space, asked.get("folds"), allowed)
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
    print(_shown(page))


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


def _require_no_sweep(overrides: Sequence[str], own: Sequence[Path]) -> None:
    for one in read(overrides, own):
        require(
            not one.sweep,
            f"{one.key} has several values; give -m for one run each, write one list, as in "
            f"'{one.key}=[...]', or one text with a comma in it as '{one.key}=\"A,B\"'",
        )


def _shown(path: Path) -> str:
    """The path relative to where the user stands, if it is below."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
