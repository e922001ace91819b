"""What a run leaves behind in record.json. Everything shown is made from it."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import bench
from bench.errors import BenchError, require
from bench.evaluation.judged import JUDGED_DEPTH, mean_judged_share
from bench.evaluation.measures import RECALL_DEPTH
from bench.evaluation.results import Results
from bench.evaluation.ties import tied_at_cut
from bench.evidence.comparison import Comparison, Verdict
from bench.runs import provenance
from bench.runs.ir_metadata import annotation
from bench.runs.schema import check_record
from bench.runs.values import INLINE, Values, inline_values, load_values, values_entry
from bench.storage.files import require_regular, write_text
from bench.storage.strict_json import parse_json
from bench.types import Queries, Run, TestCollection

SCHEMA = 3
RECORD = "record.json"
# Settings that hold a path, or several: `path`, `output`, `model`, `stopword_file`, `shard_paths`, …
_NAMES_A_PATH = re.compile(
    r"(^|[_.])(path|file|folder|dir|directory|location|root|output|model|weight|checkpoint)s?$"
)


class Record:
    """A saved run, read only: the parsed record.json with the views that reports need.

    content  what record.json says; of schema 2 with the values of each system in it
    values   float64 (n_systems, n_measures, n_queries), not to be written into; None where they are in
             the content
    """

    def __init__(self, content: Mapping[str, Any], values: Values | None = None) -> None:
        self.content = content
        self._values = (inline_values(content) if values is None else values).view()
        self._values.flags.writeable = False

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read a run folder or its record.json. Raises `BenchError` when it is none or damaged."""
        file = path / RECORD if path.is_dir() else path
        try:
            require_regular(file)
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise BenchError(f"cannot read {file}: {error.strerror}; name a run's folder") from error
        except UnicodeDecodeError as error:
            raise BenchError(f"{file} is no record of a run: it is not UTF-8 text") from error
        content = parse_json(text, f"{file} is no record of a run", "name another, or run again")
        schema = content.get("schema") if isinstance(content, dict) else None
        require(
            schema in (SCHEMA, INLINE),
            f"{file} is no record of schema {SCHEMA} or {INLINE}; it was written by another version of "
            "bench",
        )
        check_record(content, file)
        return cls(content, None if schema == INLINE else load_values(content, file))

    @property
    def systems(self) -> list[str]:
        return list(self.content["systems"])

    @property
    def measures(self) -> list[str]:
        return list(self.content["measures"])

    @property
    def primary(self) -> str:
        """The measure that was declared first."""
        return str(self.evidence["family"]["measures"][0])

    @property
    def query_ids(self) -> list[str]:
        return list(self.content["queries"]["ids"])

    @property
    def sets(self) -> list[str]:
        """The query set of each query."""
        return list(self.content["queries"]["sets"])

    @property
    def evidence(self) -> Mapping[str, Any]:
        """What `bench.evidence.findings` said of the values when the run was made."""
        evidence: Mapping[str, Any] = self.content["evidence"]
        return evidence

    @property
    def comparisons(self) -> list[Comparison]:
        """The confirmatory family, as it was tested when the run was made."""
        rows = self.evidence["family"]["comparisons"]
        return [Comparison(**{**row, "verdict": Verdict(row["verdict"])}) for row in rows]

    @property
    def depth(self) -> int:
        """How many documents of a query were kept."""
        return int(self.content["config"]["depth"])

    @property
    def all_values(self) -> Values:
        """(n_systems, n_measures, n_queries) values, in the order of `systems` and `measures`."""
        return self._values

    def values(self, measure: str) -> Values:
        """Return (n_systems, n_queries) values of one measure."""
        found: Values = self._values[:, self.measures.index(measure)]
        return found


def build(
    results: Results,
    test: TestCollection,
    config: Mapping[str, Any],
    seconds: Mapping[str, float],
    evidence: Mapping[str, Any],
    code: Mapping[str, Any],
) -> Record:
    """Collect everything that tells what was run, on what, with what, what came out, and how far it can
    be trusted. `code` is what `provenance.git` said when it began."""
    collection = test.collection
    values = np.stack([result.measures.values for result in results.systems.values()])
    now = datetime.now(UTC)
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "bench": bench.__version__,
        "created": now.isoformat(timespec="seconds"),
        "config": _portable(config),
        "git": dict(code),
        "platform": provenance.machine(),
        "versions": provenance.versions(),
        "collection": {
            "name": collection.name,
            "documents": len(collection),
            "fingerprint": collection.fingerprint,
        },
        "labels": labels_entry(test),
        "queries": {
            "fingerprint": results.queries.fingerprint,
            "ids": list(results.queries.ids),
            "sets": list(results.queries.sets),
            "splits": list(results.queries.splits),
            "left_out": list(results.left_out),
            "no_answer": list(results.no_answer),
        },
        "measures": list(next(iter(results.systems.values())).measures.names),
        "systems": {
            name: {
                "facts": _portable(result.facts),
                "fingerprint": asdict(result.fingerprint),
                "index_bytes": result.nbytes,
                **answers_entry(
                    result.run,
                    results.queries,
                    test,
                    int(config["depth"]),
                    result.ties,
                    result.ties_unknown,
                    result.residuals,
                ),
                f"recall@{RECALL_DEPTH}_vs_exact": result.recall_vs_exact,
                "seconds": dict(result.seconds),
            }
            for name, result in results.systems.items()
        },
        "values": values_entry(values),
        "failed": {name: str(error) for name, error in results.failed.items()},
        "evidence": dict(evidence),
        "seconds": dict(seconds),
        "peak_memory_mb": provenance.peak_memory_mb(),
    }
    same = {key: content[key] for key in ("config", "collection", "labels", "queries")}
    content["id"] = f"{now:%Y%m%d-%H%M%S}-{_short_hash(same)}"
    content["ir_metadata"] = annotation(content)
    return Record(content, values)


def labels_entry(test: TestCollection) -> dict[str, Any]:
    """Return what a record says of the labels."""
    qrels = test.qrels
    return {
        "fingerprint": qrels.fingerprint,
        "relevant": qrels.relevant,
        "complete": qrels.complete,
        "judgements": sum(len(grades) for grades in qrels.grades.values()),
        # trec_eval's "pooled, not judged", which infAP alone tells from an absent pair
        "pooled_unjudged": sum(grade < 0 for one in qrels.grades.values() for grade in one.values()),
        "missing_documents": test.missing_documents,
        "ignore_identical_ids": qrels.ignore_identical_ids,
    }


def answers_entry(
    run: Run,
    queries: Queries,
    test: TestCollection,
    depth: int,
    ties: Mapping[str, tuple[float, float, float]],
    ties_unknown: Sequence[str],
    residuals: Mapping[str, float],
) -> dict[str, Any]:
    """Return what a record says of a system's answers, kept to this depth, beside their values."""
    collection, qrels = test.collection, test.qrels
    return {
        "tied_at_cut": tied_at_cut(run, depth, len(collection)),
        # measures need not have Judged@k, and holes in the labels mislead all the same
        f"judged@{JUDGED_DEPTH}": None
        if qrels.complete
        else mean_judged_share(run, queries, qrels, collection, JUDGED_DEPTH),
        "unanswered": int((run.docs[:, 0] < 0).sum()),
        "ties": {measure: list(means) for measure, means in ties.items()},
        "ties_unknown": list(ties_unknown),
        "residuals": dict(residuals),
    }


def change_record(folder: Path, changes: Mapping[str, Any]) -> None:
    """Write a run's record again with these keys in it, and without those that are None here."""
    before = Record.load(folder).content
    gone = {key for key, value in changes.items() if value is None}
    content = {key: value for key, value in {**before, **changes}.items() if key not in gone}
    if content != before:
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        write_text(folder / RECORD, text, keep=False)


def _short_hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def _portable(config: Any, key: str = "") -> Any:
    """The config without absolute paths: of those only the last part says anything elsewhere.

    What is a path is told by the name of its setting, never by how its text begins: a prompt or a
    pattern may begin with "/" too.
    """
    if isinstance(config, Mapping):
        return {str(name): _portable(value, str(name)) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_portable(value, key) for value in config]
    if isinstance(config, str) and _NAMES_A_PATH.search(key) and Path(config).is_absolute():
        return Path(config).name
    if isinstance(config, float) and not math.isfinite(config):
        return str(config)
    return config
