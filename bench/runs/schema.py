"""What may stand in a record, where it is read.

Only what something reads is asked for, and other keys may hold anything: a new key is one line in
`_RECORD`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.evaluation.facts import fact_problems
from bench.evaluation.judged import JUDGED_DEPTH
from bench.evaluation.measures import RECALL_DEPTH
from bench.evidence.comparison import Verdict
from bench.runs.values import INLINE
from bench.storage.shape import (
    any_list,
    any_object,
    anything,
    count,
    holds,
    in_words,
    keys_of,
    list_of,
    number,
    object_of,
    optional,
    text,
    truth,
    whole,
)

_VERDICTS = frozenset(map(str, Verdict))

# Every measure lies between 0 and 1; rounding may leave the last bit outside.
_ROUNDING = 1e-9


def check_record(content: Any, file: Path) -> None:
    """Raise `BenchError` naming the file, the place in it, and the first thing that is wrong there."""
    for check in (_RECORD, _shapes):
        for problem in check(content, ""):
            raise BenchError(f"{file}: {problem}; the record is damaged, restore it or run again")


def _system_name(name: Any, where: str = "system") -> Iterator[str]:
    if not isinstance(name, str) or not name or set(name) & set("/\0") or name.startswith("."):
        yield f"{where} is {in_words(name)}, which can not name a run file"


def _three_means(value: Any, where: str) -> Iterator[str]:
    yield from list_of(number)(value, where)
    if len(value) != 3:
        yield f"{where} must have lowest, expected and highest mean, found {in_words(value)}"


_SYSTEM = keys_of(
    {
        "facts": fact_problems,
        "fingerprint": keys_of(
            {"settings": text, "code": text, "files": text, "libraries": object_of(text)}
        ),
        "unanswered": count,
        f"recall@{RECALL_DEPTH}_vs_exact": optional(number),
        "ties": object_of(_three_means),
    },
    optional={
        "values": any_object,
        "ties_unknown": list_of(text),
        "residuals": object_of(number),
        "tied_at_cut": count,
        f"judged@{JUDGED_DEPTH}": optional(number),
    },
)
_MEANS = object_of(
    object_of(
        keys_of({"mean": number, "low": optional(number), "high": optional(number), "wide": truth})
    )
)
_COMPARISON = keys_of(
    {
        **dict.fromkeys(("system", "baseline", "measure"), text),
        **dict.fromkeys(("n", "wins", "ties", "losses"), count),
        **dict.fromkeys(("difference", "low", "high", "margin"), number),
        **dict.fromkeys(("p", "p_corrected", "effect", "detectable"), optional(number)),
        **dict.fromkeys(("needed", "needed_equivalent"), optional(count)),
        "wide": truth,
        "verdict": holds(lambda value: isinstance(value, str) and value in _VERDICTS, "a verdict"),
    }
)
_EVIDENCE = keys_of(
    {
        "draws": count,
        "means": object_of(_MEANS),
        "set_means": _MEANS,
        "family": keys_of(
            {
                "measures": list_of(text, filled=True),
                "hypotheses": count,
                "exact": truth,
                "comparisons": list_of(_COMPARISON),
            }
        ),
        "reversals": list_of(keys_of({"leader": text, "other": text, "without": optional(text)})),
    }
)
_RECORD = keys_of(
    {
        "id": text,
        "config": keys_of(
            {"depth": count, "retrievers": any_object}, {"evidence": optional(any_object)}
        ),
        "git": keys_of({"commit": optional(text), "clean": anything}),
        "platform": any_object,
        "versions": any_object,
        "evidence": _EVIDENCE,
        "collection": keys_of({"name": text, "documents": count, "fingerprint": text}),
        "labels": keys_of({"fingerprint": text, "relevant": whole}),
        "queries": keys_of(
            {
                "fingerprint": text,
                "ids": list_of(text, unique=True, filled=True),
                "sets": list_of(text),
                "splits": list_of(text),
                "left_out": list_of(text),
                "no_answer": list_of(text),
            }
        ),
        "measures": list_of(text, unique=True, filled=True),
        "systems": object_of(_SYSTEM, _system_name, filled=True),
    },
    optional={
        "values": keys_of({"file": text, "sha256": text}),
        "accepted": any_list,
        "anchor": object_of(object_of(list_of(number))),
        "bench": text,
        "created": text,
        "failed": object_of(text),
        "seconds": object_of(number),
    },
)


def _means_of_all(content: Mapping[str, Any]) -> Iterator[str]:
    """The evidence speaks of every system by every measure, on all queries and on each set."""
    sets, evidence = list(dict.fromkeys(content["queries"]["sets"])), content["evidence"]
    for measure in evidence["family"]["measures"]:
        if measure not in content["measures"]:
            yield f"evidence.family.measures names {in_words(measure)}, which was not measured"
    groups = ["all", *(sets if len(sets) > 1 else ())]
    tables = {f"evidence.means.{group}": evidence["means"].get(group, {}) for group in groups}
    if set(evidence["means"]) != set(groups):
        yield f"evidence.means must be of {', '.join(groups)}, found {', '.join(evidence['means'])}"
    for where, means in [*tables.items(), ("evidence.set_means", evidence["set_means"])]:
        for measure in content["measures"]:
            if set(means.get(measure, ())) != set(content["systems"]):
                yield f"{where}.{measure} must have a mean of every system"
    named = [(one["leader"], one["other"]) for one in evidence["reversals"]]
    named += [(one["system"], one["baseline"]) for one in evidence["family"]["comparisons"]]
    for system in itertools.chain(*named):
        if system not in content["systems"]:
            yield f"evidence names the system {in_words(system)}, which was not run"


def _shapes(content: Mapping[str, Any], _where: str) -> Iterator[str]:
    """What belongs together has one length: a set and a split for each query, and a value by every
    measure of every system."""
    n = len(content["queries"]["ids"])
    for key in ("sets", "splits"):
        entries = content["queries"][key]
        if len(entries) != n:
            yield f"queries.{key} has {len(entries)} entries for {n} queries"
    for name, by_measure in content.get("anchor", {}).items():
        for measure, values in by_measure.items():
            yield from _measured(values, f"anchor.{name}.{measure}", content)
    if "all" in (sets := set(content["queries"]["sets"])) and len(sets) > 1:
        yield "queries.sets: 'all' is the name of all sets together, and can not be that of one"
    if content["schema"] == INLINE:
        yield from _values(content)
    elif "values" not in content:
        yield "values is missing"
    yield from _means_of_all(content)


def _values(content: Mapping[str, Any]) -> Iterator[str]:
    for name, system in content["systems"].items():
        for measure in content["measures"]:
            where, found = f"systems.{name}.values.{measure}", system.get("values", {})
            missing = () if measure in found else (f"{where} is missing",)
            yield from missing or _measured(found[measure], where, content)


def _measured(values: Any, where: str, content: Mapping[str, Any]) -> Iterator[str]:
    yield from any_list(values, where)
    ids = content["queries"]["ids"]
    if len(values) != len(ids):
        yield f"{where} has {len(values)} values for {len(ids)} queries"
    for query, value in zip(ids, values, strict=True):
        # not by way of `number`: a record may hold a million of them
        if type(value) not in (int, float) or not -_ROUNDING <= value <= 1 + _ROUNDING:
            yield f"{where}: {in_words(value)} for query {query} is no number between 0 and 1"
