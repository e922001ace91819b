"""Run + qrels → measures. The only importer of pytrec_eval.

trec_eval sorts what it is given again, at float32 and by document id; handed the scores themselves it
could disagree with the ranking that a user sees. So it gets strictly decreasing scores made from the
canonical ranks, and its order is always ours. (pytrec_eval #30, #49)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, did_you_mean, require
from bench.evaluation import grammar
from bench.evaluation.grammar import Params
from bench.evaluation.judged import judged_share, last_judged
from bench.types import NO_DOC, Collection, Measures, Qrels, Queries, Run

# Depth of the comparison of an approximate search with the exact one.
RECALL_DEPTH = 10
_HIGHEST_CUTOFF = 1_000_000
_MOST_DIGITS = 30

# Name → trec_eval's measure without a cut-off and with one; None where there is no such form.
_TREC_NAMES: dict[str, tuple[str | None, str | None]] = {
    "nDCG": ("ndcg", "ndcg_cut"),
    "MAP": ("map", "map_cut"),
    "MRR": ("recip_rank", "recip_rank"),
    "P": (None, "P"),
    "Recall": (None, "recall"),
    "Success": (None, "success"),
    "Judged": (None, None),
}

# Other spellings of our own, as ir_measures has them; `bpref` is trec_eval's spelling.
_OURS = {"AP": "MAP", "RR": "MRR", "R": "Recall", "Precision": "P", "NDCG": "nDCG"}
_ALIASES = {"bpref": "Bpref"}
_IN_WORDS = {
    "nDCG": "gain of the grades, linear, discounted by rank, over the best order there could be",
    "MAP": "precision at the rank of each relevant document, averaged",
    "MRR": "1 over the rank of the first relevant document",
    "P": "share of the first k that is relevant",
    "Recall": "share of the relevant documents among the first k",
    "Success": "whether a relevant document is among the first k",
    "Judged": "share of the first k that has a judgement; tells how far to trust the others",
}
# They leave documents out that nobody judged. infAP does for those of grade -1 alone.
_FOR_INCOMPLETE = {"Bpref"}


@dataclass(frozen=True)
class Measure:
    """A measure as a value: `str(Measure.parse("nDCG@10")) == "nDCG@10"`.

    Seven are our own, by trec_eval: nDCG has linear gains (Järvelin & Kekäläinen 2002, as in
    trec_eval); MAP, MRR, P, Recall and Success count documents from the qrels' lowest relevant grade
    on; Judged@k is the share of the top k that has a judgement. All others, and ours with parameters,
    are those of `ir_measures`; `rel` is the qrels' lowest relevant grade where it is not given.
    """

    name: str
    cutoff: int | None = None
    params: Params = ()

    @classmethod
    def parse(cls, text: str) -> Measure:
        """Read a measure that can be computed here. Raises `BenchError` for anything else."""
        measure = cls.read(text)
        if not measure.own:
            from bench.evaluation.ir_measures_provider import require_computable

            require_computable(measure.name, measure.params, measure.cutoff)
        return measure

    @classmethod
    def read(cls, text: str) -> Measure:
        """Read a measure, of which the values may come from another machine."""
        found = grammar.read(str(text))
        name, params = _OURS.get(found.name, found.name), dict(found.params)
        if name in _TREC_NAMES and not params:
            return cls._of_ours(name, str(text), found.at)
        from bench.evaluation import ir_measures_provider as provider

        name = _ALIASES.get(found.name, found.name)
        if name not in (others := provider.names()):
            raise BenchError(
                f"measure '{name}' is unknown; {did_you_mean(name, [*_TREC_NAMES, *others])}"
            )
        cutoff = None
        if found.at is not None and name in provider.AT:
            require(provider.AT[name] not in params, f"measure '{text}' gives a value twice")
            params = {provider.AT[name]: _decimal(str(text), found.at), **params}
        elif found.at is not None:
            require("cutoff" not in params, f"measure '{text}' gives its cut-off twice; leave one out")
            cutoff = _cutoff(str(text), found.at)
        name, kept, cutoff = provider.resolve(name, params, cutoff)
        if cutoff is not None:
            cutoff = _cutoff(str(text), str(cutoff))
        if not kept and _OURS.get(name, name) in _TREC_NAMES:
            at = None if cutoff is None else str(cutoff)
            return cls._of_ours(_OURS.get(name, name), str(text), at)
        return cls(name, cutoff, kept)

    @classmethod
    def _of_ours(cls, name: str, text: str, at: str | None) -> Measure:
        cutoff = None if at is None else _cutoff(text, at)
        require(
            cutoff is not None or _TREC_NAMES[name][0] is not None,
            f"measure '{name}' needs a cut-off; write {name}@10",
        )
        return cls(name, cutoff)

    def __str__(self) -> str:
        at: object = self.cutoff
        params = self.params
        if self.name == "IPrec":  # written with @, as ir_measures does
            at = dict(params)["recall"]
            params = tuple(pair for pair in params if pair[0] != "recall")
        return grammar.written(self.name, params, at)

    @property
    def own(self) -> bool:
        """Whether it is one of our seven, for which the range over ties is known."""
        return self.name in _TREC_NAMES and not self.params

    @property
    def for_incomplete(self) -> bool:
        """Whether it is made for labels with holes: it does not take the unjudged for not relevant."""
        return self.name in _FOR_INCOMPLETE or ("judged_only", True) in self.params

    @property
    def patience(self) -> float | None:
        """p of RBP, None for another measure."""
        return float(str(dict(self.params)["p"])) if self.name == "RBP" else None

    @cached_property
    def _trec(self) -> tuple[str, str] | None:
        """(what pytrec_eval is asked for, where it puts the answer)."""
        if not self.own:
            return None
        whole, cut = _TREC_NAMES[self.name]
        if self.cutoff is None or self.name == "MRR":
            return (whole, whole) if whole else None
        return (f"{cut}.{self.cutoff}", f"{cut}_{self.cutoff}") if cut else None


def _cutoff(text: str, at: str) -> int:
    require(at.isdigit(), f"measure '{text}' is malformed: '{at}' is no cut-off; write it as nDCG@10")
    # a few digits more are beyond any cut-off as well
    cutoff = int(at[:_MOST_DIGITS])
    require(
        1 <= cutoff <= _HIGHEST_CUTOFF,
        f"measure '{text}': the cut-off must be at least 1 and at most {_HIGHEST_CUTOFF}",
    )
    return cutoff


def _decimal(text: str, at: str) -> float:
    try:
        return float(at)
    except ValueError:
        raise BenchError(f"measure '{text}' is malformed: '{at}' is no number") from None


def known() -> list[tuple[str, str]]:
    """Return (name, one line) of each measure there is: our seven, then those of `ir_measures`."""
    from bench.evaluation import ir_measures_provider

    others = ir_measures_provider.known()
    ours = [one for one in others if _OURS.get(one[0], one[0]) in _TREC_NAMES]
    lines = [*_IN_WORDS.items(), *(one for one in others if one not in ours)]
    return [(_with_cutoff(name), words) for name, words in lines]


def _with_cutoff(name: str) -> str:
    """Return a name as it is written: with @k where it can not be without, [@k] where it may be."""
    taken = []
    for text in (name, f"{name}@10"):
        try:
            Measure.parse(text)
        except BenchError:
            continue
        taken.append(text)
    suffixes = {(name, f"{name}@10"): "[@k]", (f"{name}@10",): "@k"}
    return name + suffixes.get(tuple(taken), "")


def require_tested_once(names: Sequence[str], where: str) -> None:
    """Raise `BenchError` for a measure that can not be tested, and for one that stands twice."""
    for name in names:
        require(
            not name.startswith("Judged"),
            f"{where} names {name}: what share of a ranking was judged is no quality that systems "
            "compete in, and can not be tested; name another",
        )
    require(len(set(names)) == len(names), f"{where} names a measure twice; name each once")


def answerable(queries: Queries, qrels: Qrels) -> NDArray[np.bool_]:
    """Return (n_queries,): whether a query has a relevant document, and so a value of each measure."""
    return np.array([qrels.n_relevant(query) > 0 for query in queries.ids], dtype=bool)


def evaluate(
    run: Run,
    queries: Queries,
    qrels: Qrels,
    collection: Collection,
    measures: Sequence[Measure],
) -> Measures:
    """Measure a run, query by query: values (n_measures, n_queries).

    A query without an answer counts as 0. A query without a relevant document has no value: ask
    `answerable` first, and leave it out by name. Raises ValueError if one is among the queries.
    """
    unanswerable = [q for q in queries.ids if qrels.n_relevant(q) == 0]
    if unanswerable:
        raise ValueError(f"queries without a relevant document: {unanswerable}")
    values = np.empty((len(measures), len(queries)))
    own = [line for line, measure in enumerate(measures) if measure.own]
    others = [line for line, measure in enumerate(measures) if not measure.own]
    if own:
        values[own] = _trec_eval(run, queries, qrels, collection, [measures[line] for line in own])
    if others:
        from bench.evaluation import ir_measures_provider

        asked = [(measures[line].name, measures[line].params, measures[line].cutoff) for line in others]
        values[others] = ir_measures_provider.evaluate(run, queries, qrels, collection, asked)
    return Measures(tuple(map(str, measures)), queries.ids, values)


def _trec_eval(
    run: Run,
    queries: Queries,
    qrels: Qrels,
    collection: Collection,
    measures: Sequence[Measure],
) -> NDArray[np.float64]:
    """Return (n_measures, n_queries) values of our own measures."""
    import pytrec_eval

    places = [float(place) for place in range(run.docs.shape[1], 0, -1)]
    answers: dict[str, dict[str, float]] = {}
    tops: dict[str, list[str]] = {}
    deepest = max((m.cutoff or 1 for m in measures if m.name == "Judged"), default=0)
    # What stands below the last judged document changes no measure, and of 1,000 it is most.
    needed = last_judged(run, queries, qrels, collection)
    for query, docs, last in zip(queries.ids, run.docs, needed, strict=True):
        top = docs[: max(last, deepest)]
        ids = collection.ids(top[top != NO_DOC])
        tops[query] = ids[:deepest]
        if last:
            answers[query] = dict(zip(ids[:last], places, strict=False))
    asked = {measure._trec[0] for measure in measures if measure._trec}
    grades = {query: dict(qrels.grades[query]) for query in queries.ids}
    evaluator = pytrec_eval.RelevanceEvaluator(grades, asked, relevance_level=qrels.relevant)
    results = evaluator.evaluate(answers) if asked else {}

    def value(measure: Measure, query: str) -> float:
        if measure.name == "Judged":
            return judged_share(tops[query], qrels, query, measure.cutoff or 1)
        if query not in results:
            return 0.0
        assert measure._trec is not None
        found = float(results[query][measure._trec[1]])
        if measure.name == "MRR" and measure.cutoff and found < 1 / (measure.cutoff + 0.5):
            return 0.0
        return found

    return np.array(
        [[value(measure, query) for query in queries.ids] for measure in measures],
        dtype=np.float64,
    ).reshape(len(measures), len(queries))


def recall_against(run: Run, exact: Run, k: int) -> float:
    """Return the share of the exact top k that an approximate run has in its own top k, averaged
    over queries that have an exact answer; nan where none has one."""
    shares = []
    for found, truth in zip(run.head(k).docs, exact.head(k).docs, strict=True):
        wanted = truth[truth != NO_DOC]
        if len(wanted):
            shares.append(float(np.isin(wanted, found).mean()))
    return float(np.mean(shares)) if shares else math.nan
