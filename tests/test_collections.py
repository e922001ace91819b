"""Readers: what is written is read back, and bad input is refused by file and line."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from conftest import ROOT, make_queries, write_beir
from hypothesis import given
from hypothesis import strategies as st

from bench.collections.beir import BeirFolder, digest
from bench.collections.beir_files import read_grade
from bench.collections.memory import InMemory
from bench.collections.pages import paper_id, read_pages
from bench.collections.trec import read_run, read_scores, write_run
from bench.errors import BenchError
from bench.ranking import best, tie_ranks
from bench.retrievers.runfile import RunFile
from bench.storage.indexes import IndexStore
from bench.types import Qrels, Queries, Run

ABSTRACT = "We study it. " * 40
HEAD = "new\n\nSubscribe\n\nMar 14\n\n"


def page(folder: Path, *blocks: str, name: str = "page.txt", head: str = HEAD) -> Path:
    file = folder / name
    file.write_text(head + "\n\n".join(blocks))
    return file


WORDS = st.text("abcdefg XYZ:-é", min_size=1, max_size=60).filter(
    lambda t: paper_id(t) != "" and t.strip()
)


@given(st.lists(WORDS, min_size=1, max_size=6, unique_by=paper_id))
def test_every_paper_of_a_page_is_read_back_in_order(tmp_path_factory, titles):
    titles = [" ".join(title.split()) for title in titles]
    blocks = [block for title in titles for block in (title, f"{title} {ABSTRACT}".strip())]
    papers = read_pages([page(tmp_path_factory.mktemp("page"), *blocks)])
    assert [paper.title for paper in papers] == titles
    assert [paper.places for paper in papers] == [
        [{"page": "page.txt", "place": place}] for place in range(1, len(titles) + 1)
    ]


def test_a_paper_on_two_pages_stands_once_with_both_places(tmp_path):
    first = page(tmp_path, "A", ABSTRACT, "B", ABSTRACT)
    second = page(tmp_path, "B", ABSTRACT, "C", ABSTRACT, name="second.txt")
    papers = read_pages([first, second])
    assert [paper.id for paper in papers] == ["a", "b", "c"]
    assert papers[1].places == [{"page": "page.txt", "place": 2}, {"page": "second.txt", "place": 1}]


@pytest.mark.parametrize(
    ("blocks", "line", "says"),
    [
        (("A", ABSTRACT, "B"), 11, "no abstract"),
        (("A", "B", ABSTRACT, "C"), 7, "no abstract"),
        ((ABSTRACT, "A"), 7, "without a title"),
        (("A", ABSTRACT, "A", ABSTRACT), 11, "twice"),
        (("A", ABSTRACT, "A", ABSTRACT + "!"), 11, "another abstract"),
        (("A!", ABSTRACT, "A?", ABSTRACT), 11, "same id"),
        (("深度", ABSTRACT), 7, "no id can be made"),
    ],
)
def test_a_page_out_of_step_is_refused_by_line(tmp_path, blocks, line, says):
    with pytest.raises(BenchError, match=rf"page\.txt:{line}: .*{says}"):
        read_pages([page(tmp_path, *blocks)])


def test_a_page_without_its_date_or_its_papers_is_refused(tmp_path):
    with pytest.raises(BenchError, match="no date line"):
        read_pages([page(tmp_path, "A", ABSTRACT, head="new\n\n")])
    with pytest.raises(BenchError, match="no papers"):
        read_pages([page(tmp_path)])


def test_the_shipped_corpus_is_what_the_shipped_pages_give():
    folder = ROOT / "qrels" / "digest"
    papers = read_pages(sorted((folder / "pages").glob("*.txt")))
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    assert [paper.row() for paper in papers] == rows
    assert len(rows) == 125
    places = [row["metadata"]["pages"] for row in rows]
    assert sum(len(place) == 2 for place in places) == 9
    assert [
        sum(p["page"] == name for ps in places for p in ps)
        for name in sorted({"daily-papers-03-14.txt", "daily-papers-07-29.txt"})
    ] == [63, 71]


def test_a_beir_folder_is_read_whole(beir):
    test = BeirFolder(str(beir), relevant=2).load()
    assert (test.collection.name, len(test.collection)) == ("tiny", 12)
    assert test.queries.sets == ("topic", "question", "topic", "question")
    assert test.qrels.grades["q1"] == {"d01": 3, "d09": 1, "d12": 2}
    assert test.qrels.n_relevant("q1") == 2


def test_splits_and_sets_choose_queries(beir):
    (beir / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq4\td07\t2\n")
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td01\t1\nq2\td03\t1\n")
    assert BeirFolder(str(beir)).load().queries.ids == ("q1", "q2")
    assert BeirFolder(str(beir), split="all").load().queries.splits == ("test", "test", "dev")
    assert BeirFolder(str(beir), sets=["question"]).load().queries.ids == ("q2",)
    for bad, says in (
        ({"split": "tset"}, "did you mean 'test'"),
        ({"sets": ["topics"]}, "did you mean 'topic'"),
    ):
        with pytest.raises(BenchError, match=says):
            BeirFolder(str(beir), **bad).load()


def test_any_metadata_makes_the_query_sets(beir):
    rows = [json.loads(line) for line in (beir / "queries.jsonl").read_text().splitlines()]
    for row, kind in zip(rows, ("method", " data ", "method"), strict=False):
        row["metadata"]["kind"] = kind
    (beir / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = BeirFolder(str(beir), group_by="kind")
    assert folder.load().queries.sets == ("method", "data", "method", "unlabelled")
    assert replace(folder, sets=["method"]).load().queries.ids == ("q1", "q3")
    for bad, says in (
        ({"group_by": "kinds"}, "no query has metadata 'kinds' to group by; did you mean 'kind'"),
        ({"sets": ["topic"]}, "no query set 'topic'"),
    ):
        with pytest.raises(BenchError, match=says):
            replace(folder, **bad).load()


BROKEN = {
    "not JSON": ("corpus.jsonl", '{"_id": "x"\n', r"corpus\.jsonl:13: not JSON"),
    "no object": ("corpus.jsonl", "[1]\n", r"corpus\.jsonl:13: .*JSON object"),
    "duplicate document": ("corpus.jsonl", '{"_id": "d01", "text": "x"}\n', "'d01' stands twice"),
    "no id": ("corpus.jsonl", '{"text": "x"}\n', "'_id' must be"),
    "id with a space": ("corpus.jsonl", '{"_id": "a b", "text": "x"}\n', "'_id' must be"),
    "text is no string": ("corpus.jsonl", '{"_id": "n", "text": 3}\n', "'text' must be a string"),
    "duplicate query": ("queries.jsonl", '{"_id": "q1", "text": "x"}\n', r"queries\.jsonl:5: id 'q1'"),
    "no answer in words": (
        "queries.jsonl",
        '{"_id": "q5", "text": "x", "metadata": {"no_answer": "false"}}\n',
        r"queries\.jsonl:5: 'no_answer' must be true or false, found 'false'",
    ),
    "empty query": ("queries.jsonl", '{"_id": "q5", "text": " "}\n', "has no text"),
    "unknown query": ("qrels/test.tsv", "q9\td01\t1\n", r"test\.tsv:10: unknown query 'q9'"),
    "grade": ("qrels/test.tsv", "q1\td02\t1.5\n", r"test\.tsv:10: grade '1\.5' is no integer"),
    "huge grade": ("qrels/test.tsv", "q1\td02\t3000000000\n", "is above 1000"),
    "set named all": (
        "queries.jsonl",
        '{"_id": "q5", "text": "x", "metadata": {"set": "all"}}\n',
        "name of all",
    ),
    "columns": ("qrels/test.tsv", "q1 d02 1\n", r"test\.tsv:10: expected"),
    "pair twice": ("qrels/test.tsv", "q1\td01\t2\n", "q1, d01 stands twice"),
}


@pytest.mark.parametrize(("file", "line", "says"), BROKEN.values(), ids=BROKEN)
def test_a_bad_line_is_refused_by_name(beir, file, line, says):
    with (beir / file).open("a") as out:
        out.write(line)
    with pytest.raises(BenchError, match=says):
        BeirFolder(str(beir)).load()


def test_a_query_without_an_answer_has_no_relevant_document(beir):
    with (beir / "queries.jsonl").open("a") as out:
        out.write('{"_id": "q5", "text": "x", "metadata": {"no_answer": true}}\n')
    with (beir / "qrels" / "test.tsv").open("a") as out:
        out.write("q5\td01\t1\nq5\td02\t0\n")
    assert BeirFolder(str(beir), relevant=2).load().no_answer == {"q5"}
    with pytest.raises(BenchError, match=r"queries\.jsonl: query 'q5' is marked no_answer.*\(1 such\)"):
        BeirFolder(str(beir)).load()


def test_judgements_of_documents_that_are_not_there_are_kept_and_counted_or_refused(beir):
    with (beir / "qrels" / "test.tsv").open("a") as out:
        out.write("q1\td99\t1\nq2\td98\t0\n")
    test = BeirFolder(str(beir)).load()
    assert test.missing_documents == 2
    assert test.qrels.grades["q1"]["d99"] == 1
    assert BeirFolder(str(beir), sets=["topic"]).load().missing_documents == 1
    with pytest.raises(BenchError, match=r"test\.tsv:10: unknown document 'd99'; did you mean"):
        BeirFolder(str(beir), strict=True).load()


def test_judgements_of_another_corpus_are_refused(beir):
    (beir / "qrels" / "test.tsv").write_text("q1\tx1\t1\nq2\tx2\t1\n")
    with pytest.raises(BenchError, match=r"test\.tsv: none of its documents is in corpus\.jsonl"):
        BeirFolder(str(beir)).load()


def test_the_digest_has_no_judgement_of_a_document_that_is_not_there():
    assert digest().strict
    assert digest().load().missing_documents == 0


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("corpus.jsonl", "no documents"),
        ("queries.jsonl", "no queries"),
        ("qrels/test.tsv", "no judgements"),
    ],
)
def test_empty_and_missing_files_are_refused(beir, file, says):
    (beir / file).write_text("\n")
    with pytest.raises(BenchError, match=says):
        BeirFolder(str(beir)).load()
    (beir / file).unlink()
    with pytest.raises(BenchError, match=r"cannot read|no \.tsv"):
        BeirFolder(str(beir)).load()


def test_text_that_is_not_utf8_is_refused(beir):
    (beir / "corpus.jsonl").write_bytes(b'{"_id": "\xff"}')
    with pytest.raises(BenchError, match="not UTF-8"):
        BeirFolder(str(beir)).load()


def test_fingerprints_change_with_the_content_and_only_with_it(tmp_path):
    one = InMemory("a", ["x", "y"], ["", ""], ["ab", "c"])
    assert one.fingerprint == InMemory("b", ["x", "y"], ["", ""], ["ab", "c"]).fingerprint
    assert one.fingerprint != InMemory("a", ["x", "y"], ["", ""], ["a", "bc"]).fingerprint
    judged = Qrels({"q": {"x": 1, "y": 0}}, complete=True)
    assert judged.fingerprint == Qrels({"q": {"x": 1}}, complete=True).fingerprint
    assert Qrels({"q": {"x": 1, "y": 0}}).fingerprint != Qrels({"q": {"x": 1}}).fingerprint


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=8))
def test_a_run_file_gives_back_the_very_same_run(tmp_path_factory, scores):
    n = len(scores)
    ids = [f"d{i}" for i in range(n)]
    run = best(np.array([scores, scores[::-1]], dtype=np.float32), tie_ranks(ids), n)
    file = tmp_path_factory.mktemp("run") / "x.trec"
    write_run(file, run, make_queries("a", "b"), InMemory("c", ids, [""] * n, [""] * n), "tag")
    again = read_run(file, {doc: i for i, doc in enumerate(ids)})
    for row, answers in enumerate(again.values()):
        assert list(answers) == run.docs[row].tolist()
        assert np.array_equal(np.array(list(answers.values()), dtype=np.float32), run.scores[row])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("q1 Q0 d1 1 0.5", r"x\.trec:2: expected 6 columns .* found 5"),
        ("q1 Q0 nope 1 0.5 t", "'nope' is not in the collection"),
        ("q1 Q0 d2 1 high t", "not a finite number"),
        ("q1 Q0 d2 1 nan t", "not a finite number"),
        ("q1 Q0 d2 1 -inf t", "not a finite number"),
        ("q1 Q0 d2 1 1_0 t", "score '1_0' is not a finite number"),
        ("q1 Q0 d2 1 \uff12 t", "score '\uff12' is not a finite number"),
        ("q1 Q0 d2 1 -1e300 t", r"x\.trec:2: score '-1e300' is beyond float32"),
        ("q1 Q0 d2 1 1e300 t", r"x\.trec:2: score '1e300' is beyond float32"),
        ("q1 Q0 d2 1 3.5e38 t", "beyond float32"),
        ("q1 Q0 d1 2 0.4 t", "'d1' stands twice"),
    ],
)
def test_a_bad_run_line_is_refused(tmp_path, line, says):
    file = tmp_path / "x.trec"
    file.write_text(f"q1 Q0 d1 1 0.5 t\n{line}\n")
    with pytest.raises(BenchError, match=says):
        read_run(file, {"d1": 0, "d2": 1})


@pytest.mark.parametrize("text", ["1", "+1", "-1", "01"])
def test_a_grade_is_an_integer_as_others_write_it(text):
    assert abs(read_grade(text, "x:1")) == 1


# Roman, full-width, Arabic and raised digits, and what Python alone reads as 10.
@pytest.mark.parametrize(
    "text", ["1_0", "\uff12", "\u0662", "\u00b2", "1.0", "0x1", "1e1", "", "-", "\u2160"]
)
def test_a_number_of_pythons_own_grammar_is_no_grade(text):
    with pytest.raises(BenchError, match=f"x:1: grade '{text}' is no integer"):
        read_grade(text, "x:1")


def test_white_space_makes_no_other_query_set(beir):
    file = beir / "queries.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row, group in zip(rows, ["topic", "topic ", " topic\t", "  "], strict=True):
        row["metadata"]["set"] = group
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    test = BeirFolder(str(beir), split="all").load()
    assert test.queries.sets == ("topic", "topic", "topic", "unlabelled")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("corpus", '{"_id": "d99", "text": "one", "text": "two"}'),
        ("queries", '{"_id": "q9", "text": "x", "metadata": {"set": "a", "text": "b", "text": "b"}}'),
    ],
)
def test_a_key_that_stands_twice_is_refused(beir, name, line):
    file = beir / f"{name}.jsonl"
    number = len(file.read_text().splitlines()) + 1
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(BenchError, match=rf"{name}\.jsonl:{number}: the key 'text' stands twice"):
        BeirFolder(str(beir)).load()


def test_scores_are_read_as_float32_as_trec_eval_reads_them(tmp_path):
    largest = float(np.finfo(np.float32).max)
    near = math.nextafter(2.0**128 - 2.0**103, 0)  # the last number that float32 rounds to its largest
    scores = {"d1": 1 + 2.0**-30, "d2": 1.0, "d3": 5e-324, "d4": 0.0, "d5": near, "d6": -near}
    file = tmp_path / "x.trec"
    file.write_text("".join(f"q1 Q0 {doc} 1 {score!r} t\n" for doc, score in scores.items()))
    numbers = {doc: n for n, doc in enumerate(scores)}
    expected = [1.0, 1.0, 0.0, 0.0, largest, -largest]
    assert list(read_run(file, numbers)["q1"].values()) == expected
    assert read_scores(file)["q1"] == list(zip(scores, expected, strict=True))
    # what differs only beyond float32 is tied, and falls by document id in descending order
    collection = InMemory("c", list(scores), [""] * 6, [""] * 6)
    asked = Queries(("q1",), ("?",), ("all",), ("test",))
    docs = RunFile(str(file)).index(collection, IndexStore()).search(asked, 6).docs[0]
    assert collection.ids(docs) == ["d5", "d2", "d1", "d4", "d3", "d6"]
    grades = {"q1": {"d1": 1}}
    evaluator = pytrec_eval.RelevanceEvaluator(grades, {"recip_rank"})
    with file.open() as lines:
        theirs = evaluator.evaluate(pytrec_eval.parse_run(lines))["q1"]["recip_rank"]
    assert theirs == pytest.approx(1 / 3)


def test_a_query_whose_id_starts_with_a_hash_is_no_comment(tmp_path):
    collection = InMemory("c", ["d1"], [""], [""])
    asked = Queries(("#1", "q2"), ("a", "b"), ("all",) * 2, ("test",) * 2)
    run = Run(np.array([[0], [0]], np.int32), np.array([[2.0], [1.0]], np.float32))
    file = tmp_path / "x.trec"
    write_run(
        file, run, asked, collection, "tag", ["# ir_metadata.start\n", "#   one two three: four 5\n"]
    )
    assert read_run(file, {"d1": 0}) == {"#1": {0: 2.0}, "q2": {0: 1.0}}


def test_the_digest_loads_in_every_split():
    sizes = {split: len(digest(split).load().queries) for split in ("dev", "test", "all")}
    assert sizes["dev"] + sizes["test"] == sizes["all"]
    assert digest().load().qrels.complete


def test_a_written_folder_is_valid(tmp_path):
    assert len(BeirFolder(str(write_beir(tmp_path / "x"))).load().queries) == 4
