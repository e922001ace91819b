"""A parameter search that sees only `dev`, and looks at `test` once if it chose something else than the
default."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, require, visible
from bench.evaluation.measures import Measure, answerable
from bench.evaluation.systems import run_systems
from bench.evidence.comparison import Comparison, compare
from bench.evidence.crossval import (
    DEFAULT,
    Tuned,
    cross_validate,
    first_best,
    folds_of,
    grid,
    in_one_word,
)
from bench.evidence.family import Margins
from bench.evidence.sway import challengers
from bench.experiment import looks
from bench.experiment.build import build, fits, require_allowed, said
from bench.experiment.evaluate import plan_of
from bench.experiment.measured import Measured, verdict_notes
from bench.experiment.run import changed, check, load_collection
from bench.runs.folder import check_writable
from bench.runs.notes import data_notes
from bench.types import Retriever, TestCollection

DEV, TEST = "dev", "test"
SEARCHED = "chosen by search"


def space_of(asked: Any, swept: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return the space of a search, key below the retriever → values to try.

    asked    settings with a `space`
    swept    what the command line gave, which takes the place of the same keys

    Raises `BenchError` for a space that is none, or empty.
    """
    space = asked.get("space") if isinstance(asked, Mapping) else None
    if not isinstance(space, Mapping):
        raise BenchError("tune.space must be settings with lists of values, such as {k1: [0.9,1.2]}")
    unknown = sorted(map(str, set(asked) - {"space", "folds"}))
    require(not unknown, f"unknown setting 'tune.{''.join(unknown[:1])}'; known: folds, space")
    merged = {str(key): values for key, values in {**space, **swept}.items()}
    require(bool(merged), "nothing to search; give a space, such as tune.space.k1=[0.9,1.2]")
    for key, values in merged.items():
        require(
            isinstance(values, list) and bool(values),
            f"tune.space.{key} must be a list of values, such as [0.9,1.2], got {values!r}",
        )
    return merged


def tune(
    settings: Mapping[str, Any],
    retriever: str,
    space: Mapping[str, Sequence[Any]],
    folds: Any,
    allowed: Sequence[str] = (),
) -> Tuned:
    """Search a space of one retriever's settings by the primary measure of these settings.

    If what it chose is not the default, both are measured on test, and this look goes into the ledger
    in `output`. Raises `BenchError` when the settings name another split than dev, for a key that is no
    setting, for fewer queries than folds, and when `output` can not be written to.
    """
    check(settings, allowed)
    split = settings["collection"].get("split", TEST)
    require(
        split == DEV,
        f"tuning sees the dev queries only, but collection.split is '{split}'; leave it out",
    )
    require(fits(folds, int), f"tune.folds must be {said(int)}, got {folds!r}")
    found = _settings_found(settings["retrievers"].get(retriever), retriever, space)
    require_allowed({"retrievers": found}, allowed)
    output = Path(settings["output"])
    check_writable(output)
    looks.check(output)
    search = _Search(
        {name: build(one, f"retrievers.{retriever}") for name, one in found.items()},
        Measure.parse(plan_of(settings).measures[0]),
        settings["depth"],
        settings["seed"],
        plan_of(settings).margins,
    )
    dev, test = _load(settings)
    n = int(answerable(dev.queries, dev.qrels).sum())
    possible = min(max(folds, 2), n)
    require(
        folds == possible, f"{folds} folds are not possible with {n} queries; set tune.folds={possible}"
    )
    tuned = _on_dev(search, retriever, dev, folds)
    return tuned if tuned.chosen == DEFAULT else _look_at_test(search, tuned, test, output)


@dataclass(frozen=True, eq=False)
class _Search:
    """The settings to try, by name, and how they are measured."""

    retrievers: Mapping[str, Retriever]
    measure: Measure
    depth: int
    seed: int
    margins: Margins

    def measured(self, names: Sequence[str], test: TestCollection) -> Measured:
        """Measure these on the queries that have an answer."""
        chosen = {name: self.retrievers[name] for name in names}
        results = run_systems(test, chosen, [self.measure], self.depth)
        for name, error in results.failed.items():
            # Without it the search would choose among the others alone.
            if isinstance(error, BenchError):
                raise BenchError(f"{name} failed, and nothing was chosen: {error}") from error
            print(f"{visible(name)} failed, and nothing was chosen", file=sys.stderr)
            raise error
        return Measured(test, results, self.measure, self.depth)

    def against_default(
        self,
        name: str,
        values: NDArray[np.float64],
        default: NDArray[np.float64],
        sets: Sequence[str],
    ) -> Comparison:
        """Compare (n_queries,) values with the default's on the same queries, of these sets."""
        rows = np.stack([default, values])[:, None]
        names, measures = [DEFAULT, name], [str(self.measure)]
        family = compare(rows, names, measures, [(1, 0)], sets, margins=self.margins, seed=self.seed)
        return family.comparisons[0]


def _on_dev(search: _Search, retriever: str, dev: TestCollection, folds: int) -> Tuned:
    names = list(search.retrievers)
    found = search.measured(names, dev)
    queries, values, means, by = found.queries, found.values, found.means, str(search.measure)
    fold = folds_of(queries.ids, queries.sets, folds)
    held_out, choices = cross_validate(values, fold)
    chosen = names[first_best(list(means.values()))]
    on_dev = search.against_default(SEARCHED, held_out, values[0], queries.sets)
    # One line of the others is enough: that of whichever could be highest.
    rivals = challengers(means, found.sways, chosen)[:1]
    close = {(name, by) for name in [chosen, *rivals]} if rivals else set()
    basis = found.basis(list(dict.fromkeys([DEFAULT, chosen, *rivals])))
    # A query of the folds' choice is measured by the setting that its fold chose.
    ranges = {place: found.over_orders(names[place]) for place in set(choices)}
    rows = [ranges[choices[number]][:, query] for query, number in enumerate(fold)]
    by_folds = np.stack(rows).mean(axis=0).tolist()
    both = replace(basis, systems={SEARCHED: {"ties": {by: by_folds}}, DEFAULT: basis.systems[DEFAULT]})
    return Tuned(
        retriever,
        by,
        len(queries),
        means,
        chosen,
        float(held_out.mean()),
        on_dev,
        tuple(names[place] for place in choices),
        choice_notes=tuple(data_notes(basis, close, "the choice")),
        verdict_notes=verdict_notes(on_dev, both, {SEARCHED: held_out, DEFAULT: values[0]}, "dev"),
    )


def _look_at_test(search: _Search, tuned: Tuned, test: TestCollection, output: Path) -> Tuned:
    """Measure default and chosen setting on test, write the look down, and return what it showed."""
    found = search.measured([DEFAULT, tuned.chosen], test)
    queries, (default, chosen) = found.queries, found.values
    means = float(default.mean()), float(chosen.mean())
    look = {
        "retriever": tuned.retriever,
        "setting": tuned.chosen,
        "measure": tuned.measure,
        "collection": test.collection.name,
        "test_means": {DEFAULT: means[0], tuned.chosen: means[1]},
    }
    number = looks.add(output, looks.Seen.of(test, queries), look)
    on_test = search.against_default(tuned.chosen, chosen, default, queries.sets)
    values = {DEFAULT: default, tuned.chosen: chosen}
    notes = verdict_notes(on_test, found.basis(list(values)), values, "test")
    return replace(
        tuned,
        test_means=means,
        on_test=on_test,
        look=number,
        verdict_notes=(*tuned.verdict_notes, *notes),
    )


def _settings_found(
    base: Any, retriever: str, space: Mapping[str, Sequence[Any]]
) -> dict[str, Mapping[str, Any]]:
    """Return the settings to try, by name: the default first."""
    if not isinstance(base, Mapping):
        raise BenchError(f"retrievers.{retriever} must be settings of a retriever, got {base!r}")
    found = {DEFAULT: base}
    for setting in grid(space):
        made = base
        for key, value in setting.items():
            made = changed(made, key, value)
        if made != base:
            found[in_one_word(setting)] = made
    return found


def _load(settings: Mapping[str, Any]) -> tuple[TestCollection, TestCollection]:
    """Return dev and test, test too before the search, so that a missing one does not end it."""
    loaded = []
    for split in (DEV, TEST):
        collection = {**settings["collection"], "split": split}
        try:
            one = load_collection({"collection": collection})
        except BenchError as error:
            raise BenchError(f"{error} (tuning reads the splits dev and test)") from error
        n = int(answerable(one.queries, one.qrels).sum())
        require(n >= 2, f"the split {split} has {n} queries with a relevant document; tuning needs 2")
        loaded.append(one)
    dev, test = loaded
    both = sorted(set(dev.queries.ids) & set(test.queries.ids))
    require(
        not both,
        f"query '{''.join(both[:1])}' is in dev and in test ({len(both):,} such): test would see what "
        "was chosen on it; keep each in one",
    )
    if test.collection.fingerprint == dev.collection.fingerprint:
        test = replace(test, collection=dev.collection)  # one corpus in memory, and one index
    return dev, test
