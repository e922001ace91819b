"""What is settled is settled for two passes as they were then: no other passes get it, and none lose it."""

from __future__ import annotations

import itertools
import shlex
import threading
from types import SimpleNamespace

import pytest
from conftest import DOCUMENTS, QRELS, write_beir
from test_judge import move_to

from bench.cli import app
from bench.collections.beir import BeirFolder
from bench.collections.run_file import ReadRun
from bench.errors import BenchError
from bench.evaluation.measures import Measure, evaluate
from bench.labelling import settling
from bench.labelling.pass_file import PassFile
from bench.labelling.passes import ADJUDICATION, Pass, ToJudge, require_same_pairs
from bench.labelling.session import Session
from bench.labelling.settling import disagreements, read_settled, settles, write_labels
from bench.ranking import ties_of
from bench.storage.files import write_text
from bench.types import Qrels

HEADER = "query-id\tcorpus-id\tscore\tnote\n"


def write_pass(folder, name, queries, *more):
    """A pass of these queries; what is not named is a 0."""
    (folder / "passes").mkdir(exist_ok=True)
    grades = {(q, d): 0 for q in queries for d in DOCUMENTS} | dict(more)
    lines = [f"{q}\t{d}\t{grade}\n" for (q, d), grade in grades.items()]
    (folder / "passes" / f"{name}.tsv").write_text(HEADER + "".join(lines))


@pytest.fixture
def folder(tmp_path):
    """ann and bob differ on q1, d02 only."""
    write_beir(tmp_path / "c")
    write_pass(tmp_path / "c", "ann", ("q1", "q2"), (("q1", "d02"), 2))
    write_pass(tmp_path / "c", "bob", ("q1", "q2"), (("q1", "d02"), 3))
    return tmp_path / "c"


def settle_by_keys(folder, first, second, *grades):
    """What the screen does with one key a disagreement."""
    to_judge = ToJudge.load(folder)
    passes = to_judge.read(first), to_judge.read(second)
    queries = require_same_pairs(*passes, to_judge, pooled=False)
    pairs = disagreements(*passes, queries)
    with PassFile(to_judge, ADJUDICATION, settles(*passes, pairs)) as kept:
        session = Session(pairs, kept)
        for grade in grades:
            assert session.current is not None
            session.grade(grade)
        return session.done


def write(folder, *names):
    chosen = [word for name in names for word in ("--pass", name)]
    app.app(args=["adjudicate", str(folder), *chosen, "--write"], standalone_mode=False)


def test_what_was_settled_for_two_passes_is_not_taken_for_others(folder, refusal):
    write_pass(folder, "zoe", ("q1", "q2"), (("q1", "d02"), 1))
    settle_by_keys(folder, "ann", "bob", 3)
    before = (folder / "qrels" / "test.tsv").read_text()
    said = refusal("adjudicate", str(folder), "--pass", "ann", "--pass", "zoe", "--write")
    assert "q1, d02 was settled for ann=2 bob=3, and now it is ann=2 zoe=1" in said
    assert (folder / "qrels" / "test.tsv").read_text() == before
    write(folder, "bob", "ann")  # in any order
    assert "q1\td02\t3\n" in (folder / "qrels" / "test.tsv").read_text()


def labels(folder, split="all"):
    return BeirFolder(str(folder), split=split).load().qrels.grades


@pytest.mark.parametrize("nth", [1, 2])
def test_two_who_write_labels_at_once_undo_nothing_of_each_other(folder, monkeypatch, nth):
    """The second one comes while the first one writes its n-th file."""
    move_to(folder, "dev", "q1")
    first = {("q1", "d01"): 3, ("q2", "d03"): 1}
    theirs = {("q3", "d05"): 1, ("q4", "d07"): 1}
    other = threading.Thread(target=lambda: write_labels(ToJudge.load(folder), theirs))
    count = itertools.count(1)

    def meanwhile(path, text, *, keep, durable):
        if threading.current_thread() is not other and next(count) == nth:
            other.start()
            other.join(0.5)  # it is done by then, or waits for the first one
        write_text(path, text, keep=keep, durable=durable)

    monkeypatch.setattr(settling, "write_text", meanwhile)
    write_labels(ToJudge.load(folder), first)
    other.join()
    found = labels(folder)
    assert {pair: found[pair[0]][pair[1]] for pair in first | theirs} == first | theirs


@pytest.mark.parametrize("last", [False, True])
def test_a_killed_write_of_labels_is_made_good_by_the_next_as_the_refusal_says(
    folder, monkeypatch, refusal, last
):
    """`last`: the query that moves is the only one in its old file."""
    write_pass(folder, "bob", ("q1", "q2"), (("q1", "d02"), 2))  # as ann says
    for split in ("dev", "test") if last else ("dev",):
        move_to(folder, split, "q1")
        if last and split == "dev":
            write(folder)
        else:
            _killed_before_the_old_file_is_written_anew(folder, split, monkeypatch)
    for name in ("dev", "test"):
        assert "\nq1\t" in (folder / "qrels" / f"{name}.tsv").read_text()
    for name in ("dev", "test", "all"):
        said = refusal("run", "retriever=[bm25]", "collection=beir", f"collection.path={folder}",
                       f"collection.split={name}", "output=out")  # fmt: skip
        assert "q1" in said
        assert f"bench adjudicate {folder} --write" in said
    write(folder)
    wanted = "test" if last else "dev"
    assert "q1" in labels(folder, wanted)
    assert sorted(labels(folder)) == ["q1", "q2", "q3", "q4"]
    assert labels(folder)["q1"]["d02"] == 2
    assert (folder / "qrels" / "dev.tsv").exists() != last


def _killed_before_the_old_file_is_written_anew(folder, split, monkeypatch):
    """What stands when a write ends after the query that moves is in its new file, and nothing else."""

    def killed(path, text, *, keep, durable):
        write_text(path, text, keep=keep, durable=durable)
        if path.stem == split:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(settling, "write_text", killed)
        write_labels(ToJudge.load(folder), {("q1", d): 2 * (d == "d02") for d in DOCUMENTS})


def test_a_query_in_two_splits_that_no_metadata_names_is_refused(folder):
    qrels = folder / "qrels"
    (qrels / "dev.tsv").write_text((qrels / "test.tsv").read_text())
    with pytest.raises(BenchError, match=f"keep each in one, or divide .* bench split {folder} --force"):
        labels(folder)
    with pytest.raises(BenchError, match=r"test\.tsv: query 'q1' is in split 'dev' as well; keep one"):
        write_labels(ToJudge.load(folder), {("q1", "d01"): 3})


def test_what_was_settled_of_other_grades_is_asked_again(folder, refusal):
    assert settle_by_keys(folder, "ann", "bob", 3) == 1
    write_pass(folder, "ann", ("q1", "q2"))
    write_pass(folder, "bob", ("q1", "q2"), (("q1", "d02"), 1))
    said = refusal("adjudicate", str(folder), "--write")
    assert "q1, d02 was settled for ann=2 bob=3, and now it is ann=0 bob=1" in said
    file = folder / "passes" / "adjudication.tsv"
    before = file.read_text()
    assert settle_by_keys(folder, "ann", "bob") == 0  # looked at, and left
    assert file.read_text() == before
    assert settle_by_keys(folder, "ann", "bob", 1) == 1
    write(folder)
    assert "q1\td02\t1\n" in (folder / "qrels" / "test.tsv").read_text()


def test_undo_gives_back_what_was_settled_before(folder):
    settle_by_keys(folder, "ann", "bob", 3)
    write_pass(folder, "bob", ("q1", "q2"), (("q1", "d02"), 1))
    file = folder / "passes" / "adjudication.tsv"
    before = file.read_text()
    to_judge = ToJudge.load(folder)
    with PassFile(to_judge, ADJUDICATION, {("q1", "d02"): "ann=2 bob=1"}) as kept:
        session = Session([("q1", "d02")], kept)
        session.grade(2)
        assert "q1\td02\t2\t\tann=2 bob=1\n" in file.read_text()
        session.undo()
        assert file.read_text() == before
        assert session.done == 0


@pytest.mark.parametrize("by_hand", [False, True])
def test_two_teams_share_a_folder_and_neither_is_told_to_remove_the_others_work(folder, by_hand):
    write_pass(folder, "xan", ("q3", "q4"))
    write_pass(folder, "yan", ("q3", "q4"), (("q3", "d05"), 1))
    if by_hand:
        (folder / "passes" / "adjudication.tsv").write_text("q1\td02\t3\nq3\td05\t1\n")
    else:
        settle_by_keys(folder, "ann", "bob", 3)
        settle_by_keys(folder, "xan", "yan", 1)
    write(folder, "ann", "bob")
    write(folder, "yan", "xan")
    written = (folder / "qrels" / "test.tsv").read_text()
    assert "q1\td02\t3\n" in written
    assert "q3\td05\t1\n" in written


def test_a_line_that_does_not_say_for_which_of_three_passes_is_refused(folder, refusal):
    file = folder / "passes" / "adjudication.tsv"
    file.write_text("q1\td02\t3\n")
    write(folder)  # two passes: it can be for no other
    write_pass(folder, "zoe", ("q1", "q2"), (("q1", "d02"), 1))
    for other in ("bob", "zoe"):
        said = refusal("adjudicate", str(folder), "--pass", "ann", "--pass", other, "--write")
        assert "does not say for which passes q1, d02 was settled" in said
    file.write_text("q1\td02\t3\t\tbob=3 ann=2\n")  # as it asks for, in any order
    write(folder, "ann", "bob")


def test_a_pair_on_which_the_passes_now_agree_is_refused(folder, refusal):
    settle_by_keys(folder, "ann", "bob", 3)
    write_pass(folder, "ann", ("q1", "q2"), (("q1", "d02"), 3))
    assert "q1, d02 is settled in adjudication.tsv, but" in refusal("adjudicate", str(folder), "--write")


def test_no_file_settles_nothing(folder):
    to_judge = ToJudge.load(folder)
    passes = to_judge.read("ann"), to_judge.read("bob")
    assert read_settled(to_judge, *passes, ["q1", "q2"]) == Pass(ADJUDICATION, {})


def test_a_pass_has_no_fifth_column(folder, refusal):
    (folder / "passes" / "ann.tsv").write_text("q1\td01\t1\tnote\tann=1 bob=2\n")
    assert "ann.tsv:1: expected" in refusal("adjudicate", str(folder), "--write")


def test_a_query_without_a_split_is_of_test_once_it_is_judged(folder):
    """As long as nobody judged it, it is of none, and keeps nobody from writing the others."""
    with (folder / "queries.jsonl").open("a") as out:
        out.write('{"_id": "q9", "text": "not judged yet", "metadata": {"set": "topic"}}\n')
    settle_by_keys(folder, "ann", "bob", 3)
    write(folder)
    written = (folder / "qrels" / "test.tsv").read_text()
    assert "q1\td02\t3\n" in written
    assert "q9" not in written
    for name in ("ann", "bob"):
        write_pass(folder, name, ("q9",))
    (folder / "passes" / "adjudication.tsv").unlink()
    write(folder)  # all is 0, which both say
    assert "q9\t" in (folder / "qrels" / "test.tsv").read_text()


def test_one_pass_alone_gives_labels_and_it_is_said(folder, capsys):
    for name in ("passes/bob.tsv", "qrels/test.tsv", "qrels/dev.tsv"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(BenchError, match="two passes are needed"):  # to settle anything
        app.app(args=["adjudicate", str(folder)], standalone_mode=False)
    app.app(args=["adjudicate", str(folder), "--write"], standalone_mode=False)
    assert "the labels are those of ann alone" in capsys.readouterr().out
    graded = {pair: grade for pair, grade in ToJudge.load(folder).read("ann").grades.items() if grade}
    found = BeirFolder(str(folder), split="all").load().qrels.grades
    assert {(q, d): g for q, judged in found.items() for d, g in judged.items() if g} == graded


def test_zeros_of_judged_queries_stay_where_other_queries_are_partly_judged(folder):
    """q1 and q2 are judged whole, q3 and q4 partly: their missing lines say that nobody looked."""
    write_pass(folder, "bob", ("q1", "q2"), (("q1", "d02"), 2), (("q2", "d03"), 1))
    write_pass(folder, "ann", ("q1", "q2"), (("q1", "d02"), 2), (("q2", "d03"), 1))
    write(folder)
    judged = {q: dict.fromkeys(DOCUMENTS, 0) for q in ("q1", "q2")}
    judged["q1"]["d02"], judged["q2"]["d03"] = 2, 1
    assert labels(folder) == {**QRELS, **judged}
    written = (folder / "qrels" / "test.tsv").read_text()
    write(folder)
    assert (folder / "qrels" / "test.tsv").read_text() == written
    # a list with the relevant document below two that were judged 0: Judged@10 and Bpref see the zeros
    test = BeirFolder(str(folder)).load()
    lines = ["q1 Q0 d05 1 3 x", "q1 Q0 d06 2 2 x", "q1 Q0 d02 3 1 x"]
    (folder / "x.trec").write_text("".join(f"{line}\n" for line in lines))
    asked = test.queries.select([test.queries.ids.index("q1")])
    answers = ReadRun.read(folder / "x.trec", test.collection)
    run = answers.of(asked, len(DOCUMENTS), ties_of(test.collection))
    measures = [Measure.parse(name) for name in ("Judged@10", "Bpref")]
    values = evaluate(run, asked, test.qrels, test.collection, measures).values
    wanted = evaluate(run, asked, Qrels(judged, False, 1), test.collection, measures).values
    assert values.tolist() == wanted.tolist() == [[1.0], [0.0]]


def test_a_decision_that_another_replaces_is_shown_before_and_kept(folder, monkeypatch, capsys):
    file = folder / "passes" / "adjudication.tsv"
    write_pass(folder, "zoe", ("q1", "q2"), (("q1", "d02"), 0), (("q2", "d03"), 1))
    file.write_text("q1\td02\t3\tits embeddings\tann=2 bob=3\n")
    before = file.read_text()
    shown = []

    class Screen:
        """Keys 1 and 2 on the pairs that are asked; the terminal is not there."""

        def __init__(self, to_judge, session, first, second):
            self.session = session

        def judge(self):
            shown.append(capsys.readouterr())
            for pair in reversed(self.session.pairs):  # the new one first, which is appended
                self.session.kept.put(pair, 1, "as zoe")

    fake = SimpleNamespace(AdjudicationScreen=Screen)
    monkeypatch.setattr("bench.cli.adjudicate.screens", lambda: fake)
    words = ["adjudicate", str(folder), "--pass", "ann", "--pass"]
    app.app(args=[*words, "zoe"], standalone_mode=False)
    (said,) = shown
    line = "q1 d02 3 its embeddings ann=2 bob=3"
    assert f"settled for other passes or grades, and asked again: {line}" in said.out
    assert "adjudication.tsv is kept as adjudication.tsv.bak" in said.err
    assert file.with_name("adjudication.tsv.bak").read_text() == before
    assert "its embeddings" not in file.read_text()
    app.app(args=[*words, "zoe"], standalone_mode=False)  # nothing to be replaced any more
    assert not file.with_name("adjudication.tsv.bak2").exists()


@pytest.mark.parametrize("others", [(), ("zoe",)])
def test_the_command_that_ends_it_is_said_whole(folder, tmp_path, monkeypatch, capsys, others):
    """The passes of a pool, by name where there are more than two; the folder's name has a space."""
    folder = folder.rename(tmp_path / "my papers")
    file = folder / "passes" / "adjudication.tsv"
    for name, grade in (("ann", 2), ("bob", 3), *((other, 2) for other in others)):
        lines = f"q1\td01\t1\nq1\td02\t{grade}\n"
        (folder / "passes" / f"{name}.tsv").write_text(HEADER + lines)
    file.write_text("q1\td02\t3\tits embeddings\tann=2 bob=3\n")
    monkeypatch.setattr("bench.cli.adjudicate.screens", lambda: None)  # nothing is left to be settled
    names = ["--pass", "bob", "--pass", "ann"] if others else []
    app.app(args=["adjudicate", str(folder), *names, "--pooled"], standalone_mode=False)
    said = capsys.readouterr().out.splitlines()[-1]
    program, *words = shlex.split(said.removeprefix("write the labels with: "))
    assert program == "bench"
    app.app(args=words, standalone_mode=False)
    assert labels(folder)["q1"] == {**QRELS["q1"], "d01": 1, "d02": 3}
