"""Which settings differ between runs, and names of runs and their systems that say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# A name longer than this makes no table better than the folder's own.
_LONGEST = 40
# They change no ranking, or say nothing to a reader.
_TELL_NOTHING = (
    "output",
    "evidence",
    "trec_header",
    "seed",
    "measures",
    "collection.path",
    "collection.name",
)
_FOLLOW_FROM_THE_MODEL = ("sha256", "revision")


class _Absent:
    """Stands for a setting that a run has not."""

    def __repr__(self) -> str:
        return "–"


ABSENT = _Absent()


def differing(configs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Return setting → its value in each of these configs, where they are not all equal.

    A setting that another refers to (`encoder.model` in `retrievers.dense.encoder.model`) stands once.

    >>> differing([{"k": 1, "b": {"x": 1}}, {"k": 1, "b": {"x": 2}}])
    {'b.x': (1, 2)}
    """
    found = dict(_differing(list(configs), ""))
    repeated = {
        longer
        for longer in found
        for shorter in found
        if longer.endswith(f".{shorter}") and found[longer] == found[shorter]
    }
    return {key: values for key, values in found.items() if key not in repeated}


def _differing(values: list[Any], where: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if all(isinstance(value, Mapping) for value in values):
        for key in dict.fromkeys(key for value in values for key in value):
            inner = [value.get(key, ABSENT) for value in values]
            yield from _differing(inner, f"{where}.{key}" if where else str(key))
    elif any(value != values[0] or type(value) is not type(values[0]) for value in values):
        yield where, tuple(values)


def setting_text(value: Any) -> str:
    """Return a setting as a yaml file would have it; a group of them by its class.

    >>> setting_text(None), setting_text([0.5, True]), setting_text({"_target_": "bench.x.BM25"})
    ('null', '[0.5,true]', 'BM25')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return str(value["_target_"]).rpartition(".")[2] if "_target_" in value else "{…}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(setting_text, value))}]"
    return str(value) if value != "" else "''"


def short_keys(keys: Sequence[str]) -> dict[str, str]:
    """Return each key → its last parts, as many as tell it from the others.

    >>> short_keys(["retrievers.bm25.k1", "retrievers.flat.k1", "depth"])
    {'retrievers.bm25.k1': 'bm25.k1', 'retrievers.flat.k1': 'flat.k1', 'depth': 'depth'}
    """
    found = {}
    for key in keys:
        parts = key.split(".")
        tails = [".".join(parts[-n:]) for n in range(1, len(parts) + 1)]
        others = [f".{other}" for other in keys if other != key]
        found[key] = next(
            (tail for tail in tails if not any(other.endswith(f".{tail}") for other in others)), key
        )
    return found


def run_and_system(name: str) -> tuple[Path, str]:
    """Return the path and the system that `FOLDER:SYSTEM` names, "" for the latter where it is a path.

    Both may have colons: the longest path that is there is meant.
    """
    parts = name.split(":")
    for n in range(len(parts), 0, -1):
        path = Path(":".join(parts[:n]))
        if path.exists():
            return path, ":".join(parts[n:])
    return Path(name.rpartition(":")[0] or name), name.rpartition(":")[2] if ":" in name else ""


def run_labels(names: Sequence[str], configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what to call each run: the settings in which they differ, or its folder's name.

    Of runs that differ in no setting, or in too many to name, the folders tell them apart.
    """
    found = {
        key: values
        for key, values in differing(configs).items()
        if not key.startswith(_TELL_NOTHING)
        and not (key.startswith("retrievers.") and ABSENT in values and key.count(".") == 1)
    }
    if telling := [key for key in found if key.rpartition(".")[2] not in _FOLLOW_FROM_THE_MODEL]:
        found = {key: found[key] for key in telling}
    short = short_keys(list(found))
    if len({system for config in configs for system in config.get("retrievers", {})}) > 1:
        # The label stands beside every system of the run, and not all have the setting.
        short = {key: _with_system(key, short[key]) for key in found}
    labels = [
        ", ".join(f"{short[key]}={setting_text(values[run])}" for key, values in found.items())
        for run in range(len(names))
    ]
    if len(set(labels)) == len(labels) and all(0 < len(label) <= _LONGEST for label in labels):
        return labels
    folders = [Path(name).resolve().name for name in names]
    return folders if len(set(folders)) == len(folders) else list(names)


def _with_system(key: str, short: str) -> str:
    """Return the short form of a setting with the system that has it, where it is one's own.

    >>> _with_system("retrievers.flat.b", "b"), _with_system("depth", "depth")
    ('flat.b', 'depth')
    """
    group, _, rest = key.partition(".")
    system = rest.partition(".")[0]
    if group != "retrievers" or short.split(".")[0] in (group, system):
        return short
    return f"{system}.{short}"


def system_titles(
    sources: Sequence[tuple[str, Sequence[str], Mapping[str, Any] | None]],
) -> tuple[list[str], list[str]]:
    """Return a title for each system of each source, and notes that say which run is called what.

    A source is (name, systems, config): a run as `FOLDER` or `FOLDER:SYSTEM`, or a run file, which has
    no config and is called by its name.
    """
    names, systems, configs = zip(*sources, strict=True)
    if len(names) == 1:
        return list(systems[0]), []
    runs = [place for place, config in enumerate(configs) if config is not None]
    folders = [names[place].removesuffix(f":{systems[place][0]}") for place in runs]
    label: dict[int, str] = {}
    if len(set(folders)) > 1 and max(Counter(folders).values()) == 1:
        its_configs = [config for config in configs if config is not None]
        label = dict(zip(runs, run_labels(folders, its_configs), strict=True))
    titles = [
        f"{system} ({label[place]})"
        if place in label
        else (name if len(its) == 1 else f"{name}:{system}")
        for place, (name, its) in enumerate(zip(names, systems, strict=True))
        for system in its
    ]
    notes = [
        f"({label[place]}) is {folder}"
        for place, folder in zip(runs, folders, strict=True)
        if place in label and label[place] not in (folder, Path(folder).name)
    ]
    return titles, notes


def pairs_by_name(origins: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    """Return (row, row in the first run) of each system of a later run whose name the first has too.

    origins  run and system of each row; a run file has no name of a system

    >>> pairs_by_name([("one", "bm25"), ("one", "dense"), ("two", "dense")])
    [(2, 1)]
    """
    first = origins[0][0]
    its = {system: row for row, (run, system) in enumerate(origins) if run == first and system}
    return [(row, its[s]) for row, (run, s) in enumerate(origins) if run != first and s in its]
