"""Whether anybody judged a document: a negative grade says that nobody did, as a missing line does."""

from __future__ import annotations

import json
from pathlib import Path

import ir_measures
import numpy as np
import pytest
import typer
from conftest import make_queries, write_beir
from hypothesis import given, settings
from hypothesis import strategies as st

import bench
from bench.cli import app
from bench.collections.beir import BeirFolder
from bench.collections.judgements import judged
from bench.collections.memory import InMemory
from bench.evaluation.judged import last_judged
from bench.evaluation.measures import Measure, evaluate
from bench.evaluation.residual import residual
from bench.evaluation.ties import tie_range, ties_matter
from bench.labelling.pass_file import PassFile
from bench.labelling.passes import ToJudge
from bench.labelling.pool import pairs_to_judge
from bench.report.tables import run_tables
from bench.retrievers.runfile import RunFile
from bench.runs.record import Record
from bench.runs.schema import check_record
from bench.types import Qrels, Run

IDS = [f"d{i}" for i in range(8)]
COLLECTION = InMemory("eight", IDS, [""] * 8, ["x"] * 8)
QUERY = make_queries("?")
# infAP is left out: it alone tells pooled documents from those that nobody pooled.
MEASURES = [
    *("nDCG@3", "MAP", "MRR", "P@3", "Recall@3", "Success@1", "Judged@1", "Judged@3", "Judged@10"),
    *("Bpref", "Rprec", "nDCG(judged_only=True)@3", "AP(judged_only=True)", "P(judged_only=True)@2"),
    *("SetP(judged_only=True)", "RR(judged_only=True)", "RBP(p=0.8)", "Compat(p=0.8)"),
]


def run_of(docs, scores):
    return Run(np.array([docs], dtype=np.int32), np.array([scores], dtype=np.float32))


@st.composite
def judgements(draw):
    """Grades of one query with a relevant document, some of them negative; and those without these."""
    grades = draw(st.dictionaries(st.sampled_from(IDS), st.integers(-3, 2)))
    grades[draw(st.sampled_from(IDS))] = 2
    return grades, {doc: grade for doc, grade in grades.items() if grade >= 0}


@st.composite
def lists(draw):
    docs = draw(st.lists(st.integers(0, 7), min_size=1, max_size=8, unique=True))
    levels = st.sampled_from([0.0, 1.0, 2.0])
    return run_of(docs, sorted(draw(st.lists(levels, min_size=len(docs), max_size=len(docs))))[::-1])


@settings(max_examples=60)
@given(lists(), judgements(), st.booleans())
def test_a_negative_grade_is_a_missing_line_to_every_measure_but_infap(run, grades, complete):
    asked = [Measure.parse(name) for name in MEASURES]
    with_them, without = (
        evaluate(run, QUERY, Qrels({"q0": its}, complete), COLLECTION, asked).values for its in grades
    )
    assert with_them == pytest.approx(without, abs=1e-12)


@settings(max_examples=60)
@given(lists(), judgements())
def test_in_a_complete_set_values_are_those_of_ir_measures_on_labels_written_out(run, grades):
    """Every missing or negative line as the 0 that it stands for; only infAP is given the negative ones."""
    judged, nonnegative = grades
    answer = {IDS[doc]: 100.0 - place for place, doc in enumerate(run.docs[0])}
    spelled = {"MAP": "AP", "MRR": "RR", "Recall@3": "R@3", "RBP(p=0.8)": "RBP(p=0.8,rel=1)"}
    for name in [*MEASURES, "infAP"]:
        lines = dict.fromkeys(IDS, 0) | (judged if name == "infAP" else nonnegative)
        measure = ir_measures.parse_measure(spelled.get(name, name))
        (wanted,) = ir_measures.iter_calc([measure], {"q0": lines}, {"q0": answer})
        qrels = Qrels({"q0": judged}, complete=True)
        found = evaluate(run, QUERY, qrels, COLLECTION, [Measure.parse(name)]).values[0, 0]
        assert found == pytest.approx(wanted.value, abs=1e-6), name


@settings(max_examples=60)
@given(lists(), judgements())
def test_a_negative_grade_is_a_missing_line_to_the_residual_and_to_ties(run, grades):
    with_them, without = (Qrels({"q0": its}) for its in grades)
    asked = [Measure.parse(name) for name in ("nDCG@3", "MAP", "Judged@1", "Judged@3")]
    found, wanted = (tie_range(run, QUERY, q, COLLECTION, asked) for q in (with_them, without))
    assert (found is None) == (wanted is None)
    if found is not None:
        for one, other in zip(vars(found).values(), vars(wanted).values(), strict=True):
            assert np.array_equal(one, other)
    found, wanted = (residual(run, QUERY, q, COLLECTION, 0.8) for q in (with_them, without))
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize("other", [0, None])
def test_a_tie_of_a_pooled_document_with_another_may_move_infap(other):
    grades = {"d0": -1, "d7": 1} | ({} if other is None else {"d1": other})
    assert ties_matter(run_of([0, 1], [1, 1]), QUERY, Qrels({"q0": grades}), COLLECTION)


def graded(folder, grade):
    """Twelve queries on twenty documents: one is relevant, one was judged 0, the others have a grade."""
    documents = {f"d{i:02d}": ("", "text") for i in range(20)}
    queries = {f"q{i}": ("text", "topic") for i in range(12)}
    lines = {q: {d: 1 if d == "d03" else 0 if d == "d19" else grade for d in documents} for q in queries}
    lines = {q: {d: g for d, g in its.items() if g is not None} for q, its in lines.items()}
    return write_beir(folder, documents, queries, lines)


def whole_lists(file, queries=12):
    file.write_text(
        "".join(f"q{q} Q0 d{d:02d} {d + 1} {-d} x\n" for q in range(queries) for d in range(20))
    )
    return str(file)


def notes_of(collection, run, measures):
    found = bench.evaluate(collection, {"a": RunFile(run)}, measures=measures, depth=20)
    return [note for table in run_tables(found) for note in table.notes if "tie" not in note], found


@pytest.mark.parametrize("grade", [-1, -2])
def test_the_notes_of_a_run_are_those_of_the_lines_taken_out(tmp_path, grade):
    run = whole_lists(tmp_path / "a.trec")
    asked = ["nDCG@10", "Judged@10", "RBP(p=0.8)"]
    pooled, found = notes_of(graded(tmp_path / "x" / "same", grade), run, asked)
    taken_out, wanted = notes_of(graded(tmp_path / "y" / "same", None), run, asked)
    assert np.array_equal(found.all_values, wanted.all_values)
    assert found.values("Judged@10").tolist() == [[0.1] * 12]
    (holes,) = [note for note in pooled if "Labels have holes" in note]
    assert "measure infAP, Bpref or" in holes
    assert [note.replace("infAP, ", "") for note in pooled] == taken_out


@pytest.mark.parametrize("asked", [["nDCG@10"], ["Bpref", "nDCG@10"], ["RBP(p=0.8)"], ["Bpref"]])
@pytest.mark.parametrize("answered", [12, 5])
def test_the_note_on_holes_needs_no_judged_among_the_measures(tmp_path, asked, answered):
    """Of the first ten only d03 was judged; a query without an answer is no hole."""
    collection, run = graded(tmp_path / "x", None), whole_lists(tmp_path / "a.trec", answered)
    notes, found = notes_of(collection, run, asked)
    (holes,) = [note for note in notes if "Labels have holes" in note]
    over = "" if answered == 12 else " over the queries that it answers"
    assert holes.startswith(f"Labels have holes (Judged@10 is 0.10 for a{over}): ")
    assert ("rather than nDCG@10, which count" in holes) == ("nDCG@10" in asked)
    assert holes in notes_of(collection, run, [*asked, "Judged@10"])[0]
    check_record(json.loads(json.dumps(found.content)), tmp_path)


@pytest.mark.parametrize("first_judged", [0, 10])
@pytest.mark.parametrize("depths", [(1,), (10,), (20,), (1, 20), (20, 10, 1)])
def test_the_note_on_holes_looks_at_ten_documents_whatever_judged_is_asked_for(
    tmp_path, first_judged, depths
):
    """Only the first of ten was judged, or the first ten and none below: `Judged@1` and `Judged@20`
    would say the contrary."""
    documents = {f"d{i:02d}": ("", "text") for i in range(20)}
    queries = {f"q{i}": ("text", "topic") for i in range(12)}
    graded = [f"d{i:02d}" for i in range(first_judged or 1)]
    lines = {q: dict.fromkeys(graded, 1) for q in queries}
    collection = write_beir(tmp_path / "x", documents, queries, lines)
    run = whole_lists(tmp_path / "a.trec")
    asked = ["nDCG@10", *(f"Judged@{depth}" for depth in depths)]
    holes = [note for note in notes_of(collection, run, asked)[0] if "Labels have holes" in note]
    assert holes == [note for note in notes_of(collection, run, ["nDCG@10"])[0] if "holes" in note]
    assert [note.startswith("Labels have holes (Judged@10 is 0.10 for a): ") for note in holes] == (
        [] if first_judged else [True]
    )


@pytest.mark.parametrize(
    ("asked", "said"), [(["Judged@1", "Judged@10"], True), (["Judged@20"], False), ([], False)]
)
def test_a_record_of_before_is_read_by_its_column_of_ten(tmp_path, asked, said):
    """It has no share of its own, and of other depths nothing is concluded."""
    collection, run = graded(tmp_path / "x", None), whole_lists(tmp_path / "a.trec", 5)
    found = notes_of(collection, run, ["nDCG@10", *asked])[1]
    content = json.loads(json.dumps(found.content))
    del content["systems"]["a"]["judged@10"]
    tables = run_tables(Record(content, found.all_values))
    holes = [note for table in tables for note in table.notes if "holes" in note]
    start = "Labels have holes (Judged@10 is 0.10 for a over the queries that it answers): "
    assert [note.startswith(start) for note in holes] == [True] * said


@pytest.mark.parametrize(("grade", "complete"), [(0, False), (None, True)])
def test_no_note_on_holes_where_all_was_judged(tmp_path, grade, complete):
    collection, run = graded(tmp_path / "x", grade), whole_lists(tmp_path / "a.trec")
    notes, _ = notes_of(BeirFolder(collection, complete=complete).load(), run, ["nDCG@10"])
    assert not [note for note in notes if "holes" in note]


@pytest.mark.parametrize(("depth", "told"), [(10, True), (19, True), (20, False), (1000, False)])
def test_ties_that_cross_the_cut_are_said_not_to_be_counted(tmp_path, depth, told):
    """All twenty documents have one score, and the only relevant one stands below the first ten."""
    file = tmp_path / "flat.trec"
    file.write_text("".join(f"q{q} Q0 d{d:02d} 1 1 x\n" for q in range(12) for d in range(20)))
    collection = graded(tmp_path / "x", 0)
    found = bench.evaluate(str(collection), {"a": RunFile(str(file))}, measures=["MAP"], depth=depth)
    notes = [note for table in run_tables(found) for note in table.notes]
    said = (
        f"a: 12 of 12 lists end in equal scores at depth {depth}: what was cut off may tie with them, "
        "which is not known; raise depth."
    )
    assert (said in notes) == told
    ranges = [note for note in notes if "over all orders of equal scores" in note]
    assert len(ranges) == (depth > 16)
    assert all(("within the first 19 documents" in note) == told for note in ranges)


def test_a_query_without_an_answer_is_no_hole_in_the_labels(tmp_path):
    asked = ["nDCG@10", "Judged@10"]
    run = whole_lists(tmp_path / "half.trec", queries=6)
    said, found = notes_of(graded(tmp_path / "every", 0), run, asked)
    assert found.values("Judged@10").tolist() == [[1.0] * 6 + [0.0] * 6], "as ir_measures has it"
    assert not any("holes" in note for note in said)
    said, found = notes_of(graded(tmp_path / "few", None), run, asked)
    assert found.values("Judged@10").tolist() == [[0.1] * 6 + [0.0] * 6]
    assert any(
        "holes (Judged@10 is 0.10 for a over the queries that it answers): " in note for note in said
    )


@pytest.mark.parametrize("grade", [-1, -2])
def test_a_negative_grade_is_asked_for_among_the_unjudged(tmp_path, grade):
    to_judge = ToJudge.load(graded(tmp_path / "x", grade))
    run = Path(whole_lists(tmp_path / "a.trec"))
    with PassFile(to_judge, "ann") as kept:
        pairs = pairs_to_judge(to_judge, kept, [run], 20, [], "0", unjudged=True)
    assert sorted(doc for query, doc in pairs if query == "q0") == [
        f"d{i:02d}" for i in range(20) if i not in (3, 19)
    ]
    command = typer.main.get_command(app.app).commands["judge"]
    said = {one.name: one.help for one in command.params}
    assert "leave out what has a grade of 0 or more" in said["unjudged"]


def test_a_run_file_of_pooled_documents_is_called_poorly_judged_and_not_foreign(tmp_path):
    qrels = tmp_path / "qrels"
    qrels.write_text("".join(f"q 0 d{i} {1 if i < 9 else -1}\n" for i in range(30)))
    for name, docs in (("seen", range(9)), ("pooled", range(20, 30))):
        (tmp_path / name).write_text("".join(f"q Q0 d{i} 1 {-i} x\n" for i in docs))
    _, notes = judged(qrels, [tmp_path / "seen", tmp_path / "pooled"])
    assert (
        len(notes) == 1 and "pooled: 0% of the first ten documents of its queries are judged" in notes[0]
    )


@given(st.lists(st.tuples(st.permutations(range(8)), judgements()), min_size=1, max_size=3))
def test_the_last_judged_place_is_that_of_the_querys_own_labels(asked):
    """Each list is cut off by one more than the one before it, so that no document stands there."""
    queries = make_queries(*(str(place) for place in range(len(asked))))
    docs = [[*order[: 8 - cut], *[-1] * cut] for cut, (order, _) in enumerate(asked)]
    told = [grades for _, (grades, _) in asked]
    run = Run(np.array(docs, dtype=np.int32), np.zeros((len(docs), 8), dtype=np.float32))
    qrels = Qrels(dict(zip(queries.ids, told, strict=True)))
    expected = [
        max([n for n, doc in enumerate(row, 1) if doc >= 0 and its.get(IDS[doc], -1) >= 0], default=0)
        for row, its in zip(docs, told, strict=True)
    ]
    assert last_judged(run, queries, qrels, COLLECTION).tolist() == expected
