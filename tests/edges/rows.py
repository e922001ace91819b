"""The table: a row is id, command, what is done to the folder before, exit code, and words that are said.

To add a try, add a line to the list of its subject. The folder is made by `inputs.world`; words in
capitals stand for what `SHORT` says; `never` are words that must not be said, beside those that no row
may say. A refusal (2) is one line and leaves the folder as it was, unless `leaves` names what is new.
Rows of their own process are slower, and stand at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inputs import DELETED, SetUp, add, both, drop, folder, link, mode, node, put, swap

HUGE = "9" * 10_000
DEEP = "[" * 100_000
SHORT = {
    "RUN": "run retriever=[bm25] collection=beir collection.path=c output=out",
    "SHOW": "run retriever=[bm25] --cfg job",
    "TUNE": "tune retriever=bm25 collection=beir collection.path=c output=out",
    "FILE": "run retriever=[runfile] retrievers.runfile.path=a.trec collection=beir collection.path=c output=out",
    "FILES": "compare a.trec b.trec --collection c",
    "GATE": "gate run --baseline base",
    "VERIFY": "verify run --set collection.path=c",
}


def nothing(_: Path) -> None:
    """Leave the folder as it is."""


@dataclass(frozen=True)
class Row:
    """One try."""

    id: str
    command: str
    set_up: SetUp
    code: int
    says: str | Sequence[str]
    never: Sequence[str] = ()
    leaves: Sequence[str] = ()
    permissions: bool = False
    root: bool = False
    long: bool = False
    one_line: bool = True
    disk: str = "64k"


def queries(line: str) -> SetUp:
    """Add a line to queries.jsonl."""
    return add("c/queries.jsonl", line + "\n")


def corpus(line: str) -> SetUp:
    """Add a line to corpus.jsonl."""
    return add("c/corpus.jsonl", line + "\n")


def qrels(line: str) -> SetUp:
    """Add a line to the qrels of test."""
    return add("c/qrels/test.tsv", line + "\n")


def answer(line: str) -> SetUp:
    """Add a line to the run file a.trec."""
    return add("a.trec", line + "\n")


def judged(line: str) -> SetUp:
    """Add a line to the pass of ann."""
    return add("c/passes/ann.tsv", line + "\n")


# A row is a line.
# fmt: off
CORPORA = [
    Row("corpus-missing", "RUN", drop("c/corpus.jsonl"), 2, "cannot read c/corpus.jsonl"),
    Row("corpus-empty", "RUN", put("c/corpus.jsonl", ""), 2, "has no documents"),
    Row("corpus-blank-lines", "RUN", put("c/corpus.jsonl", "\n\n \n"), 2, "has no documents"),
    Row("corpus-not-json", "RUN", corpus("{"), 2, "corpus.jsonl:13: not JSON"),
    Row("corpus-a-list", "RUN", corpus("[1]"), 2, "corpus.jsonl:13: each line must be one JSON object"),
    Row("corpus-null", "RUN", corpus("null"), 2, "corpus.jsonl:13: each line must be one JSON object"),
    Row("corpus-no-id", "RUN", corpus('{"text": "x"}'), 2, "corpus.jsonl:13: '_id' must be a string"),
    Row("corpus-id-number", "RUN", corpus('{"_id": 5, "text": "x"}'), 2, "'_id' must be a string"),
    Row("corpus-id-huge-number", "RUN", corpus('{"_id": ' + HUGE + "}"), 2, "corpus.jsonl:13:"),
    Row("corpus-id-empty", "RUN", corpus('{"_id": "", "text": "x"}'), 2, "'_id' must be a string"),
    Row("corpus-id-space", "RUN", corpus('{"_id": "a b", "text": "x"}'), 2, "'_id' must be a string without white space"),
    Row("corpus-id-twice", "RUN", corpus('{"_id": "d01", "text": "x"}'), 2, "corpus.jsonl:13: id 'd01' stands twice"),
    Row("corpus-no-text", "RUN", corpus('{"_id": "x"}'), 2, "neither 'title' nor 'text'"),
    Row("corpus-text-number", "RUN", corpus('{"_id": "x", "text": 5}'), 2, "'text' must be a string, found 5"),
    Row("corpus-text-huge-number", "RUN", corpus('{"_id": "x", "text": ' + HUGE + "}"), 2, "corpus.jsonl:13:"),
    Row("corpus-text-null", "RUN", corpus('{"_id": "x", "text": null}'), 2, "'text' must be a string"),
    Row("corpus-title-list", "RUN", corpus('{"_id": "x", "text": "", "title": [1]}'), 2, "'title' must be a string"),
    Row("corpus-text-long-list", "RUN", corpus('{"_id": "x", "text": ' + str(list(range(9_000))) + "}"), 2, "'text' must be a string"),
    Row("corpus-deep", "RUN", corpus(DEEP), 2, "corpus.jsonl:13: "),
    Row("corpus-deep-value", "RUN", corpus('{"_id": "x", "text": ' + DEEP), 2, "corpus.jsonl:13: "),
    Row("corpus-surrogate", "RUN", corpus(r'{"_id": "x", "text": "\ud800"}'), 2, "corpus.jsonl:13: half of a surrogate pair"),
    Row("corpus-surrogate-id", "RUN", corpus(r'{"_id": "\udc00", "text": "x"}'), 2, "corpus.jsonl:13: half of a surrogate pair"),
    Row("corpus-surrogate-key", "RUN", corpus(r'{"_id": "x", "text": "x", "\ud800": 1}'), 2, "corpus.jsonl:13: half of a surrogate pair"),
    Row("corpus-latin-1", "RUN", put("c/corpus.jsonl", b'{"_id": "x", "text": "\xe9"}\n'), 2, "is not UTF-8 text"),
    Row("corpus-utf-16", "RUN", put("c/corpus.jsonl", '{"_id": "x"}'.encode("utf-16")), 2, "is not UTF-8 text"),
    Row("corpus-raw-surrogate", "RUN", put("c/corpus.jsonl", '{"_id": "x", "text": "\ud800"}'), 2, "is not UTF-8 text"),
    Row("corpus-gzip", "RUN", put("c/corpus.jsonl", b"\x1f\x8b\x08\x00\x00"), 2, "is not UTF-8 text"),
    Row("corpus-a-folder", "RUN", both(drop("c/corpus.jsonl"), folder("c/corpus.jsonl")), 2, "cannot read c/corpus.jsonl"),
    Row("corpus-dangling", "RUN", both(drop("c/corpus.jsonl"), link("c/corpus.jsonl", "gone")), 2, "cannot read c/corpus.jsonl"),
    Row("corpus-loop", "RUN", both(drop("c/corpus.jsonl"), link("c/corpus.jsonl", "corpus.jsonl")), 2, "cannot read c/corpus.jsonl"),
    Row("corpus-unreadable", "RUN", mode("c/corpus.jsonl", 0), 2, "cannot read c/corpus.jsonl: Permission denied", permissions=True),
    Row("collection-missing", "run retriever=[bm25] collection=beir collection.path=gone", nothing, 2, "collection folder gone does not exist"),
    Row("collection-no-path", "run retriever=[bm25] collection=beir", nothing, 2, "collection.path must be given"),
    Row("collection-a-file", "run retriever=[bm25] collection=beir collection.path=a.trec", nothing, 2, ["a.trec is a file where a collection should be", "collection.path=DIR"]),
    Row("collection-no-split", "RUN collection.split=tset", nothing, 2, "has no split 'tset'; did you mean 'test'"),
    Row("collection-no-set", "RUN collection.sets=[topics]", nothing, 2, "no query set 'topics'"),
    Row("collection-long-name", "RUN collection.path=" + "x" * 300, nothing, 2, "File name too long; name another path"),
    Row("collection-nul", "RUN 'collection.path=\"a\\0b\"'", nothing, 2, ""),
]

QUERIES = [
    Row("queries-missing", "RUN", drop("c/queries.jsonl"), 2, "cannot read c/queries.jsonl"),
    Row("queries-empty", "RUN", put("c/queries.jsonl", ""), 2, "has no queries"),
    Row("queries-not-json", "RUN", queries("nope"), 2, "queries.jsonl:9: not JSON"),
    Row("queries-no-id", "RUN", queries('{"text": "x"}'), 2, "queries.jsonl:9: '_id' must be a string"),
    Row("queries-id-twice", "RUN", queries('{"_id": "q1", "text": "x"}'), 2, "queries.jsonl:9: id 'q1' stands twice"),
    Row("queries-no-text", "RUN", queries('{"_id": "x"}'), 2, "queries.jsonl:9: query 'x' has no text"),
    Row("queries-text-blank", "RUN", queries('{"_id": "x", "text": " "}'), 2, "queries.jsonl:9: query 'x' has no text"),
    Row("queries-text-list", "RUN", queries('{"_id": "x", "text": []}'), 2, "'text' must be a string"),
    Row("queries-metadata-text", "RUN", queries('{"_id": "x", "text": "x", "metadata": "y"}'), 2, "'metadata' must be an object"),
    Row("queries-set-number", "RUN", queries('{"_id": "x", "text": "x", "metadata": {"set": 3}}'), 2, "'set' must be a string"),
    Row("queries-set-all", "RUN", queries('{"_id": "x", "text": "x", "metadata": {"set": "all"}}'), 2, "the set 'all' is the name of all sets"),
    Row("queries-no-answer-text", "RUN", queries('{"_id": "x", "text": "x", "metadata": {"no_answer": "yes"}}'), 2, "'no_answer' must be true or false"),
    Row("queries-deep", "RUN", queries('{"_id": ' + DEEP), 2, "queries.jsonl:9: "),
    Row("queries-deep-object", "RUN", queries('{"a":' * 50_000), 2, "queries.jsonl:9: "),
    Row("queries-huge-number", "RUN", queries('{"_id": "x", "text": "x", "n": ' + HUGE + "}"), 2, "queries.jsonl:9: "),
    Row("queries-surrogate", "RUN", queries(r'{"_id": "x", "text": "\ud800"}'), 2, "queries.jsonl:9: half of a surrogate pair"),
    Row("queries-surrogate-in-metadata", "RUN", queries(r'{"_id": "x", "text": "x", "metadata": {"set": "\uDC01"}}'), 2, "queries.jsonl:9: half of a surrogate pair"),
    Row("queries-narrative-a-list", "export c --trec --out t", queries('{"_id": "x", "text": "x", "metadata": {"narrative": [1]}}'), 2, "queries.jsonl:9: 'narrative' must be a string"),
    Row("queries-unreadable", "RUN", mode("c/queries.jsonl", 0), 2, "cannot read c/queries.jsonl: Permission denied", permissions=True),
]

QRELS = [
    Row("qrels-no-folder", "RUN", drop("c/qrels"), 2, "has no .tsv file; add qrels/test.tsv"),
    Row("qrels-empty", "RUN", put("c/qrels/test.tsv", ""), 2, "has no judgements"),
    Row("qrels-header-only", "RUN", put("c/qrels/test.tsv", "query-id\tcorpus-id\tscore\n"), 2, "has no judgements"),
    Row("qrels-two-columns", "RUN", qrels("q1\td01"), 2, "test.tsv:10: expected 'query-id<TAB>corpus-id<TAB>score', found 2"),
    Row("qrels-spaces", "RUN", qrels("q1 d01 1"), 2, "test.tsv:10: expected 'query-id<TAB>corpus-id<TAB>score', found 1"),
    Row("qrels-trec", "RUN", put("c/qrels/test.tsv", "q1 0 d01 1\n"), 2, "test.tsv:1: expected 'query-id<TAB>corpus-id<TAB>score'"),
    Row("qrels-grade-text", "RUN", qrels("q1\td05\tyes"), 2, "test.tsv:10: grade 'yes' is no integer"),
    Row("qrels-grade-half", "RUN", qrels("q1\td05\t1.5"), 2, "test.tsv:10: grade '1.5' is no integer"),
    Row("qrels-grade-huge", "RUN", qrels("q1\td05\t" + HUGE), 2, "test.tsv:10: a grade of 10000 digits is above 1000"),
    Row("qrels-grade-5000", "RUN", qrels("q1\td05\t5000"), 2, "test.tsv:10: grade 5000 is above 1000"),
    Row("qrels-query-unknown", "RUN", qrels("q9\td05\t1"), 2, "test.tsv:10: unknown query 'q9'"),
    Row("qrels-pair-twice", "RUN", qrels("q1\td01\t3"), 2, "test.tsv:10: the pair q1, d01 stands twice"),
    Row("qrels-no-known-document", "RUN", put("c/qrels/test.tsv", "q1\tx\t1\n"), 2, "none of its documents is in corpus.jsonl"),
    Row("qrels-in-two-splits", "RUN collection.split=all", qrels("p1\td01\t1"), 2, "query 'p1' is in split 'dev' as well"),
    Row("qrels-strict", "RUN collection.strict=true", qrels("q1\tx\t1"), 2, "test.tsv:10: unknown document 'x'"),
    Row("qrels-nothing-relevant", "RUN collection.relevant=9", nothing, 2, "has a document of grade 9 or more"),
    Row("qrels-all-zero", "RUN", put("c/qrels/test.tsv", "q1\td01\t0\n"), 2, "has a document of grade 1 or more"),
    Row("qrels-latin-1", "RUN", put("c/qrels/test.tsv", b"q1\td\xe9\t1\n"), 2, "is not UTF-8 text"),
    Row("qrels-unreadable", "RUN", mode("c/qrels/test.tsv", 0), 2, "test.tsv: Permission denied", permissions=True),
    Row("qrels-a-folder", "RUN", both(drop("c/qrels/test.tsv"), folder("c/qrels/test.tsv")), 2, "cannot read c/qrels/test.tsv"),
]

RUN_FILES = [
    Row("runfile-missing", "FILE retrievers.runfile.path=gone.trec", nothing, 2, "gone.trec"),
    Row("runfile-empty", "FILE", put("a.trec", ""), 2, "a run needs at least one answer"),
    Row("runfile-five-columns", "FILE", answer("q1 Q0 d02 1 1.0"), 2, "a.trec:9: expected 6 columns"),
    Row("runfile-csv", "FILE", put("a.trec", "query,doc,score\nq1,d01,2\n"), 2, "a.trec:1: expected 6 columns"),
    Row("runfile-score-text", "FILE", answer("q1 Q0 d05 9 high x"), 2, "a.trec:9: score 'high' is not a finite number"),
    Row("runfile-score-nan", "FILE", answer("q1 Q0 d05 9 nan x"), 2, "a.trec:9: score 'nan' is not a finite number"),
    Row("runfile-score-inf", "FILE", answer("q1 Q0 d05 9 -inf x"), 2, "a.trec:9: score '-inf' is not a finite number"),
    Row("runfile-score-1e39", "FILE", answer("q1 Q0 d05 9 1e39 x"), 2, "a.trec:9: score '1e39' is beyond float32"),
    Row("runfile-score-huge", "FILE", answer(f"q1 Q0 d05 9 {HUGE} x"), 2, "a.trec:9: score"),
    Row("runfile-document-twice", "FILE", answer("q1 Q0 d01 9 0.1 x"), 2, "a.trec:9: document 'd01' stands twice for query 'q1'"),
    Row("runfile-document-unknown", "FILE", answer("q1 Q0 zz 9 0.1 x"), 2, "a.trec:9: document 'zz' is not in the collection"),
    Row("runfile-no-query-of-ours", "FILE", put("a.trec", "z9 Q0 d01 1 1.0 x\n"), 2, "answers none of the queries"),
    Row("runfile-latin-1", "FILE", put("a.trec", b"q\xe9 Q0 d01 1 1.0 x\n"), 2, "is not UTF-8 text"),
    Row("runfile-a-folder", "FILE retrievers.runfile.path=run", nothing, 2, "run"),
    Row("runfile-no-path", "run retriever=[runfile] collection=beir collection.path=c", nothing, 2, "retrievers.runfile.path must be given"),
    Row("runfile-unreadable", "FILE", mode("a.trec", 0), 2, "a.trec: Permission denied", permissions=True),
]

SETTINGS = [
    Row("setting-depth-0", "RUN depth=0", nothing, 2, "depth must be at least 1, got 0"),
    Row("setting-depth-text", "RUN depth=many", nothing, 2, "depth must be a whole number"),
    Row("setting-depth-huge", "RUN depth=HUGE", nothing, 2, ""),
    Row("setting-seed-huge", "RUN seed=HUGE", nothing, 2, ""),
    Row("setting-k1-huge", "RUN retrievers.bm25.k1=HUGE", nothing, 2, "a number of too many digits"),
    Row("setting-deep", "RUN retrievers.bm25.k1=" + "[" * 3000 + "]" * 3000, nothing, 2, ""),
    Row("setting-unknown", "RUN depht=3", nothing, 2, "unknown setting 'depht'; did you mean 'depth'"),
    Row("setting-retriever-unknown", "run retriever=[bm52]", nothing, 2, "unknown retriever 'bm52'; did you mean 'bm25'"),
    Row("setting-collection-unknown", "run collection=bier", nothing, 2, "unknown collection 'bier'; did you mean 'beir'"),
    Row("setting-b-7", "RUN retrievers.bm25.b=7", nothing, 2, "bm25.b must lie between 0 and 1"),
    Row("setting-measure-unknown", "RUN measures=[ndcg@10]", nothing, 2, "did you mean 'nDCG'"),
    Row("setting-measure-no-cutoff", "RUN measures=[P]", nothing, 2, "measure 'P' needs a cut-off"),
    Row("setting-measure-twice", "RUN measures=[MAP,MAP]", nothing, 2, "stands twice"),
    Row("setting-measures-none", "RUN measures=[]", nothing, 2, "no measure chosen"),
    Row("setting-measures-huge-cutoff", "RUN measures=[P@HUGE]", nothing, 2, "cut-off"),
    Row("setting-depth-below-cutoff", "RUN depth=5", nothing, 2, "depth 5 is less than the cut-off 100"),
    Row("setting-no-retriever", "RUN retriever=[]", nothing, 2, "retrievers must be chosen"),
    Row("setting-foreign-target", "RUN retrievers.bm25._target_=os.system", nothing, 2, "which is not part of bench"),
    Row("setting-missing-target", "RUN retrievers.bm25._target_=bench.nope.X", nothing, 2, "can not be imported"),
    Row("setting-allow-missing", "RUN +retrievers.x._target_=nope.X --allow nope", nothing, 2, "can not be imported"),
    Row("setting-system-elsewhere", "RUN '+retrievers={../evil: {_target_: bench.retrievers.bm25.BM25}}'", nothing, 2, "system '../evil' can not name a run file"),
    Row("setting-hydra", "RUN hydra.run.dir=x", nothing, 2, "sets something of Hydra's own"),
    Row("setting-config-dir-missing", "RUN --config-dir gone", nothing, 2, "config folder gone does not exist"),
    Row("setting-yaml-broken", "RUN --config-dir own 'retriever=[m]'", put("own/retriever/m.yaml", "a: [1\n"), 2, "m.yaml:2"),
    Row("setting-yaml-bytes", "RUN --config-dir own 'retriever=[m]'", put("own/retriever/m.yaml", b"\xff\xfe"), 2, "a settings file can not be read"),
    Row("setting-yaml-no-package", "RUN --config-dir own 'retriever=[m]'", put("own/retriever/m.yaml", "_target_: bench.retrievers.bm25.BM25\n"), 2, ["m.yaml", "# @package retrievers.m"]),
    Row("setting-yaml-huge-number", "RUN --config-dir own 'retriever=[m]'", put("own/retriever/m.yaml", f"# @package retrievers.m\n_target_: bench.retrievers.bm25.BM25\nk1: {HUGE}\n"), 2, ""),
    Row("setting-yaml-deep", "RUN --config-dir own 'retriever=[m]'", put("own/retriever/m.yaml", "a: " + "[" * 5_000), 2, ""),
    Row("setting-cfg-package-unknown", "SHOW --package nope", nothing, 2, "no settings at 'nope'"),
    Row("setting-cfg-and-sweep", "run --cfg job -m", nothing, 2, "leave -m out"),
    Row("setting-resolve-alone", "run --resolve", nothing, 2, "go with --cfg job"),
    Row("setting-sweep-without-m", "RUN seed=1,2", nothing, 2, ["seed has several values", "-m"]),
    Row("setting-path-comma-bare", "RUN collection.path=/data/a,b", nothing, 2, "one text with a comma in it as 'collection.path=\"A,B\"'"),
    Row("setting-sweep-group-without-m", "run retriever=bm25,dense", nothing, 2, ["retriever has several values", "-m"]),
    Row("setting-m-after", "RUN seed=1,2 depth=0 -m", nothing, 2, "depth must be at least 1"),
    Row("setting-path-spaces", "SHOW collection=beir 'collection.path=/data/my papers'", nothing, 0, "path: /data/my papers"),
    Row("setting-path-tilde", "SHOW collection=beir collection.path=~/papers", nothing, 0, "/papers"),
    Row("setting-path-comma", "SHOW collection=beir 'collection.path=\"/data/a,b\"'", nothing, 0, "path: /data/a,b"),
    Row("setting-path-accents", "SHOW collection=beir collection.path=/data/Müller", nothing, 0, "Müller"),
    Row("setting-path-parentheses", "SHOW collection=beir 'collection.path=/data/papers (2)'", nothing, 0, "/data/papers (2)"),
    Row("setting-path-apostrophe", 'SHOW collection=beir "collection.path=/data/it\'s"', nothing, 0, "it's"),
    Row("setting-path-brackets", "SHOW collection=beir 'collection.path=/data/[a]b'", nothing, 0, "[a]b"),
    Row("setting-path-equals", "SHOW collection=beir collection.path=/data/k=1", nothing, 0, "k=1"),
    Row("setting-path-hash", "SHOW collection=beir 'collection.path=/data/#1'", nothing, 0, "#1"),
    Row("setting-path-chinese", "SHOW collection=beir collection.path=/data/中文", nothing, 0, "中文"),
    Row("setting-path-quote-open", "SHOW collection=beir 'collection.path=\"/data'", nothing, 2, ["cannot read", "two kinds of quotes"]),
    Row("setting-sha256", "SHOW sha256=null", nothing, 2, "did you mean 'encoder.sha256'"),
    Row("setting-k1-alone", "SHOW k1=2", nothing, 2, "did you mean 'retrievers.bm25.k1'"),
    Row("setting-lone-surrogate", "RUN collection.path=\udc80", nothing, 2, ""),
    Row("setting-control-character", "RUN 'retriever=[\x1b[31m]'", nothing, 2, r"\x1b", ["\x1b"]),
    Row("setting-judged-alone", "RUN measures=[Judged@10]", nothing, 2, "Judged"),
    Row("setting-output-a-file", "RUN output=a.trec", nothing, 2, "cannot write to a.trec"),
    Row("setting-output-below-a-file", "RUN output=a.trec/x", nothing, 2, "cannot write to a.trec/x"),
    Row("setting-output-read-only", "RUN output=shut/x", both(folder("shut"), mode("shut", 0o555)), 2, "cannot write to shut/x", permissions=True),
    Row("setting-output-long", "RUN output=" + "x" * 300, nothing, 2, ""),
    Row("setting-model-missing", "run retriever=[dense] collection=beir collection.path=c encoder.model=./gone encoder.sha256=null", nothing, 2, "model folder ./gone does not exist"),
    Row("setting-model-empty-folder", "run retriever=[dense] collection=beir collection.path=c encoder.model=./m encoder.sha256=null", folder("m"), 2, "", long=True),
    Row("setting-model-no-sha", "run retriever=[dense] collection=beir collection.path=c encoder.model=no/body encoder.sha256=null", nothing, 2, "three ways to get it"),
]

TUNING = [
    Row("tune-no-retriever", "tune", nothing, 2, "name the one retriever to tune"),
    Row("tune-two", "tune retriever=[bm25,dense]", nothing, 2, "name the one retriever to tune"),
    Row("tune-unknown", "tune retriever=bm52", nothing, 2, ""),
    Row("tune-no-space", "tune retriever=runfile retrievers.runfile.path=a.trec", nothing, 2, "no search space for 'runfile'"),
    Row("tune-no-dev", "TUNE collection.path=lone", nothing, 2, "bench split lone"),
    Row("tune-no-test", "TUNE", drop("c/qrels/test.tsv"), 2, "no split 'test'"),
    Row("tune-on-test", "TUNE collection.split=test", nothing, 2, "tuning sees the dev queries only"),
    Row("tune-folds-half", "TUNE tune.folds=2.5", nothing, 2, "tune.folds must be a whole number"),
    Row("tune-folds-1", "TUNE tune.folds=1", nothing, 2, "1 folds are not possible"),
    Row("tune-folds-many", "TUNE tune.folds=99", nothing, 2, "99 folds are not possible with 4 queries"),
    Row("tune-folds-huge", "TUNE tune.folds=HUGE", nothing, 2, ""),
    Row("tune-other-key", "TUNE tune.folds=2 depth=10,20", nothing, 2, "cannot search over 'depth'"),
    Row("tune-empty-values", "TUNE tune.space.k1=[]", nothing, 2, "tune.space.k1 must be a list of values"),
    Row("tune-unknown-setting", "TUNE retrievers.bm25.k9=1,2", nothing, 2, "k9"),
    Row("tune-one-dev-query", "TUNE", put("c/qrels/dev.tsv", "p1\td01\t1\n"), 2, "the split dev has 1 queries"),
    Row("tune-qrels-huge-grade", "TUNE", put("c/qrels/dev.tsv", f"p1\td01\t{HUGE}\n"), 2, "dev.tsv:1: a grade of 10000 digits"),
    Row("tune-output-read-only", "TUNE tune.folds=2 output=shut/x", both(folder("shut"), mode("shut", 0o555)), 2, "cannot write", permissions=True),
    Row("tune-ledger-a-folder", "TUNE", folder("out/test-looks.jsonl"), 2, "cannot write to out/test-looks.jsonl"),
]

COMPARE = [
    Row("compare-nothing", "compare", nothing, 2, "Missing argument"),
    Row("compare-one-file", "compare a.trec --collection c", nothing, 2, "only one system"),
    Row("compare-gone", "compare gone run", nothing, 2, "gone does not exist"),
    Row("compare-two-files", "FILES", nothing, 0, "nDCG@10"),
    Row("compare-two-systems", "compare run", nothing, 0, "nDCG@10"),
    Row("compare-no-collection", "compare a.trec b.trec", nothing, 2, "--collection DIR"),
    Row("compare-collection-a-file", "compare a.trec b.trec --collection qrels.txt", nothing, 2, ["qrels.txt is a file", "--collection"], ["does not exist", "collection.path"]),
    Row("compare-collection-gone", "compare a.trec b.trec --collection gone", nothing, 2, ["gone does not exist", "--collection"], ["collection.path"]),
    Row("compare-split-unknown", "FILES --split tset", nothing, 2, "did you mean 'test'"),
    Row("compare-relevant-0", "FILES --relevant 0", nothing, 2, "--relevant"),
    Row("compare-nothing-relevant", "FILES --relevant 9", nothing, 2, ["relevant"], ["collection.relevant"]),
    Row("compare-file-twice", "compare a.trec a.trec --collection c", nothing, 2, "stands twice"),
    Row("compare-measure-unknown", "compare run --measure ndcg", nothing, 2, "nDCG"),
    Row("compare-margin-text", "compare run --margin x", nothing, 2, "--margin 'x' is malformed"),
    Row("compare-margin-inf", "compare run --margin inf", nothing, 2, "between 0 and 1"),
    Row("compare-margin-no-effect", "compare run --margin MAP=0.1", nothing, 2, "has no effect"),
    Row("compare-baseline-unknown", "compare run --baseline bm52", nothing, 2, "did you mean 'bm25'"),
    Row("compare-system-unknown", "compare run:bm52 run", nothing, 2, "did you mean 'bm25'"),
    Row("compare-out-pdf", "compare run --out x.pdf", nothing, 2, "must end in one of"),
    Row("compare-out-nowhere", "compare run --out a.trec/x.md", nothing, 2, "cannot write a.trec/x.md"),
    Row("compare-out-read-only", "compare run --out shut/x.md", both(folder("shut"), mode("shut", 0o555)), 2, "cannot write shut/x.md", permissions=True),
    Row("compare-complete-alone", "compare run --complete", nothing, 2, "--complete is of --collection"),
    Row("compare-digest-relevant", "compare a.trec b.trec --collection digest --relevant 1", nothing, 2, "leave --relevant out"),
    Row("compare-digest-of-others", "compare a.trec b.trec --collection digest", nothing, 2, "is not in the collection"),
    Row("compare-seed-huge", "compare run --seed HUGE", nothing, 2, "--seed"),
    Row("compare-seed-negative", "compare run --seed -1", nothing, 2, "--seed"),
    Row("compare-depth-differs", "compare run base", node("config/depth", 7), 2, "documents a query"),
    Row("compare-labels-differ", "compare run base", node("labels/fingerprint", "x"), 2, "other labels"),
    Row("compare-corpus-differs", "compare run base", node("collection/fingerprint", "x"), 2, "another corpus"),
]

RECORDS = [
    *(
        Row(f"record-{what}-{name}", command, set_up, 2, ["record.json", says])
        for name, command in {"report": "report run", "compare": "compare run", "gate": "GATE", "verify": "VERIFY", "agree": "agree c --runs run --pooled"}.items()
        for what, set_up, says in (
            ("missing", drop("run/record.json"), ""),
            ("empty", put("run/record.json", ""), "is no record of a run"),
            ("cut", put("run/record.json", '{"schema": 2, "id'), "is no record of a run"),
            ("deep", put("run/record.json", DEEP), "is no record of a run"),
            ("huge-number", put("run/record.json", f'{{"schema": {HUGE}}}'), "is no record of a run"),
            ("bytes", put("run/record.json", b"\xff\xfe"), "is no record of a run"),
            ("other-schema", node("schema", 1), "written by another version"),
            ("no-measures", node("measures"), "measures is missing"),
            ("no-systems", node("systems", {}), "systems is empty"),
            ("short-ids", node("queries/ids", lambda ids: ids[:-1]), "damaged"),
            ("short-values", node("systems/bm25/values/MAP", [0.5]), "systems.bm25.values.MAP has 1 values for 4 queries"),
            ("surrogate", node("queries/ids/0", "\ud800"), "surrogate"),
            ("a-folder", both(drop("run/record.json"), folder("run/record.json")), ""),
        )
    ),
    Row("record-unreadable", "report run", mode("run/record.json", 0), 2, "Permission denied", permissions=True),
    Row("record-folder-empty", "report empty", folder("empty"), 2, "cannot read empty/record.json"),
    Row("record-folder-gone", "report gone", nothing, 2, "cannot read gone"),
    Row("record-measure-unknown", "report run", node("measures/0", "foo"), 2, "record.json"),
    Row("record-baseline-damaged", "GATE", node("evidence/means", DELETED, "base"), 2, "base/record.json: evidence.means is missing"),
    Row("record-accepted-text", "GATE", node("accepted", "x", "base"), 2, "base/record.json: accepted must be a list"),
    Row("record-anchor-short", "GATE", node("anchor", {"bm25": {"MAP": [1.0]}}, "base"), 2, "anchor.bm25.MAP has 1 values for 4 queries"),
    Row("record-config-no-collection", "VERIFY", node("config/collection"), 2, "collection"),
    Row("record-config-foreign", "VERIFY", node("config/retrievers/bm25/_target_", "os.system"), 2, "not part of bench"),
    Row("record-config-measures", "VERIFY", node("config/measures", ["foo"]), 2, ""),
    Row("record-config-depth-0", "VERIFY", node("config/depth", 0), 2, "depth"),
    Row("record-without-run-file", "VERIFY", drop("run/bm25.trec"), 2, "cannot read run/bm25.trec"),
    Row("record-run-file-cut", "VERIFY", put("run/bm25.trec", "q1 Q0 d0"), 2, "bm25.trec:1: expected 6 columns"),
    Row("record-run-file-other", "VERIFY", put("run/bm25.trec", "z Q0 d01 1 1.0 x\n"), 2, "answers 'z', which the record has not"),
]

GATE = [
    Row("gate-passes", "GATE", nothing, 0, "Gate passed"),
    Row("gate-no-baseline", "gate run", nothing, 2, "no baseline in results/baseline; make one"),
    Row("gate-baseline-here", "gate run --baseline . --update", nothing, 2, "the folder that you stand in"),
    Row("gate-update-over-files", "gate run --update --baseline c", nothing, 2, "c holds files but no run, and would be lost"),
    Row("gate-update-over-foreign", "gate run --update --baseline base", put("base/notes.txt", "mine"), 2, "notes.txt"),
    Row("gate-update-over-a-file", "gate run --update --baseline a.trec", nothing, 2, "a.trec"),
    Row("gate-run-gone", "gate gone --baseline base", nothing, 2, "cannot read gone"),
    Row("gate-tolerance-text", "GATE --tolerance x", nothing, 2, "--tolerance 'x' is malformed"),
    Row("gate-tolerance-inf", "GATE --tolerance inf", nothing, 2, "between 0 and 1"),
    Row("gate-tolerance-no-effect", "GATE --tolerance MAP=0.1", nothing, 2, "has no effect"),
    Row("gate-floor-malformed", "GATE --floor nDCG", nothing, 2, "floor 'nDCG' is malformed"),
    Row("gate-floor-nan", "GATE --floor MAP=nan", nothing, 2, "is malformed"),
    Row("gate-floor-9", "GATE --floor MAP=9", nothing, 2, "is outside 0 to 1"),
    Row("gate-floor-twice", "GATE --floor MAP=0.1 --floor MAP=0.2", nothing, 2, "given twice"),
    Row("gate-floor-unknown", "GATE --floor MPA=0.1", nothing, 2, "did you mean 'MAP'"),
    Row("gate-floor-system", "GATE --floor bm52:MAP=0.1", nothing, 2, "did you mean 'bm25'"),
    Row("gate-floor-fails", "GATE --floor MAP=1", nothing, 1, "below floor"),
    Row("gate-measure-unknown", "GATE --measure MPA", nothing, 2, "did you mean 'MAP'"),
    Row("gate-reason-alone", "GATE --reason x", nothing, 2, "belongs to --update"),
    Row("gate-reason-empty", "GATE --update --reason ' '", nothing, 2, "takes a text"),
    Row("gate-set-beside-run", "GATE --set depth=5", nothing, 2, "leave it out beside a RUN"),
    Row("gate-set-unknown", "gate --baseline base --set nope=1", nothing, 2, "unknown setting 'nope'"),
    Row("gate-set-no-value", "gate --baseline base --set depth", nothing, 2, "write it as collection.path=DIR"),
    Row("gate-set-depth", "gate --baseline base --set depth=200", nothing, 2, "keeps 200 documents a query"),
    Row("gate-junit-nowhere", "GATE --junit a.trec/x.xml", nothing, 2, "cannot write a.trec/x.xml"),
    Row("gate-json-a-folder", "GATE --json c", nothing, 2, "c"),
    Row("gate-summary-read-only", "GATE --summary shut/x.md", both(folder("shut"), mode("shut", 0o555)), 2, "cannot write shut/x.md", permissions=True),
    Row("gate-undecidable-word", "GATE --undecidable maybe", nothing, 2, "--undecidable"),
    Row("gate-labels-differ", "GATE", node("labels/fingerprint", "x"), 2, "different are the labels"),
    Row("gate-depth-differs", "GATE", node("config/depth", 5), 2, "keeps 5 documents a query"),
    Row("gate-no-test-queries", "GATE", both(node("queries/splits", ["dev"] * 4), node("queries/splits", ["dev"] * 4, "base")), 2, "no test queries"),
]

VERIFY = [
    Row("verify-gone", "verify gone", nothing, 2, "cannot read gone"),
    Row("verify-no-path", "verify run --set collection.path=gone", nothing, 2, "collection folder gone does not exist"),
    Row("verify-set-malformed", "VERIFY --set depth", nothing, 2, "write it as collection.path=DIR"),
    Row("verify-set-unknown", "VERIFY --set depht=1", nothing, 2, "did you mean 'depth'"),
    Row("verify-set-depth", "VERIFY --set depth=7", nothing, 2, "leave depth out"),
    Row("verify-set-yaml", "VERIFY --set 'seed=[1'", nothing, 2, "it is no YAML"),
    Row("verify-set-deep", "VERIFY --set seed=" + "[" * 3000, nothing, 2, ""),
    Row("verify-set-huge", "VERIFY --set seed=HUGE", nothing, 2, ""),
    Row("verify-other-labels", "VERIFY", put("c/qrels/test.tsv", "q1\td01\t1\n"), 2, "the queries are not those of run"),
    Row("verify-again", "VERIFY", nothing, 0, "identical"),
]

REPORT = [
    Row("report-out-a-file", "report run --out a.trec", nothing, 2, "a.trec"),
    Row("report-out-below-a-file", "report run --out a.trec/x", nothing, 2, "a.trec/x"),
    Row("report-out-read-only", "report run --out shut/x", both(folder("shut"), mode("shut", 0o555)), 2, "cannot write", permissions=True),
]

INGEST = [
    Row("ingest-nothing", "ingest", nothing, 2, "Missing argument"),
    Row("ingest-no-out", "ingest page.txt", nothing, 2, "--out"),
    Row("ingest-gone", "ingest gone.txt --out x", nothing, 2, "cannot read gone.txt"),
    Row("ingest-a-page", "ingest page.txt --out x", nothing, 0, "1 papers from 1 pages"),
    Row("ingest-no-date", "ingest page.txt --out x", put("page.txt", "A\n\nB\n"), 2, "no date line"),
    Row("ingest-no-papers", "ingest page.txt --out x", put("page.txt", "Mar 14\n"), 2, "no papers after the date line"),
    Row("ingest-no-abstract", "ingest page.txt --out x", add("page.txt", "\nAnother title\n"), 2, "page.txt:9: the title 'Another title' has no abstract"),
    Row("ingest-no-letters", "ingest page.txt --out x", swap("page.txt", "A title", "中文"), 2, "no id can be made"),
    Row("ingest-same-page-twice", "ingest page.txt page.txt --out x", nothing, 2, "stands twice on this page"),
    Row("ingest-bytes", "ingest page.txt --out x", put("page.txt", b"\xff\xfe"), 2, "is not UTF-8 text"),
    Row("ingest-a-folder", "ingest c --out x", nothing, 2, "cannot read c"),
    Row("ingest-out-a-file", "ingest page.txt --out a.trec", nothing, 2, "cannot write a.trec/corpus.jsonl"),
    Row("ingest-out-read-only", "ingest page.txt --out shut", both(folder("shut"), mode("shut", 0o555)), 2, "cannot write shut/corpus.jsonl", permissions=True),
]

LABELLING = [
    Row("judge-gone", "judge gone --assessor ann", nothing, 2, "collection folder gone does not exist"),
    Row("judge-no-assessor", "judge c", nothing, 2, "--assessor"),
    Row("judge-adjudication", "judge c --assessor adjudication", nothing, 2, "keeps the settled grades"),
    Row("judge-adjudication-capital", "judge c --assessor Adjudication", nothing, 2, "keeps the settled grades"),
    Row("judge-elsewhere", "judge c --assessor ../evil", nothing, 2, "assessor '../evil' can not name a file"),
    Row("judge-empty-name", "judge c --assessor ''", nothing, 2, "can not name a file"),
    Row("judge-unjudged-alone", "judge c --assessor zoe --unjudged", nothing, 2, "--unjudged belongs to --pool"),
    Row("judge-depth-0", "judge c --assessor zoe --pool run --depth 0", nothing, 2, "--depth"),
    Row("judge-corpus-damaged", "judge c --assessor zoe", corpus("{"), 2, "corpus.jsonl:13: not JSON"),
    Row("judge-seed-huge", "judge gone --assessor zoe --seed HUGE", nothing, 2, ""),
    Row("agree-passes", "agree c", nothing, 0, "κ"),
    Row("agree-gone", "agree gone", nothing, 2, "collection folder gone does not exist"),
    Row("agree-no-passes", "agree lone", nothing, 2, "two passes are needed, found none"),
    Row("agree-one-pass", "agree c", drop("c/passes/bob.tsv"), 2, "two passes are needed, found ann"),
    Row("agree-pass-unknown", "agree c --pass ann --pass bib", nothing, 2, "did you mean 'bob'"),
    Row("agree-relevant-0", "agree c --relevant 0", nothing, 2, "--relevant"),
    Row("agree-runs-of-others", "agree c --runs run", nothing, 2, "which the passes did not judge"),
    Row("agree-runs-gone", "agree c --runs gone", nothing, 2, "cannot read gone"),
    Row("agree-three-with-runs", "agree c --runs run", put("c/passes/zoe.tsv", "q1\td01\t1\n"), 2, ["two passes, and there are more", "--pass A --pass B"]),
    Row("agree-pass-grade-text", "agree c", judged("q1\td01\tx"), 2, "ann.tsv:26: grade 'x' is no integer"),
    Row("agree-pass-grade-huge", "agree c", judged(f"q1\td01\t{HUGE}"), 2, "ann.tsv:26: a grade of 10000 digits"),
    Row("agree-pass-grade-negative", "agree c", judged("q3\td01\t-1"), 2, "ann.tsv:26: grade -1 is below 0"),
    Row("agree-pass-two-grades", "agree c", judged("q1\td01\t0"), 2, "ann.tsv:26: the pair q1, d01 has grade 0 here and 3 in line"),
    Row("agree-pass-query-unknown", "agree c", judged("q7\td01\t0"), 2, "ann.tsv:26: unknown query 'q7'"),
    Row("agree-pass-document-unknown", "agree c", judged("q1\tzz\t0"), 2, "ann.tsv:26: unknown document 'zz'"),
    Row("agree-pass-two-columns", "agree c", judged("q1\td01"), 2, "ann.tsv:26: expected"),
    Row("agree-pass-bytes", "agree c", put("c/passes/ann.tsv", b"\xff"), 2, "is not UTF-8 text"),
    Row("agree-pass-misses-pairs", "agree c", put("c/passes/ann.tsv", "q1\td01\t1\n"), 2, "pass 'ann' has no query q2"),
    Row("agree-pass-unreadable", "agree c", mode("c/passes/ann.tsv", 0), 2, "ann.tsv: Permission denied", permissions=True),
    Row("agree-out-nowhere", "agree c --out a.trec/x.md", nothing, 2, "cannot write a.trec/x.md"),
    Row("adjudicate-gone", "adjudicate gone", nothing, 2, "collection folder gone does not exist"),
    Row("adjudicate-unsettled", "adjudicate c --write", nothing, 2, "q1, d02 is not settled yet"),
    Row("adjudicate-three", "adjudicate c", put("c/passes/zoe.tsv", "q1\td01\t1\n"), 2, "--pass A --pass B"),
    Row("adjudicate-settled-for-nothing", "adjudicate c --write", put("c/passes/adjudication.tsv", "q1\td02\t1\nq1\td01\t0\n"), 2, "q1, d01 is settled in adjudication.tsv"),
    Row("adjudicate-no-split", "adjudicate c --write", both(put("c/passes/adjudication.tsv", "q1\td02\t1\n"), drop("c/qrels")), 2, "has no metadata 'split'"),
    Row("adjudicate-split-elsewhere", "adjudicate c --write", both(put("c/passes/adjudication.tsv", "q1\td02\t1\n"), swap("c/queries.jsonl", '"set": "topic"', '"set": "topic", "split": "../x"')), 2, "can not name a file of qrels"),
    Row("adjudicate-split-a-list", "adjudicate c --write", both(put("c/passes/adjudication.tsv", "q1\td02\t1\n"), swap("c/queries.jsonl", '"set": "topic"', '"set": "topic", "split": [1]')), 2, "queries.jsonl:1: 'split' must be a string"),
    Row("adjudicate-qrels-read-only", "adjudicate c --write", both(put("c/passes/adjudication.tsv", "q1\td02\t1\n"), mode("c/qrels", 0o555)), 2, "cannot write c/qrels/test.tsv: Permission denied", never=[".bak"], permissions=True),
    Row("adjudicate-writes", "adjudicate c --write", put("c/passes/adjudication.tsv", "q1\td02\t1\n"), 0, "judgements → c/qrels/test.tsv"),
    Row("export-no-format", "export c", nothing, 2, "add --trec"),
    Row("export-gone", "export gone --trec", nothing, 2, "gone does not exist", ["collection.path"]),
    Row("export-a-file", "export a.trec --trec", nothing, 2, "a.trec", ["collection.path"]),
    Row("export-split-unknown", "export c --trec --split tset", nothing, 2, "did you mean 'test'"),
    Row("export-out-a-file", "export c --trec --out a.trec", nothing, 2, "cannot write a.trec/"),
    Row("export-corpus-damaged", "export c --trec", corpus("{"), 2, "corpus.jsonl:13: not JSON"),
    Row("export-trec", "export c --trec", nothing, 0, "8 topics"),
]

USAGE = [
    Row("usage-version", "--version", nothing, 0, "."),
    Row("usage-help", "--help", nothing, 0, "Usage: bench"),
    Row("usage-bare", "", nothing, 2, ["Usage: bench", "\n  run ", "\n  compare "], ["bench: Usage"], one_line=False),
    Row("usage-command-typo", "rum", nothing, 2, "Did you mean 'run'"),
    Row("usage-option-unknown", "report --foo", nothing, 2, "No such option: --foo"),
    Row("usage-too-many", "report run run", nothing, 2, "unexpected extra argument"),
    Row("usage-control-characters", "'\x1b[31mred'", nothing, 2, "", ["\x1b"]),
    Row("usage-complete-unknown-shell", "complete tcsh", nothing, 2, "'tcsh' is not one of"),
    Row("usage-complete", "complete bash --line 'bench ga'", nothing, 0, "gate"),
    Row("usage-complete-unfinished", 'complete bash --line "bench run \'coll"', nothing, 0, ""),
    *(Row(f"usage-help-{name}", f"{name} --help", nothing, 0, f"Usage: bench {name}") for name in ("run", "tune", "ingest", "report", "complete", "compare", "gate", "verify", "agree", "judge", "adjudicate", "export")),
]

ROOT = [
    Row("root-corpus-unreadable-is-read", "export c --trec", mode("c/corpus.jsonl", 0), 0, "8 topics", root=True),
    Row("root-json-to-a-device", "GATE --json /dev/null", nothing, 0, "Gate passed", root=True),
]

ROWS = [*CORPORA, *QUERIES, *QRELS, *RUN_FILES, *SETTINGS, *TUNING, *COMPARE, *RECORDS, *GATE, *VERIFY, *REPORT, *INGEST, *LABELLING, *USAGE, *ROOT]

IN_A_PROCESS = [
    Row("process-gate-into-a-closed-pipe", "BENCH GATE | true; exit ${PIPESTATUS[0]}", nothing, 0, ""),
    Row("process-stdout-closed", "BENCH GATE >&-", nothing, 0, ""),
    Row("process-stdout-full", "BENCH GATE >/dev/full", nothing, 2, "No space left on device"),
    Row("process-refused-into-a-closed-stderr", "BENCH report gone 2>&-; test $? = 2", nothing, 0, ""),
    Row("process-ascii-locale", "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 BENCH GATE", nothing, 0, "Gate passed"),
]

ON_A_FULL_DISK = [
    Row("disk-run", "RUN", nothing, 2, "cannot write", disk="8k"),
    Row("disk-report", "report run --out out", nothing, 2, "cannot write", disk="4k"),
    Row("disk-compare-out", "compare run --out out/x.json", both(folder("kept/a"), put("kept/a/fill", "x" * 8_000)), 2, "cannot write", disk="8k"),
    Row("disk-ingest", "ingest page.txt --out out", both(folder("kept/a"), put("kept/a/fill", "x" * 8_000)), 2, "cannot write", disk="8k"),
    Row("disk-export", "export c --trec --out out", both(folder("kept/a"), put("kept/a/fill", "x" * 8_000)), 2, "cannot write", disk="8k"),
    Row("disk-gate-json", "GATE --json out/x.json", both(folder("kept/a"), put("kept/a/fill", "x" * 8_000)), 2, "cannot write", disk="8k"),
]
