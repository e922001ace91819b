"""Ids and texts are checked where they enter: what a TREC file can not carry is refused by line."""

from __future__ import annotations

import json

import numpy as np
import pytest
import pytrec_eval
from conftest import write_beir
from hypothesis import given
from hypothesis import strategies as st

from bench.collections.beir import BeirFolder
from bench.collections.memory import InMemory
from bench.collections.trec import id_problem, read_scores, write_run
from bench.errors import BenchError
from bench.experiment.run import load_collection
from bench.runs.contenders import gather
from bench.types import Qrels, Queries, Run, TestCollection

IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6) | st.sampled_from(
    ["#", "##", "#1", "a#", "\0", "a\0b", "\ufeff1", "\x1b[31m", "\u2028x", "é", "a b", " a", "\x85"]
)


@given(query=IDS, doc=IDS)
def test_every_id_that_is_taken_comes_back_from_a_run_file_and_through_trec_eval(
    tmp_path_factory, query, doc
):
    if id_problem(query) or id_problem(doc):
        return
    file = tmp_path_factory.mktemp("ids") / "a.trec"
    queries = Queries((query,), ("text",), ("all",), ("test",))
    collection = InMemory("c", [doc], [""], ["text"])
    run = Run(np.zeros((1, 1), dtype=np.int32), np.ones((1, 1), dtype=np.float32))
    write_run(file, run, queries, collection, "tag")
    assert read_scores(file) == {query: [(doc, 1.0)]}
    evaluator = pytrec_eval.RelevanceEvaluator({query: {doc: 1}}, {"map"})
    assert evaluator.evaluate({query: {doc: 1.0}}) == {query: {"map": 1.0}}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("#", "begins a comment"),
        ("a\0b", "control character"),
        ("\x1b[31m", "control character"),
        ("\ufeffa", "control character"),
        ("a b", "white space"),
        ("", "is empty"),
    ],
)
def test_what_a_run_file_can_not_carry_is_refused_by_name_and_line(tmp_path, name, why):
    for file, rows in (("corpus", {"documents": {"d1": ("", "x"), name: ("", "y")}}),
                       ("queries", {"queries": {"q1": ("x", "a"), name: ("y", "a")}})):  # fmt: skip
        folder = write_beir(tmp_path / file, **{"qrels": {"q1": {"d1": 1}}, **rows})
        with pytest.raises(BenchError, match=rf"{file}\.jsonl:2: '_id' .*{why}"):
            BeirFolder(str(folder)).load()


def test_an_id_that_begins_with_a_hash_is_an_id(tmp_path):
    queries = {"#1": ("sparse retrieval", "a"), "#x": ("graph search", "a")}
    folder = write_beir(tmp_path / "c", queries=queries, qrels={"#1": {"d01": 1}, "#x": {"d05": 1}})
    file = tmp_path / "own.trec"
    file.write_text("# a comment\n#1 Q0 d01 1 2 x\n#x Q0 d05 1 2 x\n")
    found = gather([str(file)], BeirFolder(str(folder)).load(), ["MRR"])
    assert found.values.tolist() == [[[1, 1]]]
    assert found.notes == ()


@pytest.mark.parametrize("place", ["corpus", "queries"])
@pytest.mark.parametrize("key", ["text", "title"])
def test_nul_in_a_text_is_refused_by_line(beir, place, key):
    if (place, key) == ("queries", "title"):
        return
    file = beir / f"{place}.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[2][key] = "a\0b"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BenchError, match=rf"{place}\.jsonl:3: '{key}' has NUL"):
        BeirFolder(str(beir)).load()


def test_nul_in_qrels_and_in_run_files_is_refused_by_line(beir, tmp_path):
    qrels = beir / "qrels" / "test.tsv"
    qrels.write_text(qrels.read_text() + "q1\td\0x\t1\n")
    line = len(qrels.read_text().splitlines())
    with pytest.raises(BenchError, match=rf"test\.tsv:{line}: .*control character"):
        BeirFolder(str(beir)).load()
    run = tmp_path / "a.trec"
    run.write_text("q1 Q0 d01 1 2 x\nq\0 Q0 d01 1 2 x\n")
    with pytest.raises(BenchError, match=r"a\.trec:2: NUL"):
        read_scores(run)


class FromElsewhere:
    """A user's own loader, whose ids nothing has checked."""

    def __init__(self, doc: str = "d1", query: str = "q1") -> None:
        self.doc, self.query = doc, query

    def load(self) -> TestCollection:
        return TestCollection(
            InMemory("c", [self.doc], [""], ["text"]),
            Queries((self.query,), ("text",), ("all",), ("test",)),
            Qrels({self.query: {self.doc: 1}}),
        )


@pytest.mark.parametrize("ids", [{"doc": "a b"}, {"doc": "a\0"}, {"query": "#"}, {"query": "a\tb"}])
def test_ids_of_a_loader_of_ones_own_are_checked(ids):
    with pytest.raises(BenchError, match=f"collection: the {'|'.join(ids)}"):
        load_collection({"collection": {"_target_": "test_ids.FromElsewhere", **ids}})
    assert load_collection({"collection": {"_target_": "test_ids.FromElsewhere"}}).queries.ids == ("q1",)
