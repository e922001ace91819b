"""What is written on the screens belongs to the pair that it was written on, whatever is pressed."""

from __future__ import annotations

import pytest
from conftest import write_beir
from hypothesis import given, settings
from hypothesis import strategies as st
from test_judge import drive
from textual.widgets import Input
from textual.widgets._footer import FooterKey

from bench.labelling.pass_file import PassFile
from bench.labelling.passes import Pass, ToJudge
from bench.labelling.screen import AdjudicationScreen, PairScreen
from bench.labelling.session import Session

PAIRS = [("q1", "d01"), ("q1", "d02"), ("q1", "d03")]
FIRST, SECOND, THIRD = PAIRS
FAR = Pass("ann", dict.fromkeys(PAIRS, 3)), Pass("bob", dict.fromkeys(PAIRS, 0))

# How a line that is open may be left, and come back to.
AWAY = {"keyboard": ("tab", "shift+tab"), "mouse": ("#paper", "#note")}


@pytest.fixture
def to_judge(tmp_path):
    return ToJudge.load(write_beir(tmp_path / "tiny"))


@pytest.fixture(params=AWAY)
def away(request):
    """Move the focus out of the line, and back into it."""
    leave, enter = AWAY[request.param]

    async def move(pilot, where):
        await (pilot.press(where) if request.param == "keyboard" else pilot.click(where))

    class Away:
        @staticmethod
        async def leave(pilot):
            await move(pilot, leave)
            assert pilot.app.focused.id != "note"

        @staticmethod
        async def back(pilot):
            await move(pilot, enter)
            assert pilot.app.focused.id == "note"

    return Away


def adjudicating(to_judge, kept):
    session = Session(PAIRS, kept)
    return session, AdjudicationScreen(to_judge, session, *FAR)


@pytest.mark.parametrize("key", ["s", "b", "u", "2", "n"])
def test_a_reason_and_its_grade_are_of_the_pair_that_they_were_asked_for(to_judge, away, key):
    with PassFile(to_judge, "adjudication") as kept:
        session, app = adjudicating(to_judge, kept)

        async def keys(pilot):
            await pilot.press("1", *"first", "enter")
            assert (dict(kept.grades), dict(kept.notes)) == ({FIRST: 1}, {FIRST: "first"})
            assert session.current == SECOND
            assert session.note == ""
            await pilot.press("3")
            await away.leave(pilot)
            await pilot.press(key)
            assert session.current == SECOND
            await away.back(pilot)
            await pilot.press(*"because", "enter")

        drive(app, keys)
        assert dict(kept.grades) == {FIRST: 1, SECOND: 3}
        assert dict(kept.notes) == {FIRST: "first", SECOND: "because"}
        assert kept.drafts == {}


@pytest.mark.parametrize("key", ["s", "b", "u", "2", "n"])
def test_a_note_is_of_the_pair_that_it_was_begun_on(to_judge, away, key):
    with PassFile(to_judge, "ann") as kept:
        session = Session(PAIRS, kept)
        app = PairScreen(to_judge, session)

        async def keys(pilot):
            await pilot.press("1", "n", *"about")
            await away.leave(pilot)
            await pilot.press(key)
            await away.back(pilot)
            await pilot.press("end", *"it", "enter")
            assert session.note == "aboutit"
            await pilot.press("2")

        drive(app, keys)
        assert dict(kept.grades) == {FIRST: 1, SECOND: 2}
        assert dict(kept.notes) == {SECOND: "aboutit"}
        assert kept.drafts == {}


def test_a_line_that_is_left_by_escape_asks_nothing_of_the_next_pair(to_judge, away):
    with PassFile(to_judge, "adjudication") as kept:
        session, app = adjudicating(to_judge, kept)

        async def keys(pilot):
            await pilot.press("3", *"be")
            await away.leave(pilot)
            await pilot.press("escape", "s", "n", *"see", "enter")
            assert session.current == SECOND
            await pilot.press("s")

        drive(app, keys)
        assert (dict(kept.grades), dict(kept.notes), kept.drafts) == ({}, {}, {SECOND: "see"})


def test_while_a_line_is_open_the_keys_below_are_those_that_work(to_judge):
    with PassFile(to_judge, "ann") as kept:
        app = PairScreen(to_judge, Session(PAIRS, kept))

        async def keys(pilot):
            def below():
                return {key.key: key for key in app.query(FooterKey)}

            await pilot.pause()
            assert below().keys() == {*"0123sbunq"}
            await pilot.press("n", *"about")
            await pilot.pause()
            assert below().keys() == {"escape"}  # the rest are letters
            await pilot.press("tab")
            await pilot.pause()
            assert below().keys() == {"escape", "q"}
            await pilot.click(below()["escape"])
            await pilot.pause()
            assert below().keys() == {*"0123sbunq"}
            assert not app.query_one("#note", Input).has_class("open")
            await pilot.click(below()["2"])

        drive(app, keys)
        assert (dict(kept.grades), dict(kept.notes), kept.drafts) == ({FIRST: 2}, {}, {})


KEYS = ["0", "3", "s", "b", "u", "n", "enter", "escape", "tab", "shift+tab", "#paper", "#note"]


@settings(max_examples=8)
@given(st.lists(st.sampled_from(KEYS), min_size=4, max_size=16))
def test_whatever_is_pressed_a_line_changes_no_pair_but_the_one_that_it_was_opened_on(
    tmp_path_factory, keys
):
    to_judge = ToJudge.load(write_beir(tmp_path_factory.mktemp("any") / "tiny"))
    with PassFile(to_judge, "adjudication") as kept:
        session, app = adjudicating(to_judge, kept)

        def said():
            return {
                pair: (kept.grades.get(pair), kept.notes.get(pair), kept.drafts.get(pair))
                for pair in PAIRS
            }

        async def press(pilot):
            line = app.query_one("#note", Input)
            owner = None
            for key in keys:
                before, was_open = said(), line.has_class("open")
                if key[0] != "#":
                    await pilot.press(key)
                elif was_open or key == "#paper":
                    await pilot.click(key)
                if was_open:
                    assert {pair for pair in PAIRS if said()[pair] != before[pair]} <= {owner}
                else:
                    owner = session.current  # of a line that this key has opened
                assert all(kept.notes.get(pair) for pair in kept.grades)

        drive(app, press)


@pytest.mark.parametrize("leave", [("ctrl+q",), ("tab", "q")], ids=["at once", "out of the line"])
def test_a_note_that_was_begun_is_kept_by_who_leaves(to_judge, leave):
    with PassFile(to_judge, "ann") as kept:

        async def judge(pilot):
            await pilot.press("2", "b", "n", *"half", *leave)

        drive(PairScreen(to_judge, Session(PAIRS, kept)), judge)
        assert kept.notes == {FIRST: "half"}


def test_a_reason_that_was_begun_settles_nothing_for_who_leaves(to_judge):
    with PassFile(to_judge, "adjudication") as kept:
        _, screen = adjudicating(to_judge, kept)

        async def judge(pilot):
            await pilot.press("2", *"half", "ctrl+q")

        drive(screen, judge)
        assert (kept.grades, kept.notes) == ({}, {})
