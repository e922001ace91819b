"""`bench run` as a Hydra app: compose the config, build what it names, run, save, print."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import time
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.hydra import Hydra
from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from bench import record
from bench.errors import BenchError, did_you_mean, require
from bench.experiment import run_systems
from bench.measure import Measure
from bench.report.artist import Artist
from bench.report.write import print_tables, reporting
from bench.resources import resource

_CONFIG = "config"


def run(arguments: Sequence[str], allowed: Sequence[str] = ()) -> None:
    """Run the Hydra app with these command-line arguments.

    `allowed` are the modules besides `bench` that a `_target_` may name; they are looked for in the
    working directory too. Raises `BenchError`.
    """
    if allowed:
        sys.path.insert(0, str(Path.cwd()))
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


def _refuse_flag(message: str) -> NoReturn:
    raise BenchError(f"{message}; see 'bench run --help' and 'bench run --hydra-help'")


def _job(config: DictConfig, allowed: Sequence[str]) -> None:
    """One run, from its composed config to its folder."""
    started = time.perf_counter()
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise BenchError(f"{missing[0]} must be given; add {missing[0]}=VALUE")
    settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    for where, target in _targets(settings):
        require(
            target.split(".")[0] in ("bench", *(name.split(".")[0] for name in allowed)),
            f"{where}._target_ names '{target}', which is not part of bench; if you trust it, "
            f"allow it with --allow {target.split('.')[0]}",
        )
    kinds = {"output": str, "depth": int, "seed": int, "measures": list[str]}
    for key, kind in kinds.items():
        value = settings.get(key)
        require(_fits(value, kind), f"{key} must be {_said(kind)}, got {value!r}")
    require(settings["seed"] >= 0, f"seed must not be negative, got {settings['seed']}")
    output = Path(settings["output"])
    record.check_writable(output)
    measures = [Measure.parse(name) for name in settings["measures"]]
    for key in ("collection", "retrievers"):
        require(
            isinstance(settings.get(key), Mapping),
            f"{key} must be chosen, such as collection=digest or 'retriever=[bm25]'",
        )
    retrievers = {
        name: _build(one, f"retrievers.{name}") for name, one in settings["retrievers"].items()
    }
    with Artist() as artist:
        test = _build(settings["collection"], "collection").load()
        loaded = time.perf_counter()
        results = run_systems(test, retrievers, measures, settings["depth"])
        evaluated = time.perf_counter()
        seconds = {"load": round(loaded - started, 4), "systems": round(evaluated - loaded, 4)}
        saved = record.build(results, test, settings, seconds)
        folder = record.save(saved, results, test, output, partial(reporting, artist=artist))
    print_tables(saved)
    print(_shown(folder))


def _shown(folder: Path) -> str:
    """The folder relative to where the user stands, if it is below."""
    return os.path.relpath(folder) if folder.is_relative_to(Path.cwd()) else str(folder)


def _targets(settings: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(settings, Mapping):
        if "_target_" in settings:
            yield where, str(settings["_target_"])
        for key, value in settings.items():
            yield from _targets(value, f"{where}.{key}" if where else str(key))
    elif isinstance(settings, list):
        for place, value in enumerate(settings):
            yield from _targets(value, f"{where}[{place}]")


def _build(settings: Any, where: str) -> Any:
    """Make the object that `_target_` names, parts first; its other keys are the arguments.

    Plain Python instead of hydra.utils.instantiate: the targets were checked against the allowed
    modules just before, mappings and lists stay plain, and errors keep their own words.
    """
    if isinstance(settings, list):
        return tuple(_build(one, where) for one in settings)
    if not isinstance(settings, Mapping):
        return settings
    built = {key: _build(value, f"{where}.{key}") for key, value in settings.items()}
    target = built.pop("_target_", None)
    if target is None:
        return built
    module, _, name = str(target).rpartition(".")
    try:
        make = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BenchError(f"{where}._target_ '{target}' can not be imported: {error}") from error
    _check_arguments(make, built, where)
    return make(**built)


def _check_arguments(make: Any, arguments: Mapping[str, Any], where: str) -> None:
    """Refuse unknown, missing and mistyped settings by name; what is no plain value checks itself."""
    parameters = inspect.signature(make).parameters
    hints = typing.get_type_hints(make.__init__ if inspect.isclass(make) else make)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name, value in arguments.items():
        require(
            name in parameters or open_ended,
            f"unknown setting '{where}.{name}'; {did_you_mean(name, parameters)}",
        )
        hint = hints.get(name)
        require(_fits(value, hint), f"{where}.{name} must be {_said(hint)}, got {value!r}")
    for name, parameter in parameters.items():
        require(
            name in arguments
            or parameter.default is not parameter.empty
            or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL),
            f"{where}.{name} must be given; add {where}.{name}=VALUE",
        )


_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    types.NoneType: "null",
}


def _said(hint: Any) -> str:
    if isinstance(hint, types.UnionType):
        return " or ".join(_said(one) for one in typing.get_args(hint))
    if typing.get_origin(hint) in (list, tuple, Sequence):
        return "a list"
    return _WORDS.get(hint) or f"settings of {getattr(hint, '__name__', hint)}"


def _fits(value: Any, hint: Any) -> bool:
    """Whether a setting has the type that its annotation asks for, as far as settings go."""
    if isinstance(hint, types.UnionType):
        return any(_fits(value, one) for one in typing.get_args(hint))
    if hint is float:
        return type(value) in (int, float)
    if hint in (int, str, bool, types.NoneType):
        return type(value) is hint
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (list, tuple, Sequence):
        return isinstance(value, (list, tuple)) and all(_fits(one, inner[0]) for one in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(one, inner[1]) for one in value.values())
    # Protocols are checked by what takes them; other classes are settings built just before.
    return not inspect.isclass(hint) or getattr(hint, "_is_protocol", False) or isinstance(value, hint)


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
