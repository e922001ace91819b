"""`bench run` as a Hydra app: compose the config, build what it names, run, save, print."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.hydra import Hydra
from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from bench import tuning
from bench.errors import BenchError, did_you_mean
from bench.execute import run_and_save
from bench.files import write_text
from bench.report.grid import markdown
from bench.report.tuning import tuning_json, tuning_tables
from bench.report.write import print_grids, print_tables, run_stands
from bench.resources import resource

_CONFIG = "config"


def run(arguments: Sequence[str], allowed: Sequence[str] = ()) -> None:
    """Run the Hydra app with these command-line arguments.

    `allowed` are the modules besides `bench` that a `_target_` may name. Raises `BenchError`.
    """
    # Hydra prints its own errors and exits with 1, unless told to let them through.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    parser = get_args_parser()
    parser.error = _refuse_flag  # type: ignore[method-assign]
    hydra.version.setbase("1.3")
    # Hydra would compose the whole config a second time (0.2 s) to see whether it asks for a sweep;
    # here only the flag -m does.
    Hydra.get_mode = lambda *_, **__: None  # type: ignore[method-assign]
    failed: list[Exception] = []

    def task(config: DictConfig) -> None:
        # Hydra would print a line of its own about an exception, so it does not get to see one.
        # After a failure the rest of a sweep is not run.
        if not failed:
            try:
                _job(config, allowed)
            except Exception as error:
                failed.append(error)

    chosen = parser.parse_args(list(arguments))
    try:
        _run_hydra(
            args=chosen,
            args_parser=parser,
            task_function=task,
            config_path=str(resource("conf")),
            config_name=_CONFIG,
        )
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise BenchError(_one_line(error, chosen.overrides, chosen.config_dir)) from error
    if failed:
        if isinstance(failed[0], OmegaConfBaseException):  # an interpolation that leads nowhere
            raise BenchError(_one_line(failed[0], chosen.overrides, chosen.config_dir)) from failed[0]
        raise failed[0]


def tune(arguments: Sequence[str], allowed: Sequence[str] = ()) -> None:
    """Search a retriever's settings on dev, and print what was found.

    Arguments are Hydra overrides. `retriever=NAME` picks the group tune/NAME, whose space a sweep such
    as `retrievers.NAME.k1=0.9,1.2` replaces for its key. Raises `BenchError`.
    """
    own = _own_config(arguments)
    overrides = [argument for argument in arguments if argument not in own[1]]
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
        searched = [one for one in parsed if one.is_sweep_override()]
        sweeps = {str(one.key_or_group): list(one.sweep_iterator()) for one in searched}
        single = [one for one in parsed if not one.is_sweep_override()]
        fixed = [str(one.input_line) for one in single]
        given = {str(one.key_or_group): one.value() for one in single}
        name = given.get("retriever")
        if not isinstance(name, str):
            raise BenchError("name the one retriever to tune, such as retriever=bm25")
        chosen = [f"retriever=[{name}]" if text == f"retriever={name}" else text for text in fixed]
        if "collection.split" not in given:
            chosen.append("collection.split=dev")
        _compose([text for text in chosen if not text.startswith("tune.")], own[0])
        config = _compose([*chosen, f"+tune={name}"], own[0])
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise BenchError(_one_line(error, overrides, own[0])) from error
    prefix = f"retrievers.{name}."
    for key in sweeps:
        if not key.startswith(prefix):
            raise BenchError(f"cannot search over '{key}'; a space has settings of {prefix[:-1]}")
    asked = config.pop("tune")
    space = asked["space"] | {key[len(prefix) :]: values for key, values in sweeps.items()}
    tuned = tuning.tune(config, name, space, asked["folds"], allowed)
    output = Path(config["output"])
    tables = tuning_tables(tuned)
    write_text(output / f"tune-{name}.json", tuning_json(tuned))
    write_text(output / f"tune-{name}.md", markdown(tables))
    print_grids(tables)
    print(_shown(output / f"tune-{name}.md"))


def _own_config(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the folder after --config-dir, and the arguments that name it."""
    for place, argument in enumerate(arguments):
        if argument in ("--config-dir", "-cd") and place + 1 < len(arguments):
            return arguments[place + 1], [argument, arguments[place + 1]]
        if argument.startswith("--config-dir="):
            return argument.partition("=")[2], [argument]
    return None, []


def _compose(overrides: Sequence[str], own: str | None) -> dict[str, Any]:
    """Return the resolved settings of a config, without running anything."""
    searched = [f"hydra.searchpath=[file://{Path(own).absolute()}]"] if own else []
    with hydra.initialize_config_dir(str(resource("conf")), version_base="1.3"):
        config = hydra.compose(_CONFIG, [*overrides, *searched])
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise BenchError(f"{missing[0]} must be given; add {missing[0]}=VALUE")
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def _refuse_flag(message: str) -> NoReturn:
    raise BenchError(f"{message}; see 'bench run --help' and 'bench run --hydra-help'")


def _job(config: DictConfig, allowed: Sequence[str]) -> None:
    """One run, from its composed config to its folder."""
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise BenchError(f"{missing[0]} must be given; add {missing[0]}=VALUE")
    settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    saved, folder = run_and_save(settings, allowed)
    with run_stands(folder):
        print_tables(saved)
    print(_shown(folder))


def _shown(folder: Path) -> str:
    """The folder relative to where the user stands, if it is below."""
    return os.path.relpath(folder) if folder.is_relative_to(Path.cwd()) else str(folder)


def _one_line(error: Exception, overrides: Sequence[str], own: str | None) -> str:
    """Say what Hydra found wrong in one line, with the nearest names."""
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(str(cause))
        cause = cause.__cause__
    text = "\n".join(chain)
    if found := re.search(r"Could not (?:find|load) '([\w-]+)/([^']+)'", text):
        group, name = found.groups()
        folders = [resource("conf"), *([Path(own)] if own else [])]
        options = [file.stem for folder in folders for file in (folder / group).glob("*.yaml")]
        return f"unknown {group} '{name}'; {did_you_mean(name, options)}"
    if found := re.search(r"Could not override '([^']+)'", text):
        key = found[1].lstrip("+~")
        known = _known_keys(overrides, own)
        if known and key not in known:
            return f"unknown setting '{key}'; {_nearest_key(key, known)}"
    if isinstance(error, MissingMandatoryValue):
        return f"a setting must be given: {chain[0].splitlines()[0]}"
    if isinstance(error, OverrideParseException):
        return f"cannot read the override '{error.override}': {error.message}"
    firsts = [line.strip().splitlines()[0] for line in chain if line.strip()]
    return ": ".join(dict.fromkeys(firsts)) + "; see 'bench run --cfg job' for all settings"


def _nearest_key(key: str, known: Sequence[str]) -> str:
    """Name near settings; failing that, those of the same parent. Never the whole config."""
    hint = did_you_mean(key, known)
    if hint.startswith("did"):
        return hint
    parent = key.rpartition(".")[0]
    siblings = [name for name in known if name.rpartition(".")[0] == parent]
    return did_you_mean(key, siblings or {name.split(".")[0] for name in known})


def _known_keys(overrides: Sequence[str], own: str | None) -> list[str]:
    """Every setting of the config with the chosen groups, but without the other overrides; none if
    that can not be composed, as in a sweep over groups."""
    groups = {folder.name for folder in resource("conf").iterdir() if folder.is_dir()}
    chosen = [override for override in overrides if override.split("=")[0] in groups]
    if own:
        chosen.append(f"hydra.searchpath=[file://{Path(own).absolute()}]")
    try:
        with hydra.initialize_config_dir(str(resource("conf")), version_base="1.3"):
            return list(_flat(OmegaConf.to_container(hydra.compose(_CONFIG, chosen))))
    except (HydraException, OmegaConfBaseException):
        return []


def _flat(settings: Any, where: str = "") -> Iterator[str]:
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            name = f"{where}.{key}" if where else str(key)
            yield name
            yield from _flat(value, name)
