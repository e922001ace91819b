"""What the data card says in numbers, made from the labels: `python tests/studies/card.py` renews it."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.collections.beir import digest
from bench.evidence.comparison import compare
from bench.labelling.agreement import agreement
from bench.labelling.passes import ADJUDICATION, Pass, ToJudge, of_both, require_same_pairs
from bench.labelling.relabel import relabel
from bench.labelling.settling import disagreements, settle
from bench.report.agreement import agreement_table
from bench.report.markdown import markdown
from bench.runs.record import Record

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "qrels" / "digest"
CARD = FOLDER / "README.md"
BASELINE = ROOT / "results" / "baseline"
BEFORE = ROOT / "results" / "digest-v1"  # the same four systems on version 1
RELEVANT = 2
_WIDEST = 60


def lines_of(path: Path) -> list[list[str]]:
    """The cells of a tab-separated file, without its head."""
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]


def queries() -> list[dict[str, str]]:
    """The metadata of each query, with its id."""
    rows = map(json.loads, (FOLDER / "queries.jsonl").read_text(encoding="utf-8").splitlines())
    return [{"_id": row["_id"], **row["metadata"]} for row in rows]


def sizes() -> str:
    """Queries, splits and relevant papers by set."""
    labels = digest("all").load()
    rows = {}
    for query, group, split in zip(
        labels.queries.ids, labels.queries.sets, labels.queries.splits, strict=True
    ):
        grades = list(labels.qrels.grades[query].values())
        for name in (group, "all"):
            rows.setdefault(name, []).append(
                (split, sum(g >= RELEVANT for g in grades), grades.count(1))
            )
    lines = [
        "| set | queries | dev | test | relevant papers a query | graded 1 a query |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in [*(n for n in rows if n != "all"), "all"]:
        splits, relevant, ones = zip(*rows[name], strict=True)
        n = len(splits)
        shown = name if name == "all" else f"`{name}`"
        lines.append(
            f"| {shown} | {n} | {splits.count('dev')} | {splits.count('test')} "
            f"| {sum(relevant) / n:.2f} ({min(relevant)} to {max(relevant)}) | {sum(ones) / n:.2f} |"
        )
    counts = Counter(relevant for _, relevant, _ in rows["all"])
    scale = _WIDEST / max(counts.values())
    bars = [
        f"{n:2}  {'█' * max(1, round(counts[n] * scale))} {counts[n]}" if counts[n] else f"{n:2}"
        for n in range(min(counts), max(counts) + 1)
    ]
    main = Counter(
        doc for judged in labels.qrels.grades.values() for doc, grade in judged.items() if grade == 3
    )
    text = (
        f"A paper is the main answer (grade 3) of {min(main.values())} to {max(main.values())} queries, "
        f"of {np.mean(list(main.values())):.1f} in the mean."
    )
    shown = "Queries by their number of relevant papers:"
    return "\n".join([*lines, "", text, "", shown, "", "```text", *bars, "```"])


def kinds() -> str:
    """How many queries of each set are of each kind of need."""
    found = Counter((row["kind"], row["set"]) for row in queries())
    sets = list(dict.fromkeys(row["set"] for row in queries()))
    names = sorted({kind for kind, _ in found}, key=lambda k: -sum(found[k, s] for s in sets))
    lines = [f"| kind | {' | '.join(sets)} | all |", "|---|" + "---:|" * (len(sets) + 1)]
    for kind in names:
        counts = [found[kind, name] for name in sets]
        lines.append(f"| `{kind}` | {' | '.join(map(str, counts))} | {sum(counts)} |")
    return "\n".join(lines)


def naturalness() -> str:
    """What the judges of wording said, by set."""
    set_of = {row["_id"]: row["set"] for row in queries()}
    grades: dict[str, list[int]] = defaultdict(list)
    for query, *given in lines_of(FOLDER / "checks" / "naturalness.tsv"):
        for name in (set_of[query], "all"):
            grades[name] += map(int, given)
    lines = ["| set | mean | 5 | 4 | 3 | below |", "|---|---:|---:|---:|---:|---:|"]
    for name in [*dict.fromkeys(set_of.values()), "all"]:
        counts = Counter(grades[name])
        shown = name if name == "all" else f"`{name}`"
        below = counts[1] + counts[2]
        lines.append(
            f"| {shown} | {np.mean(grades[name]):.2f} | {counts[5]} | {counts[4]} | {counts[3]} | {below} |"
        )
    return "\n".join(lines)


def needs() -> str:
    """What the assessors of needs were asked, and said."""
    read = lines_of(FOLDER / "checks" / "needs.tsv")
    said = [[verdict for verdict in row[2:] if verdict] for row in read]
    doubted = sum("same" in verdicts for verdicts in said)
    settled = sum(verdicts.count("different") > verdicts.count("same") for verdicts in said)
    return (
        f"{len(read)} pairs of queries that stand here are in `checks/needs.tsv`; {doubted} of them were "
        f"called the same by one assessor. {settled} have more readers for different than for the same."
    )


def _passes() -> tuple[ToJudge, Pass, Pass, list[str]]:
    to_judge = ToJudge.load(FOLDER)
    first, second = (to_judge.read(name) for name in ("pass-a", "pass-b"))
    return to_judge, first, second, require_same_pairs(first, second, to_judge, pooled=False)


def _agreement(to_judge: ToJudge, first: Pass, second: Pass, chosen: Sequence[str]) -> str:
    groups = defaultdict(list)
    for query in chosen:
        groups[to_judge.queries[query][1]].append(query)
    rows = [
        agreement(name, first.grades, second.grades, some, RELEVANT, seed=0)
        for name, some in [*groups.items(), ("all", list(chosen))]
    ]
    return markdown([agreement_table((first.name, second.name), rows, RELEVANT)])


def agreed() -> str:
    """The two passes as they are, before adjudication, and what adjudication did."""
    to_judge, first, second, chosen = _passes()
    settled = to_judge.read(ADJUDICATION)
    open_pairs = disagreements(first, second, chosen)
    for_first = sum(settled.grades[pair] == first.grades[pair] for pair in open_pairs)
    for_second = sum(settled.grades[pair] == second.grades[pair] for pair in open_pairs)
    neither = len(open_pairs) - for_first - for_second
    text = (
        f"Of the {len(open_pairs)} disagreements, adjudication took the grade of pass-a {for_first} times, "
        f"of pass-b {for_second} times, and another {neither} times."
    )
    return _agreement(to_judge, first, second, chosen) + "\n" + text


def bare() -> str:
    """The pass without narratives beside what was settled, and beside either pass."""
    to_judge, first, second, chosen = _passes()
    final = settle(first, second, to_judge.read(ADJUDICATION), chosen)
    alone = to_judge.read("bare")
    settled = Pass("settled", final)
    parts = []
    for other in (settled, first, second):
        bare_pass, theirs = of_both(alone, other)
        both = require_same_pairs(bare_pass, theirs, to_judge, pooled=False)
        if other is settled:
            parts.append(_agreement(to_judge, bare_pass, theirs, both))
            continue
        found = agreement("all", bare_pass.grades, theirs.grades, both, RELEVANT, seed=0)
        parts.append(
            f"Beside {other.name}: κ {found.kappa.value:.3f} [{found.kappa.low:.3f}, {found.kappa.high:.3f}], "
            f"overlap {found.overlap.value:.3f} [{found.overlap.low:.3f}, {found.overlap.high:.3f}]."
        )
    return "\n".join(parts)


def consequence() -> str:
    """Whether either pass alone would have led to other conclusions about the baseline's runs."""
    to_judge, first, second, chosen = _passes()
    final = settle(first, second, to_judge.read(ADJUDICATION), chosen)
    labels = {"pass-a": first.grades, "pass-b": second.grades, "final": final}
    found = relabel([BASELINE], to_judge, labels)
    primary = found.means[:, :, 0]
    lines = [
        f"| {found.measures[0]} | " + " | ".join(found.labels) + " |",
        "|---|" + "---:|" * len(found.labels),
        *(
            f"| {system} | " + " | ".join(f"{mean:.4f}" for mean in primary[:, s]) + " |"
            for s, system in enumerate(found.systems)
        ),
    ]
    lowest = min(tau for tau in found.order_tau().values() if not math.isnan(tau))
    text = (
        f"The runs of `results/baseline` on its {found.n_queries} test queries under each labelling: the "
        f"lowest Kendall's τ between two orders of the systems, by any measure, is {lowest:.3f}; the largest "
        f"change of any mean is {found.largest_change:.4f}."
    )
    return "\n".join([text, "", *lines])


def power() -> str:
    """The smallest difference that the test queries find, with version 1's beside it."""
    pairs = (("bm25", "dense"), ("bm25", "hybrid"), ("dense", "hybrid"))
    found: list[list[float | None]] = []
    sizes = []
    for folder in (BEFORE, BASELINE):
        record = Record.load(folder)
        names = list(record.content["systems"])
        values = record.values("nDCG@10")[:, None]
        sizes.append(len(record.sets))
        found.append(
            [
                compare(values, names, ["nDCG@10"], [tuple(map(names.index, pair))], record.sets, seed=0)
                .comparisons[0]
                .detectable
                for pair in pairs
            ]
        )
    lines = [f"| pair | version 1, {sizes[0]} queries | version 2, {sizes[1]} |", "|---|---:|---:|"]
    for (first, second), before, now in zip(pairs, *found, strict=True):
        lines.append(f"| {first}, {second} | {before:.3f} | {now:.3f} |")
    return "\n".join(lines)


PARTS = {
    "sizes": sizes,
    "kinds": kinds,
    "naturalness": naturalness,
    "needs": needs,
    "agreement": agreed,
    "bare": bare,
    "consequence": consequence,
    "power": power,
}


def marked(name: str) -> str:
    """What stands in the card between the markers of this name."""
    text = CARD.read_text(encoding="utf-8")
    return text.split(f"<!-- {name}: begin -->\n", 1)[1].split(f"\n<!-- {name}: end -->", 1)[0]


def main() -> None:
    """Put every part into the card."""
    text = CARD.read_text(encoding="utf-8")
    for name, make in PARTS.items():
        head, rest = text.split(f"<!-- {name}: begin -->\n", 1)
        tail = rest.split(f"\n<!-- {name}: end -->", 1)[1]
        text = f"{head}<!-- {name}: begin -->\n{make()}\n<!-- {name}: end -->{tail}"
    CARD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
