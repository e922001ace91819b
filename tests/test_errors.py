"""What an error says stays one line that can be read, however many names there are."""

from __future__ import annotations

import time

import pytest

from bench.collections.beir import BeirFolder
from bench.errors import BenchError, did_you_mean, listed

MANY = [f"q{n:05d}" for n in range(20_000)]


def test_a_long_list_is_cut_and_says_how_much_is_left_out():
    assert listed(list("abc")) == "a, b, c"
    assert listed(MANY[:10]) == ", ".join(MANY[:10])
    assert listed(MANY[:11]) == ", ".join(MANY[:10]) + ", … and 1 more"
    assert listed(MANY).endswith("q00009, … and 19,990 more")
    assert did_you_mean("zebra", MANY) == "known: " + listed(MANY)
    assert did_you_mean("zebra", []) == "none is known"


def test_a_near_name_is_found_among_many_too_and_soon():
    started = time.perf_counter()
    assert did_you_mean("q1000", MANY).startswith("did you mean 'q10")
    assert did_you_mean("Q10000", MANY).startswith("did you mean 'q10000'")
    assert did_you_mean("q" * 30, MANY).startswith("known: ")
    alike = [f"{n:020d}" for n in range(100_000)]  # what difflib takes longest for
    did_you_mean("0" * 15 + "x" * 5, alike)
    assert time.perf_counter() - started < 2


def test_among_few_names_any_letter_may_be_wrong():
    assert did_you_mean("xense", ["bm25", "dense", "hybrid"]) == "did you mean 'dense'?"


def test_an_unknown_query_does_not_print_every_query(beir):
    lines = "".join(f'{{"_id": "q{n}", "text": "x"}}\n' for n in range(5000, 8000))
    (beir / "queries.jsonl").write_text((beir / "queries.jsonl").read_text() + lines)
    with (beir / "qrels" / "test.tsv").open("a") as out:
        out.write("PLAIN-1234\td01\t1\n")
    with pytest.raises(
        BenchError, match=r"unknown query 'PLAIN-1234'; known: q1, .*, … and 2,994 more$"
    ):
        BeirFolder(str(beir)).load()
