"""Large run files take another road, through a reader and a writer in C: nobody may see it but by the clock."""

from __future__ import annotations

import math
from unittest.mock import patch

import numpy as np
import pytest
from conftest import make_queries
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.collections import plain_run, run_file, run_lines
from bench.collections.memory import InMemory
from bench.collections.plain_run import read_plain
from bench.collections.run_file import ReadRun
from bench.collections.trec import BEYOND_FLOAT32, read_run, write_run
from bench.errors import BenchError
from bench.ranking import rank, tie_ranks
from bench.types import Run

IDS = ["d1", "d2", "d3", "#4", "été"]
NUMBERS = {name: number for number, name in enumerate(IDS)}
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
ODD_SCORES = st.sampled_from(
    ["nan", "inf", "-inf", "1e39", "-1e400", "1_0", "+1", "0x1p3", "1.", ".5", "1e-400", "", "x", "1e5"]
)
ODD_RANKS = st.sampled_from(["0", "01", "-1", "x", "1.0", "0x2", "1_0", "+3", "99999999999999999999"])
SPACES = st.sampled_from([" ", " ", " ", " ", "\t", "  ", "\xa0", "\x1c", ""])


def strictly(file, own=False):
    """What the other reader makes of a file, and all that it says."""
    with patch("bench.collections.trec.print") as said:
        try:
            found = read_run(file, NUMBERS, own=own)
        except BenchError as error:
            return None, [str(error)]
    return found, said.call_args_list


def lists(plain):
    return {
        query: dict(zip(plain.docs[start:end].tolist(), plain.scores[start:end].tolist(), strict=True))
        for query, start, end in zip(plain.queries, plain.starts[:-1], plain.starts[1:], strict=True)
    }


@st.composite
def regular(draw):
    """The text of a run that has nothing odd, its queries one after the other or by turns."""
    by_query = draw(
        st.dictionaries(
            st.sampled_from(["q1", "#2", "q3"]),
            st.lists(
                st.tuples(st.sampled_from(IDS[:4]), FLOATS), unique_by=lambda one: one[0], min_size=1
            ),
            min_size=1,
        )
    )
    space = draw(st.sampled_from([" ", "\t"]))
    lines = []
    for query, found in by_query.items():
        scored = zip(
            [name for name, _ in found], sorted((x for _, x in found), reverse=True), strict=True
        )
        lines += [
            space.join([query, "Q0", name, str(place), repr(score), "tag"])
            for place, (name, score) in enumerate(scored, 1)
        ]
    if draw(st.booleans()):
        lines.sort(key=lambda line: int(line.split()[3]))
    comments = draw(st.sampled_from([[], ["# a b c d e"], ["# one", "#"]]))
    return "\n".join(comments + lines) + draw(st.sampled_from(["\n", ""]))


@st.composite
def odd(draw):
    """Such a text with one thing changed in it, which may be nothing or may be everything."""
    lines = draw(regular()).split("\n")
    number = draw(st.integers(0, len(lines) - 1))
    columns = [*lines[number].split(), "q1", "Q0", "d1", "1", "1.0", "tag"][:6]
    what = draw(st.sampled_from(["score", "rank", "space", "double", "name", "line", "end", "mark"]))
    if what == "score":
        columns[4] = draw(ODD_SCORES)
    elif what == "rank":
        columns[3] = draw(ODD_RANKS)
    elif what == "name":
        columns[draw(st.sampled_from([0, 1, 2, 5]))] = draw(
            st.sampled_from(["été", "#", '"', "d9", "a\0b", "a\xa0b", "x y", "d\x85", "\\d1"])
        )
    lines[number] = draw(SPACES).join(columns) if what == "space" else " ".join(columns)
    if what == "double":
        lines.insert(draw(st.integers(0, len(lines))), lines[number])
    elif what == "line":
        lines.insert(number, draw(st.sampled_from(["", " ", "# x", "#", "one", "a b c d e f g", "\f"])))
    elif what == "mark":
        lines[0] = "\ufeff" + lines[0]
    return draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]) if what == "end" else st.just("\n")).join(
        lines
    )


@given(regular())
def test_a_file_without_anything_odd_is_read_as_the_other_reader_does(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("runs") / "a.run"
    file.write_text(text, encoding="utf-8", newline="")
    found, said = strictly(file)
    plain = read_plain(file, NUMBERS, BEYOND_FLOAT32)
    if said:  # all scores of every query are equal
        assert plain is None
    elif plain is None:  # it does not know that single answers are no ties
        assert all(len(set(one.values())) == 1 for one in found.values() if len(one) > 1)
    else:
        assert lists(plain) == found
        assert list(lists(plain)) == list(found)
        assert plain.docs.dtype == np.int32
        assert plain.scores.dtype == np.float32


@given(st.one_of(odd(), st.text(st.sampled_from("q1 \tQ0d.#\n\r-e+"), max_size=60)), st.booleans())
def test_what_the_other_reader_refuses_or_remarks_on_is_left_to_it(tmp_path_factory, text, own):
    file = tmp_path_factory.mktemp("runs") / "a.run"
    file.write_text(text, encoding="utf-8", newline="")
    plain = read_plain(file, NUMBERS, BEYOND_FLOAT32)
    if plain is not None:
        assert (lists(plain), []) == strictly(file, own)


@pytest.mark.parametrize(
    "text",
    [
        "q1 Q0 d1 1 1e39 t\nq1 Q0 d2 2 1 t\n",
        "q1 Q0 d1 1 nan t\nq1 Q0 d2 2 1 t\n",
        "q1 Q0 d1 1 3 t\n# a d2 2 2 t\nq1 Q0 d3 3 1 t\n",  # a comment of six words
        "q1 Q0 d1 1 3 t\xa0t\nq1 Q0 d2 2 2 t\n",  # seven columns
        "q1 Q0\x1c d1 1 3 t\nq1 Q0 d2 2 2 t\n",
        "q1 Q0 d1 1 1 t\nq1 Q0 d2 2 2 t\nq1 Q0 d3 3 0 t\n",  # scores against ranks
        "q1 Q0 d1 2 3 t\nq1 Q0 d2 1 2 t\n",
        "q1 Q0 d1 1 3 t\nq1 Q0 d2 2 2 t\nq1 Q0 d1 3 1 t\n",
        "q1 Q0 d1 1 3 t\nq1 Q0 d9 2 2 t\n",
        "q1 Q0 d1 1 2 t\nq1 Q0 d2 2 2 t\n",  # all scores equal
        "# \x85 x\nq1 Q0 d1 1 3 t\nq1 Q0 d2 2 2 t\n",
        "# x\rq1 Q0 d1 1 3 t\nq1 Q0 d2 2 2 t\nq1 Q0 d3 3 1 t\n",  # the comment ends before the end of its line
        "q1 Q0 d1 1 3 t\nq1 Q0 d2 2 2 \n",  # five columns, and one without anything in it
        "q1 Q0 d1 1 3 \nq1 Q0 d2 2 2 t\n",
        "q1 Q0 d1 1 3 t\nq1  d2 2 2 t\n",
        " Q0 d1 1 3 t\n Q0 d2 2 2 t\n",
        "q1 Q0 d1 1 3 t\nq1 Q0 d2 2 2 ",
        "q1\tQ0\td1\t1\t3 \tt\nq1\tQ0\td2\t2\t2\tt\n",
    ],
)
def test_each_of_these_is_left_to_the_other_reader(tmp_path, text):
    file = tmp_path / "a.run"
    file.write_text(text, encoding="latin-1", newline="")
    assert read_plain(file, NUMBERS, BEYOND_FLOAT32) is None


def test_a_column_is_missed_where_a_block_ends(tmp_path):
    file = tmp_path / "a.run"
    file.write_text("q1 Q0 d1 1 3 t\nq1 Q0 d2 2 2 \nq1 Q0 d3 3 1 t\n")
    for size in range(60, 12, -1):
        with patch.object(plain_run, "_BLOCK", size):
            assert read_plain(file, NUMBERS, BEYOND_FLOAT32) is None


def test_blocks_are_read_one_after_the_other(tmp_path):
    """A query's lines, and the names of documents, begin in one block and go on in the next."""
    names = [f"doc{number}" for number in range(400)]
    file = tmp_path / "a.run"
    lines = [
        f"q{q} Q0 {names[(7 * d + q) % 400]} {d} {1000 - d / 8} t\n"
        for q in range(9)
        for d in range(300)
    ]
    file.write_text("".join(lines))
    numbers = {name: number for number, name in enumerate(names)}
    with patch.object(plain_run, "_BLOCK", 5_000):
        plain = read_plain(file, numbers, BEYOND_FLOAT32)
    assert lists(plain) == read_run(file, numbers)
    assert file.stat().st_size > 10 * 5_000


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n"])
def test_a_file_without_lines_is_left_to_the_other_reader(tmp_path, text):
    file = tmp_path / "a.run"
    file.write_text(text)
    assert read_plain(file, NUMBERS, BEYOND_FLOAT32) is None


def test_a_large_file_is_read_by_it_and_answers_the_same(tmp_path, capsys):
    file = tmp_path / "a.run"
    file.write_text("q1 Q0 d2 1 2.5 t\nq1 Q0 d1 2 0.1 t\nq2 Q0 #4 1 -3 t\n")
    corpus = InMemory("c", IDS, [""] * 5, [""] * 5)
    queries, ties = make_queries("a", "b", "c"), tie_ranks(IDS)
    small = ReadRun.read(file, corpus)
    with patch.object(run_file, "LARGE", 1), patch.object(run_file, "read_run") as other:
        large = ReadRun.read(file, corpus)
    assert not other.called
    assert large.rows == small.rows == {"q1": 0, "q2": 1}
    for name in ("starts", "docs", "scores"):
        assert np.array_equal(getattr(large, name), getattr(small, name))
        assert getattr(large, name).dtype == getattr(small, name).dtype
    assert np.array_equal(large.of(queries, 3, ties).docs, small.of(queries, 3, ties).docs)
    file.write_text("q1 Q0 d2 1 2.5 t\nq1 Q0 d2 2 0.1 t\n")
    with (
        patch.object(run_file, "LARGE", 1),
        pytest.raises(BenchError, match=r"a.run:2: document 'd2' stands twice"),
    ):
        ReadRun.read(file, corpus)


@st.composite
def runs(draw):
    n, k = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    scores = draw(arrays(np.float32, (n, k), elements=FLOATS))
    docs = np.array([draw(st.permutations([0, 1, 2, 3, 4, -1, -1]))[:k] for _ in range(n)], np.int32)
    return rank(docs, np.where(docs < 0, -np.inf, scores).astype(np.float32), tie_ranks(IDS), k)


@given(runs(), st.sampled_from([1, 9, 4096]), st.booleans())
def test_the_lines_of_a_large_run_are_those_of_a_small_one(tmp_path_factory, run, places, few):
    ids = IDS + ["x"] * (0 if few else 100)  # more documents than places
    corpus = InMemory("c", ids, [""] * len(ids), [""] * len(ids))
    queries = make_queries(*"abcd"[: len(run.docs)])
    small, large = (tmp_path_factory.mktemp("runs") / name for name in ("small.trec", "large.trec"))
    write_run(small, run, queries, corpus, "täg", ["# één\n"])
    with patch("bench.collections.trec.MANY", 0), patch.object(run_lines, "_PLACES", places):
        write_run(large, run, queries, corpus, "täg", ["# één\n"])
    assert large.read_bytes() == small.read_bytes()


EDGES = [
    0.0,
    -0.0,
    1e-4,
    2e-4,
    1.9999e-4,
    1e6,
    999999.94,
    1e5,
    0.1,
    1.0,
    -2.0,
    16777216.0,
    3.4028235e38,
    1e-45,
]


@given(
    arrays(
        np.float32,
        st.integers(1, 30),
        elements=st.one_of(FLOATS, st.sampled_from(EDGES).map(np.float32)),
    )
)
def test_scores_are_spelled_as_numpy_does_and_come_back(scores):
    texts = run_lines._texts(scores).to_pylist()
    assert texts == scores.astype(str).tolist()
    assert np.array_equal(np.array([float(text) for text in texts]).astype(np.float32), scores)


def test_many_scores_of_every_size_are_spelled_as_numpy_does():
    rng = np.random.default_rng(0)
    bits = rng.integers(2**32, size=200_000, dtype=np.uint32).view(np.float32)
    usual = (10.0 ** rng.uniform(-5, 8, 200_000)).astype(np.float32)
    whole = np.rint(usual)
    scores = np.concatenate([bits[np.isfinite(bits)], usual, -usual, whole])
    assert (np.array(run_lines._texts(scores).to_pylist()) == scores.astype(str)).all()
    assert math.isclose(len(scores), 800_000, rel_tol=0.01)


def test_a_run_without_any_answer_has_no_lines(tmp_path):
    run = Run(np.full((2, 3), -1, np.int32), np.full((2, 3), -np.inf, np.float32))
    with patch("bench.collections.trec.MANY", 0):
        write_run(tmp_path / "a.trec", run, make_queries("a", "b"), InMemory("c", IDS, IDS, IDS), "t")
    assert (tmp_path / "a.trec").read_bytes() == b""
