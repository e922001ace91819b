"""A pass file under an assessor's hands: whatever other programs do to it, nobody's lines are lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat

import pytest
from conftest import write_beir

from bench.errors import BenchError
from bench.labelling.pass_file import PassFile
from bench.labelling.passes import ToJudge
from bench.labelling.screen import PairScreen
from bench.labelling.session import Session

PAIRS = [("q3", "d01"), ("q3", "d02"), ("q3", "d03")]


@pytest.fixture
def to_judge(tmp_path):
    return ToJudge.load(write_beir(tmp_path / "tiny"))


def by_rename(file, text):
    """As git and many editors write."""
    other = file.with_name("other")
    other.write_text(text)
    other.replace(file)


def in_place(file, text):
    """As a shell and some editors write."""
    file.write_text(text)


def gone(file, _):
    file.unlink()


ACTS = {
    "a first grade": lambda session: session.grade(3),
    "a grade over another": lambda session: (session.back(), session.grade(1)),
    "undo": lambda session: session.undo(),
    "a note on what has a grade": lambda session: (session.back(), session.annotate("x")),
}


@pytest.mark.parametrize("change", [by_rename, in_place, gone])
@pytest.mark.parametrize("act", ACTS)
def test_a_file_that_another_program_wrote_is_not_written_over(to_judge, change, act):
    file = to_judge.pass_file("ann")
    with PassFile(to_judge, "ann") as kept:
        session = Session(PAIRS, kept)
        session.grade(2)
        theirs = file.read_text() + "q1\td01\t1\t\n"
        change(file, theirs)
        for _ in range(2):  # and not at the second try either
            with pytest.raises(BenchError, match=r"ann\.tsv was changed by another program"):
                ACTS[act](session)
            assert session.done == 1
            assert (file.read_text() == theirs) if file.exists() else (change is gone)
    if file.exists():
        with PassFile(to_judge, "ann") as kept:
            assert kept.grades == {PAIRS[0]: 2, ("q1", "d01"): 1}


THEIRS = '{"query": "q1", "document": "d04", "note": "theirs"}\n'
NOTED = {
    "a note": lambda session: (session.skip(), session.annotate("mine")),
    "another note": lambda session: session.annotate("mine"),
    "a note taken back": lambda session: session.annotate(""),
    "a grade of what has a note": lambda session: session.grade(1),
    "undo": lambda session: session.undo(),
}


@pytest.mark.parametrize("change", [by_rename, in_place, gone])
@pytest.mark.parametrize("act", NOTED)
def test_notes_that_another_program_wrote_are_not_written_over(to_judge, change, act):
    file = to_judge.pass_file("ann").with_name(".ann.notes.jsonl")
    with PassFile(to_judge, "ann") as kept:
        session = Session(PAIRS, kept)
        session.grade(2)
        session.annotate("before")
        change(file, THEIRS)
        for _ in range(2):
            with pytest.raises(BenchError, match=r"\.ann\.notes\.jsonl was changed by another program"):
                NOTED[act](session)
            assert dict(kept.grades) == {PAIRS[0]: 2}
            assert (file.read_text() == THEIRS) if file.exists() else (change is gone)
    with PassFile(to_judge, "ann") as kept:
        assert kept.grades == {PAIRS[0]: 2}
        assert kept.drafts == ({} if change is gone else {("q1", "d04"): "theirs"})


def test_notes_that_another_program_wrote_first_are_not_written_over(to_judge):
    file = to_judge.pass_file("ann").with_name(".ann.notes.jsonl")
    with PassFile(to_judge, "ann") as kept:
        file.write_text(THEIRS)
        with pytest.raises(BenchError, match="changed by another program"):
            Session(PAIRS, kept).annotate("mine")
    assert file.read_text() == THEIRS


def test_a_file_that_is_replaced_by_its_own_copy_takes_no_grade_to_the_old_one(to_judge, tmp_path):
    file = to_judge.pass_file("ann")
    with PassFile(to_judge, "ann") as kept:
        session = Session(PAIRS, kept)
        session.grade(2)
        shutil.copy(file, tmp_path / "t")
        (tmp_path / "t").replace(file)
        with pytest.raises(BenchError, match="changed by another program"):
            session.grade(3)
        assert session.current == PAIRS[1]


def test_the_screen_ends_with_what_can_not_be_saved(to_judge):
    file = to_judge.pass_file("ann")
    ended = []

    async def run(app):
        async with app.run_test() as pilot:
            await pilot.press("2")
            by_rename(file, file.read_text() + "q1\td01\t1\t\n")
            await pilot.press("3")
        ended.append(app.return_value)

    with PassFile(to_judge, "ann") as kept:
        asyncio.run(run(PairScreen(to_judge, Session(PAIRS, kept))))
    assert "changed by another program" in str(ended[0])


def test_a_disk_that_is_full_leaves_no_half_line(to_judge):
    """What does not fit is taken off again."""

    class Full:
        def __init__(self, real):
            self.real = real

        def write(self, data):
            if len(data) < 5:
                raise OSError(28, "No space left on device")
            return self.real.write(data[:4])

        def __getattr__(self, name):
            return getattr(self.real, name)

    file = to_judge.pass_file("ann")
    with PassFile(to_judge, "ann") as kept:
        session = Session(PAIRS, kept)
        session.grade(2)
        before = file.read_bytes()
        real, kept._end = kept._end, Full(kept._end)
        with pytest.raises(BenchError, match="No space left on device"):
            session.grade(3)  # four bytes of the line at a time, and then no more
        kept._end = real
        assert file.read_bytes() == before
        session.grade(3)
    with PassFile(to_judge, "ann") as kept:
        assert kept.grades == {PAIRS[0]: 2, PAIRS[1]: 3}


def test_a_lock_that_is_a_link_takes_nothing_from_what_it_points_to(to_judge):
    mine = to_judge.folder / "mine.txt"
    mine.write_text("precious\n")
    to_judge.pass_file("ann").parent.mkdir()
    to_judge.pass_file("ann").with_name(".ann.lock").symlink_to(mine)
    with PassFile(to_judge, "ann"), pytest.raises(BenchError, match="another window"):
        PassFile(to_judge, "ann")
    assert mine.read_text() == "precious\n"


GOOD = "query-id\tcorpus-id\tscore\tnote\nq1\td01\t3\t\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"my only line of notes", r"ann\.tsv:1: expected"),
        (b"q1\td01\t1\tx\nq1\td02\t\tlong remark", r"ann\.tsv:2: grade '' is no integer"),
        (b"q1\td01\t1\nq1 d02 2", r"ann\.tsv:2: expected"),
        (b"q1\td01\t1\nq1\tzz", r"ann\.tsv:2: expected"),
        (GOOD.encode("utf-16"), "is not UTF-8 text"),
        (GOOD.encode("utf-16-le"), r"ann\.tsv:1: unknown query"),
        (GOOD.encode() + b"q1\td02\t1\thalf a c\xc3", "is not UTF-8 text"),
    ],
)
def test_what_is_no_judgement_is_refused_and_stays_as_it_is(to_judge, content, says):
    file = to_judge.pass_file("ann")
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(BenchError, match=says):
        PassFile(to_judge, "ann")
    assert file.read_bytes() == content


@pytest.mark.parametrize("torn", ["q", "q1", "q1\td0", "q1\td02", "q1\td02\t"])
def test_a_line_that_a_power_failure_cut_off_goes_and_is_kept_beside(to_judge, torn, capsys):
    file = to_judge.pass_file("ann")
    file.parent.mkdir()
    file.write_text(GOOD + torn)
    with PassFile(to_judge, "ann") as kept:
        assert kept.grades == {("q1", "d01"): 3}
    assert file.read_text() == GOOD
    assert file.with_name("ann.tsv.bak").read_text() == GOOD + torn
    said = capsys.readouterr().err
    assert f"the last line '{torn}' has no grade".replace("\t", "\\t") in said
    assert "is kept as ann.tsv.bak" in said
    assert to_judge.assessors() == ["ann"]


def test_undo_takes_back_the_grade_and_not_a_note_written_since(to_judge):
    with PassFile(to_judge, "ann") as kept:
        session = Session(PAIRS, kept)
        session.grade(2)
        session.back()
        session.annotate("important remark")
        session.undo()
        assert session.current == PAIRS[0]
        assert session.note == "important remark"
        assert kept.grades == {}
        session.grade(1)
        session.back()
        session.grade(3)
        session.back()
        session.annotate("another")
        session.undo()
        assert kept.grades == {PAIRS[0]: 1}
        assert session.note == "another"
    with PassFile(to_judge, "ann") as kept:
        assert kept.notes == {PAIRS[0]: "another"}


def test_a_kill_in_the_middle_of_undo_loses_no_note(to_judge, monkeypatch):
    with PassFile(to_judge, "ann") as kept:
        session = Session(PAIRS, kept)
        session.annotate("important remark")
        session.grade(2)

        def killed(*_):
            raise KeyboardInterrupt

        for step in ("remove", "draft"):
            with monkeypatch.context() as patch:
                patch.setattr(kept, step, killed)
                with pytest.raises(KeyboardInterrupt):
                    session.undo()
            assert session.note == "important remark" or kept.notes[PAIRS[0]] == "important remark"


def test_each_judgement_is_on_the_disk_when_it_was_given(to_judge, monkeypatch):
    synced = []  # inode and size of what was waited for

    def fsync(handle):
        seen = os.fstat(handle)
        synced.append((seen.st_ino, None if stat.S_ISDIR(seen.st_mode) else seen.st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    file = to_judge.pass_file("ann")
    with PassFile(to_judge, "ann") as kept:
        folder = (file.parent.stat().st_ino, None)
        assert synced == [(file.stat().st_ino, file.stat().st_size), folder]
        acts = {
            "new": (lambda: kept.put(PAIRS[0], 2), False),
            "over": (lambda: kept.put(PAIRS[0], 1, "a note"), True),
            "remove": (lambda: kept.remove(PAIRS[0]), True),
        }
        for act, anew in acts.values():
            synced.clear()
            act()
            content = (file.stat().st_ino, file.stat().st_size)
            assert synced == ([content, folder] if anew else [content])
