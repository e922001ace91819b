"""What an interrupted run had finished, so that the next one with the same content goes on there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.evaluation.measures import Measure
from bench.evaluation.results import SystemResult
from bench.storage import cache
from bench.storage.identity import Fingerprint, fingerprint
from bench.storage.leftovers import UNFINISHED, sweep_unfinished
from bench.storage.sources import sources_of
from bench.types import Measures, Queries, Retriever, Run, TestCollection

# It and all that it imports make values of answers.
_EVALUATION = "bench.evaluation.systems"


class KeptAnswers:
    """Answers to batches of queries, each a file in this folder: whole, or not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> tuple[Run, float] | None:
        """Return what was kept under this key, with the seconds that it took."""
        stored = cache.load_arrays(self._file(key), ("docs", "scores", "seconds"))
        if stored is None:
            return None
        return Run(stored["docs"], stored["scores"]), float(stored["seconds"])

    def save(self, key: str, run: Run, seconds: float) -> None:
        """Keep it. Where it can not be kept, nothing but time is lost: `Unfinished.save` says so."""
        arrays: cache.Arrays = {"docs": run.docs, "scores": run.scores, "seconds": np.array(seconds)}
        with contextlib.suppress(OSError, BenchError):
            cache.save_arrays(self._file(key), arrays)

    def _file(self, key: str) -> Path:
        return self._folder / f"batch-{key[:32]}.npz"


class Unfinished:
    """Finished systems of one run, in `output`/.unfinished/<key of settings, data and evaluation>.

    Each is a file, <name>-<key of its fingerprint>.npz, so that one which changed since runs again.
    A file appears whole or not at all, and its checksum is tried on reading: a damaged one is said, and
    its system evaluated again. Two processes of one run may write the same file: either is right.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._folder = output / UNFINISHED
        self.finished: list[str] = []

    @property
    def answers(self) -> KeptAnswers:
        """The batches of queries that were answered, of finished systems and others."""
        return KeptAnswers(self._folder)

    def open(
        self, settings: Mapping[str, Any], retrievers: Mapping[str, Retriever], test: TestCollection
    ) -> None:
        """Find what a run with this very content has finished."""
        evaluation = sources_of(_EVALUATION)
        # Where results go, how files look and what is made of the values changes no value.
        content = {
            "settings": {key: settings.get(key) for key in ("retrievers", "measures", "depth")},
            "corpus": test.collection.fingerprint,
            "labels": test.qrels.fingerprint,
            "queries": [test.queries.ids, test.queries.texts, test.queries.sets, test.queries.splits],
            "evaluation": [evaluation.code, evaluation.libraries],
        }
        key = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
        self._folder = self._output / UNFINISHED / key[:32]
        sweep_unfinished(self._folder.parent)
        self.finished = []
        for name, one in retrievers.items():
            with contextlib.suppress(Exception):  # raised again, with its name, where it is evaluated
                identity = fingerprint(one)
                if identity.is_known and self._file(name, identity).exists():
                    self.finished.append(name)

    def load(
        self, name: str, identity: Fingerprint, queries: Queries, measures: tuple[Measure, ...]
    ) -> SystemResult | None:
        """Return what this system gave, None if it has to run."""
        if not identity.is_known:
            return None
        stored = cache.load_arrays(self._file(name, identity), ("docs", "scores", "values", "told"))
        if stored is None:
            return None
        told = json.loads(str(stored["told"]))
        return SystemResult(
            Run(stored["docs"], stored["scores"]),
            Measures(tuple(map(str, measures)), queries.ids, stored["values"]),
            told["facts"],
            told["nbytes"],
            told["recall_vs_exact"],
            identity,
            {measure: tuple(means) for measure, means in told["ties"].items()},
            told["seconds"],
            tuple(told["ties_unknown"]),
            told["residuals"],
        )

    def save(self, name: str, result: SystemResult) -> None:
        """Keep what a system gave. Where it can not be kept, the run goes on without, and says so.

        That may be a full disk, or another process of the same run: it was the first to be saved whole,
        and has just removed the folder.
        """
        told = {
            "facts": dict(result.facts),
            "nbytes": result.nbytes,
            "recall_vs_exact": result.recall_vs_exact,
            "ties": dict(result.ties),
            "seconds": dict(result.seconds),
            "ties_unknown": list(result.ties_unknown),
            "residuals": dict(result.residuals),
        }
        arrays: cache.Arrays = {
            "docs": result.run.docs,
            "scores": result.run.scores,
            "values": result.measures.values,
            "told": np.array(json.dumps(told)),
        }
        try:
            cache.save_arrays(self._file(name, result.fingerprint), arrays)
        except (OSError, BenchError) as error:
            print(f"{name} is finished but not kept for a next try: {error}", file=sys.stderr)

    def discard(self) -> None:
        """Forget everything: the run is saved whole."""
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            self._folder.parent.rmdir()
        except OSError:  # another run is unfinished, or there was nothing
            return

    def _file(self, name: str, identity: Fingerprint) -> Path:
        return self._folder / f"{name}-{identity.key[:32]}.npz"
