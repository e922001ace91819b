"""Plant regressions and harmless changes, and see how often the gate catches them → results/gate.md.

python tests/studies/planted.py        (or: make planted)
Each is a run of its own with `bench run`; the gate's rule is applied to query sets drawn from it.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.evidence.comparison import compare
from bench.experiment.outcome import Outcome, non_inferior
from bench.runs.record import Record
from bench.types import Collection, Queries, Retriever, Run, Searcher, Store

ROOT = Path(__file__).resolve().parent.parent.parent
BENCH = [sys.executable, "-m", "bench"]
SIZES = (50, 165, 480)
SAMPLES = 200
TOLERANCE = 0.02
OUTCOMES = (Outcome.CHANGED, Outcome.UNDECIDABLE, Outcome.REGRESSED)
EDGES = (-0.005, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1, 0.2)


@dataclass(frozen=True)
class ShuffledIds:
    """A retriever whose answers point at the wrong documents, as after an index and its id list were
    built in different orders: one document in ten is mixed up with another."""

    inner: Retriever

    def index(self, collection: Collection, store: Store) -> Searcher:
        """Index as ever; which documents are mixed up is fixed by a seed."""
        rng = np.random.default_rng(0)
        wrong = np.arange(len(collection), dtype=np.int32)
        mixed = rng.choice(len(collection), len(collection) // 10, replace=False)
        wrong[mixed] = np.roll(mixed, 1)
        return _Shuffled(store.searcher(self.inner, collection, "inner"), wrong)


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


@dataclass(frozen=True)
class Planted:
    """One change: whether it was meant to be caught, and per-query values (n_systems, n_queries) with it."""

    name: str
    meant: bool
    values: np.ndarray


def per_query(folder: Path, overrides: Sequence[str], extra: Mapping[str, str]) -> Record:
    """Run the main job on dev and test with these overrides."""
    environment = {**os.environ, **extra, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'studies'}"}
    if "BENCH_CACHE" in extra:
        environment["BENCH_CACHE"] = f"{folder}/cache"
    command = [
        *BENCH,
        "run",
        "collection.split=all",
        f"output={folder}/out",
        *overrides,
        "--allow",
        "planted",
    ]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    (run,) = (path for path in Path(folder, "out").iterdir() if path.is_dir())
    return Record.load(run)


def resample(sets: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return places of n queries, from every set in equal shares."""
    names = list(dict.fromkeys(sets))
    sizes = [n // len(names) + (place < n % len(names)) for place in range(len(names))]
    own = [np.flatnonzero(sets == name) for name in names]
    return np.concatenate([rng.choice(places, size) for places, size in zip(own, sizes, strict=True)])


def gate_of(then: np.ndarray, now: np.ndarray, sets: Sequence[str], seed: int) -> list[Outcome]:
    """Apply the gate's rule to per-query values, as `bench gate` does with its defaults."""
    count = len(then)
    names = [str(place) for place in range(count)]
    family = compare(
        np.concatenate([now, then])[:, None], [*names, *names], ["nDCG@10"],
        [(place, place + count) for place in range(count)], sets, seed=seed, draws=1000,
    )  # fmt: skip
    return [non_inferior(one, TOLERANCE) for one in family.comparisons]


def share_of(found: Sequence[Outcome], outcome: Outcome) -> str:
    return f"{np.mean([one is outcome for one in found]):.2f}"


def whole(outcomes: Sequence[Outcome]) -> Outcome:
    """What the gate says of all systems together."""
    order = (Outcome.REGRESSED, Outcome.UNDECIDABLE, Outcome.CHANGED)
    return next(outcome for outcome in order if outcome in outcomes)


def planted_rows(base: np.ndarray, sets: np.ndarray, planted: Sequence[Planted]) -> Iterator[str]:
    rng = np.random.default_rng(1)
    for one in planted:
        losses = (one.values - base).mean(axis=1)
        cells = []
        for n in SIZES:
            found = []
            for sample in range(SAMPLES):
                places = resample(sets, n, rng)
                found.append(
                    whole(gate_of(base[:, places], one.values[:, places], sets[places], sample))
                )
            cells.append(" / ".join(share_of(found, outcome) for outcome in OUTCOMES))
        kind = "loss" if one.meant else "harmless"
        yield f"| {one.name} | {kind} | {losses.min():+.3f} | {' | '.join(cells)} |"


def curve_rows(base: np.ndarray, sets: np.ndarray, planted: Sequence[Planted]) -> Iterator[str]:
    """Outcomes of single systems over the true loss: each planted change, in a random share of queries."""
    rng = np.random.default_rng(2)
    found: dict[tuple[int, int], list[Outcome]] = {}
    for one in planted:
        for system in range(len(base)):
            change = one.values[system] - base[system]
            if not change.any():
                continue
            for share, n, sample in itertools.product(
                (0.15, 0.3, 0.6, 1.0), SIZES, range(SAMPLES // 10)
            ):
                loss = -share * change.mean()
                bin_ = int(np.searchsorted(EDGES, loss))
                if not 0 < bin_ < len(EDGES):
                    continue
                places = resample(sets, n, rng)
                taken = rng.random(n) < share
                then = base[system, places]
                (outcome,) = gate_of(
                    then[None], (then + taken * change[places])[None], sets[places], sample
                )
                found.setdefault((bin_, n), []).append(outcome)
    for bin_ in range(1, len(EDGES)):
        cells = []
        for n in SIZES:
            some = found.get((bin_, n), [])
            shares = " / ".join(share_of(some, outcome) for outcome in OUTCOMES) if some else "–"
            cells.append(f"{shares} | {len(some)}")
        yield f"| {EDGES[bin_ - 1]:+.3f} to {EDGES[bin_]:+.3f} | {' | '.join(cells)} |"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        record = per_query(Path(name) / "base", [], {})
        base, sets = record.values("nDCG@10"), np.array(record.sets)
        planted = []
        for number, (plant, (meant, overrides, extra)) in enumerate(PLANTS.items()):
            values = per_query(Path(name) / str(number), overrides, extra).values("nDCG@10")
            planted.append(Planted(plant, meant, values))
            print(plant, (values - base).mean(axis=1).round(4), flush=True)
    page = [
        "# What the gate catches",
        "",
        (
            "`make planted`: each change is a run of the main job with that change, on all 800 queries of the "
            f"digest; what was planted was fixed before the first run. From these, {SAMPLES} query sets of each size "
            "are drawn, every set of queries in equal shares, and the gate's rule is applied to each: nDCG@10, "
            f"tolerance {TOLERANCE:g}, four systems. Cells: share **passed / undecidable / regressed**; the gate "
            "stops on the two latter unless told `--undecidable pass`."
        ),
        "",
        "| planted | meant as | largest true loss | " + " | ".join(f"n = {n}" for n in SIZES) + " |",
        "|---|---|---:|" + "---:|" * len(SIZES),
        *planted_rows(base, sets, planted),
        "",
        "## Over the true loss",
        "",
        (
            "Single systems, with a planted change in 15, 30, 60 or all of 100 queries, so that true losses of every "
            "size occur. A loss of the tolerance or more passes in at most 2.5 % of cases if the interval keeps "
            "its promise; below, passing is right. At 50 queries more pass: so small a sample does not show "
            "how skewed a change is."
        ),
        "",
        "| true loss of nDCG@10 | " + " | ".join(f"n = {n} | cases" for n in SIZES) + " |",
        "|---|" + "---:|---:|" * len(SIZES),
        *curve_rows(base, sets, planted),
    ]
    (ROOT / "results" / "gate.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    print("\n".join(page))


if __name__ == "__main__":
    main()
