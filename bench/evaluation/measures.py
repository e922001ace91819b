"""Run + qrels → measures. The only importer of pytrec_eval.

trec_eval sorts what it is given again, at float32 and by document id; handed the scores themselves it
could disagree with the ranking that a user sees. So it gets strictly decreasing scores made from the
canonical ranks, and its order is always ours. (pytrec_eval #30, #49)
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, did_you_mean, require
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

# As it is written → the formula for one query; [@k] may be left out.
_FORMULAS = {
    "nDCG[@k]": "sum of grade / log2(rank + 1), divided by that of the best possible ranking",
    "MAP[@k]": "mean over all relevant documents of the precision at their rank, 0 where not found",
    "MRR[@k]": "1 / rank of the first relevant document, 0 where none is found",
    "P@k": "relevant documents among the first k, divided by k",
    "Recall@k": "relevant documents among the first k, divided by all relevant documents",
    "Success@k": "1 if any of the first k documents is relevant, else 0",
    "Judged@k": "share of the first k documents that have a judgement",
}


@dataclass(frozen=True)
class Measure:
    """A measure as a value: `str(Measure.parse("nDCG@10")) == "nDCG@10"`.

    nDCG has linear gains (Järvelin & Kekäläinen 2002, as in trec_eval); MAP, MRR, P, Recall and
    Success count documents from the qrels' lowest relevant grade on; Judged@k is the share of the
    top k that has a judgement.
    """

    name: str
    cutoff: int | None = None

    @classmethod
    def parse(cls, text: str) -> Measure:
        """Read `name` or `name@cutoff`. Raises `BenchError` for anything else."""
        match = re.fullmatch(r"([A-Za-z]+)(?:@([0-9]+))?", str(text))
        require(
            match is not None,
            f"measure '{text}' is malformed; write it as nDCG@10, Recall@100 or MAP",
        )
        assert match is not None
        digits = match[2] and match[2][:_MOST_DIGITS]  # a few more are beyond any cut-off as well
        name, cutoff = match[1], int(digits) if digits else None
        if name not in _TREC_NAMES:
            raise BenchError(f"measure '{name}' is unknown; {did_you_mean(name, _TREC_NAMES)}")
        require(
            cutoff is None or 1 <= cutoff <= _HIGHEST_CUTOFF,
            f"measure '{text}': the cut-off must be at least 1 and at most {_HIGHEST_CUTOFF}",
        )
        require(
            cutoff is not None or _TREC_NAMES[name][0] is not None,
            f"measure '{name}' needs a cut-off; write {name}@10",
        )
        return cls(name, cutoff)

    def __str__(self) -> str:
        return self.name if self.cutoff is None else f"{self.name}@{self.cutoff}"

    @property
    def _trec(self) -> tuple[str, str] | None:
        """(what pytrec_eval is asked for, where it puts the answer)."""
        whole, cut = _TREC_NAMES[self.name]
        if self.cutoff is None or self.name == "MRR":
            return (whole, whole) if whole else None
        return (f"{cut}.{self.cutoff}", f"{cut}_{self.cutoff}") if cut else None


def known() -> Mapping[str, str]:
    """Return each measure as it is written → its formula for one query, in a line."""
    return _FORMULAS


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
    import pytrec_eval

    unanswerable = [q for q in queries.ids if qrels.n_relevant(q) == 0]
    if unanswerable:
        raise ValueError(f"queries without a relevant document: {unanswerable}")
    depth = run.docs.shape[1]
    places = [float(depth - place) for place in range(depth)]
    answers: dict[str, dict[str, float]] = {}
    for row, query in enumerate(queries.ids):
        docs = run.docs[row][run.docs[row] != NO_DOC]
        if len(docs):
            answers[query] = dict(zip(collection.ids(docs), places, strict=False))
    asked = {measure._trec[0] for measure in measures if measure._trec}
    grades = {query: dict(qrels.grades[query]) for query in queries.ids}
    evaluator = pytrec_eval.RelevanceEvaluator(grades, asked, relevance_level=qrels.relevant)
    results = evaluator.evaluate(answers) if asked else {}

    def value(measure: Measure, query: str) -> float:
        if measure.name == "Judged":
            return _judged(list(answers.get(query, {})), qrels, query, measure.cutoff or 1)
        if query not in results:
            return 0.0
        assert measure._trec is not None
        found = float(results[query][measure._trec[1]])
        if measure.name == "MRR" and measure.cutoff and found < 1 / (measure.cutoff + 0.5):
            return 0.0
        return found

    values = np.array(
        [[value(measure, query) for query in queries.ids] for measure in measures],
        dtype=np.float64,
    ).reshape(len(measures), len(queries))
    return Measures(tuple(map(str, measures)), queries.ids, values)


def _judged(ranking: Sequence[str], qrels: Qrels, query: str, cutoff: int) -> float:
    top = ranking[:cutoff]
    if qrels.complete:
        return 1.0
    return sum(doc in qrels.grades[query] for doc in top) / len(top) if top else 0.0


def recall_against(run: Run, exact: Run, k: int) -> float:
    """Return the share of the exact top k that an approximate run has in its own top k, averaged
    over queries that have an exact answer; nan where none has one."""
    shares = []
    for found, truth in zip(run.head(k).docs, exact.head(k).docs, strict=True):
        wanted = truth[truth != NO_DOC]
        if len(wanted):
            shares.append(float(np.isin(wanted, found).mean()))
    return float(np.mean(shares)) if shares else math.nan
