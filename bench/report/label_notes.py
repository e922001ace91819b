"""What a table must say where labels have holes, and how far ties could move a value."""

from __future__ import annotations

from collections.abc import Iterator

from bench.errors import listed
from bench.evaluation.judged import JUDGED_DEPTH
from bench.evaluation.measures import Measure
from bench.runs.record import Record

# With a smaller share of a ranking judged, measures that take the unjudged for not relevant are low.
_ENOUGH_JUDGED = 0.9
# Whatever depths were asked for: Judged@1 misses the holes below it, Judged@100 finds those that do not
# matter to measures of the first ten.
_JUDGED, _JUDGED_KEPT = f"Judged@{JUDGED_DEPTH}", f"judged@{JUDGED_DEPTH}"
_SHOW_HOLES = "Bpref or nDCG(judged_only=True)@10"


def label_notes(record: Record) -> Iterator[str]:
    """Say what of the labels no system can find, and what is taken out of the answers."""
    labels = record.content["labels"]
    if missing := labels.get("missing_documents"):
        yield (
            f"{missing} judgements name documents that are not in the corpus; relevant ones count as "
            "missed, as in BEIR's own evaluation."
        )
    if labels.get("ignore_identical_ids"):
        yield "Documents with the id of their query are left out of its answers."


def incomplete_notes(record: Record) -> Iterator[str]:
    """Say which measures to read where not every pair was judged, and how much RBP could be higher."""
    if record.content["labels"].get("complete", True):
        return
    by_name = {name: Measure.read(name) for name in record.measures}
    if shares := _judged_shares(record):
        least = min(shares, key=shares.__getitem__)
        if shares[least] < _ENOUGH_JUDGED:
            unanswered = record.content["systems"][least]["unanswered"]
            over = " over the queries that it answers" if unanswered else ""
            pooled = bool(record.content["labels"].get("pooled_unjudged"))
            robust = [
                name
                for name, one in by_name.items()
                if one.for_incomplete or (pooled and one.name == "infAP")
            ]
            misled = [
                name
                for name, one in by_name.items()
                if one.name != "Judged" and one.patience is None and name not in robust
            ]
            read = (
                listed(robust)
                if robust
                else f"measure {'infAP, ' if pooled else ''}{_SHOW_HOLES} too, and read them"
            )
            rather = f", rather than {listed(misled)}, which count unjudged documents as not relevant"
            yield (
                f"Labels have holes ({_JUDGED} is {shares[least]:.2f} for {least}{over}): "
                f"{'read ' if robust else ''}{read}{rather if misled else ''}."
            )
    told: dict[str, list[str]] = {}
    for system, result in record.content["systems"].items():
        for name, mean in result.get("residuals", {}).items():
            if name in by_name:
                told.setdefault(name, []).append(f"{system} up to {mean:.2f} more")
    for name, parts in told.items():
        yield f"{name}: {', '.join(parts)}, were all unjudged documents relevant (residual, mean)."


def _judged_shares(record: Record) -> dict[str, float]:
    """Return system → mean `Judged@10` over the queries that it answers: an empty list is no hole in the
    labels, and its share is 0, as in ir_measures. Systems that answer nothing are left out.

    Records of earlier versions have it only where it was asked for, as a measure."""
    column = record.values(_JUDGED) if _JUDGED in record.measures else None
    found = {}
    for row, system in enumerate(record.systems):
        result = record.content["systems"][system]
        share = result.get(_JUDGED_KEPT)
        if _JUDGED_KEPT not in result and column is not None:
            answered = len(record.query_ids) - result["unanswered"]
            share = float(column[row].sum()) / answered if answered else None
        if share is not None:
            found[system] = share
    return found


def tie_notes(record: Record) -> Iterator[str]:
    """Say how far tied documents could move a mean, where that shows in the table."""
    cut = record.depth < record.content["collection"]["documents"]
    where = f" within the first {record.depth} documents" if cut else ""
    for system in record.systems:
        moved = [
            f"{measure} {low:.4f} to {high:.4f} ({expected:.4f} expected)"
            for measure, (low, expected, high) in record.content["systems"][system]["ties"].items()
            if f"{low:.4f}" != f"{high:.4f}" and measure in record.measures
        ]
        if moved:
            yield f"{system}: over all orders of equal scores{where}: {', '.join(moved)}."


def cut_ties(record: Record) -> Iterator[str]:
    """Say where documents below the last one kept may tie with it, which no range counts."""
    for system, result in record.content["systems"].items():
        if lists := result.get("tied_at_cut", 0):
            yield (
                f"{system}: {lists} of {len(record.query_ids)} lists end in equal scores at depth "
                f"{record.depth}: what was cut off may tie with them, which is not known; raise depth."
            )


def unknown_ties(record: Record) -> Iterator[str]:
    """Say of which measures nobody knows how far equal scores could move them."""
    told: dict[str, list[str]] = {}
    for system, result in record.content["systems"].items():
        shown = [name for name in result.get("ties_unknown", ()) if name in record.measures]
        if shown:
            told.setdefault(listed(shown), []).append(system)
    for names, systems in told.items():
        yield (
            f"{', '.join(systems)}: equal scores could stand in another order; how far that moves "
            f"{names} is not known."
        )
