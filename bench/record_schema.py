"""What may stand in a record: facts where they enter it, and the whole of it where it is read.

Only what something reads is asked for, and other keys may hold anything: a new key is one line in
`_RECORD`. A check yields what is wrong with a value, in words that begin with the place of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.evidence.comparison import Verdict
from bench.measure import RECALL_DEPTH
from bench.types import Facts

_VERDICTS = frozenset(map(str, Verdict))

Check = Callable[[Any, str], Iterator[str]]

# Every measure lies between 0 and 1; rounding may leave the last bit outside.
_ROUNDING = 1e-9


def check_record(content: Any, file: Path) -> None:
    """Raise `BenchError` naming the file, the place in it, and the first thing that is wrong there."""
    for check in (_RECORD, _shapes):
        for problem in check(content, ""):
            raise BenchError(f"{file}: {problem}; the record is damaged, restore it or run again")


def check_facts(facts: Any, system: str) -> Facts:
    """Return what a searcher tells of itself as plain Python values.

    Raises `BenchError` naming system and fact for what is no text, finite number, true, false or None,
    and for a hash that is no text.
    """
    plain = facts
    if isinstance(facts, Mapping):
        plain = {_plain(key): _plain(value) for key, value in facts.items()}
    for problem in _told(plain, "facts"):
        raise BenchError(f"retriever '{system}': {problem}; mend what its searcher tells")
    return dict(plain)


def check_nbytes(nbytes: Any, system: str) -> int:
    """Return the bytes of an index. Raises `BenchError` for what is no finite number from 0 on."""
    value = _plain(nbytes)
    for problem in _size(value, "nbytes"):
        raise BenchError(f"retriever '{system}': {problem}; mend what its searcher tells")
    return int(value)


def _plain(value: Any) -> Any:
    """Return a numpy scalar as the Python value that JSON knows, and anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _is_number(value: Any) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _found(value: Any) -> str:
    """The words for a value that should not be there, never long."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, int) and abs(value) >= 2**64:  # Python may refuse to print it
        return "a huge whole number"
    return "null" if value is None else repr(value)[:40]


def _is(fits: Callable[[Any], bool], words: str) -> Check:
    def check(value: Any, where: str) -> Iterator[str]:
        if not fits(value):
            yield f"{where} must be {words}, found {_found(value)}"

    return check


_anything = _is(lambda _: True, "anything")
_text = _is(lambda value: isinstance(value, str), "text")
_number = _is(_is_number, "a finite number")
_whole = _is(lambda value: type(value) is int, "a whole number")
_count = _is(lambda value: type(value) is int and value >= 0, "a whole number from 0 on")
_size = _is(lambda value: _is_number(value) and value >= 0, "a number from 0 on")
_truth = _is(lambda value: isinstance(value, bool), "true or false")
_fact = _is(
    lambda value: value is None or isinstance(value, (str, bool)) or _is_number(value),
    "text, a finite number, true, false or null",
)
_object = _is(lambda value: isinstance(value, Mapping), "an object")
_list = _is(lambda value: isinstance(value, list), "a list")


def _optional(check: Check) -> Check:
    def absent_or(value: Any, where: str) -> Iterator[str]:
        if value is not None:
            yield from check(value, where)

    return absent_or


def _list_of(check: Check, *, unique: bool = False, filled: bool = False) -> Check:
    def every(value: Any, where: str) -> Iterator[str]:
        yield from _list(value, where)
        for place, one in enumerate(value):
            yield from check(one, f"{where}[{place}]")
        if unique and len(set(value)) < len(value):
            twice = next(one for place, one in enumerate(value) if one in value[:place])
            yield f"{where} holds {_found(twice)} twice"
        if filled and not value:
            yield f"{where} is empty"

    return every


def _object_of(check: Check, key: Check = _anything, *, filled: bool = False) -> Check:
    def every(value: Any, where: str) -> Iterator[str]:
        yield from _object(value, where)
        for name, one in value.items():
            yield from key(name, f"a key of {where}")
            yield from check(one, f"{where}.{name}")
        if filled and not value:
            yield f"{where} is empty"

    return every


def _keys(checks: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    def each(value: Any, where: str) -> Iterator[str]:
        yield from _object(value, where or "the whole")
        for name, check in checks.items():
            place = f"{where}.{name}" if where else name
            if name not in value:
                yield f"{place} is missing"
            yield from check(value[name], place)
        for name, check in (optional or {}).items():
            if name in value:
                yield from check(value[name], f"{where}.{name}" if where else name)

    return each


def _system_name(name: Any, where: str = "system") -> Iterator[str]:
    if not isinstance(name, str) or not name or set(name) & set("/\0") or name.startswith("."):
        yield f"{where} is {_found(name)}, which can not name a run file"


def _told(facts: Any, where: str) -> Iterator[str]:
    """Facts: a hash is text, for the gate and `verify` compare hashes."""
    yield from _object_of(_fact, key=_text)(facts, where)
    for key, value in facts.items():
        if key.endswith("_sha256"):
            yield from _text(value, f"{where}.{key}")


def _three_means(value: Any, where: str) -> Iterator[str]:
    yield from _list_of(_number)(value, where)
    if len(value) != 3:
        yield f"{where} must have lowest, expected and highest mean, found {_found(value)}"


_SYSTEM = _keys(
    {
        "facts": _told,
        "fingerprint": _keys(
            {"settings": _text, "code": _text, "files": _text, "libraries": _object_of(_text)}
        ),
        "unanswered": _count,
        f"recall@{RECALL_DEPTH}_vs_exact": _optional(_number),
        "ties": _object_of(_three_means),
        "values": _object,
    }
)
_MEANS = _object_of(
    _object_of(
        _keys({"mean": _number, "low": _optional(_number), "high": _optional(_number), "wide": _truth})
    )
)
_COMPARISON = _keys(
    {
        **dict.fromkeys(("system", "baseline", "measure"), _text),
        **dict.fromkeys(("n", "wins", "ties", "losses"), _count),
        **dict.fromkeys(("difference", "low", "high", "margin"), _number),
        **dict.fromkeys(("p", "p_corrected", "effect", "detectable"), _optional(_number)),
        **dict.fromkeys(("needed", "needed_equivalent"), _optional(_count)),
        "wide": _truth,
        "verdict": _is(lambda value: isinstance(value, str) and value in _VERDICTS, "a verdict"),
    }
)
_EVIDENCE = _keys(
    {
        "draws": _count,
        "means": _object_of(_MEANS),
        "set_means": _MEANS,
        "family": _keys(
            {
                "measures": _list_of(_text, filled=True),
                "hypotheses": _count,
                "exact": _truth,
                "comparisons": _list_of(_COMPARISON),
            }
        ),
        "reversals": _list_of(_keys({"leader": _text, "other": _text, "without": _optional(_text)})),
    }
)
_RECORD = _keys(
    {
        "id": _text,
        "config": _keys({"depth": _count, "retrievers": _object}, {"evidence": _optional(_object)}),
        "git": _keys({"commit": _optional(_text), "clean": _anything}),
        "platform": _object,
        "versions": _object,
        "evidence": _EVIDENCE,
        "collection": _keys({"name": _text, "documents": _count, "fingerprint": _text}),
        "labels": _keys({"fingerprint": _text, "relevant": _whole}),
        "queries": _keys(
            {
                "fingerprint": _text,
                "ids": _list_of(_text, unique=True, filled=True),
                "sets": _list_of(_text),
                "splits": _list_of(_text),
                "left_out": _list_of(_text),
                "no_answer": _list_of(_text),
            }
        ),
        "measures": _list_of(_text, unique=True, filled=True),
        "systems": _object_of(_SYSTEM, _system_name, filled=True),
    },
    optional={"accepted": _list, "anchor": _object_of(_object_of(_list_of(_number)))},
)


def _means_of_all(content: Mapping[str, Any]) -> Iterator[str]:
    """The evidence speaks of every system by every measure, on all queries and on each set."""
    sets, evidence = list(dict.fromkeys(content["queries"]["sets"])), content["evidence"]
    for measure in evidence["family"]["measures"]:
        if measure not in content["measures"]:
            yield f"evidence.family.measures names {_found(measure)}, which was not measured"
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
            yield f"evidence names the system {_found(system)}, which was not run"


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
    yield from _values(content)
    yield from _means_of_all(content)


def _values(content: Mapping[str, Any]) -> Iterator[str]:
    for name, system in content["systems"].items():
        for measure in content["measures"]:
            where, found = f"systems.{name}.values.{measure}", system["values"]
            missing = () if measure in found else (f"{where} is missing",)
            yield from missing or _measured(found[measure], where, content)


def _measured(values: Any, where: str, content: Mapping[str, Any]) -> Iterator[str]:
    yield from _list(values, where)
    ids = content["queries"]["ids"]
    if len(values) != len(ids):
        yield f"{where} has {len(values)} values for {len(ids)} queries"
    for query, value in zip(ids, values, strict=True):
        # not by way of `_number`: a record may hold a million of them
        if type(value) not in (int, float) or not -_ROUNDING <= value <= 1 + _ROUNDING:
            yield f"{where}: {_found(value)} for query {query} is no number between 0 and 1"
