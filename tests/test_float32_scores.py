"""Scores that differ in a run file and are equal in float32: the reader says so, once, of either size."""

from __future__ import annotations

import contextlib
import io
import struct
from unittest.mock import patch

import numpy as np
import pytest
from conftest import make_queries
from hypothesis import given
from hypothesis import strategies as st

from bench.collections import run_file
from bench.collections.memory import InMemory
from bench.collections.run_file import ReadRun
from bench.collections.trec import read_scores
from bench.ranking import tie_ranks
from bench.runs.contenders import gather
from bench.types import Qrels, TestCollection

IDS = [f"d{number}" for number in range(8)]
CORPUS = InMemory("c", IDS, [""] * 8, [""] * 8)
# Around what float32 tells apart: whole numbers near 2^24, steps of 2^-24 at 1, what is next to 0.
SCORES = st.one_of(
    st.integers(2**24 - 3, 2**24 + 6).map(float),
    st.integers(0, 4).map(lambda step: 1 + step * 2.0**-24),
    st.sampled_from([0.123456789, 0.123456788, 0.1, 0.2, -0.0, 0.0, 1e-50, -1e-50, 5e-324]),
)


def write(file, by_query):
    """The lists of scores as a run file, document d0 on the first line of each, ranks from 1 on."""
    lines = [
        f"{query} Q0 d{place} {place + 1} {score!r} tag\n"
        for query, scores in by_query.items()
        for place, score in enumerate(scores)
    ]
    file.write_text("".join(lines))
    return file


def said_of(file, *, large=False, own=False):
    """What is said on stderr while the file is read, and what was read."""
    out = io.StringIO()
    with contextlib.redirect_stderr(out), patch.object(run_file, "LARGE", 1 if large else 1 << 60):
        found = ReadRun.read(file, CORPUS, own=own)
    return out.getvalue(), found


def merged(scores):
    """Whether two numbers that differ have the same four bytes; -0 and 0 do not differ."""
    bits = {score: struct.pack("f", score + 0.0) for score in scores}
    zero = {struct.pack("f", -0.0): struct.pack("f", 0.0)}
    return len({zero.get(one, one) for one in bits.values()}) < len(bits)


def note(file, count, of, first):
    return (
        f"{file}: scores that differ are equal in float32, as trec_eval reads them, in {count} of {of} "
        f"queries, the first '{first}', and fall by document id, descending; to keep their order, write "
        "ranks as scores: -1, -2, …\n"
    )


def test_scores_beyond_float32_are_named_with_their_file_queries_and_the_remedy(tmp_path, capsys):
    files = {
        "whole": {"q1": [2.0**24 + 1, 2.0**24], "q2": [3, 2, 1], "q0": [2.0**24 + 4, 2.0**24 + 3]},
        "close": {"q1": [2, 1], "q2": [0.123456789, 0.123456788]},
        "fine": {"q1": [2.0**24 + 2, 2.0**24], "q2": [0.12345679, 0.12345678]},
        "equal": {"q1": [2.0**24, 2.0**24], "q2": [1, 0.5]},
    }
    said = {}
    test = TestCollection(CORPUS, make_queries("a", "b", "c"), Qrels({"q1": {"d1": 1}}, complete=False))
    for name, lists in files.items():
        gather([str(write(tmp_path / f"{name}.run", lists))], test, ["P@1"])
        said[name] = capsys.readouterr().err
    assert said["whole"] == note(tmp_path / "whole.run", 2, 3, "q1")
    assert said["close"] == note(tmp_path / "close.run", 1, 2, "q2")
    assert said["fine"] == said["equal"] == ""


@pytest.mark.parametrize("large", [False, True])
def test_a_file_whose_every_list_collapsed_is_told_so_and_not_that_its_scores_are_equal(tmp_path, large):
    file = write(tmp_path / "a.run", {"q1": [1e9 + 2, 1e9 + 1, 1e9], "q2": [1e9 + 1, 1e9]})
    assert said_of(file, large=large)[0] == note(file, 2, 2, "q1")


@pytest.mark.parametrize("large", [False, True])
def test_lists_that_collapsed_among_lists_of_equal_scores_are_two_things_to_know(tmp_path, large):
    file = write(tmp_path / "a.run", {"q1": [1, 1], "q2": [1e9 + 1, 1e9]})
    first, second = said_of(file, large=large)[0].splitlines()
    assert first + "\n" == note(file, 1, 2, "q2")
    assert "all scores of a query are equal, in every query" in second


def test_the_order_that_is_advised_is_kept(tmp_path):
    """As many as a list may have: the note is no use if its remedy collapses too."""
    file = write(tmp_path / "a.run", {"q1": [-place for place in range(1, 9)]})
    said, found = said_of(file)
    assert said == ""
    run = found.of(make_queries("a", "b"), 8, tie_ranks(IDS))
    assert run.docs[1].tolist() == list(range(8))


@pytest.mark.parametrize("large", [False, True])
def test_of_a_runs_own_file_nothing_is_said(tmp_path, capsys, large):
    file = write(tmp_path / "a.trec", {"q1": [3, 2.0**24 + 1, 2.0**24], "q2": [2, 1]})
    read_scores(file)
    assert "float32" not in capsys.readouterr().err
    assert "float32" not in said_of(file, large=large, own=True)[0]


def test_an_id_that_moves_the_cursor_is_shown_as_an_escape(tmp_path):
    file = write(tmp_path / "a.run", {"q\x1b[2J": [1e9 + 1, 1e9]})
    assert "'q\\x1b[2J'" in said_of(file)[0]


@given(
    st.dictionaries(
        st.sampled_from(["q1", "q2", "q3"]), st.lists(SCORES, min_size=1, max_size=8), min_size=1
    ),
    st.booleans(),
    st.booleans(),
)
def test_both_readers_name_the_queries_where_numbers_that_differ_have_the_same_bytes(
    tmp_path_factory, by_query, in_order, by_turns
):
    if in_order:
        by_query = {query: sorted(scores, reverse=True) for query, scores in by_query.items()}
    file = write(tmp_path_factory.mktemp("runs") / "a.run", by_query)
    if by_turns:
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(sorted(lines, key=lambda line: int(line.split()[3]))))
    said, small = said_of(file)
    also, large = said_of(file, large=True)
    found = [query for query in by_query if merged(by_query[query])]
    its = [line + "\n" for line in said.splitlines() if "float32" in line]
    assert its == ([note(file, len(found), len(by_query), found[0])] if found else [])
    assert also == said
    assert large.rows == small.rows
    assert np.array_equal(large.scores, small.scores)
    assert np.array_equal(large.docs, small.docs)


def test_the_reader_of_large_files_says_it_itself(tmp_path):
    """A file of millions of lines with one such list must not take the slow road for it."""
    file = write(tmp_path / "a.run", {"q1": [3, 2, 1], "q2": [1 + 2.0**-30, 1, 0.5]})
    with patch.object(run_file, "read_run") as other:
        said, found = said_of(file, large=True)
    assert not other.called
    assert said == note(file, 1, 2, "q2")
    assert found.scores.dtype == np.float32
