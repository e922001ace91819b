"""Settings from conf/ and from the command line, by Hydra's public `compose`.

Hydra's own command line is left out: it can not be built on Python 3.14 (its issue 3121), and what it
adds, its folders, its logging and its launchers, is not used here.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override, Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench import plugins
from bench.cli.conf import require_usable
from bench.cli.config_errors import one_line
from bench.errors import BenchError, did_you_mean, require
from bench.paths import resource

_CONFIG = "config"
# Everything at the top of the settings that is read; `tune` beside what the shipped config has.
SETTINGS = frozenset(
    [
        "collection",
        "depth",
        "encoder",
        "evidence",
        "measures",
        "output",
        "passages",
        "retrievers",
        "seed",
        "trec_header",
        "tune",
    ]
)


@dataclass(frozen=True)
class Given:
    """One override of the command line: its key, and the texts and values that it stands for.

    They are several where it is a sweep, such as `depth=10,100`, and then each text is the override of
    one job.
    """

    key: str
    texts: tuple[str, ...]
    values: tuple[Any, ...]
    sweep: bool


def compose(overrides: Sequence[str], own: Sequence[Path] = ()) -> dict[str, Any]:
    """Return the settings, resolved; `own` are folders searched beside the shipped conf/,
    before those of plug-ins.

    Raises `BenchError` for what can not be composed, and for a setting that must be given.
    """
    with _in_one_line(overrides, own):
        config = _composed(overrides, own)
        _require_package(config, own)
        _require_known(config)
        missing = sorted(OmegaConf.missing_keys(config))
        require(not missing, f"{missing[0]} must be given; add {missing[0]}=VALUE" if missing else "")
        return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def unresolved(overrides: Sequence[str], own: Sequence[Path] = ()) -> dict[str, Any]:
    """Return the settings as they are written, with ${...} and ??? in them. Raises `BenchError`."""
    with _in_one_line(overrides, own):
        return OmegaConf.to_container(_composed(overrides, own))  # type: ignore[return-value]


def as_yaml(
    overrides: Sequence[str],
    own: Sequence[Path] = (),
    *,
    resolve: bool = False,
    package: str | None = None,
) -> str:
    """Return the settings, or those below `package`, as YAML; `resolve` fills in what ${...} refers to.

    Raises `BenchError`.
    """
    with _in_one_line(overrides, own):
        config: Any = _composed(overrides, own)
        if package is not None:
            config = OmegaConf.select(config, package)
            if config is None:
                raise BenchError(f"no settings at '{package}'; see 'bench run --cfg job' for all")
        if not OmegaConf.is_config(config):
            return f"{config}\n"
        return OmegaConf.to_yaml(config, resolve=resolve)


def read(overrides: Sequence[str], own: Sequence[Path] = ()) -> list[Given]:
    """Read overrides in Hydra's grammar. Raises `BenchError` for what is none."""
    parser = OverridesParser.create()
    with _in_one_line(overrides, own):
        found = []
        for one in parser.parse_overrides(_as_meant(overrides)):
            require(
                one.key_or_group.split(".")[0].split("/")[0] != "hydra",
                f"'{one.input_line}' sets something of Hydra's own that is not used here; leave it out",
            )
            texts = tuple(_texts(one, own))
            values = tuple(parser.parse_override(text).value() for text in texts)
            found.append(Given(str(one.key_or_group), texts, values, one.is_sweep_override()))
        return found


def jobs(overrides: Sequence[str], own: Sequence[Path] = ()) -> list[list[str]]:
    """Return the overrides of each job of a sweep: every combination of the values given.

    Raises `BenchError`.
    """
    given = read(overrides, own)
    return [list(job) for job in itertools.product(*(one.texts for one in given))]


def require_no_sweep(overrides: Sequence[str], own: Sequence[Path] = ()) -> None:
    """Raise `BenchError` for a setting that has several values."""
    for one in read(overrides, own):
        require(
            not one.sweep,
            f"{one.key} has several values; give -m for one run each, write one list, as in "
            f"'{one.key}=[...]', or one text with a comma in it as '{one.key}=\"A,B\"'",
        )


def options(group: str, own: Sequence[Path] = ()) -> list[str]:
    """Return the names to choose from in a group of conf/, such as `retriever`."""
    folders = [resource("conf"), *own, *plugins.configs()]
    return sorted({file.stem for folder in folders for file in (folder / group).glob("*.yaml")})


def groups(own: Sequence[Path] = ()) -> list[str]:
    """Return the names of the groups of conf/."""
    folders = [folder for folder in (resource("conf"), *own, *plugins.configs()) if folder.is_dir()]
    return sorted({one.name for folder in folders for one in folder.iterdir() if one.is_dir()})


# A text that Hydra's grammar has no place for, such as a path with accents or parentheses. What begins
# a list, a mapping, a quotation or a reference is not taken for a text: its end is forgotten.
_PLAIN_TEXT = re.compile(r"(?P<key>[+\w.@/:-]+)=(?P<text>[^\s\[({'\"$\\][^$]*)", re.DOTALL)


def _as_meant(overrides: Sequence[str]) -> list[str]:
    """Return the overrides with those values in quotes that are texts beyond Hydra's grammar. As in a
    shell, "~/" at the beginning of one is the home folder."""
    parser = OverridesParser.create()
    meant = []
    for one in overrides:
        found = _PLAIN_TEXT.fullmatch(one)
        if found and not _is_of_the_grammar(parser, one):
            text = os.path.expanduser(found["text"])  # noqa: PTH111 - any text, not only a path
            one = f"{found['key']}={QuotedString(text, Quote.single).with_quotes()}"
        meant.append(one)
    return meant


def _is_of_the_grammar(parser: OverridesParser, override: str) -> bool:
    try:
        parser.parse_override(override)
    except HydraException:
        return False
    return True


def _require_package(config: DictConfig, own: Sequence[Path]) -> None:
    """An own retriever without a package lands at `retriever`, where nothing looks for it."""
    if "retriever" not in config:
        return
    folders = [*own, *plugins.configs()]
    files = [file for folder in folders for file in sorted((folder / "retriever").glob("*.yaml"))]
    bare = [file for file in files if "@package" not in file.read_text(encoding="utf-8")]
    file = bare[0] if bare else Path("retriever", "NAME.yaml")
    raise BenchError(f"{file}: must begin with the line '# @package retrievers.{file.stem}'")


def _texts(one: Override, own: Sequence[Path]) -> Iterator[str]:
    if not one.is_sweep_override():
        yield str(one.input_line)
        return
    require(
        one.is_discrete_sweep(),
        f"'{one.input_line}' names no single values; write them out, or use range(start,stop,step)",
    )
    key, value = one.get_key_element(), one.value()
    values: Iterator[str] = (
        iter(value.filter(options(one.key_or_group, own)))
        if isinstance(value, Glob)
        else one.sweep_string_iterator()
    )
    none = True
    for text in values:
        none = False
        yield f"{key}={text}"
    require(not none, f"'{one.input_line}' has no values")


def _composed(overrides: Sequence[str], own: Sequence[Path]) -> DictConfig:
    require_usable(own)
    folders = [*own, *plugins.configs()]  # the first that has a name wins
    places = [QuotedString(f"file://{one.absolute()}", Quote.single).with_quotes() for one in folders]
    search = [f"hydra.searchpath=[{','.join(places)}]"] if places else []
    with hydra.initialize_config_dir(str(resource("conf")), version_base="1.3"):
        return hydra.compose(_CONFIG, [*_as_meant(overrides), *search])


def _require_known(config: DictConfig) -> None:
    """Raise `BenchError` for a setting that neither bench reads nor another setting, by ${...}."""
    for key in map(str, config):
        require(
            key in SETTINGS
            or re.search(rf"\$\{{{re.escape(key)}\b", OmegaConf.to_yaml(config)) is not None,
            f"unknown setting '{key}', which nothing reads; {did_you_mean(key, SETTINGS)}",
        )


@contextmanager
def _in_one_line(overrides: Sequence[str], own: Sequence[Path]) -> Iterator[None]:
    """Turn whatever Hydra, OmegaConf and YAML find wrong into a `BenchError` of one line."""
    try:
        yield
    except RecursionError as error:
        raise BenchError("a setting is nested too deep; write it with fewer brackets") from error
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, OSError, ValueError) as error:
        known = _known_keys(overrides, own)
        raise BenchError(one_line(error, known, lambda group: options(group, own))) from error


def _known_keys(overrides: Sequence[str], own: Sequence[Path]) -> list[str]:
    """Every setting of the config with the chosen groups, but without the other overrides; none if
    that can not be composed."""
    names = groups(own)
    chosen = [one for one in overrides if one.lstrip("+").split("=")[0] in names]
    try:
        return list(_flat(OmegaConf.to_container(_composed(chosen, own))))
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, OSError, ValueError, BenchError):
        return []


def _flat(settings: Any, where: str = "") -> Iterator[str]:
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            name = f"{where}.{key}" if where else str(key)
            yield name
            yield from _flat(value, name)
