"""Labelling by people: nothing is lost, nobody is overwritten, and the screens do what the keys say."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from conftest import DOCUMENTS, QRELS, QUERIES, write_beir
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Input, Static

from bench.cli import app
from bench.collections.beir import BeirFolder
from bench.errors import BenchError
from bench.labelling import settling
from bench.labelling.mark import matches
from bench.labelling.pass_file import PassFile
from bench.labelling.passes import Pass, ToJudge, read_pass
from bench.labelling.pool import pairs_to_judge, pool_of
from bench.labelling.screen import AdjudicationScreen, PairScreen
from bench.labelling.session import Session, blind_order
from bench.labelling.settling import settle, write_labels
from bench.storage.files import write_text

KNOWN = set(QUERIES), set(DOCUMENTS)


@pytest.fixture
def to_judge(tmp_path):
    return ToJudge.load(write_beir(tmp_path / "tiny"))


def start(to_judge, name="ann", seed="0"):
    kept = PassFile(to_judge, name)
    pairs = pairs_to_judge(to_judge, kept, [], 10, [], seed)
    return kept, Session(pairs, kept)


def on_disk(to_judge, name="ann"):
    return read_pass(to_judge.pass_file(name), *KNOWN)


def test_every_grade_is_on_disk_at_once_and_a_session_goes_on_where_it_stopped(to_judge):
    kept, session = start(to_judge)
    with kept:
        for grade in (0, 3, 1):
            pair = session.current
            session.grade(grade)
            assert on_disk(to_judge).grades[pair] == grade
        nxt = session.current
    kept, session = start(to_judge)
    with kept:
        assert session.done == 3
        assert session.current == nxt


def test_the_order_is_the_seeds_and_names_no_system(to_judge):
    def order(seed):
        return blind_order(list(QUERIES), lambda _: list(DOCUMENTS), seed)

    assert order("0 ann") == order("0 ann")
    assert order("0 ann") != order("1 ann")
    assert order("0 ann") != order("0 bob")
    assert sorted(order("0 ann")) == sorted((q, d) for q in QUERIES for d in DOCUMENTS)
    asked = [q for q, _ in order("0 ann")]
    assert len(QUERIES) - 1 == sum(a != b for a, b in itertools.pairwise(asked))


class Model:
    """What a session must have on disk, kept the simplest way."""

    def __init__(self):
        self.grades, self.history = {}, []


@given(st.lists(st.sampled_from(["0", "1", "2", "3", "skip", "back", "undo", "note"]), max_size=40))
def test_any_keys_leave_a_whole_file_that_holds_what_was_said(tmp_path_factory, keys):
    to_judge = ToJudge.load(write_beir(tmp_path_factory.mktemp("any") / "tiny"))
    kept, session = start(to_judge)
    model = Model()
    with kept:
        for key in keys:
            pair = session.current
            if key == "undo":
                if model.history:
                    undone, before = model.history.pop()
                    model.grades.pop(undone)
                    if before is not None:
                        model.grades[undone] = before
                session.undo()
            elif key == "note":
                session.annotate("half right")
            elif key in ("skip", "back"):
                getattr(session, key)()
            else:
                model.history.append((pair, model.grades.get(pair)))
                model.grades[pair] = int(key)
                session.grade(int(key))
            assert on_disk(to_judge).grades == model.grades
            assert session.done == len(model.grades)
            assert session.current is not None


def test_a_skipped_pair_comes_again_and_back_shows_the_one_before(to_judge):
    kept, session = start(to_judge)
    with kept:
        first = session.current
        session.skip()
        second = session.current
        session.grade(1)
        session.back()
        assert session.current == second
        session.grade(2)
        assert on_disk(to_judge).grades == {second: 2}
        while session.current != first:
            session.grade(0)
        session.grade(3)
        assert session.current is None
        assert session.done == len(session.pairs)


def test_a_note_is_kept_whether_its_pair_has_a_grade_or_not(to_judge):
    kept, session = start(to_judge)
    pair = session.current
    session.annotate("about\tanother  corpus")
    for file in (kept._end, kept._lock):  # as a crash would
        file.close()
    kept, session = start(to_judge)
    with kept:
        assert session.note == "about another corpus"
        session.grade(1)
        assert on_disk(to_judge).notes == {pair: "about another corpus"}
        session.undo()
        assert session.note == "about another corpus"
        assert on_disk(to_judge).notes == {}
        session.grade(1)
        session.back()
        session.annotate("")
        assert on_disk(to_judge).notes == {}
    found = sorted(file.name for file in to_judge.pass_file("ann").parent.iterdir())
    assert found == [".ann.lock", "ann.tsv"]


def test_two_sessions_never_hold_the_lock_at_once(to_judge):
    """A second one opens the lock file, the first one ends, and only then the second one locks it."""
    first, _ = start(to_judge)
    second = to_judge.pass_file("ann").with_name(".ann.lock").open("w")
    with first:
        pass
    fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with second, pytest.raises(BenchError, match="another window"):
        PassFile(to_judge, "ann")
    with PassFile(to_judge, "ann"):
        pass


def test_assessors_do_not_disturb_each_other_and_one_has_one_window(to_judge):
    ann, ann_session = start(to_judge, "ann")
    bob, bob_session = start(to_judge, "bob")
    with ann, bob:
        ann_session.grade(3)
        bob_session.grade(1)
        with pytest.raises(BenchError, match="another window"):
            PassFile(to_judge, "ann")
    assert list(on_disk(to_judge, "ann").grades.values()) == [3]
    assert list(on_disk(to_judge, "bob").grades.values()) == [1]
    assert to_judge.assessors() == ["ann", "bob"]
    for name in ("", "../x", "a/b", "a.b", " a"):
        with pytest.raises(BenchError, match="can not name a file"):
            PassFile(to_judge, name)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{}", "a note needs query, document and note"),
        ('{"query": "q1", "note": "x"}', "a note needs query, document and note"),
        ("[]", "must be one JSON object"),
        ("[" * 100_000, "nested too deep"),
        ('{"note": ' + "9" * 10_000 + "}", "too many digits"),
        (r'{"note": "\ud800"}', "half of a surrogate pair"),
    ],
    ids=lambda text: text[:20],
)
def test_a_damaged_note_is_refused_with_its_line(to_judge, line, says):
    with PassFile(to_judge, "ann"):
        pass
    notes = to_judge.pass_file("ann").with_name(".ann.notes.jsonl")
    notes.write_text(line + "\n")
    with pytest.raises(BenchError, match=f"{re.escape(str(notes))}:1: .*{says}"):
        PassFile(to_judge, "ann")
    notes.unlink()
    with PassFile(to_judge, "ann"):  # and the window is free again
        pass


@pytest.mark.parametrize("torn", ["q1", "q1\td0", "q1\td02\t"])
def test_a_torn_last_line_is_cut_off(to_judge, torn):
    file = to_judge.pass_file("ann")
    file.parent.mkdir()
    file.write_text("query-id\tcorpus-id\tscore\tnote\nq1\td01\t3\t\n" + torn)
    kept, session = start(to_judge)
    with kept:
        session.grade(2)
    assert on_disk(to_judge).grades[("q1", "d01")] == 3
    assert len(on_disk(to_judge).grades) == 2


def test_a_last_line_that_an_editor_left_open_is_kept(to_judge):
    file = to_judge.pass_file("ann")
    file.parent.mkdir()
    file.write_text("query-id\tcorpus-id\tscore\nq1\td01\t3\nq1\td02\t1")
    kept, session = start(to_judge)
    with kept:
        session.grade(2)
    assert len(on_disk(to_judge).grades) == 3


LOOP = """
import sys
from pathlib import Path
from bench.labelling.passes import ToJudge
from bench.labelling.pool import pairs_to_judge
from bench.labelling.pass_file import PassFile
from bench.labelling.session import Session
to_judge = ToJudge.load(Path(sys.argv[1]))
kept = PassFile(to_judge, "ann")
session = Session(pairs_to_judge(to_judge, kept, [], 10, [], "0"), kept)
print("ready", flush=True)
while True:
    session.grade(session.done % 4)
    print(session.done, flush=True)
    if session.done % 3 == 0:
        session.undo()
"""


def test_a_killed_session_leaves_a_whole_file_and_no_lock(to_judge):
    for seconds in (0.0, 0.003, 0.01, 0.02):
        process = subprocess.Popen(
            [sys.executable, "-c", LOOP, str(to_judge.folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        held = on_disk(to_judge).grades
        assert len(held) >= max([0, *map(int, said)]) - 1
        start(to_judge)[0].__exit__(None, None, None)
        assert on_disk(to_judge).grades == held


def test_time_left_goes_by_the_pace_and_pauses_do_not_count(to_judge):
    now = [0.0]
    kept = PassFile(to_judge, "ann")
    session = Session([("q1", doc) for doc in DOCUMENTS], kept, clock=lambda: now[0])
    with kept:
        assert session.seconds_left is None
        for seconds in (10, 12, 100_000):
            now[0] += seconds
            session.grade(0)
        assert session.seconds_left == 12 * (len(DOCUMENTS) - 3)


@pytest.fixture
def found(tmp_path):
    """A run that found d01 to d12, in this order, for q1."""
    file = tmp_path / "x.trec"
    file.write_text("".join(f"q1 Q0 {doc} {n} {20 - n} x\n" for n, doc in enumerate(DOCUMENTS, 1)))
    return file


def test_every_assessor_of_a_pool_judges_the_whole_pool(to_judge, found):
    pool = [("q1", f"d0{n}") for n in (1, 2, 3, 4, 5)]
    with PassFile(to_judge, "ann") as kept:
        pairs = pairs_to_judge(to_judge, kept, [found], 5, [], "0")
        assert sorted(pairs) == pool
        session = Session(pairs, kept)
        while session.current is not None:
            session.grade(1)
        # a session goes on where it stopped
        assert sorted(pairs_to_judge(to_judge, kept, [found], 5, [], "0")) == pool
    with PassFile(to_judge, "bob") as kept:
        assert sorted(pairs_to_judge(to_judge, kept, [found], 5, [], "0")) == pool
        assert pairs_to_judge(to_judge, kept, [found], 5, ["question"], "0") == []
        with pytest.raises(BenchError, match="did you mean 'topic'"):
            pairs_to_judge(to_judge, kept, [found], 5, ["topics"], "0")


def test_what_qrels_hold_is_left_out_where_that_is_asked_for_and_no_pass_is(to_judge, found):
    new = [("q1", f"d0{n}") for n in (2, 3, 4, 5)]  # d01 is in qrels
    for name in ("ann", "bob"):
        with PassFile(to_judge, name) as kept:
            pairs = pairs_to_judge(to_judge, kept, [found], 5, [], "0", unjudged=True)
            assert sorted(pairs) == new
            kept.put(("q1", "d02"), 1)


def test_a_run_file_in_capitals_is_not_left_out_of_a_pool_unsaid(to_judge, found, tmp_path):
    run = tmp_path / "of several"
    run.mkdir()
    for name in ("a.trec", "b.TREC"):
        (run / name).write_text(found.read_text())
    with (
        PassFile(to_judge, "ann") as kept,
        pytest.raises(BenchError, match=r"b\.TREC would be passed over: its suffix must be \.trec"),
    ):
        pairs_to_judge(to_judge, kept, [run], 5, [], "0")


def test_the_order_of_a_pool_is_that_of_the_ranking(to_judge, found):
    # equal in float32, in which the higher id comes first
    found.write_text(f"q1 Q0 d01 1 {1 + 2.0**-30!r} x\nq1 Q0 d02 2 1.0 x\n")
    with PassFile(to_judge, "ann") as kept:
        assert pairs_to_judge(to_judge, kept, [found], 1, [], "0") == [("q1", "d02")]


def test_a_run_of_other_queries_makes_no_pool(to_judge, found):
    found.write_text("other-1 Q0 d01 1 1.0 x\n")
    with PassFile(to_judge, "ann") as kept, pytest.raises(BenchError, match=r"x\.trec answers none"):
        pairs_to_judge(to_judge, kept, [found], 5, [], "0")


def test_a_file_that_is_being_written_is_no_pass_no_split_and_no_run(to_judge, found, tmp_path):
    folder = to_judge.folder
    (folder / "passes").mkdir()
    (folder / "passes" / "ann.tsv").write_text("q1\td01\t1\n")
    for torn in ("passes/.ann.tsv.x1.tsv", "qrels/.test.tsv.x1.tsv"):
        (folder / torn).write_text("query-id\tcorpus-id\tscore\nq1\td0")
    (tmp_path / ".y.trec").write_text("q1 Q0")
    assert to_judge.assessors() == ["ann"]
    assert set(BeirFolder(str(folder), split="all").load().queries.splits) == {"test"}
    assert pool_of(to_judge, [tmp_path], 1) == {"q1": {"d01"}}


def test_words_of_the_query_are_marked_by_their_stem():
    text = "Pruned networks: the pruning of a Network."
    assert [text[a:b] for a, b in matches(text, "How to prune the network?")] == [
        "Pruned",
        "networks",
        "pruning",
        "Network",
    ]


# The screens, driven by textual's own pilot.


def drive(app, keys: Callable[[Pilot], Awaitable[None]]):
    async def run():
        async with app.run_test(size=(100, 30)) as pilot:
            await keys(pilot)

    asyncio.run(run())


def shown(app, name):
    return str(app.query_one(name, Static).render())


def test_the_screen_shows_query_narrative_and_paper_and_takes_keys(tmp_path):
    folder = write_beir(tmp_path / "tiny")
    rows = (
        (folder / "queries.jsonl")
        .read_text()
        .replace('"set": "topic"', '"set": "topic", "narrative": "Counts: all."')
    )
    (folder / "queries.jsonl").write_text(rows)
    to_judge = ToJudge.load(folder)
    kept = PassFile(to_judge, "ann")
    session = Session([("q1", "d01"), ("q1", "d02"), ("q2", "d03")], kept)
    app = PairScreen(to_judge, session)

    async def keys(pilot):
        assert "sparse retrieval with an inverted index" in shown(app, "#query")
        assert "Counts: all." in shown(app, "#query")
        assert "Inverted indexes score documents" in shown(app, "#paper")
        assert "this query 0 of 2 · 0 of 3" in shown(app, "#state")
        await pilot.press("3")
        assert "Sentence embeddings" in shown(app, "#paper")
        assert on_disk(to_judge).grades == {("q1", "d01"): 3}
        await pilot.press("b")
        assert "graded 3: main contribution" in shown(app, "#state")
        await pilot.press("2", "s")
        assert "who writes down" in shown(app, "#query")
        await pilot.press("n", *"see 2", "enter")
        assert "note: see 2" in shown(app, "#state")
        await pilot.press("n", "x", "escape", "0")
        assert on_disk(to_judge).notes == {("q2", "d03"): "see 2"}
        await pilot.press("u")
        assert on_disk(to_judge).grades == {("q1", "d01"): 2}
        await pilot.press("1", "1")
        assert "All pairs are judged" in shown(app, "#query")
        await pilot.press("3", "s", "n", "q")

    with kept:
        drive(app, keys)

    bare = PairScreen(to_judge, Session([("q1", "d03")], kept), bare=True)

    async def look(pilot):
        assert "sparse retrieval with an inverted index" in shown(bare, "#query")
        assert "Counts" not in shown(bare, "#query")

    drive(bare, look)
    assert on_disk(to_judge).grades == {("q1", "d01"): 2, ("q2", "d03"): 1, ("q1", "d02"): 1}


def two_passes():
    one = {(q, d): 0 for q in QUERIES for d in DOCUMENTS}
    return Pass("a", one | {("q1", "d01"): 3, ("q1", "d09"): 1}), Pass(
        "b", one | {("q1", "d01"): 1, ("q1", "d09"): 2}, {("q1", "d01"): "only named"}
    )


def test_adjudication_shows_both_grades_and_asks_for_a_reason_where_they_are_far_apart(to_judge):
    first, second = two_passes()
    kept = PassFile(to_judge, "adjudication")
    session = Session([("q1", "d01"), ("q1", "d09")], kept)
    app = AdjudicationScreen(to_judge, session, first, second)

    async def keys(pilot):
        assert "a 3 · b 1: only named" in shown(app, "#state")
        await pilot.press("3")
        assert app.query_one("#note", Input).has_class("open")
        assert on_disk(to_judge, "adjudication").grades == {}
        await pilot.press("enter")
        assert on_disk(to_judge, "adjudication").grades == {}
        await pilot.press("escape", "2", *"its index", "enter")
        assert on_disk(to_judge, "adjudication").grades == {("q1", "d01"): 2}
        assert on_disk(to_judge, "adjudication").notes == {("q1", "d01"): "its index"}
        await pilot.press("1")

    with kept:
        drive(app, keys)
    settled = on_disk(to_judge, "adjudication")
    final = settle(first, second, settled, list(QUERIES))
    assert final[("q1", "d01")] == 2
    assert final[("q1", "d09")] == 1
    assert len(final) == len(QUERIES) * len(DOCUMENTS)


def test_settling_is_refused_while_open_without_reason_or_where_nothing_differs():
    first, second = two_passes()
    far, near = ("q1", "d01"), ("q1", "d09")
    for grades, notes, said in (
        ({near: 1}, {}, "q1, d01 is not settled yet"),
        ({far: 2, near: 1}, {}, "without a reason"),
        ({far: 2, near: 1, ("q2", "d01"): 1}, {far: "x"}, "do not differ"),
    ):
        with pytest.raises(BenchError, match=said):
            settle(first, second, Pass("adjudication", grades, notes), list(QUERIES))


def test_adjudicate_writes_the_labels_by_split(bench, tmp_path):
    from test_agreement import A, B, with_passes

    folder = with_passes(tmp_path / "c", A, B)
    (folder / "qrels" / "test.tsv").unlink()
    done = bench("adjudicate", str(folder), "--write")
    assert done.returncode == 2
    assert "not settled yet" in done.stderr
    (folder / "passes" / "adjudication.tsv").write_text(
        "query-id\tcorpus-id\tscore\tnote\nq1\td12\t2\tsurveyed\nq1\td09\t1\t\nq4\td07\t2\t\n"
    )
    done = bench("adjudicate", str(folder), "--write")
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in (folder / "qrels").glob("*.tsv")) == ["test.tsv"]
    text = (folder / "queries.jsonl").read_text()
    for query, split in zip(QUERIES, ("dev", "test", "test", "dev"), strict=True):
        text = text.replace(f'"{query}",', f'"{query}", "x": 0,')
        lines = [
            line.replace('"set"', f'"split": "{split}", "set"') if f'"{query}"' in line else line
            for line in text.splitlines()
        ]
        text = "\n".join(lines) + "\n"
    (folder / "queries.jsonl").write_text(text)
    done = bench("adjudicate", str(folder), "--write", "--without-zeros")
    assert done.returncode == 0, done.stderr
    assert (folder / "qrels" / "dev.tsv").read_text().splitlines()[1:] == [
        "q1\td01\t3",
        "q1\td09\t1",
        "q1\td12\t2",
        "q4\td07\t2",
    ]
    assert (folder / "qrels" / "test.tsv").read_text().splitlines()[1:] == ["q2\td03\t3", "q3\td05\t3"]


def labels(folder):
    return {
        split: [
            line.split("\t")
            for line in (folder / "qrels" / f"{split}.tsv").read_text().split("\n")[1:-1]
        ]
        for split in ("dev", "test")
        if (folder / "qrels" / f"{split}.tsv").exists()
    }


def every_pair(relevant):
    """A grade for each pair: 1 for these, 0 for all others."""
    return {(q, d): int((q, d) in relevant) for q in QUERIES for d in DOCUMENTS}


def test_labels_of_everything_say_of_each_zero_that_somebody_judged_it(to_judge, bench):
    every = every_pair({("q1", "d01"), ("q4", "d07")})
    write_labels(to_judge, every)
    kept = BeirFolder(str(to_judge.folder)).load().qrels
    assert {(q, d): grade for q, judged in kept.grades.items() for d, grade in judged.items()} == every
    assert not kept.complete  # nobody said so, and nobody has to
    # what the next assessor of a pool is asked, and what another tool gets
    (to_judge.folder / "r.trec").write_text("q1 Q0 d05 1 2 x\nq2 Q0 d06 1 1 x\n")
    with PassFile(to_judge, "bob") as own:
        pool = [to_judge.folder / "r.trec"]
        assert pairs_to_judge(to_judge, own, pool, 10, (), "0", unjudged=True) == []
    assert bench("export", str(to_judge.folder), "--trec", "--out", "trec").returncode == 0
    exported = (to_judge.folder.parent / "trec" / "qrels.all.txt").read_text().splitlines()
    assert len(exported) == len(every)


def test_zeros_are_left_out_where_that_is_asked_for_and_all_was_judged(to_judge, refusal):
    write_labels(to_judge, every_pair({("q1", "d01")}), zeros=False)
    written = labels(to_judge.folder)["test"]
    assert [line for line in written if line[0] == "q1"] == [["q1", "d01", "1"]]
    # the only thing that says that q2 was asked
    assert [line for line in written if line[0] == "q2"] == [["q2", doc, "0"] for doc in DOCUMENTS]
    short = BeirFolder(str(to_judge.folder), complete=True).load()
    assert short.queries.ids == tuple(QUERIES)
    write_labels(to_judge, every_pair({("q1", "d01")}))
    assert BeirFolder(str(to_judge.folder), complete=True).load().qrels.fingerprint == (
        short.qrels.fingerprint
    )
    before = labels(to_judge.folder)
    with pytest.raises(BenchError, match=r"query 'q1' is judged with 1 of 12 papers.*--without-zeros"):
        write_labels(to_judge, {("q1", "d01"): 1}, zeros=False)
    assert labels(to_judge.folder) == before
    said = refusal("adjudicate", str(to_judge.folder), "--without-zeros")
    assert "--without-zeros belongs to --write" in said


def test_labels_of_a_pool_have_their_zeros_and_keep_what_was_judged_before(to_judge):
    write_labels(to_judge, {("q1", "d01"): 0, ("q1", "d02"): 2, ("q1", "d03"): 0, ("q3", "d05"): 1})
    kept = BeirFolder(str(to_judge.folder)).load().qrels.grades
    assert kept == {
        **QRELS,
        "q1": {"d01": 0, "d02": 2, "d03": 0, "d09": 1, "d12": 2},
        "q3": {"d02": 1, "d05": 1},
    }


@pytest.mark.parametrize("split", ["../../evil", ".hidden", "two words", "all"])
def test_a_split_that_can_not_name_its_file_is_refused(to_judge, split):
    file = to_judge.folder / "queries.jsonl"
    file.write_text(file.read_text().replace('"set": "topic"', f'"set": "topic", "split": "{split}"'))
    before = {path: path.read_bytes() for path in to_judge.folder.rglob("*") if path.is_file()}
    with pytest.raises(BenchError, match=r"query 'q1': split '.*' can not name a file of qrels"):
        write_labels(to_judge, {("q1", "d01"): 1})
    assert before == {p: p.read_bytes() for p in to_judge.folder.rglob("*") if p.is_file()}


def test_complete_labels_replace_what_was_judged_before(to_judge):
    write_labels(to_judge, {("q1", doc): 3 * (doc == "d02") for doc in DOCUMENTS})
    kept = BeirFolder(str(to_judge.folder)).load().qrels.grades
    assert kept == {**QRELS, "q1": {doc: 3 * (doc == "d02") for doc in DOCUMENTS}}


def test_the_name_of_the_settled_grades_is_no_assessor(refusal, to_judge):
    for name in ("adjudication", "Adjudication"):
        assert "keeps the settled grades" in refusal("judge", str(to_judge.folder), "--assessor", name)
    assert not to_judge.pass_file("adjudication").exists()


def test_a_pass_without_the_narratives_is_never_one_with_them(refusal, to_judge, monkeypatch):
    seen = []

    class Screen:
        """The key 1 on the first pair; the terminal is not there."""

        def __init__(self, to_judge, session, *, bare):
            self.session = session
            seen.append(bare)

        def judge(self):
            self.session.grade(1)

    monkeypatch.setattr("bench.cli.judge.screens", lambda: SimpleNamespace(PairScreen=Screen))
    command = ["judge", str(to_judge.folder), "--assessor"]
    for name, *bare in (("cat",), ("cat-bare", "--bare"), ("bare", "--bare"), ("threadbare",)):
        app.app(args=[*command, name, *bare], standalone_mode=False)
        assert seen.pop() is bool(bare)
    before = {file: file.read_bytes() for file in to_judge.folder.rglob("*.tsv")}
    assert "take --assessor cat-bare" in refusal(*command, "cat", "--bare")
    assert "take --assessor threadbare-bare" in refusal(*command, "threadbare", "--bare")
    for name in ("cat-bare", "bare", "Cat-Bare"):
        assert "a pass made without the narratives; add --bare" in refusal(*command, name)
    assert before == {file: file.read_bytes() for file in to_judge.folder.rglob("*.tsv")}


def test_judge_needs_a_name_and_says_when_nothing_is_left(bench, tmp_path):
    folder = write_beir(tmp_path / "tiny")
    assert "--assessor" in bench("judge", str(folder)).stderr
    (folder / "passes").mkdir()
    lines = [f"{q}\t{d}\t0\t\n" for q in QUERIES for d in DOCUMENTS]
    (folder / "passes" / "ann.tsv").write_text("query-id\tcorpus-id\tscore\tnote\n" + "".join(lines))
    keyboard, terminal = pty.openpty()
    command = [sys.executable, "-m", "bench", "judge", str(folder), "--assessor", "ann"]
    done = subprocess.run(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, text=True, check=False
    )
    os.close(keyboard)
    os.close(terminal)
    assert done.returncode == 0
    assert "nothing left to judge for ann: 48 pairs" in done.stdout
    assert bench("judge", str(tmp_path / "none"), "--assessor", "ann").returncode == 2


def move_to(folder, split, *queries):
    """Write the split of these queries into their metadata."""
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines()]
    for row in rows:
        if row["_id"] in queries:
            row["metadata"]["split"] = split
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def in_splits(folder):
    """Split → its queries, as the lines of its file name them."""
    return {split: {line[0] for line in lines} for split, lines in labels(folder).items()}


def move_q1_to_dev(folder):
    move_to(folder, "dev", "q1")
    write_labels(ToJudge.load(folder), {("q1", "d01"): 3})


def test_a_query_that_moves_leaves_its_old_split_and_an_empty_file_goes(to_judge):
    folder = to_judge.folder
    move_q1_to_dev(folder)
    assert in_splits(folder) == {"dev": {"q1"}, "test": {"q2", "q3", "q4"}}
    move_to(folder, "test", "q1")
    written = write_labels(ToJudge.load(folder), {("q1", "d01"): 3})
    assert not (folder / "qrels" / "dev.tsv").exists()
    assert written[folder / "qrels" / "dev.tsv"] == 0
    assert BeirFolder(str(folder), split="all").load().qrels.grades == {
        **QRELS,
        "q1": {"d01": 3, "d09": 1, "d12": 2},
    }


@pytest.mark.parametrize("swapped", [False, True])
def test_a_kill_between_two_files_loses_no_grade_of_a_query_that_moves(to_judge, monkeypatch, swapped):
    folder = to_judge.folder
    move_q1_to_dev(folder)
    move_to(folder, "test", "q1")
    if swapped:
        move_to(folder, "dev", "q2")
    wanted = {(query, doc, str(grade)) for query in QRELS for doc, grade in QRELS[query].items()}
    seen = []

    def look(path, text, *, keep, durable):
        write_text(path, text, keep=keep, durable=durable)
        seen.append({tuple(line) for lines in labels(folder).values() for line in lines})

    monkeypatch.setattr(settling, "write_text", look)
    write_labels(ToJudge.load(folder), {("q1", "d01"): 3})
    assert len(seen) >= 2 + swapped
    assert all(wanted <= one for one in seen)
    assert in_splits(folder) == (
        {"dev": {"q2"}, "test": {"q1", "q3", "q4"}} if swapped else {"test": set(QUERIES)}
    )


# Without a terminal, and with texts that a terminal would obey.


def test_without_a_terminal_no_screen_is_shown_and_nothing_is_made(refusal, tmp_path):
    from test_agreement import A, B, with_passes

    folder = with_passes(tmp_path / "c", A, B)
    before = sorted(folder.rglob("*"))
    for arguments in (("judge", str(folder), "--assessor", "zoe"), ("adjudicate", str(folder))):
        assert "needs a terminal" in refusal(*arguments)
    assert sorted(folder.rglob("*")) == before


def test_a_screen_that_is_terminated_gives_the_terminal_back(beir):
    keyboard, terminal = pty.openpty()
    command = [sys.executable, "-m", "bench", "judge", str(beir), "--assessor", "ann"]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal) as judging:
        os.close(terminal)
        seen = b""
        while b"papers" not in seen and b"related" not in seen:  # the keys, below the paper
            seen += os.read(keyboard, 65536)
        judging.terminate()
        with contextlib.suppress(OSError):  # what Linux says at the end of a terminal
            while more := os.read(keyboard, 65536):
                seen += more
    os.close(keyboard)
    assert judging.returncode == 143
    assert b"\x1b[?1049l" in seen  # the screen that was there before
    assert b"bench: terminated" in seen


def test_texts_names_and_notes_neither_command_the_terminal_nor_are_markup(tmp_path):
    evil = "\x1b]0;owned\x07 \x1b[31m\xa0[b]x[/nope]"
    documents = {**DOCUMENTS, "d01": (f"title {evil}", f"body {evil}\nnext line")}
    queries = {**QUERIES, "q1": (f"query {evil}", "topic")}
    to_judge = ToJudge.load(write_beir(tmp_path / "tiny", documents=documents, queries=queries))
    kept = PassFile(to_judge, "adjudication")
    first = Pass(f"[/a] {'x' * 10_000}", {("q1", "d01"): 3}, {("q1", "d01"): evil})
    session = Session([("q1", "d01")], kept)
    app = AdjudicationScreen(to_judge, session, first, Pass("b", {("q1", "d01"): 2}))

    async def keys(pilot):
        for name in ("#query", "#paper", "#state"):
            text = shown(app, name)
            assert "\x1b" not in text
            assert "\x07" not in text
            assert "\\x1b[31m [b]x[/nope]" in text, text
        assert "next line" in shown(app, "#paper").splitlines()
        assert shown(app, "#state").startswith("this query 0 of 1")
        assert "[/a] " in shown(app, "#state")
        assert len(shown(app, "#state")) < 1000
        await pilot.press("n", *"x", "enter")

    with kept:
        drive(app, keys)
