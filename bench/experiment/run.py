"""A run from its resolved settings: checked, built, evaluated, recorded, saved. Knows no Hydra."""

from __future__ import annotations

import copy
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from bench.collections.beir import BeirFolder, require_folder
from bench.collections.beir_files import whole_grade
from bench.collections.trec import id_problem
from bench.errors import BenchError, did_you_mean, in_one_line, require, visible
from bench.evaluation.measures import Measure
from bench.evaluation.results import Results
from bench.experiment.build import build, fits, require_allowed, said
from bench.experiment.evaluate import evaluated, plan_of
from bench.outside import calling
from bench.runs import folder as run_folder
from bench.runs.comparable import shallow
from bench.runs.record import Record
from bench.runs.resume import Unfinished
from bench.storage.files import is_file_name
from bench.types import ALL_SETS, NO_DOC, TestCollection

# Of 255 that a file's name may have: ".trec" and the key of what is unfinished come after it.
_LONGEST_NAME = 200
_AS_A_SETTING = " as collection.path=DIR; verify and gate take it after --set"
_KINDS: dict[str, Any] = {
    "output": str,
    "depth": int,
    "seed": int,
    "measures": list[str],
    "trec_header": bool,
}


class SavedRun(NamedTuple):
    """A run that is on the disk, and the errors of the systems that are not in it."""

    record: Record
    folder: Path
    failed: Mapping[str, Exception]

    def raise_failed(self) -> None:
        """Raise the error of a system that failed, of our own ones first; say the others on stderr."""
        errors = sorted(self.failed.values(), key=lambda error: isinstance(error, BenchError))
        for error in errors[1:]:
            print(f"bench: {visible(in_one_line(str(error)))}", file=sys.stderr)
        if errors:
            failed = visible(", ".join(self.failed))
            print(f"{failed} failed; the other systems stand in {self.folder}", file=sys.stderr)
            raise errors[0]


def run_and_save(settings: Mapping[str, Any], allowed: Sequence[str] = ()) -> SavedRun:
    """Run these settings and save record and run files of all systems that did not fail.

    A run with the same settings, data and code that was killed is gone on with: its finished systems are
    kept beside the runs until one is saved whole. Raises `BenchError`.
    """
    check(settings, allowed)
    output = Path(settings["output"])
    run_folder.check_writable(output)
    unfinished = Unfinished(output)
    saved, results, test = _run(settings, unfinished)
    lists = {name: result.run.docs != NO_DOC for name, result in results.systems.items()}
    for note in shallow(saved, saved.systems, lambda name: int(lists[name].sum(axis=1).max())):
        print(note, file=sys.stderr)
    folder = run_folder.save(saved, results, test, output)
    if not results.failed:  # or they would have to do all of it again
        unfinished.discard()
    return SavedRun(saved, folder, results.failed)


def run(
    settings: Mapping[str, Any], allowed: Sequence[str] = ()
) -> tuple[Record, Results, TestCollection]:
    """Run these settings and write nothing. Raises `BenchError`, and what a system fails with."""
    check(settings, allowed)
    done = _run(settings, None)
    for error in done[1].failed.values():
        raise error
    return done


def settings_of(saved: Record, changes: Sequence[str] = ()) -> dict[str, Any]:
    """Return a saved run's settings, with changes as `key.key=value`, to be run again.

    Raises `BenchError` for a change of what is no setting. A record holds no absolute path: where the
    original named one, the change must name it again.
    """
    settings: dict[str, Any] = dict(saved.content["config"])
    for change in changes:
        key, equals, value = change.partition("=")
        require(equals == "=", f"cannot read the change '{change}'; write it as collection.path=DIR")
        settings = changed(settings, key, _read_value(value))
    return settings


def changed(settings: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return a copy of settings with the one at `key.key` replaced.

    Raises `BenchError`, with the nearest names, where there is no such setting.
    """
    copied: dict[str, Any] = copy.deepcopy(dict(settings))
    *parents, last = key.split(".")
    inner: Any = copied
    for parent in parents:
        inner = inner.get(parent) if isinstance(inner, dict) else None
    known = inner if isinstance(inner, dict) else copied
    require(
        isinstance(inner, dict) and last in inner,
        f"unknown setting '{key}'; {did_you_mean(last, known)}",
    )
    inner[last] = value
    return copied


def _read_value(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BenchError(f"cannot read the value '{text}': it is no YAML") from error


def check(settings: Mapping[str, Any], allowed: Sequence[str] = ()) -> None:
    """Raise `BenchError` for a setting that is missing, of another type or out of its range.

    What collection and retrievers need is checked where they are built.
    """
    require_allowed(settings, allowed)
    check_values(settings)
    named = {f"retrievers.{name}": one for name, one in settings["retrievers"].items()}
    for where, one in ({"collection": settings["collection"]} | named).items():
        require(
            isinstance(one, Mapping) and "_target_" in one,
            f"{where} has no _target_ that says what it is; give it one, as the files in conf do",
        )


def check_buildable(settings: Mapping[str, Any], allowed: Sequence[str] = ()) -> None:
    """As `check`, and make what the settings name, which reads no data. Raises `BenchError`."""
    check(settings, allowed)
    _source(settings)
    _retrievers(settings)


def check_values(settings: Mapping[str, Any]) -> None:
    """Raise `BenchError` for what is wrong in settings whose objects are there already."""
    for key, kind in _KINDS.items():
        value = settings.get(key)
        require(fits(value, kind), f"{key} must be {said(kind)}, got {value!r}")
    require(settings["seed"] >= 0, f"seed must not be negative, got {settings['seed']}")
    require(settings["depth"] >= 1, f"depth must be at least 1, got {settings['depth']}")
    for key in ("collection", "retrievers"):
        require(
            isinstance(settings.get(key), Mapping),
            f"{key} must be chosen, such as collection=digest or 'retriever=[bm25]'",
        )
    for name in settings["retrievers"]:
        require(
            isinstance(name, str) and is_file_name(name),
            f"system '{name}' can not name a run file; leave out white space, slashes and a leading dot",
        )
        require(
            len(os.fsencode(name)) <= _LONGEST_NAME,
            f"system '{name[:20]}…' has too long a name for a run file; shorten it to "
            f"{_LONGEST_NAME} bytes",
        )
    measures = [Measure.parse(name) for name in settings["measures"]]
    require(bool(measures), "no measure chosen; name some, such as 'measures=[nDCG@10]'")
    require(
        not str(measures[0]).startswith("Judged"),
        f"{measures[0]} says what share of the answers was judged, which is no quality to compare "
        "systems by; name another measure before it, such as 'measures=[nDCG@10,Judged@10]'",
    )
    require(len(set(measures)) == len(measures), "a measure stands twice in measures; name each once")
    plan_of(settings)


def collection_of(saved: Record, source: object, allowed: Sequence[str], named: str) -> TestCollection:
    """Return the test collection that a saved run was measured on.

    source  the settings of the collection: the run's own, but where it is now
    named   how the command at hand names a folder

    Raises `BenchError` where it is not at hand, or has changed.
    """
    require(isinstance(source, Mapping), "the record does not say what the run was measured on")
    settings = {"collection": source}
    require_allowed(settings, allowed)
    test = load_collection(settings, f" as {named}")
    place = {query: n for n, query in enumerate(test.queries.ids)}
    asked = test.queries.select([place[query] for query in saved.query_ids if query in place])
    for key, what, now in (
        ("collection", "corpus", test.collection.fingerprint),
        ("labels", "labels", test.qrels.fingerprint),
        ("queries", "queries", asked.fingerprint),
    ):
        require(
            saved.content[key]["fingerprint"] == now,
            f"the {what} changed since the run; name a folder with the earlier {what} as {named}",
        )
    return test


def load_collection(
    settings: Mapping[str, Any],
    as_what: str = _AS_A_SETTING,
) -> TestCollection:
    """Return the test collection that `collection` names; `as_what` says how the command names a folder.

    Raises `BenchError` when it names none.
    """
    source = _source(settings, as_what)
    with calling(source, "collection", "load"):
        loaded = source.load() if hasattr(source, "load") else None
    if not isinstance(loaded, TestCollection):
        raise BenchError(
            "collection names no test collection; choose one, such as collection=digest, or give "
            "collection._target_ something whose load() returns a bench.types.TestCollection"
        )
    return checked(loaded)


def _source(settings: Mapping[str, Any], as_what: str = _AS_A_SETTING) -> Any:
    source = build(settings["collection"], "collection")
    if isinstance(source, BeirFolder):
        require_folder(Path(source.path), as_what)
    return source


def _retrievers(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: build(one, f"retrievers.{name}") for name, one in settings["retrievers"].items()}


def checked(loaded: TestCollection) -> TestCollection:
    """Return it with grades of one kind, whether read from files or not (see `whole_grade`).

    Raises `BenchError` for an id that stands twice or that no run file can hold, a grade that files can
    not have, a lowest relevant grade below 1, and one of several sets that has the name of all.
    """
    relevant = loaded.qrels.relevant
    require(
        type(relevant) is int and relevant >= 1,
        f"collection: relevant must be a whole number of at least 1, got {relevant!r}",
    )
    require(
        ALL_SETS not in loaded.queries.sets or len(set(loaded.queries.sets)) == 1,
        f"collection: the set '{ALL_SETS}' is the name of all sets; choose another",
    )
    for kind, ids in (
        ("document", loaded.collection.ids(range(len(loaded.collection)))),
        ("query", loaded.queries.ids),
    ):
        for name in ids:
            if problem := id_problem(name):
                raise BenchError(f"collection: the {kind} id {name!r} {problem}; give it another")
        if len(set(ids)) < len(ids):
            twice = next(name for name, count in Counter(ids).items() if count > 1)
            raise BenchError(f"collection: the {kind} id {twice!r} stands twice; ids must be unique")
    grades = {
        query: {doc: whole_grade(grade, f"collection: {query}, {doc}") for doc, grade in judged.items()}
        for query, judged in loaded.qrels.grades.items()
    }
    return replace(loaded, qrels=replace(loaded.qrels, grades=grades))


def _run(
    settings: Mapping[str, Any], unfinished: Unfinished | None
) -> tuple[Record, Results, TestCollection]:
    started = time.perf_counter()
    retrievers = _retrievers(settings)
    test = load_collection(settings)
    if unfinished is not None:
        unfinished.open(settings, retrievers, test)
        if unfinished.finished:
            done = ", ".join(unfinished.finished)
            print(f"going on with a run that was interrupted after {done}", file=sys.stderr)
    loading = time.perf_counter() - started
    saved, results = evaluated(settings, retrievers, test, loading, unfinished)
    return saved, results, test
