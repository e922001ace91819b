"""How close a repeated run comes to the original: order, overlap, values (Breuer et al. 2020)."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.runs.record import Record
from bench.storage.sources import is_unknown

# Share of the weight that goes on from each rank to the next: 0.8 looks at about the first five.
RBO_P = 0.8
OVERLAP_DEPTH = 10
# What a record says of its queries that their fingerprint, of ids and texts, does not tell.
_OF_QUERIES = {
    "sets": "query sets",
    "splits": "splits of the queries",
    "left_out": "queries left out",
    "no_answer": "queries known to have no answer",
}

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
    kendall: float
    overlap: float
    rbo: float
    rmse: Mapping[str, float]
    tau_union: float


def reproduced(
    system: str,
    queries: Sequence[str],
    then: Mapping[str, Ranking],
    now: Mapping[str, Ranking],
    values_then: Mapping[str, NDArray[np.float64]],
    values_now: Mapping[str, NDArray[np.float64]],
) -> Reproduced:
    """Compare the rankings (query → [(document, float32 score)]) and per-query values of one system.

    A query that neither answered counts as reproduced. Where a measure is nan for a query, as Kendall's
    τ is where only one run answered it, its mean is over the others.
    """
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

    def mean(measure: Callable[[Sequence[str], Sequence[str]], float]) -> float:
        values = np.array([measure(one, other) for one, other in orders])
        defined = values[~np.isnan(values)]
        return float(defined.mean()) if len(defined) else math.nan

    return Reproduced(system, level, mean(kendall), mean(overlap), mean(rbo), rmse, mean(tau_union))


def kendall(one: Sequence[str], other: Sequence[str]) -> float:
    """Kendall's τ of two top-k lists: 1 - 2 K / (n (n - 1) / 2), where n documents are in either.

    K is the Kendall distance with penalty 1/2 (K^(1/2) of Fagin, Kumar & Sivakumar 2003). It counts the
    pairs that the lists order differently; a document that a list lacks is behind all that it has, and
    a pair that one list has and the other lacks counts a half. So this is Kendall's τ where both have
    the same documents, and -1/2 or lower where they share none. nan where there is nothing to order: one
    of two lists is empty, or they have one document between them.

    >>> kendall("abc", "abc"), kendall("abc", "cba"), kendall("ab", "ac")
    (1.0, -1.0, 0.3333333333333333)
    """
    if list(one) == list(other):
        return 1.0
    common = set(one) & set(other)
    missing = [len(docs) - len(common) for docs in (one, other)]
    n = len(common) + sum(missing)
    if n < 2 or not one or not other:
        return math.nan
    place = {doc: rank for rank, doc in enumerate(other)}
    pairs = math.comb(n, 2)
    distance = (
        _inversions([place[doc] for doc in one if doc in common])
        + _ahead_of_common(one, common)
        + _ahead_of_common(other, common)
        + math.prod(missing)
        + sum(math.comb(count, 2) for count in missing) / 2
    )
    return (pairs - 2 * distance) / pairs


def _inversions(places: Sequence[int]) -> int:
    """Return how many pairs of different numbers stand in falling order."""
    seen: list[int] = []
    found = 0
    for place in places:
        found += len(seen) - bisect.bisect(seen, place)
        bisect.insort(seen, place)
    return found


def _ahead_of_common(docs: Sequence[str], common: set[str]) -> int:
    """Return how many pairs have a document that the other list lacks ahead of one that it has."""
    lacking = found = 0
    for doc in docs:
        if doc in common:
            found += lacking
        else:
            lacking += 1
    return found


def overlap(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the share of the first ten documents that both have, of the longer list if one is shorter.

    >>> overlap("abcd", "dcxy"), overlap("", "")
    (0.5, 1.0)
    """
    first, second = set(one[:OVERLAP_DEPTH]), set(other[:OVERLAP_DEPTH])
    longer = max(len(first), len(second))
    return len(first & second) / longer if longer else 1.0


def tau_union(one: Sequence[str], other: Sequence[str]) -> float:
    """Kendall's τ Union as repro_eval computes it (Breuer et al. 2020): each list becomes the places of
    its documents in the sorted union of both, and τ-b compares the two. It depends on how documents are
    called, and is here for those who compare with its values. Lists of unequal length are cut to the
    shorter, where repro_eval would stop.

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
    """Rank-biased overlap (Webber, Moffat & Zobel 2010), truncated and renormalised:
    Σ p^(d-1) A(d) / Σ p^(d-1) over d from 1 to the length of the longer list, where A(d) is the number
    of documents that the first d places of both have, over d.

    repro_eval extrapolates instead (RBO_EXT), for which a list that lost its end is as good as whole.

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
    found += [
        f"{what}: other content"
        for key, what in _OF_QUERIES.items()
        if then.content["queries"][key] != now.content["queries"][key]
    ]
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
        if any(is_unknown(its["code"]) for its in (then, now)):  # equal or not
            found = [*(part for part in found if part != "code"), "or unknown code"]
        found += sorted({name for name, _ in then["libraries"].items() ^ now["libraries"].items()})
    return found
