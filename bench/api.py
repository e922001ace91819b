"""The Python API: what `bench run` does, from objects instead of settings."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.collections.beir import DIGESTS, BeirFolder, digest
from bench.errors import BenchError, require
from bench.evaluation import grammar
from bench.evaluation.results import Results
from bench.experiment.build import settings_of_part
from bench.experiment.evaluate import evaluated
from bench.experiment.run import check_values, checked, load_collection
from bench.report.html import html
from bench.report.tables import run_tables
from bench.runs import folder as run_folder
from bench.runs.record import Record
from bench.types import Retriever, TestCollection

# As conf/config.yaml has them; a test holds them together.
MEASURES = (
    *("nDCG@10", "Recall@5", "Recall@10", "Recall@20", "Recall@100"),
    *("MRR@10", "MAP", "P@5", "Judged@10"),
)
_RUNS = "results/runs"


class Evaluation(Record):
    """The record of an evaluation just made. In a notebook it shows itself as the tables of a run."""

    def __init__(self, record: Record, results: Results, test: TestCollection) -> None:
        super().__init__(record.content, record.all_values)
        self._results = results
        self._test = test

    def save(self, output: str | os.PathLike[str] = _RUNS) -> Path:
        """Write record and run files into a new folder in `output`, as `bench run` does; return it.

        Raises `BenchError` where that can not be written to, and where the collection has changed since:
        the run files would name other documents than were measured.
        """
        require(
            self._test.collection.fingerprint == self.content["collection"]["fingerprint"],
            f"the collection '{self._test.collection.name}' has changed since it was evaluated; "
            "evaluate it again",
        )
        run_folder.check_writable(Path(output))
        return run_folder.save(self, self._results, self._test, Path(output))

    def _repr_html_(self) -> str:
        return html(run_tables(self))


def evaluate(
    collection: TestCollection | str | os.PathLike[str],
    retrievers: Mapping[str, Retriever],
    *,
    measures: Sequence[object] = MEASURES,
    depth: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Evaluate retrievers on a test collection, with intervals and tests; nothing is written.

    collection  "digest" is the shipped one, "digest-v1" its first version; else the path of a BEIR
                folder, or a TestCollection
    retrievers  name → retriever, such as {"bm25": BM25()}
    measures    names, or measures of ir_measures; the first is the primary one. What is relevant is
                said by the collection, unless a measure says it: AP(rel=1)
    depth       documents kept a query
    seed        of the sign flips

    Raises `BenchError` for bad input, and the error of the first retriever that fails.
    """
    started = time.perf_counter()
    source = _source_of(collection)
    require(
        isinstance(retrievers, Mapping),
        f"retrievers must be a mapping name → retriever, got {type(retrievers).__name__}; write it as "
        '{"bm25": BM25()}',
    )
    for name, one in retrievers.items():
        require(
            isinstance(one, Retriever) and not isinstance(one, type),
            f"retriever '{name}' must be an object with index(collection, store), such as BM25(), got "
            f"{one!r}",
        )
    settings = {
        "collection": source,
        "retrievers": {name: settings_of_part(one) for name, one in retrievers.items()},
        "measures": [measures] if isinstance(measures, str) else list(map(_written, measures)),
        "depth": depth,
        "seed": seed,
        "output": _RUNS,
        "trec_header": False,
    }
    check_values(settings)
    if isinstance(collection, TestCollection):
        test = checked(collection)
    else:
        test = load_collection(settings, " to bench.evaluate")
    loading = time.perf_counter() - started
    record, results = evaluated(settings, retrievers, test, loading)
    for error in results.failed.values():
        raise error
    return Evaluation(record, results, test)


def _source_of(collection: Any) -> dict[str, Any]:
    """What a config would say of the collection; of one in memory its name, which nothing can load."""
    if isinstance(collection, TestCollection):
        return {"name": collection.collection.name}
    if isinstance(collection, str) and collection in DIGESTS:
        return {"_target_": f"{digest.__module__}.{digest.__name__}", "version": DIGESTS[collection]}
    if isinstance(collection, (str, os.PathLike)):
        settings: dict[str, Any] = settings_of_part(BeirFolder(os.fspath(collection)))
        return settings
    raise BenchError(
        f"collection is a {type(collection).__name__}; give 'digest', the path of a BEIR folder, or a "
        "bench.types.TestCollection"
    )


def _written(measure: Any) -> str:
    """Return the text of a measure, of ir_measures or of anything whose `str` it is.

    With every parameter that was given: `str` of ir_measures leaves out what has its default, and
    `rel=1` would become the lowest relevant grade of the labels.
    """
    package = sys.modules.get("ir_measures")  # who has an object of it has imported it
    if package is None or not isinstance(measure, package.measures.Measure):
        return str(measure)
    given = {
        key: tuple(sorted(value.items())) if isinstance(value, dict) else value
        for key, value in measure.params.items()
        if value is not None
    }
    cutoff = given.pop("cutoff", None)
    return grammar.written(measure.NAME, tuple(given.items()), cutoff)
