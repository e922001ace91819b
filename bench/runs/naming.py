"""Which settings differ between runs, and names of runs and their systems that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# A name longer than this makes no table better than the folder's own.
_LONGEST = 40
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


def labels(folders: Sequence[str], settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what to call one system of each run: its settings that differ, or the folder's name.

    Of systems that differ in no setting, or in too many to name, the folders tell them apart.

    >>> labels(["runs/a", "runs/b"], [{"b": 0.1, "k1": 2}, {"b": 0.6, "k1": 2}])
    ['b=0.1', 'b=0.6']
    """
    found = differing(settings)
    if telling := [key for key in found if key.rpartition(".")[2] not in _FOLLOW_FROM_THE_MODEL]:
        found = {key: found[key] for key in telling}
    short = short_keys(list(found))
    named = [
        ", ".join(f"{short[key]}={setting_text(values[run])}" for key, values in found.items())
        for run in range(len(folders))
    ]
    if len(set(named)) == len(named) and all(0 < len(label) <= _LONGEST for label in named):
        return named
    names = [Path(folder).resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else list(folders)


def system_titles(
    sources: Sequence[tuple[str, Sequence[str], Mapping[str, Any] | None]],
) -> tuple[list[str], list[str]]:
    """Return a title for each system of each source, and notes that say which run they are of.

    A source is (name, systems, config): a run as `FOLDER` or `FOLDER:SYSTEM`, or a run file, which has
    no config and is called by its name.
    """
    if len(sources) == 1:
        return list(sources[0][1]), []
    folders = {
        place: name.removesuffix(f":{its[0]}")
        for place, (name, its, config) in enumerate(sources)
        if config is not None
    }
    if len(folders) < 2 or len(set(folders.values())) < len(folders):
        folders = {}
    label = _labels_of(sources, folders)
    titles, notes = [], []
    for place, (name, its, _) in enumerate(sources):
        if place not in folders:
            titles += [name] if len(its) == 1 else [f"{name}:{system}" for system in its]
            continue
        folder = folders[place]
        called = {one: f"{one} ({text})" if (text := label[place, one]) else one for one in its}
        titles += called.values()
        told = (folder, Path(folder).name)
        if others := [title for one, title in called.items() if label[place, one] not in told]:
            notes.append(f"{', '.join(others)} {'is' if len(others) == 1 else 'are'} of {folder}")
    return titles, notes


def _labels_of(
    sources: Sequence[tuple[str, Sequence[str], Mapping[str, Any] | None]], folders: Mapping[int, str]
) -> dict[tuple[int, str], str]:
    """Return (run, system) → what tells it from the systems of its name, "" where it is the only one.

    folders  of the runs among the sources
    """
    names = [name for place, (name, _, _) in enumerate(sources) if place not in folders]
    found: dict[tuple[int, str], str] = {}
    for system in dict.fromkeys(system for place in folders for system in sources[place][1]):
        runs = [place for place in folders if system in sources[place][1]]
        if len(runs) == 1 and system not in names:
            found[runs[0], system] = ""
            continue
        settings = [(sources[run][2] or {}).get("retrievers", {}).get(system, {}) for run in runs]
        its = labels([folders[run] for run in runs], settings)
        found |= {(run, system): label for run, label in zip(runs, its, strict=True)}
    return found


def pairs_by_name(origins: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    """Return (row, row in the first run) of each system of a later run whose name the first has too.

    origins  run and system of each row; a run file has no name of a system

    >>> pairs_by_name([("one", "bm25"), ("one", "dense"), ("two", "dense")])
    [(2, 1)]
    """
    first = origins[0][0]
    its = {system: row for row, (run, system) in enumerate(origins) if run == first and system}
    return [(row, its[s]) for row, (run, s) in enumerate(origins) if run != first and s in its]
