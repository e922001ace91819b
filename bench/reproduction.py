"""How close a repeated run comes to the original, by the measures of repro_eval (Breuer et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record import Record

# Share of the weight that goes on from each rank to the next: 0.8 looks at about the first five.
RBO_P = 0.8

Ranking = Sequence[tuple[str, float]]


class Level(StrEnum):
    """How far a system was reproduced."""

    IDENTICAL = "identical"
    SAME_ORDER = "same order"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Reproduced:
    """One system, then and now: means over queries, and the root mean square error of each measure."""

    system: str
    level: Level
    tau_union: float
    rbo: float
    rmse: Mapping[str, float]


def reproduced(
    system: str,
    then: Mapping[str, Ranking],
    now: Mapping[str, Ranking],
    values_then: Mapping[str, NDArray[np.float64]],
    values_now: Mapping[str, NDArray[np.float64]],
) -> Reproduced:
    """Compare the rankings (query → [(document, float32 score)]) and per-query values of one system."""
    queries = sorted(then.keys() | now.keys())
    orders = [
        ([doc for doc, _ in then.get(query, ())], [doc for doc, _ in now.get(query, ())])
        for query in queries
    ]
    rmse = {
        measure: float(np.sqrt(np.mean((values_then[measure] - values_now[measure]) ** 2)))
        for measure in values_then
    }
    if any(one != other for one, other in orders):
        level = Level.DIFFERENT
    elif any(list(then.get(q, ())) != list(now.get(q, ())) for q in queries) or any(rmse.values()):
        level = Level.SAME_ORDER
    else:
        level = Level.IDENTICAL
    tau = float(np.mean([tau_union(one, other) for one, other in orders])) if orders else math.nan
    overlap = float(np.mean([rbo(one, other) for one, other in orders])) if orders else math.nan
    return Reproduced(system, level, tau, overlap, rmse)


def tau_union(one: Sequence[str], other: Sequence[str]) -> float:
    """Kendall's τ Union: each list becomes the places of its documents in the sorted union of both, and
    τ-b compares the two. Lists of unequal length are cut to the shorter, where repro_eval would stop.

    >>> tau_union(["a", "b", "c"], ["a", "b", "c"]), tau_union(["a", "b", "c"], ["c", "b", "a"])
    (1.0, -1.0)
    """
    if list(one) == list(other):
        return 1.0
    from scipy.stats import kendalltau

    length = min(len(one), len(other))
    one, other = one[:length], other[:length]
    place = {doc: n for n, doc in enumerate(sorted({*one, *other}))}
    if length < 2:  # one document has no order
        return 1.0 if length and one[0] == other[0] else 0.0
    return float(kendalltau([place[doc] for doc in one], [place[doc] for doc in other]).statistic)


def rbo(one: Sequence[str], other: Sequence[str], p: float = RBO_P) -> float:
    """Rank-biased overlap (Webber et al. 2010), normalised over the depth of the longer list.

    >>> rbo(["a", "b"], ["a", "b"]), rbo(["a"], ["b"])
    (1.0, 0.0)
    """
    seen_one: set[str] = set()
    seen_other: set[str] = set()
    shared = 0
    score = total = 0.0
    weight = 1.0
    for depth in range(max(len(one), len(other))):
        for docs, own, theirs in ((one, seen_one, seen_other), (other, seen_other, seen_one)):
            if depth < len(docs):
                own.add(docs[depth])
                shared += docs[depth] in theirs
        score += weight * shared / (depth + 1)
        total += weight
        weight *= p
    return score / total if total else 1.0


def differences(then: Record, now: Record) -> list[str]:
    """Return what is not as it was, each in a few words: code, versions, machine, data, systems."""
    found = []
    for name in ("python", "system", "machine", "processor", "cores"):
        one, other = (record.content["platform"].get(name) for record in (then, now))
        if one != other:
            found.append(f"{name}: {one} → {other}")
    one, other = then.content["versions"], now.content["versions"]
    found += [
        f"{name}: {one.get(name)} → {other.get(name)}"
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    ]
    for key, what in (("collection", "corpus"), ("labels", "labels"), ("queries", "queries")):
        if then.content[key]["fingerprint"] != now.content[key]["fingerprint"]:
            found.append(f"{what}: other content")
    if then.depth != now.depth:
        found.append(f"depth: {then.depth} → {now.depth}")
    found += changed_systems(then, now)
    commits = [record.content["git"] for record in (then, now)]
    if commits[0] != commits[1]:
        found.append("code: " + " → ".join(map(_commit, commits)))
    return sorted(found)


def _commit(git: Mapping[str, object]) -> str:
    commit = str(git["commit"])[:12] if git["commit"] else "an installed package"
    return commit + (" with changes" if git["clean"] is False else "")


def changed_systems(then: Record, now: Record) -> list[str]:
    """Return what is another in each system of both, such as "bm25: other code, other faiss-cpu"."""
    found = []
    for system in then.systems:
        if system in now.systems:
            one, other = (record.content["systems"][system] for record in (then, now))
            what = [f"other {name}" for name in _differing(one, other)]
            found += [f"{system}: {', '.join(what)}"] if what else []
    return found


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Name the parts in which two systems differ. A record of old tells no more than the weights."""
    weights = [
        {key: fact for key, fact in system["facts"].items() if key.endswith("weights_sha256")}
        for system in (one, other)
    ]
    found = ["model"] if weights[0] != weights[1] else []
    then, now = one.get("fingerprint"), other.get("fingerprint")
    if then and now:
        parts = ("settings", "code") if found else ("settings", "code", "files")
        found += [part for part in parts if then[part] != now[part]]
        found += sorted({name for name, _ in then["libraries"].items() ^ now["libraries"].items()})
    return found
