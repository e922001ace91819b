"""Plant regressions and harmless changes, and see which the gate catches → results/gate.md.

python tests/perf/planted.py        (or: make planted)
Each is a run of its own with `bench run`, held against results/baseline with `bench gate`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.indexing import index_once
from bench.types import Collection, Queries, Retriever, Run, Searcher

ROOT = Path(__file__).resolve().parent.parent.parent
BENCH = [sys.executable, "-m", "bench.cli"]
WORDS = {0: "passed", 1: "**stopped**", 3: "undecidable"}


@dataclass(frozen=True)
class ShuffledIds:
    """A retriever whose answers point at the wrong documents, as after an index and its id list were
    built in different orders: one document in ten is mixed up with another."""

    inner: Retriever

    def index(self, collection: Collection) -> Searcher:
        """Index as ever; which documents are mixed up is fixed by a seed."""
        rng = np.random.default_rng(0)
        wrong = np.arange(len(collection), dtype=np.int32)
        mixed = rng.choice(len(collection), len(collection) // 10, replace=False)
        wrong[mixed] = np.roll(mixed, 1)
        return _Shuffled(index_once(self.inner, collection), wrong)


@dataclass(frozen=True, eq=False)
class _Shuffled:
    inner: Searcher
    wrong: np.ndarray
    exact: None = None

    @property
    def nbytes(self) -> int:
        return self.inner.nbytes

    @property
    def facts(self) -> dict:
        return dict(self.inner.facts)

    def search(self, queries: Queries, k: int) -> Run:
        run = self.inner.search(queries, k)
        docs = np.where(run.docs < 0, run.docs, self.wrong[run.docs])
        return Run(docs.astype(np.int32), run.scores)


def both(setting: str) -> list[str]:
    """A BM25 setting, alone and inside the hybrid."""
    return [f"retrievers.bm25.{setting}", f"retrievers.hybrid.parts.lexical.{setting}"]


# name → (meant to be caught, overrides, environment)
PLANTS: dict[str, tuple[bool, list[str], dict[str, str]]] = {
    "stemmer off": (True, both("tokenizer.stemmer=null"), {}),
    "BM25 with b = 0": (True, both("b=0"), {}),
    "titles only in BM25": (True, both("fields=[title]"), {}),
    "wrong query prompt": (True, ["encoder.query_prompt='summarize: '"], {}),
    "another task's prompt before documents": (True, ["encoder.document_prompt='translate: '"], {}),
    "text cut at 32 tokens": (True, ["encoder.max_length=32"], {}),
    "text cut at 128 tokens": (True, ["encoder.max_length=128"], {}),
    "one document in ten under another's id (dense)": (
        True,
        [
            "~retrievers.dense.encoder",
            "~retrievers.dense.passages",
            "retrievers.dense._target_=planted.ShuffledIds",
            (
                "+retrievers.dense.inner={_target_: bench.retrievers.dense.Dense, "
                "encoder: ${encoder}, passages: ${passages}}"
            ),
        ],
        {},
    ),
    "HNSW with ef_search = 2": (True, ["retrievers.hnsw.ef_search=2"], {}),
    "batch size 32 for 8": (False, ["encoder.batch_size=32"], {}),
    "one thread for all": (False, [], {"OMP_NUM_THREADS": "1", "BENCH_CACHE": "fresh"}),
    "tokenizer pattern written otherwise": (
        False,
        both("tokenizer.pattern='(?u)\\b\\w{2,}\\b'"),
        {},
    ),
    "rank_bm25 for bm25s, same variant": (
        False,
        [*both("engine=rank_bm25"), *both("variant=robertson")],
        {},
    ),
}


def main() -> None:
    rows = []
    for name, (meant, overrides, extra) in PLANTS.items():
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, **extra, "PYTHONPATH": str(ROOT / "tests" / "perf")}
            if "BENCH_CACHE" in extra:
                environment["BENCH_CACHE"] = f"{folder}/cache"
            command = [*BENCH, "run", f"output={folder}/out", *overrides, "--allow", "planted"]
            subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
            (run,) = Path(folder, "out").iterdir()
            gate = [*BENCH, "gate", str(run), "--json", f"{folder}/gate.json"]
            code = subprocess.run(gate, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode
            told = json.loads(Path(folder, "gate.json").read_text())
        moved = [
            f"{one['system']} {one['difference']:+.3f} {one['outcome']}"
            for one in told["findings"]
            if one["outcome"] != "unchanged"
        ]
        kind = "loss" if meant else "harmless"
        rows.append(f"| {name} | {kind} | {WORDS[code]} | {'; '.join(moved) or 'nothing moved'} |")
        print(rows[-1], flush=True)
    record = json.loads((ROOT / "results" / "baseline" / "record.json").read_text())
    n = sum(split == "test" for split in record["queries"]["splits"])
    page = [
        "# What the gate catches",
        "",
        (
            f"`make planted`: each change is a run of the main job with that change, held against "
            f"`results/baseline` by `bench gate` with its defaults: nDCG@10, {n} test queries, tolerance 0.02, "
            "Holm over the four systems. What was planted was fixed before the first run."
        ),
        "",
        "| planted | meant as | gate | difference by system |",
        "|---|---|---|---|",
        *rows,
        "",
        (
            "A planted loss that passed is one whose effect on these queries is smaller than the tolerance, or "
            "none at all: the gate guards retrieval quality, not settings."
        ),
    ]
    (ROOT / "results" / "gate.md").write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
