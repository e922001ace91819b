"""Do intervals, tests, families and plans keep their word on values like ours? → results/statistics.md

python tests/studies/simulate.py        (or: make simulate)
Populations are the per-query values of four systems on all 800 queries of the digest, dev and test, so that
skew, ties and zeros are real; samples are drawn from each query set apart, as the sets' sizes are fixed.
What is true of a population is known, because it was put there. The methods that were not chosen are
written out here, in few lines, and share no code with bench.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from bench.evidence.comparison import Verdict, compare
from bench.evidence.family import Margins
from bench.evidence.intervals import difference_intervals, mean_intervals, t_quantile
from bench.evidence.strata import Strata, moments
from bench.runs.record import Record

ROOT = Path(__file__).resolve().parent.parent.parent
MEASURES = ("nDCG@10", "Recall@10", "MAP", "P@5")
TEST = 480  # as many as the test queries
SIZES = (15, 23, 66, TEST)  # 66 is about one set of them
DRAWS = 2000
INTRODUCTION = (
    "Populations are the per-query values of four systems on all 800 queries of the digest, dev and test, so that "
    "skew, ties and zeros are real; samples are drawn from each query set apart, as the sets' sizes are fixed. What "
    "is true of a population is known, because it was put there. The methods that were not chosen are written out "
    "in `tests/studies/simulate.py`, and share no code with bench. `make simulate` makes this page."
)


@dataclass(frozen=True)
class Population:
    """values (n_systems, n_measures, n_queries) and the set of each query."""

    systems: tuple[str, ...]
    values: np.ndarray
    sets: np.ndarray

    def draw(self, n: int, rng: np.random.Generator, only: str | None = None) -> np.ndarray:
        """Return places of n queries: from one set, or from all in equal shares, with replacement."""
        names = [only] if only else list(dict.fromkeys(self.sets))
        places = []
        for number, name in enumerate(names):
            own = np.flatnonzero(self.sets == name)
            places.append(rng.choice(own, n // len(names) + (number < n % len(names))))
        return np.concatenate(places)

    def truth(self, places: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the mean that samples with as many queries of each set as this one are drawn from."""
        drawn = self.sets[places]
        return sum((drawn == s).mean() * values[..., self.sets == s].mean(axis=-1) for s in set(drawn))


def population() -> Population:
    """Run the main job on dev and test together."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "bench",
            "run",
            "collection.split=all",
            f"output={folder}",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        (made,) = (path for path in Path(folder).iterdir() if path.is_dir())
        record = Record.load(made)
    values = np.stack([record.values(measure) for measure in MEASURES], axis=1)
    return Population(tuple(record.systems), values, np.array(record.sets))


# Intervals: four methods.

Ends = tuple[float, float]


def resampled(
    row: np.ndarray, sets: np.ndarray, rng: np.random.Generator, times: int = 400
) -> np.ndarray:
    """Return (times, n) places, drawn within each set."""
    places = np.empty((times, len(row)), dtype=int)
    for name in set(sets):
        own = np.flatnonzero(sets == name)
        places[:, own] = rng.choice(own, (times, len(own)))
    return places


def stratified(rows: np.ndarray, sets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, standard error and Satterthwaite's degrees of freedom of (..., n) rows."""
    mean = variance = square = 0.0
    for name in set(sets):
        own = rows[..., sets == name]
        size, share = own.shape[-1], (sets == name).mean()
        part = share**2 * own.var(axis=-1, ddof=1) / size
        mean, variance = mean + share * own.mean(axis=-1), variance + part
        square = square + part**2 / (size - 1)
    with np.errstate(invalid="ignore"):
        return mean, np.sqrt(variance), np.nan_to_num(variance**2 / square, nan=1.0)


def plain_t(row: np.ndarray, sets: np.ndarray, rng: np.random.Generator) -> Ends:
    mean, se, df = stratified(row, sets)
    half = stats.t.ppf(0.975, df) * se
    return mean - half, mean + half


def bootstrap_t(row: np.ndarray, sets: np.ndarray, rng: np.random.Generator) -> Ends:
    mean, se, _ = stratified(row, sets)
    means, errors, _ = stratified(row[resampled(row, sets, rng)], sets)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.nan_to_num((means - mean) / errors, nan=0.0, posinf=1e9, neginf=-1e9)
    low, high = np.quantile(t, [0.975, 0.025])
    return mean - low * se, mean - high * se


def bca(row: np.ndarray, sets: np.ndarray, rng: np.random.Generator) -> Ends:
    mean = row.mean()
    means = row[resampled(row, sets, rng)].mean(axis=1)
    apart = np.concatenate([row[sets == s] - row[sets == s].mean() for s in set(sets)])
    scale = (apart**2).sum() ** 1.5
    bend = (apart**3).sum() / (6 * scale) if scale else 0.0
    bias = stats.norm.ppf(np.clip((means < mean).mean() + (means == mean).mean() / 2, 1e-3, 1 - 1e-3))
    z = bias + stats.norm.ppf([0.025, 0.975])
    low, high = np.quantile(means, stats.norm.cdf(bias + z / (1 - bend * z)))
    return low, high


def ours(row: np.ndarray, sets: np.ndarray, rng: np.random.Generator, lowest: float) -> Ends:
    strata = Strata.of(list(sets))
    if lowest == 0:
        found = mean_intervals(row, strata)
    else:
        spread = moments(row, strata)
        found = difference_intervals(row, spread, t_quantile(spread.df, 0.95), 0.05)
    return float(found.low), float(found.high)


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator], Ends]] = {
    "stratified t": plain_t,
    "studentised bootstrap": bootstrap_t,
    "BCa": bca,
}


@dataclass
class Cover:
    """Of one method: shares of samples whose interval holds the truth, a population each, and widths."""

    held: list[float]
    width: list[float]


def coverage(pop: Population, n: int, one_set: bool, of_means: bool, samples: int) -> dict[str, Cover]:
    """Sample every population: systems (or pairs) × measures, of all sets together or each set alone."""
    rng = np.random.default_rng(n + 1000 * one_set + 2000 * of_means)
    lowest = 0.0 if of_means else -1.0
    methods = METHODS | {"chosen": lambda row, sets, rng: ours(row, sets, rng, lowest)}
    found = {name: Cover([], []) for name in methods}
    pairs = itertools.combinations(range(3), 2)  # hnsw answers as dense does
    rows = pop.values[:3] if of_means else np.stack([pop.values[b] - pop.values[a] for a, b in pairs])
    for values in rows.reshape(-1, rows.shape[-1]):
        for only in list(dict.fromkeys(pop.sets)) if one_set else [None]:
            if np.ptp(values[pop.sets == only] if only else values) == 0:
                continue
            held = dict.fromkeys(methods, 0)
            width = dict.fromkeys(methods, 0.0)
            for _ in range(samples):
                places = pop.draw(n, rng, only)
                truth = pop.truth(places, values)
                for name, method in methods.items():
                    low, high = method(values[places], pop.sets[places], rng)
                    held[name] += low - 1e-12 <= truth <= high + 1e-12
                    width[name] += min(high, 1) - max(low, lowest)
            for name in methods:
                found[name].held.append(held[name] / samples)
                found[name].width.append(width[name] / samples)
    return found


def coverage_table(pop: Population, samples: int, sizes: tuple[int, ...] = SIZES) -> Iterator[str]:
    yield "| of | from | queries | method | coverage, mean | lowest | share of populations ≥ 0.94 | width |"
    yield "|---|---|---:|---|---:|---:|---:|---:|"
    for of_means, one_set in itertools.product((True, False), (False, True)):
        for n in sizes:
            for name, cover in coverage(pop, n, one_set, of_means, samples).items():
                held = np.array(cover.held)
                yield (
                    f"| {'means' if of_means else 'differences'} | {'one set' if one_set else 'all sets'} | {n} "
                    f"| {name} | {held.mean():.3f} | {held.min():.3f} | {(held >= 0.94).mean():.2f} "
                    f"| {np.mean(cover.width):.3f} |"
                )


# Families: false alarms and power.


def dealt(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal each query's values to the systems at random, so that nothing differs."""
    order = rng.permuted(np.tile(np.arange(len(values))[:, None], (1, values.shape[-1])), axis=0)
    return np.take_along_axis(values, order[:, None, :], axis=0)


def nothing_differs(values: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[set[int]]]:
    return dealt(values, rng), [{0, 1, 2, 3}]


def one_differs(values: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[set[int]]]:
    """BM25 is itself, the values of the others are dealt."""
    return np.concatenate([values[:1], dealt(values[1:], rng)]), [{1, 2, 3}]


def two_scatter(values: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[set[int]]]:
    """Two systems far from each other query by query (BM25 and dense, dealt), and eight that hardly differ:
    hybrid, less a tenth on one query in ten."""
    near = np.repeat(values[2:3], 8, axis=0)
    near = near * (1 - 0.1 * (rng.random((8, 1, near.shape[-1])) < 0.1))
    return np.concatenate([dealt(values[:2], rng), near]), [{0, 1}, set(range(2, 10))]


def other_queries(values: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[set[int]]]:
    """BM25 and dense as they are, but for a constant that makes their means equal: each is better on other
    sets, so that they are no more exchangeable within queries."""
    return np.stack([values[0], values[1]]), [{0, 1}]


NULLS = {
    "nothing differs": nothing_differs,
    "one of four differs": one_differs,
    "two scatter, eight hardly differ": two_scatter,
    "equal means, other queries": other_queries,
}


def holm_on_means(
    values: np.ndarray, pairs: list[tuple[int, int]], rng: np.random.Generator
) -> dict[tuple[int, int, int], bool]:
    """Sign flips of the plain mean difference, then Holm (1979)."""
    found = {}
    for a, b in pairs:
        for m in range(values.shape[1]):
            d = values[a, m] - values[b, m]
            flips = rng.choice([-1.0, 1.0], (DRAWS, len(d))) @ d
            found[a, b, m] = (1 + (np.abs(flips) >= abs(d.sum()) - 1e-9).sum()) / (1 + DRAWS)
    p = np.array(list(found.values()))
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return {list(found)[place]: bool(step < 0.05) for place, step in zip(order, steps, strict=True)}


def tukey_hsd(
    values: np.ndarray, pairs: list[tuple[int, int]], rng: np.random.Generator
) -> dict[tuple[int, int, int], bool]:
    """Randomised Tukey HSD (Carterette 2012) of the first measure: the range of all means, dealt anew."""
    first = values[:, 0]
    largest = np.empty(DRAWS // 4)
    for draw in range(len(largest)):
        largest[draw] = np.ptp(rng.permuted(first, axis=0).mean(axis=1))
    means = first.mean(axis=1)
    limit = np.quantile(largest, 0.95)
    return {(a, b, 0): bool(abs(means[a] - means[b]) > limit) for a, b in pairs}


def max_t(
    values: np.ndarray, pairs: list[tuple[int, int]], sets: np.ndarray, seed: int
) -> dict[tuple[int, int, int], bool]:
    names = [str(s) for s in range(len(values))]
    columns = [str(m) for m in range(values.shape[1])]
    family = compare(values, names, columns, pairs, list(sets), seed=seed, draws=DRAWS)
    return {
        (int(one.system), int(one.baseline), int(one.measure)): one.significant
        for one in family.comparisons
    }


def alarms(
    pop: Population, null: str, n: int, measures: int, samples: int
) -> dict[str, tuple[float, float]]:
    """method → share of families with a false alarm, and share of true differences found."""
    rng = np.random.default_rng(n + len(null) + measures)
    found: dict[str, list[tuple[bool, float]]] = {"max-T": [], "Holm": [], "randomised Tukey HSD": []}
    for sample in range(samples):
        places = pop.draw(n, rng)
        if null == "equal means, other queries":
            # the constant that makes the means of the population equal
            truth = pop.truth(places, pop.values)
            source = pop.values - 0.5 * (truth - truth[:2].mean(axis=0))[..., None] * 2
            drawn = source[:, :measures, places]
        else:
            drawn = pop.values[:, :measures, places]
        values, alike = NULLS[null](drawn, rng)
        pairs = list(itertools.combinations(range(len(values)), 2))
        sets = pop.sets[places]
        told = {"max-T": max_t(values, pairs, sets, sample), "Holm": holm_on_means(values, pairs, rng)}
        if measures == 1:
            told["randomised Tukey HSD"] = tukey_hsd(values, pairs, rng)
        for method, significant in told.items():
            false = any(hit for (a, b, _), hit in significant.items() if any({a, b} <= s for s in alike))
            true = [hit for (a, b, _), hit in significant.items() if not any({a, b} <= s for s in alike)]
            found[method].append((false, float(np.mean(true)) if true else np.nan))
    return {m: tuple(np.mean(rows, axis=0)) for m, rows in found.items() if rows}


def alarms_table(pop: Population, samples: int, sizes: tuple[int, ...] = (23, 165)) -> Iterator[str]:
    yield "| what is true | queries | measures | method | families with a false alarm | true differences found |"
    yield "|---|---:|---:|---|---:|---:|"
    for null, n, measures in itertools.product(NULLS, sizes, (1, 4)):
        for method, (false, true) in alarms(pop, null, n, measures, samples).items():
            yield f"| {null} | {n} | {measures} | {method} | {false:.3f} | {'–' if np.isnan(true) else f'{true:.3f}'} |"


def power_of_pairs(pop: Population, samples: int) -> Iterator[str]:
    """True differences as they are in the population, all pairs of three systems by four measures."""
    yield "| queries | method | true differences found |"
    yield "|---:|---|---:|"
    for n in (66, 165, TEST):
        rng = np.random.default_rng(n)
        hits: dict[str, list[float]] = {"max-T": [], "Holm": []}
        for sample in range(samples):
            places = pop.draw(n, rng)
            values = pop.values[:3, :, places]
            pairs = list(itertools.combinations(range(3), 2))
            hits["max-T"].append(np.mean(list(max_t(values, pairs, pop.sets[places], sample).values())))
            hits["Holm"].append(np.mean(list(holm_on_means(values, pairs, rng).values())))
        for method, shares in hits.items():
            yield f"| {n} | {method} | {np.mean(shares):.3f} |"


# Plans: what is said to be found is found.


def plans_table(pop: Population, samples: int) -> Iterator[str]:
    """For each pair, in a family of all pairs: the share of samples that find what the median of fifteen
    plans says."""
    yield f"| pair | plan from {TEST} queries | queries | true difference | share found |"
    yield "|---|---|---:|---:|---:|"
    rng = np.random.default_rng(7)
    margin = 0.04
    pairs = [(1, 0), (2, 0), (2, 1)]
    for target, (a, b) in enumerate(pairs):
        plans = []
        for _ in range(15):
            places = pop.draw(TEST, rng)
            plans.append(
                compare(
                    pop.values[:3, :1, places],
                    list("abc"),
                    ["m"],
                    pairs,
                    list(pop.sets[places]),
                    margins=Margins(margin),
                    seed=0,
                    draws=DRAWS,
                ).comparisons[target]
            )
        plans = [one for one in plans if not one.wide]  # of those there is no plan
        detectable = float(np.median([one.detectable for one in plans]))
        needed = int(np.median([one.needed for one in plans]))
        equivalent = int(np.median([one.needed_equivalent for one in plans]))
        name = f"{pop.systems[a]} − {pop.systems[b]}"
        for what, n, shift in (
            ("detectable", TEST, detectable),
            ("needed for the margin", needed, margin),
            ("needed for equivalence", equivalent, 0.0),
        ):
            found = 0
            for sample in range(samples):
                places = pop.draw(n, rng)
                values = pop.values[:3, :1, places].copy()
                # brought to the true difference by a constant, which changes no spread
                values[a] += shift - (pop.truth(places, pop.values[a, :1] - pop.values[b, :1]))[:, None]
                told = compare(
                    values, list("abc"), ["m"], pairs, list(pop.sets[places]),
                    margins=Margins(margin), seed=sample, draws=DRAWS,
                ).comparisons[target]  # fmt: skip
                wanted = Verdict.EQUIVALENT if what.endswith("equivalence") else Verdict.BETTER
                found += told.verdict is wanted
            yield f"| {name} | {what} | {n:,} | {shift:.3f} | {found / samples:.3f} |"


def main() -> None:
    started = time.perf_counter()
    pop = population()
    sections = {
        "Intervals": (
            (
                "Share of 95 % intervals that hold the truth, 400 samples a population, where populations are systems "
                "(or pairs) × four measures, × seven sets where one set is drawn from. `chosen` is the stratified t "
                "interval but where the mean is skewed, which marks the cell: there means get Gaffke's bound "
                "(skewness above 0.1), and differences the hull of t and Hall's transformation (above 0.2). Sets "
                "whose values are nearly all 0 or 1 are why. A sample without any spread gets the exact bound in "
                "`chosen` and no width elsewhere. Differences of a single set that one query in twenty feels are "
                "not held often enough by any method here; a bound that is wide enough knows only that they lie "
                "between −1 and 1, is 0.02 wide at 165 queries even where nothing differs, and could pass no change. With 400 samples a share of 0.95 is seen as "
                "0.93 to 0.97, so `lowest` of a hundred populations lies below 0.95 by chance alone."
            ),
            coverage_table(pop, 400),
        ),
        "False alarms": (
            (
                "Families of all pairs, 500 samples a line. The randomised Tukey HSD deals the values of all systems "
                "anew, and so takes the spread of the many for that of the few: where two scatter and eight hardly "
                "differ it raises the alarm too often. `true differences found` counts pairs that do differ."
            ),
            alarms_table(pop, 500),
        ),
        "Power": (
            (
                "All pairs of bm25, dense and hybrid by four measures, as they differ in the population, 500 samples "
                "a line."
            ),
            power_of_pairs(pop, 500),
        ),
        "Plans": (
            (
                "`detectable` and `needed` promise 80 %; each line is 400 samples with that many queries, the true "
                "difference put in by a constant. Margin 0.04, family of three pairs."
            ),
            plans_table(pop, 400),
        ),
    }
    page = ["# Do the statistics keep their promise?", "", INTRODUCTION]
    for title, (text, lines) in sections.items():
        page += ["", f"## {title}", "", text, ""]
        for line in lines:
            page.append(line)
            print(line, flush=True)
    (ROOT / "results" / "statistics.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
