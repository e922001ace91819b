"""The measures that `ir_measures` computes beside our own. The only importer of it, and late: 25 ms.

It sorts what it is given again, as trec_eval does, so it gets strictly decreasing scores made from the
canonical ranks. Each measure is asked for alone: asked together, nDCG may be given the gains of another
(`PytrecEvalProvider._build_invokers`, 0.4.3).
"""

from __future__ import annotations

import itertools
import logging
import math
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, require
from bench.evaluation.grammar import Params, Value, written
from bench.evaluation.parameters import HIGHEST_GAIN, checked
from bench.types import NO_DOC, Collection, Qrels, Queries, Run

# Queries that are measured at once: dicts of a thousand documents each take 0.1 MB a query.
_BLOCK = 256
# Those of its providers that are asked, in its own order. ranx is left out, as it adds nothing and
# compiles at import, and trectools, as ir_measures leaves it out.
_PROVIDERS = ("pytrec_eval", "cwl_eval", "compat", "msmarco", "gdeval")
# The highest grade whose gain 2^grade - 1 is allowed.
_HIGHEST_EXPONENT = HIGHEST_GAIN.bit_length() - 1
_COUNTS = {"NumQ", "NumRel", "NumRet"}
_BY_SUBTOPIC = {
    *("ERR_IA", "nERR_IA", "alpha_DCG", "alpha_nDCG", "NRBP", "nNRBP", "AP_IA", "P_IA", "StRecall"),
}
# With a cut-off these look at so many places and no more.
_CUT = {"AP", "ERR", "P", "R", "RR", "Success", "nDCG"}
# Written @x in place of a cut-off.
AT = {"IPrec": "recall"}


@cache
def _package() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cwl_eval's sources have escapes that Python warns of
        import ir_measures

    # It warns of each set of labels without the highest grade; `_grades` refuses what is above it.
    for name in ("ir_measures", "ir_measures.cwl_eval"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return ir_measures


def names() -> list[str]:
    """Return every name that `ir_measures` knows, aliases too."""
    return sorted(name for name in _package().measures.registry if name.isascii())


def known() -> list[tuple[str, str]]:
    """Return (name, one line) of each measure that can be had here, in alphabetic order."""
    found = {one.NAME: one.SHORT_DESC for one in _package().measures.registry.values()}
    found["infAP"] = "MAP, but for documents of grade -1 (pooled, not judged): those are inferred"
    refused = {*_COUNTS, *_BY_SUBTOPIC, "Accuracy"}
    return sorted((name, " ".join(line.split())) for name, line in found.items() if name not in refused)


def resolve(
    name: str, params: Mapping[str, Value], cutoff: int | None
) -> tuple[str, Params, int | None]:
    """Return name, parameters and cut-off in their one spelling.

    What has the default of ir_measures is left out, but for p, which a reader needs, and `rel`: where
    that is not given, it is the lowest relevant grade of the labels. Raises `BenchError`.
    """
    measure = _package().measures.registry[name]
    text = written(name, tuple(params.items()), cutoff)
    named = {key: value for key, value in measure.params.items() if value is not None}
    given = {**named, **params, **({} if cutoff is None else {"cutoff": cutoff})}
    infos = measure.SUPPORTED_PARAMS
    if unknown := sorted(given.keys() - infos.keys()):
        takes = ", ".join(infos) or "none"
        raise BenchError(f"measure '{text}' has no parameter '{unknown[0]}'; it takes {takes}")
    for key, info in infos.items():
        if key == "p":
            given.setdefault("p", info.default)
        if info.required and key not in given:
            at = key == measure.AT_PARAM
            raise BenchError(
                f"measure '{text}' needs {'a cut-off' if key == 'cutoff' else key}; write "
                + (f"{name}@{10 if key == 'cutoff' else 0.1}" if at else f"{name}({key}=…)")
            )
        if key in given:
            given[key] = checked(text, measure.NAME, key, given[key], info)
    require(
        "max_rel" not in given or given["max_rel"] > given.get("min_rel", 0),
        f"measure '{text}': max_rel must be above min_rel",
    )
    _require_in_range(measure.NAME, text)
    kept = {
        key: given[key]
        for key, info in infos.items()
        if key in given and (key in ("p", "rel") or given[key] != info.default)
    }
    cut = kept.pop("cutoff", None)
    return measure.NAME, tuple(kept.items()), cut


def _require_in_range(name: str, text: str) -> None:
    require(
        name not in _COUNTS,
        f"measure '{text}' is a count, and values must lie between 0 and 1, which intervals and tests "
        "are made for; name another",
    )
    require(
        name not in _BY_SUBTOPIC,
        f"measure '{text}' needs labels by subtopic, which the qrels here do not have; name another",
    )
    require(
        name != "Accuracy",
        f"measure '{text}' has no value where all that was found is relevant, or nothing; name another",
    )


def require_computable(name: str, params: Params, cutoff: int | None) -> None:
    """Raise `BenchError` where no provider can compute a measure, naming what is to be installed."""
    measure = _measure(name, params, cutoff, 1)
    registry, text = _package().providers.registry, written(name, params, cutoff)
    able = [registry[one] for one in _PROVIDERS if registry[one].supports(measure)]
    require(
        bool(able),
        f"measure '{text}' is computed by no provider of ir_measures with these parameters; "
        f"{'leave the cut-off out' if name == 'RBP' else 'give it a cut-off, or other parameters'}",
    )
    hints = " or ".join(dict.fromkeys(str(one.install_instructions()) for one in able))
    require(
        any(one.is_available() for one in able),
        f"measure '{text}' needs {able[0].NAME}, which is not installed: {hints}",
    )


def _measure(name: str, params: Params, cutoff: int | None, relevant: int) -> Any:
    """Return it as ir_measures has it, with the labels' relevant grade where none is given."""
    kind = _package().measures.registry[name]
    given: dict[str, Any] = dict(params)
    if "rel" in kind.SUPPORTED_PARAMS:
        given.setdefault("rel", relevant)
    if "gains" in given:
        given["gains"] = dict(given["gains"])
    if given.get("dcg") == "exp-log2" and "gains" not in given:
        # gdeval's five decimals and its perl are not needed: these are its gains
        given["gains"] = {grade: 2**grade - 1 for grade in range(1, _HIGHEST_EXPONENT + 1)}
        del given["dcg"]
    if cutoff is not None:
        given["cutoff"] = cutoff
    return kind(**given)


def evaluate(
    run: Run,
    queries: Queries,
    qrels: Qrels,
    collection: Collection,
    asked: Sequence[tuple[str, Params, int | None]],
) -> NDArray[np.float64]:
    """Return (n_asked, n_queries) values; a query without an answer has 0.

    Raises `BenchError` for a value outside 0..1, grades that a measure can not take, and a measure that
    can not be computed here.
    """
    for one in asked:
        require_computable(*one)
    values = np.zeros((len(asked), len(queries)))
    measures = [_measure(*one, qrels.relevant) for one in asked]
    registry = _package().providers.registry
    for start in range(0, len(queries), _BLOCK):
        rows = range(start, min(start + _BLOCK, len(queries)))
        answers = dict(_answers(run, rows, collection))
        if not answers:
            continue
        grades = {
            key: _grades(queries.ids[int(key)], answers[key], qrels, collection) for key in answers
        }
        for line, (one, measure) in enumerate(zip(asked, measures, strict=True)):
            text = written(*one)
            _require_grades(text, one, grades)
            able = (registry[name] for name in _PROVIDERS)
            provider = next(p for p in able if p.supports(measure) and p.is_available())
            try:
                seen = _seen_by(measure, grades, queries, qrels)
                for found in provider.iter_calc([measure], seen, _first(_depth(*one), answers)):
                    values[line, int(found.query_id)] = found.value
            except (subprocess.CalledProcessError, OSError) as error:
                raise BenchError(f"measure '{text}': {provider.NAME} failed: {error}") from error
    _require_unit(values, asked, queries)
    return np.clip(values, 0.0, 1.0)


def _depth(name: str, params: Params, cutoff: int | None) -> int | None:
    """Return how many places can change a value, None for all; perl and cwl_eval are slow."""
    if name == "RBP":  # what comes after adds less than the last bit of 1
        return math.ceil(-60 / math.log2(float(str(dict(params)["p"]))))
    return cutoff if name in _CUT and ("judged_only", True) not in params else None


def _first(depth: int | None, answers: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {key: dict(itertools.islice(one.items(), depth)) for key, one in answers.items()}


def _answers(run: Run, rows: range, collection: Collection) -> Iterator[tuple[str, dict[str, float]]]:
    """Row → document → score that decreases with its rank. gdeval takes numbers as query ids only."""
    for row in rows:
        docs = run.docs[row][run.docs[row] != NO_DOC]
        if len(docs):
            scores = np.arange(len(docs), 0, -1, dtype=np.float64).tolist()
            yield str(row), dict(zip(collection.ids(docs), scores, strict=True))


def _grades(
    query: str, answer: Mapping[str, float], qrels: Qrels, collection: Collection
) -> dict[str, int]:
    """Return the grades of a query without the negative ones, which say what a missing line does, in a
    complete set also the zeros that a measure may look at.

    Those are all documents that were found, and of the others as many as there are relevant ones:
    Bpref counts no more.
    """
    grades = dict(qrels.judged(query))
    if not qrels.complete:
        return grades
    others = collection.ids(range(min(len(collection), 2 * len(grades))))
    return {**dict.fromkeys(answer, 0), **dict.fromkeys(others, 0), **grades}


def _seen_by(
    measure: Any, grades: dict[str, dict[str, int]], queries: Queries, qrels: Qrels
) -> dict[str, dict[str, int]]:
    """Give infAP the negative grades too, and Bpref no query without a relevant document: 0.

    For Bpref trec_eval reads counts by grade up to `rel`, past their end where no grade is as high: a
    crash.
    """
    if measure.NAME == "infAP":
        return {key: {**of, **qrels.grades[queries.ids[int(key)]]} for key, of in grades.items()}
    if measure.NAME == "Bpref":
        return {key: of for key, of in grades.items() if max(of.values(), default=0) >= measure["rel"]}
    return grades


def _require_grades(
    text: str, one: tuple[str, Params, int | None], grades: Mapping[str, Mapping[str, int]]
) -> None:
    name, params, _ = one
    most = dict(params).get("max_rel", 4 if name == "ERR" else None)
    exponential = ("dcg", "exp-log2") in params
    if exponential:
        most = _HIGHEST_EXPONENT
    if isinstance(most, int):
        highest = max(max(of.values(), default=0) for of in grades.values())
        require(
            highest <= most,
            f"measure '{text}' takes grades of at most {most}"
            + f", as a gain is at most {HIGHEST_GAIN}" * exponential
            + f", and the labels have {highest}; "
            + ("raise max_rel" if name != "ERR" and "max_rel" in dict(params) else "name another"),
        )


def _require_unit(
    values: NDArray[np.float64], asked: Sequence[tuple[str, Params, int | None]], queries: Queries
) -> None:
    wrong = np.argwhere(~((values >= -1e-9) & (values <= 1 + 1e-9)))
    if len(wrong):
        line, row = wrong[0]
        raise BenchError(
            f"measure '{written(*asked[line])}' is {values[line, row]:.4g} for query "
            f"{queries.ids[row]}; values must lie between 0 and 1; name another"
        )
