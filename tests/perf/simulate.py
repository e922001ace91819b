"""Do intervals cover and tests keep their promise, on populations like ours? → results/statistics.md

python tests/perf/simulate.py        (or: make simulate)
Populations are made from the baseline's own per-query values, resampled, so that their skew, ties and
zeros are real; what is true of a population is known, because it was put there.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np

from bench.comparison import compare
from bench.record import Record
from bench.statistics import bootstrap_intervals

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES = 2000
DRAWS = 10_000
SIZES = (15, 23, 50, 165, 250)
MEASURES = ("nDCG@10", "Recall@10", "MAP", "P@5")


def coverage(record: Record, n: int, rng: np.random.Generator) -> tuple[float, float]:
    """Share of 95 % intervals that hold the true mean, and the true difference, of a population."""
    population = np.stack([record.values(m) for m in MEASURES], axis=1)
    truth = population.mean(axis=-1)
    apart = truth[1] - truth[0]
    held = differences = 0.0
    for sample in range(SAMPLES):
        drawn = population[..., rng.integers(population.shape[-1], size=n)]
        bounds = bootstrap_intervals(drawn, sample, resamples=2000)
        held += np.mean((bounds[..., 0] <= truth) & (truth <= bounds[..., 1]))
        bounds = bootstrap_intervals(drawn[1] - drawn[0], sample, resamples=2000)
        differences += np.mean((bounds[..., 0] <= apart) & (apart <= bounds[..., 1]))
    return held / SAMPLES, differences / SAMPLES


def alarms(record: Record, n: int, rng: np.random.Generator) -> tuple[float, float]:
    """Share of whole families (4 systems × 4 measures) with a false alarm where nothing differs, with
    correction and without: each query's values are dealt to the systems at random."""
    population = np.stack([record.values(m) for m in MEASURES], axis=1)
    systems = population.shape[0]
    names = [str(s) for s in range(systems)]
    pairs = list(itertools.combinations(range(systems), 2))
    corrected = plain = 0
    for sample in range(SAMPLES // 2):
        drawn = population[..., rng.integers(population.shape[-1], size=n)]
        order = rng.permuted(np.tile(np.arange(systems)[:, None], (1, n)), axis=0)
        dealt = np.take_along_axis(drawn, order[:, None, :], axis=0)
        found = compare(dealt, names, list(MEASURES), pairs, seed=sample, draws=DRAWS)
        corrected += any(one.p_holm < 0.05 for one in found)
        plain += any(one.p < 0.05 for one in found)
    return corrected / (SAMPLES // 2), plain / (SAMPLES // 2)


def main() -> None:
    record = Record.load(ROOT / "results" / "baseline")
    lines = [
        "# Do the statistics keep their promise?",
        "",
        (
            f"`make simulate`: {SAMPLES} samples a line (half as many for the alarms) drawn from the per-query "
            "values of `results/baseline`, so that skew, ties and zeros are real. Coverage should be 0.95; a "
            "whole family of 4 systems × 4 measures should raise a false alarm in at most 0.05 of all samples."
        ),
        "",
        (
            "| queries | intervals that hold the mean | that hold the difference | families with a false alarm "
            "| without correction |"
        ),
        "|---:|---:|---:|---:|---:|",
    ]
    rng = np.random.default_rng(2026)
    for n in SIZES:
        held, differences = coverage(record, n, rng)
        corrected, plain = alarms(record, n, rng)
        lines.append(f"| {n} | {held:.3f} | {differences:.3f} | {corrected:.3f} | {plain:.3f} |")
        print(lines[-1], flush=True)
    (ROOT / "results" / "statistics.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s")
