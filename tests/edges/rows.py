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

from inputs import (
    DELETED,
    OTHER_VALUES,
    SetUp,
    add,
    both,
    copy,
    cut,
    drop,
    fifo,
    folder,
    inline,
    link,
    mode,
    model,
    node,
    not_numbers,
    put,
    swap,
    without_words,
)

HUGE = "9" * 10_000
DEEP = "[" * 100_000
LONG = "x" * 300
SHORT = {
    "RUN": "run retriever=[bm25] collection=beir collection.path=c output=out",
    "SHOW": "run retriever=[bm25] --cfg job",
    "TUNE": "tune retriever=bm25 collection=beir collection.path=c output=out",
    "FILE": "run retriever=[runfile] retrievers.runfile.path=a.trec collection=beir collection.path=c output=out",
    "HYBRID": "run retriever=[hybrid] collection=beir collection.path=c output=out",
    "CASCADE": "run retriever=[cascade] collection=beir collection.path=c output=out",
    "FEEDBACK": "run retriever=[feedback] collection=beir collection.path=c output=out",
    "DENSE": "run retriever=[dense] collection=beir collection.path=c output=out encoder.model=./model encoder.sha256=null encoder.revision=null",
    "IMPORT": "import articles.csv queries.csv judged.csv --out mine",
    "QRELS": "compare a.trec b.trec --qrels qrels.txt",
    "DIFF": "diff run other",
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
    mount: bool = False


def named_test(folder: Path) -> None:
    """Name a split in the metadata of a query that is in test, q1."""
    swap("c/queries.jsonl", '"set":', '"split": "test", "set":')(folder)


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


# A retriever of one's own: what its facts hold, what `index` returns, what `search` returns.
OWN = """\
from dataclasses import dataclass
import numpy as np
from bench.ranking import empty
@dataclass(frozen=True)
class Mine:
    def index(self, collection, store):
        return {1}
    nbytes, exact = 0, None
    @property
    def facts(self):
        return {{{0}}}
    def search(self, queries, k):
        return {2}
"""


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
    Row("corpus-a-fifo", "RUN", fifo("c/corpus.jsonl"), 2, "it is a pipe or a device"),
    Row("corpus-nul-in-a-text", "RUN", corpus(r'{"_id": "x", "text": "a\u0000b"}'), 2, ["corpus.jsonl:13:", "has NUL"]),
    Row("corpus-id-comment-sign", "RUN", corpus('{"_id": "#", "text": "x"}'), 2, "corpus.jsonl:13: '_id'"),
    Row("corpus-id-nul", "RUN", corpus(r'{"_id": "a\u0000b", "text": "x"}'), 2, "corpus.jsonl:13: '_id'", ["\0"]),
    Row("corpus-id-escape", "RUN", corpus(r'{"_id": "\u001b[31m", "text": "x"}'), 2, "corpus.jsonl:13: '_id'", ["\x1b"]),
    Row("corpus-id-byte-order-mark", "RUN", corpus(r'{"_id": "\ufeffa", "text": "x"}'), 2, "corpus.jsonl:13: '_id'"),
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
    Row("queries-no-answer-answered", "RUN", swap("c/queries.jsonl", '"set":', '"no_answer": true, "set":'), 2, "query 'q1' is marked no_answer"),
    Row("queries-deep", "RUN", queries('{"_id": ' + DEEP), 2, "queries.jsonl:9: "),
    Row("queries-deep-object", "RUN", queries('{"a":' * 50_000), 2, "queries.jsonl:9: "),
    Row("queries-huge-number", "RUN", queries('{"_id": "x", "text": "x", "n": ' + HUGE + "}"), 2, "queries.jsonl:9: "),
    Row("queries-surrogate", "RUN", queries(r'{"_id": "x", "text": "\ud800"}'), 2, "queries.jsonl:9: half of a surrogate pair"),
    Row("queries-surrogate-in-metadata", "RUN", queries(r'{"_id": "x", "text": "x", "metadata": {"set": "\uDC01"}}'), 2, "queries.jsonl:9: half of a surrogate pair"),
    Row("queries-narrative-a-list", "export c --trec --out t", queries('{"_id": "x", "text": "x", "metadata": {"narrative": [1]}}'), 2, "queries.jsonl:9: 'narrative' must be a string"),
    Row("queries-unreadable", "RUN", mode("c/queries.jsonl", 0), 2, "cannot read c/queries.jsonl: Permission denied", permissions=True),
    Row("queries-a-fifo", "RUN", fifo("c/queries.jsonl"), 2, "it is a pipe or a device"),
    Row("queries-nul-in-a-text", "RUN", queries(r'{"_id": "x", "text": "a\u0000b"}'), 2, ["queries.jsonl:9:", "has NUL"]),
    Row("queries-id-comment-sign", "RUN", queries('{"_id": "#", "text": "x"}'), 2, "queries.jsonl:9: '_id'"),
    Row("queries-id-nul", "RUN", queries(r'{"_id": "a\u0000b", "text": "x"}'), 2, "queries.jsonl:9: '_id'", ["\0"]),
    Row("queries-id-escape", "RUN", queries(r'{"_id": "\u001b[31m", "text": "x"}'), 2, "queries.jsonl:9: '_id'", ["\x1b"]),
    Row("queries-id-space", "RUN", queries('{"_id": "a b", "text": "x"}'), 2, "queries.jsonl:9: '_id'"),
    Row("queries-id-empty", "RUN", queries('{"_id": "", "text": "x"}'), 2, "queries.jsonl:9: '_id'"),
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
    Row("qrels-in-two-splits-and-named", "RUN", both(add("c/qrels/dev.tsv", "q1\td01\t1\n"), named_test), 2, "write the labels again with bench adjudicate c --write"),
    Row("qrels-in-two-splits-and-others-named", "RUN", both(qrels("p1\td01\t1"), named_test), 2, "keep each in one", ["split c", "adjudicate"]),
    Row("qrels-in-two-splits-mended", "adjudicate c --pass ann --write", both(add("c/qrels/dev.tsv", "q1\td01\t1\n"), named_test), 0, "judgements → c/qrels/dev.tsv", leaves=[r"c/qrels/dev\.tsv\.bak", r"c/qrels/test\.tsv\.bak"]),
    Row("qrels-strict", "RUN collection.strict=true", qrels("q1\tx\t1"), 2, "test.tsv:10: unknown document 'x'"),
    Row("qrels-nothing-relevant", "RUN collection.relevant=9", nothing, 2, "has a document of grade 9 or more"),
    Row("qrels-all-zero", "RUN", put("c/qrels/test.tsv", "q1\td01\t0\n"), 2, "has a document of grade 1 or more"),
    Row("qrels-latin-1", "RUN", put("c/qrels/test.tsv", b"q1\td\xe9\t1\n"), 2, "is not UTF-8 text"),
    Row("qrels-unreadable", "RUN", mode("c/qrels/test.tsv", 0), 2, "test.tsv: Permission denied", permissions=True),
    Row("qrels-a-folder", "RUN", both(drop("c/qrels/test.tsv"), folder("c/qrels/test.tsv")), 2, "cannot read c/qrels/test.tsv"),
    Row("qrels-a-fifo", "RUN", fifo("c/qrels/test.tsv"), 2, "it is a pipe or a device"),
    Row("qrels-nul", "RUN", qrels("q1\td\0\t1"), 2, ["test.tsv:10:", "control character"], ["\0"]),
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
    Row("runfile-no-query-of-ours", "FILE", put("a.trec", "z9 Q0 d01 1 1.0 x\n"), 2, "answers none of the queries", leaves=[r"out", r"out/\.unfinished.*"]),
    Row("runfile-latin-1", "FILE", put("a.trec", b"q\xe9 Q0 d01 1 1.0 x\n"), 2, "is not UTF-8 text"),
    Row("runfile-a-folder", "FILE retrievers.runfile.path=run", nothing, 2, "run"),
    Row("runfile-no-path", "run retriever=[runfile] collection=beir collection.path=c", nothing, 2, "retrievers.runfile.path must be given"),
    Row("runfile-unreadable", "FILE", mode("a.trec", 0), 2, "a.trec: Permission denied", permissions=True),
    Row("runfile-a-fifo", "FILE", fifo("a.trec"), 2, "it is a pipe or a device"),
    Row("runfile-long-name", f"FILE retrievers.runfile.path={LONG}", nothing, 2, "File name too long"),
    Row("runfile-scores-against-ranks", "FILE", put("a.trec", "q1 Q0 d01 1 0.1 x\nq1 Q0 d02 2 0.2 x\n"), 0, "contradict the rank column"),
    Row("runfile-measured", "FILE", nothing, 0, "nDCG@10"),
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
    Row("setting-k1-inf", "RUN retrievers.bm25.k1=inf", nothing, 2, ["bm25.k1", "finite"]),
    Row("setting-k1-nan", "RUN retrievers.bm25.k1=nan", nothing, 2, ["bm25.k1", "finite"]),
    Row("setting-delta-nan", "RUN retrievers.bm25.delta=nan", nothing, 2, ["bm25.delta", "finite"]),
    Row("setting-b-nan", "RUN retrievers.bm25.b=nan", nothing, 2, "bm25.b must lie between 0 and 1"),
    Row("setting-pattern-empty", "RUN 'retrievers.bm25.tokenizer.pattern=\"\"'", nothing, 2, "matches the empty text"),
    Row("setting-pattern-star", "RUN 'retrievers.bm25.tokenizer.pattern=\"x*\"'", nothing, 2, "matches the empty text"),
    Row("setting-pattern-flag-alone", "RUN 'retrievers.bm25.tokenizer.pattern=\"(?u)\"'", nothing, 2, "matches the empty text"),
    Row("setting-fields-twice", "RUN retrievers.bm25.fields=[title,title]", nothing, 2, "stands twice"),
    Row("setting-nobody-reads", "RUN +foo=1", nothing, 2, "which nothing reads"),
    Row("setting-nobody-reads-an-object", "RUN +foo={}", nothing, 2, "which nothing reads"),
    Row("setting-weights-0", "HYBRID retrievers.hybrid.weights.lexical=0 retrievers.hybrid.weights.dense=0", nothing, 2, "are all 0"),
    Row("setting-weight-inf", "HYBRID retrievers.hybrid.weights.dense=inf", nothing, 2, "nor above"),
    Row("setting-weight-1e300", "HYBRID retrievers.hybrid.weights.dense=1e300", nothing, 2, "nor above"),
    Row("setting-rrf-k-inf", "HYBRID retrievers.hybrid.k=inf", nothing, 2, "nor above"),
    Row("setting-rrf-k-nan", "HYBRID retrievers.hybrid.k=nan", nothing, 2, "nor above"),
    Row("setting-window-reversed", "CASCADE retrievers.cascade.low=2", nothing, 2, "not below cascade.low, which is 2"),
    Row("setting-window-inf", "CASCADE retrievers.cascade.high=inf", nothing, 2, "or null for no end, got inf"),
    Row("setting-window-nan", "CASCADE retrievers.cascade.low=nan", nothing, 2, "cascade.low must be at least 0 and finite"),
    Row("setting-window-negative", "CASCADE retrievers.cascade.low=-1", nothing, 2, "no margin is negative"),
    Row("setting-feedback-depth", "FEEDBACK retrievers.feedback.depth=0", nothing, 2, "expanded.depth must be at least 1"),
    Row("setting-feedback-fields", "FEEDBACK retrievers.feedback.expander.fields=[titel]", nothing, 2, "must name some of title, text"),
    Row("setting-margin-inf", "RUN evidence.margin={default:inf}", nothing, 2, "between 0 and 1"),
    Row("setting-margin-nan", "RUN evidence.margin={default:nan}", nothing, 2, "between 0 and 1"),
    Row("setting-tolerance-inf", "RUN evidence.tolerance={default:inf}", nothing, 2, "between 0 and 1"),
    Row("setting-tolerance-nan", "RUN evidence.tolerance={default:nan}", nothing, 2, "between 0 and 1"),
    Row("setting-hnsw-m", "run retriever=[hnsw] collection=beir collection.path=c output=out retrievers.hnsw.m=99999999999", nothing, 2, "from 2 to 1024"),
    Row("setting-stride-without-windows", "run retriever=[dense] collection=beir collection.path=c output=out passages.stride=2", nothing, 2, "has no windows to step"),
    Row("setting-sweep", "run -m retriever=bm25 collection=beir collection.path=c output=out retrievers.bm25.k1=0.6,0.9", nothing, 0, ["2 runs", "nDCG@10"], long=True),
    Row("setting-own-index-raises", "RUN +retrievers.own._target_=edge_raises.Mine --allow edge_raises", put("edge_raises.py", OWN.format("", "1 / 0", "None")), 2, "Mine.index failed at edge_raises.py:7", leaves=[r"out/.*"], one_line=False),
    Row("setting-own-search-gives-none", "RUN +retrievers.own._target_=edge_none.Mine --allow edge_none", put("edge_none.py", OWN.format("", "self", "None")), 2, "search returned NoneType", leaves=[r"out/.*"], one_line=False),
    Row("setting-own-facts-hold-an-array", "RUN +retrievers.own._target_=edge_facts.Mine --allow edge_facts", put("edge_facts.py", OWN.format("'loss': np.ones(3)", "self", "empty(len(queries), k)")), 2, "facts.loss must be text", leaves=[r"out/.*"], one_line=False),
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
    Row("tune-folds-inf", "TUNE tune.folds=inf", nothing, 2, "whole number"),
    Row("tune-nobody-reads", "TUNE +tune.foo=1", nothing, 2, "known: folds, space"),
    Row("tune-long-name", f"TUNE collection.path={LONG}", nothing, 2, "File name too long"),
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
    Row("compare-relevant-alone", "compare run --relevant 2", nothing, 2, "--relevant is of --collection"),
    Row("compare-split-alone", "compare run --split nonsense", nothing, 2, "--split is of --collection"),
    Row("compare-saved-collection", "compare run run --collection digest", nothing, 2, "leave --collection out"),
    Row("compare-digest-relevant", "compare a.trec b.trec --collection digest --relevant 1", nothing, 2, "leave --relevant out"),
    Row("compare-digest-of-others", "compare a.trec b.trec --collection digest", nothing, 2, "is not in the collection"),
    Row("compare-seed-huge", "compare run --seed HUGE", nothing, 2, "--seed"),
    Row("compare-seed-negative", "compare run --seed -1", nothing, 2, "--seed"),
    Row("compare-depth-differs", "compare run base", node("config/depth", 7), 2, "documents a query"),
    Row("compare-labels-differ", "compare run base", node("labels/fingerprint", "x"), 2, "other labels"),
    Row("compare-corpus-differs", "compare run base", node("collection/fingerprint", "x"), 2, "another corpus"),
    Row("compare-measure-twice", "compare run --measure MAP --measure MAP", nothing, 2, "a measure twice"),
    Row("compare-measure-judged", "compare run --measure Judged@10", nothing, 2, "can not be tested"),
    Row("compare-suffix-of-a-file", "compare a.trec:x b.trec --collection c", nothing, 2, "leave ':x' out"),
    Row("compare-queries-missing", "FILES", put("b.trec", "q1 Q0 d01 1 2.0 b\nq2 Q0 d03 1 2.0 b\n"), 0, "does not answer 2 of 4 queries"),
    Row("compare-scores-equal", "FILES", put("b.trec", "".join(f"{q} Q0 {d} 1 1.0 b\n" for q in ("q1", "q2", "q3", "q4") for d in ("d01", "d05"))), 0, "all scores of a query are equal"),
    Row("compare-scores-against-ranks", "FILES", put("b.trec", "q1 Q0 d01 1 0.1 x\nq1 Q0 d02 2 0.2 x\n"), 0, "contradict the rank column"),
    Row("compare-scores-beyond-float32", "FILES", put("b.trec", "q1 Q0 d01 1 16777217 b\nq1 Q0 d02 2 16777216 b\n"), 0, ["b.trec: scores that differ are equal in float32", "1 of 1 queries, the first 'q1'", "write ranks as scores"]),
    Row("compare-long-name", f"compare {LONG} run", nothing, 2, "File name too long"),
    Row("compare-out-standard-output", "compare run --out -", nothing, 0, "| "),
    Row("compare-out-a-folder", "compare run --out there.md", folder("there.md"), 2, "cannot write"),
    Row("compare-out-long-name", f"compare run --out {LONG}.md", nothing, 2, "cannot write"),
    Row("compare-names-what-differs", "compare run:bm25 other:bm25", nothing, 0, "bm25 (b=0.0)"),
    Row("compare-qrels", "QRELS", nothing, 0, "Paired comparison"),
    Row("compare-qrels-three-columns", "QRELS", put("qrels.txt", "q1 d01 1\n"), 2, ["qrels.txt:1:", "expected 'query 0 document grade'"]),
    Row("compare-qrels-pair-twice", "QRELS", add("qrels.txt", "q1 0 d01 3\n"), 2, ["qrels.txt:9:", "stands twice"]),
    Row("compare-qrels-grade-text", "QRELS", add("qrels.txt", "q1 0 d05 x\n"), 2, ["qrels.txt:9:", "is no integer"]),
    Row("compare-qrels-grade-huge", "QRELS", add("qrels.txt", f"q1 0 d05 {HUGE}\n"), 2, "qrels.txt:9:"),
    Row("compare-qrels-empty", "QRELS", put("qrels.txt", ""), 2, "has no judgements"),
    Row("compare-qrels-bytes", "QRELS", put("qrels.txt", b"\xff"), 2, "is not UTF-8 text"),
    Row("compare-qrels-gone", "compare a.trec b.trec --qrels gone", nothing, 2, "cannot read gone"),
    Row("compare-qrels-a-folder", "compare a.trec b.trec --qrels c", nothing, 2, "Is a directory"),
    Row("compare-qrels-a-fifo", "QRELS", fifo("qrels.txt"), 2, "it is a pipe or a device"),
    Row("compare-qrels-nul", "QRELS", add("qrels.txt", "q1 0 d\0 1\n"), 2, ["qrels.txt:9:", "control character"], ["\0"]),
    Row("compare-qrels-run-file-nul", "QRELS", answer("q1 Q0 d\0 9 0.1 x"), 2, ["a.trec:9:"], ["\0"]),
    Row("compare-qrels-query-a-comment-sign", "QRELS", add("qrels.txt", "# 0 d01 1\n"), 2, "qrels.txt:9: id '#'"),
    Row("compare-qrels-grade-underscore", "QRELS", add("qrels.txt", "q1 0 d05 1_0\n"), 2, "qrels.txt:9: grade '1_0' is no integer"),
    Row("compare-qrels-windows-lines", "QRELS", put("qrels.txt", "q1 0 d01 1\r\nq2 0 d03 1\r\n"), 0, "2 of its 4 queries are not in qrels.txt"),
    Row("compare-qrels-one-query", "QRELS", put("qrels.txt", "q1 0 d01 1\n"), 2, "at least 2 queries"),
    Row("compare-qrels-all-zero", "QRELS", put("qrels.txt", "q1 0 d01 0\n"), 2, "has a relevant document"),
    Row("compare-qrels-run-file-empty", "QRELS", put("b.trec", ""), 2, "a run needs at least one answer"),
    Row("compare-qrels-standard-input", "compare a.trec b.trec --qrels -", nothing, 2, "cannot read -"),
    Row("compare-qrels-relevant-0", "QRELS --relevant 0", nothing, 2, "--relevant"),
    Row("compare-qrels-and-collection", "QRELS --collection c", nothing, 2, "leave one out"),
    Row("compare-qrels-and-split", "QRELS --split test", nothing, 2, "leave --split out"),
    Row("compare-qrels-and-a-run", "compare a.trec run --qrels qrels.txt", nothing, 2, "is no run file"),
    Row("compare-qrels-one-file", "compare a.trec --qrels qrels.txt", nothing, 2, "only one system"),
    Row("compare-qrels-of-others", "QRELS", put("qrels.txt", "z9 0 d01 1\n"), 2, "answers none"),
    Row("compare-qrels-nothing-relevant", "QRELS --relevant 5", nothing, 2, "no query of"),
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
            ("no-values", drop("run/values.npz"), "cannot read"),
            ("cut-values", cut("run/values.npz", 99), "is damaged"),
            ("other-values", put("run/values.npz", OTHER_VALUES), "has float64 values of shape (1, 1, 1)"),
            ("short-inline-values", inline("systems/bm25/values/MAP", [0.5]), "systems.bm25.values.MAP has 1 values for 4 queries"),
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
    Row("gate-update-over-what-was-kept", "gate run --update --baseline base", put("base/summary.md.bak", "mine"), 2, "summary.md.bak, which no run writes"),
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
    Row("gate-summary-read-only", "GATE --summary shut/x.md", both(folder("shut"), mode("shut", 0o555)), 2, "cannot write shut/x.md", permissions=True),
    Row("gate-undecidable-word", "GATE --undecidable maybe", nothing, 2, "--undecidable"),
    Row("gate-labels-differ", "GATE", node("labels/fingerprint", "x"), 2, "different are the labels"),
    Row("gate-depth-differs", "GATE", node("config/depth", 5), 2, "keeps 5 documents a query"),
    Row("gate-no-test-queries", "GATE", both(node("queries/splits", ["dev"] * 4), node("queries/splits", ["dev"] * 4, "base")), 2, "no test queries"),
    Row("gate-baseline-above", "gate run --update --baseline c/..", nothing, 2, "or above it"),
    Row("gate-baseline-standing-there", "gate run --update --baseline empty/../empty", folder("empty"), 0, "first baseline"),
    Row("gate-long-name", f"gate {LONG} --baseline base", nothing, 2, "File name too long"),
    Row("gate-baseline-long-name", f"gate run --baseline {LONG} --update", nothing, 2, "File name too long"),
    Row("gate-json-a-folder", "GATE --json c", nothing, 2, "it is a folder; name a file"),
    Row("gate-json-standard-output", "GATE --json -", nothing, 0, '"exit_code": 0'),
    Row("gate-measure-twice", "GATE --measure MAP --measure MAP", nothing, 2, "a measure twice"),
    Row("gate-measure-judged", "GATE --measure Judged@10", nothing, 2, "can not be tested"),
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
    Row("verify-long-name", f"verify {LONG}", nothing, 2, "File name too long"),
]

REPORT = [
    Row("report-out-a-file", "report run --out a.trec", nothing, 2, "a.trec"),
    Row("report-out-below-a-file", "report run --out a.trec/x", nothing, 2, "a.trec/x"),
    Row("report-out-read-only", "report run --out shut/x", both(folder("shut"), mode("shut", 0o555)), 2, "cannot write", permissions=True),
    Row("report-long-name", f"report {LONG}", nothing, 2, "File name too long"),
    Row("report-keeps-what-was-edited", "report run", put("run/summary.md", "mine"), 0, "summary.md.bak", leaves=[r"run/summary\.md\.bak"], long=True),
    Row("report-keeps-what-was-there", "report run --out out", put("out/summary.md", "mine"), 0, "summary.md.bak", leaves=[r"out/summary\.md\.bak"], long=True),
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
    Row("ingest-long-name", f"ingest {LONG} --out x", nothing, 2, "File name too long"),
    Row("ingest-out-long-name", f"ingest page.txt --out {LONG}", nothing, 2, "File name too long"),
    Row("ingest-a-fifo", "ingest page.txt --out x", fifo("page.txt"), 2, "it is a pipe or a device"),
    Row("ingest-keeps-what-was-there", "ingest page.txt --out .", put("corpus.jsonl", "mine"), 0, "is kept as corpus.jsonl.bak", leaves=[r"corpus\.jsonl\.bak"]),
]

IMPORTING = [
    Row("import-bare", "import", nothing, 2, "Missing argument"),
    Row("import-good", "IMPORT", nothing, 0, "run it with: bench run", leaves=["mine/corpus.jsonl", "mine/queries.jsonl", "mine/qrels/test.tsv"]),
    Row("import-no-out", "import articles.csv queries.csv judged.csv", nothing, 2, "--out"),
    Row("import-out-exists", "IMPORT", folder("mine/kept"), 2, "is there already"),
    Row("import-out-a-file", "IMPORT", put("mine", ""), 2, "is there already"),
    Row("import-out-here", "import articles.csv queries.csv judged.csv --out .", nothing, 2, "is there already"),
    Row("import-out-nothing", "import articles.csv queries.csv judged.csv --out ''", nothing, 2, "is there already"),
    Row("import-out-below-a-file", "import articles.csv queries.csv judged.csv --out a.trec/x", nothing, 2, "cannot write a.trec/x"),
    Row("import-out-read-only", "import articles.csv queries.csv judged.csv --out shut/x", both(folder("shut"), mode("shut", 0o555)), 2, "cannot write shut/x", permissions=True),
    Row("import-out-long-name", f"import articles.csv queries.csv judged.csv --out {LONG}", nothing, 2, "File name too long"),
    Row("import-long-name", f"import {LONG} queries.csv judged.csv --out mine", nothing, 2, "File name too long"),
    Row("import-gone", "import gone.csv queries.csv judged.csv --out mine", nothing, 2, "cannot read gone.csv"),
    Row("import-unreadable", "IMPORT", mode("queries.csv", 0), 2, "cannot read queries.csv: Permission denied", permissions=True),
    Row("import-id-twice", "IMPORT", add("articles.csv", "a1,x,y\n"), 2, "articles.csv:4: id 'a1' stands twice"),
    Row("import-id-space", "IMPORT", add("articles.csv", "a 1,x,y\n"), 2, ["articles.csv:4:", "white space"]),
    Row("import-id-empty", "IMPORT", add("articles.csv", ",x,y\n"), 2, "articles.csv:4: the id is empty"),
    Row("import-id-escape", "IMPORT", add("articles.csv", "\x1b[31m,x,y\n"), 2, "articles.csv:4: id", ["\x1b"]),
    Row("import-latin-1", "IMPORT", put("articles.csv", b"id,text\na1,caf\xe9\n"), 2, "articles.csv:2: not UTF-8 text"),
    Row("import-nul", "IMPORT", add("articles.csv", "a3,x,a\0b\n"), 2, "a NUL character"),
    Row("import-a-fifo", "IMPORT", fifo("judged.csv"), 2, "a folder or a device"),
    Row("import-a-folder", "import c queries.csv judged.csv --out mine", nothing, 2, "a folder or a device"),
    Row("import-ragged", "IMPORT", put("articles.csv", "id,text\na1,x,y\n"), 2, "articles.csv:2: 3 cells, but 2 columns"),
    Row("import-quote-open", "IMPORT", add("articles.csv", 'a3,x,"y\n'), 2, "articles.csv:4: unexpected end of data"),
    Row("import-header-only", "IMPORT", put("queries.csv", "id,query\n"), 2, "has no rows below"),
    Row("import-empty", "IMPORT", put("judged.csv", ""), 2, "has no rows below"),
    Row("import-two-ids", "IMPORT", put("articles.csv", "id,pid,text\na1,a2,x\na2,a1,y\n"), 2, ["may be the id of an article: id, pid", "--id"]),
    Row("import-two-query-ids", "IMPORT --id id", put("queries.csv", "id,number,query\nq1,q2,x\nq2,q1,y\n"), 2, ["may be the id of a query: id, number", "--query-id"]),
    Row("import-no-id-column", "IMPORT", swap("articles.csv", "id,", "nr,"), 2, "plainly the id"),
    Row("import-column-unknown", "IMPORT --title titel", nothing, 2, "did you mean 'title'"),
    Row("import-query-unknown", "IMPORT", add("judged.csv", "z9,a1,1\n"), 2, "judged.csv:4: unknown query"),
    Row("import-article-unknown", "IMPORT", add("judged.csv", "q1,z9,1\n"), 2, "judged.csv:4: unknown article"),
    Row("import-pair-twice", "IMPORT", add("judged.csv", "q1,a1,1\n"), 2, ["judged.csv:4:", "stands twice"]),
    Row("import-grade-half", "IMPORT", add("judged.csv", "q1,a2,1.5\n"), 2, "judged.csv:4: grade '1.5' is no integer"),
    Row("import-grade-underscore", "IMPORT", add("judged.csv", "q1,a2,1_0\n"), 2, "judged.csv:4: grade '1_0' is no integer"),
    Row("import-grade-huge", "IMPORT", add("judged.csv", f"q1,a2,{HUGE}\n"), 2, "judged.csv:4: a grade of 10000 digits"),
    Row("import-grade-beside-a-score", "IMPORT", put("judged.csv", "query,article,score,grade\nq1,a1,7,1\n"), 0, "grade = grade", leaves=["mine/corpus.jsonl", "mine/queries.jsonl", "mine/qrels/test.tsv"]),
    Row("import-grade-column", "IMPORT", swap("judged.csv", "grade", "stars"), 2, "plainly the grade"),
    Row("import-out-dangling", "IMPORT", link("mine", "gone"), 0, "2 judgements → mine"),
    Row("import-set-all", "IMPORT", put("queries.csv", "id,query,set\nq1,x,all\nq2,y,b\n"), 2, "queries.csv:2: the set 'all'"),
    Row("import-id-byte-order-mark", "IMPORT", add("articles.csv", "\ufeffa,x,y\n"), 2, "articles.csv:4: id"),
    Row("import-column-nothing", "IMPORT --id ''", nothing, 2, "has no column ''"),
    Row("import-the-same-table", "import articles.csv articles.csv articles.csv --out mine", nothing, 2, "plainly the query of a judgement"),
    Row("import-old-mac-lines", "IMPORT", put("articles.csv", "id,text\ra1,x\ra2,y\r"), 0, "2 documents"),
    Row("split-bare", "split", nothing, 2, "Missing argument"),
    Row("split-good", "split lone", nothing, 0, "2 dev and 2 test queries", leaves=["lone/qrels/dev.tsv"]),
    Row("split-divided", "split c", nothing, 2, "add --force"),
    Row("split-gone", "split gone", nothing, 2, "does not exist"),
    Row("split-long-name", f"split {LONG}", nothing, 2, "File name too long"),
    Row("split-a-file", "split a.trec", nothing, 2, "a.trec"),
    Row("split-no-test", "split lone", drop("lone/qrels/test.tsv"), 2, "has no qrels/test.tsv"),
    Row("split-no-queries", "split lone", drop("lone/queries.jsonl"), 2, "cannot read lone/queries.jsonl"),
    Row("split-dev-a-folder", "split lone", folder("lone/qrels/dev.tsv"), 2, "Is a directory; check the path"),
    Row("split-dev-empty", "split c --force", put("c/qrels/dev.tsv", ""), 2, "dev.tsv has no judgements"),
    Row("split-keeps-what-was-there", "split c --force", nothing, 0, "is kept as dev.tsv.bak", leaves=[r"c/qrels/dev\.tsv\.bak", r"c/qrels/test\.tsv\.bak"]),
    Row("split-dev-too-small", "split lone --dev 0.01", nothing, 2, "give 0 dev"),
    Row("split-dev-1", "split lone --dev 1", nothing, 2, "--dev"),
    Row("split-dev-nan", "split lone --dev nan", nothing, 2, "--dev"),
    Row("split-seed-huge", "split lone --seed HUGE", nothing, 2, "--seed"),
    Row("split-named-in-the-queries", "split lone", swap("lone/queries.jsonl", '"set":', '"split": "test", "set":'), 2, "names the split"),
    Row("split-qrels-damaged", "split lone", add("lone/qrels/test.tsv", "q1\td05\tx\n"), 2, "test.tsv:10: grade 'x' is no integer"),
    Row("split-corpus-damaged", "split lone", add("lone/corpus.jsonl", "{\n"), 2, "corpus.jsonl:13: not JSON"),
    Row("split-read-only", "split lone", mode("lone/qrels", 0o555), 2, "cannot write lone/qrels/dev.tsv", permissions=True),
]

DIFF = [
    Row("diff-bare", "diff", nothing, 2, "Missing argument"),
    Row("diff-good", "DIFF", nothing, 0, "the largest changes first"),
    Row("diff-query", "DIFF --query q1", nothing, 0, ["q1", "Sparse retrieval", "not found"]),
    Row("diff-a-file", "diff run a.trec", nothing, 2, "is no run's folder"),
    Row("diff-same-twice", "diff run run", nothing, 2, "stands twice"),
    Row("diff-gone", "diff run gone", nothing, 2, "gone"),
    Row("diff-long-name", f"diff {LONG} run", nothing, 2, "File name too long"),
    Row("diff-system-unknown", "DIFF bm52", nothing, 2, "did you mean 'bm25'"),
    Row("diff-system-twice", "diff run:bm25 other bm25", nothing, 2, "leave ':SYSTEM' out"),
    Row("diff-query-unknown", "DIFF --query q9", nothing, 2, "no query 'q9'"),
    Row("diff-measure-unknown", "DIFF --measure P@7", nothing, 2, "was not measured"),
    Row("diff-measure-nothing", "DIFF --measure ''", nothing, 2, "measure ''"),
    Row("diff-top-huge", "DIFF --top 99999999999999999999", nothing, 0, "the largest changes first"),
    Row("diff-same-run-copied", "diff run base", nothing, 0, "bm25"),
    Row("diff-queries-differ", "diff run base", node("queries/ids/0", "z1", "base"), 2, "which run has"),
    Row("diff-run-file-escape", "DIFF --query q1", put("other/bm25.trec", "q1 Q0 \x1b[31m 1 1.0 x\n"), 2, "is not in the collection", ["\x1b"]),
    Row("diff-run-file-of-another-run", "DIFF --query q1", put("other/bm25.trec", "q1 Q0 d11 1 1.0 x\n"), 2, ["for 'q1', and its record says", "run again"]),
    Row("diff-run-file-bytes", "DIFF --query q1", put("other/bm25.trec", b"\xff"), 2, "is not UTF-8 text"),
    Row("diff-top-0", "DIFF --top 0", nothing, 2, "--top"),
    Row("diff-foreign-target", "DIFF", node("config/collection/_target_", "os.system", "other"), 0, "allow it with --allow os"),
    Row("diff-labels-changed", "DIFF --collection c", qrels("q1\td05\t1"), 2, "the labels changed"),
    Row("diff-corpus-changed", "DIFF --collection c", corpus('{"_id": "x", "text": "x"}'), 2, "the corpus changed"),
    Row("diff-collection-gone", "DIFF --collection gone", nothing, 2, "gone does not exist", ["collection.path"]),
    Row("diff-collection-a-file", "DIFF --collection a.trec", nothing, 2, "a.trec is a file", ["collection.path"]),
    Row("diff-collection-of-a-digest", "DIFF --collection c", node("config/collection", {"_target_": "bench.collections.beir.digest"}, "other"), 2, "leave --collection out", ["collection.path"]),
    Row("diff-collection-gone-since", "DIFF", node("config/collection/path", "gone", "other"), 0, ["gone does not exist", "--collection DIR"], ["as collection.path", "--set"]),
    Row("diff-config-no-collection", "DIFF", node("config/collection", DELETED, "other"), 0, "without texts"),
    Row("diff-config-no-collection-elsewhere", "DIFF --collection c", node("config/collection", DELETED, "other"), 2, "does not say what the run was measured on"),
    Row("diff-config-collection-text", "DIFF", node("config/collection", "x", "other"), 0, "without texts"),
    Row("diff-config-collection-text-elsewhere", "DIFF --collection c", node("config/collection", "x", "other"), 2, "does not say what the run was measured on"),
    Row("diff-config-no-retrievers", "DIFF", node("config/retrievers", DELETED, "other"), 2, "retrievers"),
    Row("diff-config-no-retrievers-of-two-names", "diff run:plain other:bm25", node("config/retrievers", {}, "other"), 0, "the largest changes first"),
    Row("diff-two-names", "diff run:plain other:bm25", nothing, 0, "plain"),
    Row("diff-run-file-gone", "DIFF --query q1", drop("other/bm25.trec"), 2, "cannot read other/bm25.trec"),
    Row("diff-run-file-cut", "DIFF --query q1", put("other/bm25.trec", "q1 Q0 d0"), 2, "bm25.trec:1: expected 6 columns"),
    Row("diff-record-damaged", "DIFF", put("other/record.json", "{"), 2, "is no record of a run"),
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
    Row("agree-two-notes", "agree c", add("c/passes/ann.tsv", "q1\td01\t3\tone\nq1\td01\t3\ttwo\n"), 2, ["ann.tsv:27:", "has another note here than above"]),
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
    Row("adjudicate-no-split", "adjudicate c --write", both(put("c/passes/adjudication.tsv", "q1\td02\t1\n"), drop("c/qrels")), 0, "judgements → c/qrels/test.tsv"),
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
    Row("agree-long-name", f"agree {LONG}", nothing, 2, "File name too long"),
    Row("adjudicate-long-name", f"adjudicate {LONG} --write", nothing, 2, "File name too long"),
    Row("judge-long-name", f"judge {LONG} --assessor zoe", nothing, 2, ""),
    Row("export-long-name", f"export {LONG} --trec", nothing, 2, "File name too long"),
    Row("export-a-fifo", "export c --trec", fifo("c/corpus.jsonl"), 2, "it is a pipe or a device"),
    Row("export-topics-a-folder", "export c --trec --out t", folder("t/topics.all.txt"), 2, "cannot write"),
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
    Row("list-word-unknown", "list retriever", nothing, 2, "unknown word 'retriever'; did you mean 'retrievers'?"),
    Row("list-word-missing", "list", nothing, 2, "Missing argument"),
    Row("list-word-long", f"list {LONG}", nothing, 2, "known: collections, encoders, measures, retrievers, runs"),
    Row("list-runs", "list runs .", nothing, 0, ["run", "nDCG@10: bm25", "base", "other"]),
    Row("list-runs-none", "list runs c", nothing, 0, "no run in c"),
    Row("list-runs-gone", "list runs gone", nothing, 2, "no folder gone"),
    Row("list-runs-a-file", "list runs a.trec", nothing, 2, "no folder a.trec"),
    Row("list-runs-a-run", "list runs run", nothing, 2, "bench show run"),
    Row("list-runs-long-name", f"list runs {LONG}", nothing, 2, "File name too long"),
    Row("list-runs-unreadable", "list runs shut", both(folder("shut"), mode("shut", 0)), 2, "cannot use shut/record.json: Permission denied", permissions=True),
    Row("list-runs-one-unreadable", "list runs .", mode("run/record.json", 0), 0, "damaged: cannot read run/record.json: Permission denied", permissions=True),
    Row("list-runs-one-shut", "list runs .", mode("run", 0), 0, "damaged: ", permissions=True),
    Row("list-runs-not-json", "list runs .", put("run/record.json", "{"), 0, "damaged: run/record.json is no record"),
    Row("list-runs-deep", "list runs .", put("run/record.json", DEEP), 0, "damaged: "),
    Row("list-runs-of-a-pipe", "list runs .", both(drop("run/record.json"), fifo("run/record.json")), 0, "damaged: "),
    Row("list-runs-without-record", "list runs .", drop("run/record.json"), 0, "damaged: cannot read run/record.json"),
    Row("list-runs-measure-unknown", "list runs .", node("measures/0", "foo"), 0, "damaged: "),
    Row("list-config-dir-gone", "list encoders -cd gone", nothing, 2, "config folder gone does not exist"),
    Row("list-config-dir-pipe", "list encoders -cd own", both(folder("own/encoder"), fifo("own/encoder/mine.yaml")), 2, "own/encoder/mine.yaml"),
    Row("list-config-dir-folder", "list encoders -cd own", folder("own/encoder/mine.yaml"), 2, "mine.yaml"),
    Row("list-config-dir-target-odd", "list encoders -cd own", put("own/encoder/mine.yaml", "_target_: ..a..b"), 0, "mine"),
    Row("show", "show run", nothing, 0, ["collection  c, 12 documents, 4 test queries", "plain"]),
    Row("show-gone", "show gone", nothing, 2, "cannot read gone"),
    Row("show-folder-empty", "show empty", folder("empty"), 2, "cannot read empty/record.json"),
    Row("show-a-run-file", "show a.trec", nothing, 2, "a.trec is no record"),
    Row("show-long-name", f"show {LONG}", nothing, 2, "File name too long"),
    Row("show-seconds-of-words", "show run", node("seconds", {"x": "long"}), 2, "run/record.json: seconds.x"),
    Row("show-created-a-number", "show run", node("created", 5), 2, "run/record.json: created"),
    Row("show-without-seconds", "show run", node("seconds"), 0, "code"),
    Row("usage-complete-unfinished", 'complete bash --line "bench run \'coll"', nothing, 0, ""),
    *(Row(f"usage-help-{name}", f"{name} --help", nothing, 0, f"Usage: bench {name}") for name in ("run", "tune", "ingest", "report", "complete", "compare", "gate", "verify", "agree", "judge", "adjudicate", "export", "import", "split", "diff", "list", "show")),
]

# Each loads torch.
ENCODERS = [
    Row("encoder-good", "DENSE", model, 0, "nDCG@10", long=True),
    Row("encoder-without-a-tokenizer", "DENSE", without_words, 2, "knows no word", long=True),
    Row("encoder-without-pooling", "DENSE", both(model, drop("model/1_Pooling")), 2, "cannot load the model", long=True),
    Row("encoder-weights-cut", "DENSE", both(model, cut("model/model.safetensors", 20_000)), 2, "cannot load the model", long=True),
    Row("encoder-weights-nan", "DENSE", not_numbers, 2, "gave NaN or infinity in the vectors of", long=True),
    Row("encoder-prompts-not-json", "DENSE", both(model, put("model/config_sentence_transformers.json", "{")), 2, "can not be read", long=True),
    Row("encoder-modules-none", "DENSE", both(model, put("model/modules.json", "[]")), 2, "empty modules list", long=True),
    Row("encoder-no-room-for-text", "DENSE encoder.max_length=2", model, 2, "raise max_length", long=True),
]

ROOT = [
    Row("root-corpus-unreadable-is-read", "export c --trec", mode("c/corpus.jsonl", 0), 0, "8 topics", root=True),
    Row("root-json-to-a-device", "GATE --json /dev/null", nothing, 0, "Gate passed", root=True),
]

ROWS = [*CORPORA, *QUERIES, *QRELS, *RUN_FILES, *SETTINGS, *TUNING, *COMPARE, *DIFF, *RECORDS, *GATE, *VERIFY, *REPORT, *INGEST, *IMPORTING, *LABELLING, *USAGE, *ROOT, *ENCODERS]

IN_A_PROCESS = [
    Row("process-gate-into-a-closed-pipe", "BENCH GATE | true; exit ${PIPESTATUS[0]}", nothing, 0, ""),
    Row("process-stdout-closed", "BENCH GATE >&-", nothing, 0, ""),
    Row("process-stdout-full", "BENCH GATE >/dev/full", nothing, 2, "No space left on device"),
    Row("process-refused-into-a-closed-stderr", "BENCH report gone 2>&-; test $? = 2", nothing, 0, ""),
    Row("process-ascii-locale", "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 BENCH GATE", nothing, 0, "Gate passed"),
    Row("process-gate-baseline-here", "cd empty && BENCH gate ../run --update --baseline .", folder("empty"), 2, "the folder that you stand in"),
    Row("process-gate-baseline-above", "cd c && BENCH gate ../run --update --baseline ..", nothing, 2, "or above it"),
    Row("process-gate-json-to-standard-error", "BENCH GATE --json /dev/stderr >&-", nothing, 0, '"exit_code": 0'),
    Row("process-gate-json-alone", "set -o pipefail; BENCH GATE --json - | PYTHON -m json.tool --compact", nothing, 0, '"exit_code":0'),
    Row("process-gate-fails-into-a-closed-pipe", "BENCH GATE --floor MAP=1 | true; exit ${PIPESTATUS[0]}", nothing, 1, ""),
    Row("process-judge-without-a-terminal", "BENCH judge c --assessor zoe", nothing, 2, "needs a terminal"),
    Row("process-adjudicate-without-a-terminal", "BENCH adjudicate c", nothing, 2, "needs a terminal"),
    Row("process-cache-below-a-file", "BENCH_CACHE=a.trec/x BENCH DENSE", model, 0, ["can not be written to", "nDCG@10"]),
]

FULL = both(folder("kept/a"), put("kept/a/fill", "x" * 8_000))
ON_A_FULL_DISK = [
    Row("disk-run", "RUN", nothing, 2, "cannot write", disk="8k"),
    Row("disk-report", "report run --out out", nothing, 2, "cannot write", disk="4k"),
    Row("disk-compare-out", "compare run --out out/x.json", FULL, 2, "cannot write", disk="8k"),
    Row("disk-ingest", "ingest page.txt --out out", FULL, 2, "cannot write", disk="8k"),
    Row("disk-export", "export c --trec --out out", FULL, 2, "cannot write", disk="8k"),
    Row("disk-gate-json", "GATE --json out/x.json", FULL, 2, "cannot write", disk="8k"),
    Row("disk-gate-junit", "GATE --junit out/x.xml", FULL, 2, "cannot write", disk="8k"),
    Row("disk-gate-summary", "GATE --summary out/x.md", FULL, 2, "cannot write", disk="8k"),
    Row("disk-gate-update", "gate run --update --baseline out/base", FULL, 2, "cannot write", disk="8k"),
    Row("disk-tune", "TUNE tune.folds=2", FULL, 2, "cannot write", disk="8k"),
    Row("disk-split", "split out/lone", copy("lone", "kept/lone"), 2, "cannot write", disk="12k", mount=True),
    Row("disk-adjudicate", "adjudicate out/c --write", both(put("c/passes/adjudication.tsv", "q1\td02\t1\n"), copy("c", "kept/c")), 2, "cannot write", disk="28k", mount=True, one_line=False),
    Row("disk-import", "import articles.csv queries.csv judged.csv --out out/mine", FULL, 2, "cannot write", disk="8k"),
]
