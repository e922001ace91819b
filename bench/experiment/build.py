"""From settings to the objects that they name: `_target_` is the registry."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import sys
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError, did_you_mean, require
from bench.outside import calling
from bench.plugins import is_of_plugin

# What runs that were saved before these moved have in their records.
_MOVED = {
    "bench.encode.Passages": "bench.encoders.passages.Passages",
    "bench.encode.SentenceEncoder": "bench.encoders.sentence.SentenceEncoder",
}
_NOT_THERE = (ImportError, AttributeError, ValueError)


def require_allowed(settings: Any, allowed: Sequence[str]) -> None:
    """Raise `BenchError` for a `_target_` outside bench, the installed plug-ins and the modules that the
    user allowed, which are looked for in the working directory too.
    """
    if allowed:
        sys.path.insert(0, str(Path.cwd()))
    for where, target in _targets(settings):
        require(
            target.split(".")[0] in ("bench", *(name.split(".")[0] for name in allowed))
            or is_of_plugin(target),
            f"{where}._target_ names '{target}', which is not part of bench; if you trust it, "
            f"allow it with --allow {target.split('.')[0]}",
        )


def _targets(settings: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(settings, Mapping):
        if "_target_" in settings:
            yield where, str(settings["_target_"])
        for key, value in settings.items():
            yield from _targets(value, f"{where}.{key}" if where else str(key))
    elif isinstance(settings, list):
        for place, value in enumerate(settings):
            yield from _targets(value, f"{where}[{place}]")


def build(settings: Any, where: str) -> Any:
    """Make the object that `_target_` names, parts first; its other keys are the arguments.

    Plain Python instead of hydra.utils.instantiate: the targets were checked against the allowed
    modules just before, mappings and lists stay plain, and errors keep their own words.
    """
    if isinstance(settings, list):
        return tuple(build(one, where) for one in settings)
    if not isinstance(settings, Mapping):
        return settings
    built = {key: build(value, f"{where}.{key}") for key, value in settings.items()}
    target = built.pop("_target_", None)
    if target is None:
        return built
    module, _, name = _MOVED.get(str(target), str(target)).rpartition(".")
    try:
        make = getattr(importlib.import_module(module), name)
    except Exception as error:  # a module of others may fail with anything
        if module.split(".")[0] == "bench" and not isinstance(error, _NOT_THERE):
            raise
        raise BenchError(f"{where}._target_ '{target}' can not be imported: {error}") from error
    _check_arguments(make, built, where)
    with calling(make, where, "__init__"):
        return make(**built)


def settings_of_part(part: Any) -> Any:
    """Return the settings that `build` makes this object of, as far as a class keeps what it was given.

    A dataclass does; of another class its public attributes stand for that.
    """
    if isinstance(part, np.generic):
        part = part.item()
    if part is None or isinstance(part, (bool, int, float, str)):
        return part
    if isinstance(part, Mapping):
        return {str(key): settings_of_part(value) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [settings_of_part(value) for value in part]
    if isinstance(part, (set, frozenset)):
        return sorted((settings_of_part(value) for value in part), key=str)
    plain = isinstance(part, (Path, Enum)) or not hasattr(part, "__dict__")
    if plain and not dataclasses.is_dataclass(part):
        return str(part)
    names = (
        [one.name for one in dataclasses.fields(part) if one.init]
        if dataclasses.is_dataclass(part)
        else [name for name in vars(part) if not name.startswith("_")]
    )
    kind = type(part)
    own = {name: settings_of_part(getattr(part, name)) for name in names}
    return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **own}


def _check_arguments(make: Any, arguments: Mapping[str, Any], where: str) -> None:
    """Refuse unknown, missing and mistyped settings by name; what is no plain value checks itself."""
    require(
        inspect.isclass(make) or inspect.isroutine(make),
        f"{where}._target_ names {make!r}, which is neither a class nor a function",
    )
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError) as error:
        raise BenchError(f"{where}._target_ can not be made of settings: {error}") from error
    hints = _hints(make)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name, value in arguments.items():
        require(
            name in parameters or open_ended,
            f"unknown setting '{where}.{name}'; {did_you_mean(name, parameters)}",
        )
        hint = hints.get(name)
        require(fits(value, hint), f"{where}.{name} must be {said(hint)}, got {_short(value)}")
    for name, parameter in parameters.items():
        require(
            name in arguments
            or parameter.default is not parameter.empty
            or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL),
            f"{where}.{name} must be given; add {where}.{name}=VALUE",
        )


def _hints(make: Any) -> Mapping[str, Any]:
    """Return the types of the arguments; none where some name in them is imported for typing only."""
    try:
        return typing.get_type_hints(make.__init__ if inspect.isclass(make) else make)
    except (AttributeError, NameError, SyntaxError, TypeError):
        return {}


_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    types.NoneType: "null",
}


def said(hint: Any) -> str:
    """Return the words for a type, such as "a whole number"."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(said(one) for one in typing.get_args(hint))
    if typing.get_origin(hint) is typing.Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(hint)))
    if hint in (list, tuple) or typing.get_origin(hint) in (list, tuple, Sequence):
        return "a list"
    return _WORDS.get(hint) or f"settings of {getattr(hint, '__name__', hint)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:60]}… ({len(text)} characters)"


def fits(value: Any, hint: Any) -> bool:
    """Return whether a setting has the type that its annotation asks for, as far as settings go."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, one) for one in inner)
    if origin is typing.Literal:
        return value in inner
    if hint is float:
        whole = type(value) is int and abs(value) <= sys.float_info.max
        return whole or type(value) is float
    if hint in (int, str, bool, types.NoneType):
        return type(value) is hint
    if origin in (list, tuple, Sequence):
        return isinstance(value, (list, tuple)) and all(fits(one, inner[0]) for one in value)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(fits(one, inner[1]) for one in value.values())
    if hint in (list, tuple):  # a list of settings is handed on as a tuple
        return isinstance(value, (list, tuple))
    # Protocols are checked by what takes them; other classes are settings built just before.
    kind = hint if origin is None else origin
    if not inspect.isclass(kind) or kind is Any or getattr(kind, "_is_protocol", False):
        return True
    return isinstance(value, kind)
