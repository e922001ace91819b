"""What the data card says in numbers, made from the labels: `python tests/studies/card.py` renews it."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

from bench.collections.beir import digest
from bench.labelling.agreement import agreement
from bench.labelling.passes import (
    ADJUDICATION,
    ToJudge,
    require_same_pairs,
)
from bench.labelling.relabel import relabel
from bench.labelling.settling import disagreements, settle
from bench.report.agreement import agreement_table
from bench.report.markdown import markdown

FOLDER = Path(__file__).resolve().parent.parent.parent / "qrels" / "digest"
CARD = FOLDER / "README.md"
BASELINE = FOLDER.parent.parent / "results" / "baseline"
RELEVANT = 2
_WIDEST = 60


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
    return "\n".join(
        [*lines, "", "Queries by their number of relevant papers:", "", "```text", *bars, "```"]
    )


def agreed() -> str:
    """The two passes as they are, before adjudication, and what adjudication did."""
    to_judge = ToJudge.load(FOLDER)
    first, second = (to_judge.read(name) for name in ("pass-a", "pass-b"))
    queries = require_same_pairs(first, second, to_judge, pooled=False)
    set_of = {query: to_judge.queries[query][1] for query in queries}
    groups = {name: [q for q in queries if set_of[q] == name] for name in dict.fromkeys(set_of.values())}
    rows = [
        agreement(name, first.grades, second.grades, chosen, RELEVANT, seed=0)
        for name, chosen in [*groups.items(), ("all", queries)]
    ]
    settled = to_judge.read(ADJUDICATION)
    open_pairs = disagreements(first, second, queries)
    for_first = sum(settled.grades[pair] == first.grades[pair] for pair in open_pairs)
    for_second = sum(settled.grades[pair] == second.grades[pair] for pair in open_pairs)
    neither = len(open_pairs) - for_first - for_second
    text = (
        f"Of the {len(open_pairs)} disagreements, adjudication took the grade of pass-a {for_first} times, "
        f"of pass-b {for_second} times, and another {neither} times."
    )
    return markdown([agreement_table((first.name, second.name), rows, RELEVANT)]) + "\n" + text


def consequence() -> str:
    """Whether either pass alone would have led to other conclusions about the baseline's runs."""
    to_judge = ToJudge.load(FOLDER)
    first, second = (to_judge.read(name) for name in ("pass-a", "pass-b"))
    final = settle(first, second, to_judge.read(ADJUDICATION), list(to_judge.queries))
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


PARTS = {"sizes": sizes, "agreement": agreed, "consequence": consequence}


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
