"""The store: an index is built once, found again, checked, and closed; a batch is asked once, and kept."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import DOCUMENTS, make_queries

from bench.collections.memory import InMemory
from bench.encoders.embeddings import _Vectors
from bench.encoders.passages import Passages
from bench.errors import BenchError
from bench.evaluation import systems
from bench.evaluation.measures import Measure
from bench.evaluation.systems import run_systems
from bench.ranking import best, stacked, ties_of
from bench.retrievers.bm25 import BM25
from bench.retrievers.cascade import Cascade
from bench.retrievers.fuse import Fused
from bench.retrievers.rerank import PairScorer, Reranked
from bench.retrievers.runfile import RunFile
from bench.runs.resume import KeptAnswers
from bench.storage.identity import Fingerprint, fingerprint
from bench.storage.indexes import IndexStore
from bench.types import Qrels, Run, TestCollection

TINY = InMemory("tiny", list(DOCUMENTS), *map(list, zip(*DOCUMENTS.values(), strict=True)))
QUERIES = make_queries("notes of music", "pruning", "retrieval", "weights", "a survey")
TEST = TestCollection(TINY, QUERIES, Qrels({query: {"d03": 1} for query in QUERIES.ids}))
NDCG = [Measure.parse("nDCG@10")]


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


@dataclass(frozen=True)
class Counted:
    """Ranks by number, and writes down each time it is built or asked."""

    log: str
    fails_at: int = -1

    def note(self, what):
        with Path(self.log).open("a") as out:
            out.write(f"{what}\n")

    def index(self, collection, store):
        folder = store.folder(self, collection, self.fill)
        return _Counted(self, ties_of(collection), (folder / "numbers").read_text())

    def fill(self, folder):
        self.note("built")
        (folder / "numbers").write_text("1 2 3")


@dataclass(frozen=True, eq=False)
class _Counted:
    settings: Counted
    ties: np.ndarray
    numbers: str
    nbytes: int = 0
    exact: None = None

    @property
    def facts(self):
        return {}

    def search(self, queries, k):
        asked = Path(self.settings.log).read_text().count("asked") if self.settings.log else 0
        if asked == self.settings.fails_at:
            raise RuntimeError("planted")
        self.settings.note(f"asked {len(queries)}")
        return best(
            np.tile(np.arange(len(self.ties), dtype=np.float32), (len(queries), 1)), self.ties, k
        )


def lines(log):
    return log.read_text().splitlines()


def test_an_index_is_built_once_for_all_stores_and_processes(tmp_path):
    log = tmp_path / "log"
    for _ in range(2):
        Counted(str(log)).index(TINY, IndexStore())
    assert lines(log) == ["built"]
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from test_store import Counted, TINY; from bench.storage.indexes import IndexStore\n"
        "Counted(sys.argv[1]).index(TINY, IndexStore())\n"
    )
    here = Path(__file__).parent
    subprocess.run([sys.executable, "-c", code, str(log), str(here)], check=True, env=os.environ)
    assert lines(log) == ["built"]
    # another corpus is another index
    Counted(str(log)).index(InMemory("other", ["d1"], [""], ["x"]), IndexStore())
    assert lines(log) == ["built", "built"]


@pytest.mark.parametrize("damage", ["changed", "gone", "no manifest", "manifest", "empty manifest"])
def test_a_damaged_index_is_said_and_built_again(tmp_path, capsys, damage):
    log = tmp_path / "log"
    Counted(str(log)).index(TINY, IndexStore())
    (file,) = (tmp_path / "cache" / "indexes").glob("*/*/numbers")
    manifest = file.with_name("manifest.json")
    if damage == "changed":
        file.write_text("1 2 4")
    elif damage == "gone":
        file.unlink()
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "manifest":
        manifest.write_text("[]")
    else:
        manifest.write_text("{}")
    assert Counted(str(log)).index(TINY, IndexStore()).numbers == "1 2 3"
    assert lines(log) == ["built", "built"]
    assert ("is damaged" in capsys.readouterr().err) == (damage != "no manifest")
    Counted(str(log)).index(TINY, IndexStore())
    assert lines(log) == ["built", "built"]


def test_without_a_place_to_keep_it_the_index_is_temporary(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    log, store = tmp_path / "log", IndexStore()
    for _ in range(2):
        assert Counted(str(log)).index(TINY, store).numbers == "1 2 3"
    assert lines(log) == ["built"]
    assert "can not be written to" in capsys.readouterr().err


def test_what_is_kept_gives_the_same_answers_to_the_last_bit(tmp_path):
    built, opened = (BM25().index(TINY, IndexStore()).search(QUERIES, 12) for _ in range(2))
    assert built.docs.tobytes() == opened.docs.tobytes()
    assert built.scores.tobytes() == opened.scores.tobytes()


def test_each_distinct_retriever_is_asked_once(tmp_path):
    log = tmp_path / "log"
    one = Counted(str(log))
    fused = Fused({"a": one, "b": BM25()}, depth=len(TINY))
    run_systems(TEST, {"alone": one, "fused": fused, "again": one}, NDCG, 100)
    assert lines(log) == ["built", f"asked {len(QUERIES)}"]


class TookAnHour:
    """Answers of which each took an hour when it was found."""

    def __init__(self):
        self.kept = {}

    def load(self, key):
        return (self.kept[key], 3600.0) if key in self.kept else None

    def save(self, key, run, seconds):
        assert 0 < seconds < 3700
        self.kept[key] = run


def test_whoever_is_given_kept_answers_is_told_what_they_took(tmp_path):
    class Kept:
        answers = TookAnHour()

        def load(self, *asked):
            return None

        def save(self, *asked):
            pass

    one = Counted(str(tmp_path / "log"))
    fused = Fused({"a": one, "b": BM25()}, depth=len(TINY))
    found = run_systems(TEST, {"alone": one, "fused": fused, "again": one}, NDCG, 100, Kept()).systems
    took = {name: result.seconds["search"] for name, result in found.items()}
    assert took["alone"] < 3600 <= took["again"] < 3700
    assert 3600 <= took["fused"] < 3700


def test_batches_of_any_size_give_the_same_run(monkeypatch):
    whole = run_systems(TEST, {"bm25": BM25()}, NDCG, 100).systems["bm25"].run
    for size in (1, 2, 3):
        monkeypatch.setattr(systems, "BATCH", size)
        run = run_systems(TEST, {"bm25": BM25()}, NDCG, 100).systems["bm25"].run
        assert run.docs.tobytes() == whole.docs.tobytes()
        assert run.scores.tobytes() == whole.scores.tobytes()


def test_what_was_answered_before_a_failure_is_not_asked_again(tmp_path, monkeypatch):
    """A stop in the third batch loses that batch."""
    monkeypatch.setattr(systems, "BATCH", 2)

    class Kept:
        answers = KeptAnswers(tmp_path / "kept")

        def load(self, *_):
            return None

        def save(self, *_):
            return None

    log = tmp_path / "log"
    dies, lives = Counted(str(log), fails_at=2), Counted(str(log), fails_at=99)
    # equal but for what the fault is: the same files, so that the answers are those of one system
    same = Fingerprint("s", "c", "f", {})
    monkeypatch.setattr("bench.storage.indexes.fingerprint", lambda _: same)
    with pytest.raises(BenchError, match="planted"):
        run_systems(TEST, {"own": dies}, NDCG, 100, Kept())
    assert lines(log) == ["built", "asked 2", "asked 2"]
    run_systems(TEST, {"own": lives}, NDCG, 100, Kept())
    assert lines(log) == ["built", "asked 2", "asked 2", "asked 1"]


def test_an_index_that_nothing_needs_any_more_is_closed(tmp_path):
    first, second = Counted(str(tmp_path / "1")), Counted(str(tmp_path / "2"))
    fused = Fused({"a": first, "b": second})
    store = IndexStore(needed=[first, fused])
    seen = {}
    for name, retriever in (("first", first), ("second", second)):
        seen[name] = weakref.ref(store.searcher(retriever, TINY, name).inner)
    gc.collect()
    assert all(ref() is not None for ref in seen.values())
    store.done(first)  # the fusion still needs it
    gc.collect()
    assert seen["first"]() is not None
    store.done(fused)
    gc.collect()
    assert [ref() for ref in seen.values()] == [None, None]


def test_a_run_closes_what_no_later_system_needs(tmp_path, monkeypatch):
    open_at_each = []
    searching = IndexStore.ask

    def ask(self, *arguments):
        open_at_each.append(len(self._open))
        return searching(self, *arguments)

    monkeypatch.setattr(IndexStore, "ask", ask)
    run_systems(TEST, {f"k{n}": BM25(k1=n / 10) for n in range(4)}, NDCG, 100)
    assert open_at_each == [1, 1, 1, 1]


def test_a_system_that_fails_takes_no_other_with_it(tmp_path):
    fails = Counted(str(tmp_path / "log"), fails_at=0)
    results = run_systems(TEST, {"bad": fails, "good": BM25()}, NDCG, 100)
    assert list(results.systems) == ["good"]
    assert "planted" in str(results.failed["bad"])
    with pytest.raises(BenchError, match="planted"):
        run_systems(TEST, {"bad": fails}, NDCG, 100)


def test_runs_of_batches_are_padded_to_the_longest():
    def run(*rows):
        docs = np.array(rows, dtype=np.int32)
        return Run(docs, np.where(docs < 0, -np.inf, 1.0).astype(np.float32))

    assert stacked([run([1, 2]), run([3]), run([4, -1])]).docs.tolist() == [[1, 2], [3, -1], [4, -1]]
    assert stacked([run([1])]).docs.tolist() == [[1]]


def test_a_run_file_may_lack_all_queries_of_a_batch_but_not_all_queries(tmp_path, monkeypatch):
    monkeypatch.setattr(systems, "BATCH", 2)
    file = tmp_path / "a.trec"
    file.write_text("q4 Q0 d03 1 0.5 x\n")
    found = run_systems(TEST, {"file": RunFile(str(file))}, NDCG, 100).systems["file"]
    assert (found.run.docs[:, 0] >= 0).tolist() == [False, False, False, False, True]
    file.write_text("other Q0 d03 1 0.5 x\n")
    wrong = RunFile(str(file))
    for one in (wrong, Fused({"a": wrong, "b": BM25()}), Reranked(wrong, Long())):
        with pytest.raises(BenchError, match="answers none of the queries"):
            run_systems(TEST, {"file": one}, NDCG, 100)


def test_a_run_file_may_lack_all_queries_that_a_cascade_hands_on(tmp_path):
    """Which it does for a query without an answer; a file without any of the queries is refused, and
    no other system with it."""
    file = tmp_path / "a.trec"
    queries = make_queries("notes of music", "zzzyqx")
    test = TestCollection(TINY, queries, Qrels({query: {"d03": 1} for query in queries.ids}))
    file.write_text("q0 Q0 d03 1 0.5 x\n")  # BM25 answers it, and not q1
    costly = Cascade(BM25(), RunFile(str(file)), 1e6, None)
    wrong = tmp_path / "b.trec"
    wrong.write_text("other Q0 d03 1 0.5 x\n")
    systems = {"cascade": costly, "wrong": RunFile(str(wrong)), "bm25": BM25()}
    found = run_systems(test, systems, NDCG, 100)
    assert list(found.systems) == ["cascade", "bm25"]
    assert "answers none of the queries" in str(found.failed["wrong"])


@dataclass(frozen=True)
class Long(PairScorer):
    def score_pairs(self, pairs):
        return [float(len(text)) for _, text in pairs]


@dataclass(frozen=True)
class Reads:
    """Keeps what its file says, which changes meanwhile."""

    path: str
    becomes: str

    def reads(self):
        return {"path": Path(self.path)}

    def fill(self, folder):
        (folder / "kept").write_text(self.becomes)
        Path(self.path).write_text(self.becomes)

    def index(self, collection, store):
        store.folder(self, collection, self.fill)


def test_an_index_of_a_file_that_changed_meanwhile_is_not_kept(tmp_path):
    file = tmp_path / "file"
    file.write_text("A")
    what = Reads(str(file), "B")
    with pytest.raises(BenchError, match="was changed meanwhile"):
        IndexStore().folder(what, TINY, what.fill)
    file.write_text("A")
    again = IndexStore().folder(what, TINY, lambda folder: (folder / "kept").write_text("A"))
    assert (again / "kept").read_text() == "A"


def test_whose_file_changed_meanwhile_is_said_as_the_user_calls_it(tmp_path):
    (tmp_path / "file").write_text("A")
    with pytest.raises(BenchError, match="a file that mine reads was changed meanwhile; run again"):
        run_systems(TEST, {"mine": Reads(str(tmp_path / "file"), "B")}, NDCG, 10)


def test_a_file_that_is_not_there_is_no_fault_of_the_cache(tmp_path, capsys):
    def fill(folder):
        (tmp_path / "gone").read_text()

    with pytest.raises(FileNotFoundError):
        IndexStore().folder(BM25(), TINY, fill)
    assert capsys.readouterr().err == ""


def test_vectors_depend_on_the_code_that_makes_them():
    encoder, passages = BM25(), Passages()  # any settings will do
    assert fingerprint(_Vectors(encoder, passages)).code != fingerprint((encoder, passages)).code
