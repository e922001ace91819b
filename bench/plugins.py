"""Installed packages that add retrievers and collections, by their entry points.

    [project.entry-points."bench.retrievers"]
    mine = "my_package"

The value names a package with a folder `conf/` in it, which is searched beside the shipped one; a
`_target_` may name what is in that package. None of its code is run before one is chosen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.errors import BenchError, in_one_line, require, visible
from bench.paths import resource

GROUPS = ("bench.retrievers", "bench.collections")


@dataclass(frozen=True)
class Plugin:
    """A package, by its dotted name, and its folder of yaml files."""

    package: str
    conf: Path


@cache
def installed() -> tuple[Plugin, ...]:
    """Return the plug-ins, each once, by package; one that is broken is said on stderr and left out.

    Takes 40 ms the first time: to be asked for where settings are composed or checked, no earlier.
    """
    from importlib.metadata import entry_points

    every = entry_points()
    named = {one.module: one for group in GROUPS for one in every.select(group=group)}
    found = []
    for package, one in sorted(named.items()):
        by = one.dist.name if one.dist else "an installed package"
        try:
            found.append(Plugin(package, _conf_of(package)))
            if hidden := [str(file) for file in hidden_by_shipped(found[-1].conf)]:
                print(
                    visible(
                        f"plug-in '{one.name}' of {by}: {', '.join(hidden)} in its conf/ are left out: "
                        "bench ships files of these names; rename them there"
                    ),
                    file=sys.stderr,
                )
        except Exception as error:  # code of others may be run, and fail with anything
            why = in_one_line(str(error)) or type(error).__name__
            print(
                visible(f"plug-in '{one.name}' of {by} is left out: {why}; mend or uninstall it"),
                file=sys.stderr,
            )
    return tuple(found)


def configs() -> Iterator[Path]:
    """Yield the folders of yaml files of all plug-ins."""
    yield from (one.conf for one in installed())


def hidden_by_shipped(conf: Path) -> list[Path]:
    """Return the files of a folder of settings that are never read, relative to it: of two that have
    one name, Hydra reads the shipped one."""
    shipped = resource("conf")
    names = [file.relative_to(shipped) for file in sorted(shipped.rglob("*.yaml"))]
    there = [name for name in names if (conf / name).is_file()]
    return [name for name in there if not (conf / name).samefile(shipped / name)]


def is_of_plugin(target: str) -> bool:
    """Return whether a `_target_` lies in a plug-in's top-level package."""
    top = target.split(".")[0]
    return any(one.package.split(".")[0] == top for one in installed())


def _conf_of(package: str) -> Path:
    from importlib.util import find_spec

    try:
        spec = find_spec(package)  # runs the packages above it, if there are some
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise BenchError(f"there is no package '{package}'")
    places = [Path(place, "conf") for place in spec.submodule_search_locations or ()]
    conf = next((place for place in places if place.is_dir()), None)
    require(conf is not None, f"the package '{package}' has no folder conf")
    assert conf is not None
    return conf
