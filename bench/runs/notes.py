"""What a reader must know of the data behind values, a line each: queries left out or not answered,
holes in the labels, and how far equal scores could move a mean.

Whatever shows the values of a run or gives a verdict on them takes its notes from here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.errors import listed
from bench.evaluation.judged import JUDGED_DEPTH
from bench.evaluation.measures import Measure
from bench.evidence.sway import Sway, shows
from bench.runs.record import Record, labels_entry
from bench.types import Queries, TestCollection

# With a smaller share of a ranking judged, measures that take the unjudged for not relevant are low.
_ENOUGH_JUDGED = 0.9
_VERDICT = "a verdict on it"
_RAISE_DEPTH = "raise depth"
# Whatever depths were asked for: Judged@1 misses the holes below it, Judged@100 finds those that do not
# matter to measures of the first ten.
_JUDGED, _JUDGED_KEPT = f"Judged@{JUDGED_DEPTH}", f"judged@{JUDGED_DEPTH}"
_SHOW_HOLES = "Bpref or nDCG(judged_only=True)@10"


@dataclass(frozen=True, eq=False)
class Basis:
    """What notes are made from: systems by the names that they are shown under, and what they were
    measured on.

    n        queries that are measured
    depth    documents kept of each, of so many `documents` in all
    labels   as in a record; systems: name → what a record has of it
    judged   name → mean share of its first ten that was judged, where it answers anything
    failed   name → why
    deeper   how to see more than `depth` documents
    """

    measures: tuple[str, ...]
    n: int
    depth: int
    documents: int
    labels: Mapping[str, Any]
    left_out: tuple[str, ...]
    no_answer: tuple[str, ...]
    systems: Mapping[str, Mapping[str, Any]]
    judged: Mapping[str, float]
    failed: Mapping[str, str] = field(default_factory=dict)
    deeper: str = _RAISE_DEPTH

    @classmethod
    def of(cls, record: Record, systems: Sequence[str] | None = None) -> Basis:
        """What a record says of these of its systems, or of all and those that failed."""
        content = record.content
        kept = record.systems if systems is None else systems
        return cls(
            tuple(record.measures),
            len(record.query_ids),
            record.depth,
            content["collection"]["documents"],
            content["labels"],
            tuple(content["queries"]["left_out"]),
            tuple(content["queries"]["no_answer"]),
            {name: content["systems"][name] for name in kept},
            {name: its for name, its in _judged_shares(record).items() if name in kept},
            content.get("failed", {}) if systems is None else {},
        )

    @classmethod
    def measured(
        cls,
        test: TestCollection,
        queries: Queries,
        measures: Sequence[str],
        depth: int,
        systems: Mapping[str, Mapping[str, Any]],
        deeper: str = _RAISE_DEPTH,
    ) -> Basis:
        """What is known of answers to these queries that were measured just now.

        systems  name → its `answers_entry`
        """
        asked = set(queries.ids)
        missing = [query for query in test.queries.ids if query not in asked]
        return cls(
            tuple(measures),
            len(queries),
            depth,
            len(test.collection),
            labels_entry(test),
            tuple(query for query in missing if query not in test.no_answer),
            tuple(query for query in missing if query in test.no_answer),
            systems,
            {name: its[_JUDGED_KEPT] for name, its in systems.items() if its[_JUDGED_KEPT] is not None},
            deeper=deeper,
        )

    @classmethod
    def merged(cls, parts: Sequence[tuple[Basis, Mapping[str, str]]], measures: Sequence[str]) -> Basis:
        """Return one of several on the same corpus, labels and queries, each with the titles of its
        systems, for these measures."""
        first = parts[0][0]
        bases = [one for one, _ in parts]
        return cls(
            tuple(measures),
            first.n,
            first.depth,
            first.documents,
            {key: value for one in reversed(bases) for key, value in one.labels.items()},
            tuple(dict.fromkeys(query for one in bases for query in one.left_out)),
            tuple(dict.fromkeys(query for one in bases for query in one.no_answer)),
            {titles[name]: its for one, titles in parts for name, its in one.systems.items()},
            {titles[name]: its for one, titles in parts for name, its in one.judged.items()},
            {titles.get(name, name): why for one, titles in parts for name, why in one.failed.items()},
            # beside a run all are cut to its depth
            _RAISE_DEPTH if any(one.deeper == _RAISE_DEPTH for one in bases) else first.deeper,
        )

    def sway(self, system: str, measure: str, mean: float) -> Sway:
        """How far other orders of equal scores could move this mean."""
        return Sway.of(mean, self.systems[system]["ties"].get(measure))


def data_notes(
    basis: Basis, verdicts: Collection[tuple[str, str]] | None = None, what: str = _VERDICT
) -> Iterator[str]:
    """Yield all notes. Where no verdict is given, the range over orders of equal scores is told wherever
    it shows; of `verdicts`, (system, measure), where `what` rests on that order."""
    if basis.left_out:
        yield (
            f"Left out, having no relevant document: {listed(basis.left_out)}. "
            "Mark them no_answer if that is meant."
        )
    if basis.no_answer:
        yield f"{len(basis.no_answer)} queries are marked as having no answer and not counted."
    for name, why in basis.failed.items():
        yield f"{name} failed: {why}"
    for system, result in basis.systems.items():
        if result["unanswered"]:
            yield (
                f"{system} gave no answer to {result['unanswered']} of {basis.n} queries; they count "
                "as 0."
            )
    yield from _label_notes(basis)
    yield from _incomplete_notes(basis)
    yield from tie_notes(basis, verdicts, what=what).values()
    yield from _cut_ties(basis)
    yield from _unknown_ties(basis)


def _label_notes(basis: Basis) -> Iterator[str]:
    """Say what of the labels no system can find, and what is taken out of the answers."""
    if missing := basis.labels.get("missing_documents"):
        yield (
            f"{missing} judgements name documents that are not in the corpus; relevant ones count as "
            "missed, as in BEIR's own evaluation."
        )
    if basis.labels.get("ignore_identical_ids"):
        yield "Documents with the id of their query are left out of its answers."


def _incomplete_notes(basis: Basis) -> Iterator[str]:
    """Say which measures to read where not every pair was judged, and how much RBP could be higher."""
    if basis.labels.get("complete", True):
        return
    by_name = {name: Measure.read(name) for name in basis.measures}
    if basis.judged:
        least = min(basis.judged, key=basis.judged.__getitem__)
        share = basis.judged[least]
        if share < _ENOUGH_JUDGED:
            unanswered = basis.systems[least]["unanswered"]
            over = " over the queries that it answers" if unanswered else ""
            pooled = bool(basis.labels.get("pooled_unjudged"))
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
                f"Labels have holes ({_JUDGED} is {share:.2f} for {least}{over}): "
                f"{'read ' if robust else ''}{read}{rather if misled else ''}."
            )
    told: dict[str, list[str]] = {}
    for system, result in basis.systems.items():
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


def tie_notes(
    basis: Basis,
    verdicts: Collection[tuple[str, str]] | None = None,
    *,
    what: str = _VERDICT,
    when: str = "",
) -> dict[str, str]:
    """Return system → how far tied documents could move its means, where that shows in the table; of
    `verdicts`, only that on which `what` rests. `when` tells two runs of one system apart."""
    where = f" within the first {basis.depth} documents" if basis.depth < basis.documents else ""
    over = "over all orders of equal scores"
    if verdicts is not None:
        over = f"{what} rests on the order of equal scores; over all orders"
    found = {}
    for system, result in basis.systems.items():
        moved = [
            f"{measure} {its[0]:.4f} to {its[2]:.4f} ({its[1]:.4f} expected)"
            for measure, its in result["ties"].items()
            if shows(its) and measure in basis.measures
            if verdicts is None or (system, measure) in verdicts
        ]
        if moved:
            found[system] = f"{system}{when}: {over}{where}: {', '.join(moved)}."
    return found


def _cut_ties(basis: Basis) -> Iterator[str]:
    """Say where documents below the last one kept may tie with it, which no range counts."""
    for system, result in basis.systems.items():
        if lists := result.get("tied_at_cut", 0):
            yield (
                f"{system}: {lists} of {basis.n} lists end in equal scores at depth {basis.depth}: "
                f"what was cut off may tie with them, which is not known; {basis.deeper}."
            )


def _unknown_ties(basis: Basis) -> Iterator[str]:
    """Say of which measures nobody knows how far equal scores could move them."""
    told: dict[str, list[str]] = {}
    for system, result in basis.systems.items():
        shown = [name for name in result.get("ties_unknown", ()) if name in basis.measures]
        if shown:
            told.setdefault(listed(shown), []).append(system)
    for names, systems in told.items():
        yield (
            f"{', '.join(systems)}: equal scores could stand in another order; how far that moves "
            f"{names} is not known."
        )
