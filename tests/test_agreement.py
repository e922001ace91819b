"""Agreement equals cases computed by hand, two libraries, and says what other labels would have changed."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from conftest import DOCUMENTS, QRELS, QUERIES, only_run, write_beir
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, kendalltau
from sklearn.metrics import cohen_kappa_score

from bench.cli import app
from bench.collections.trec import read_scores
from bench.errors import BenchError
from bench.evidence.resampling import resampling_counts
from bench.labelling.agreement import (
    agreement,
    binary,
    cohen_kappa,
    confusion,
    ordinal_alpha,
    overlap,
    quadratic_kappa,
)
from bench.labelling.passes import ToJudge
from bench.labelling.relabel import Relabelled, relabel
from bench.report.agreement import agreement_table
from bench.runs.record import Record

GRADES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60)


def test_kappa_by_hand():
    # 20 and 15 of 50 agree; chance agrees on .5 * .6 + .5 * .4 = .5 (the textbook example)
    matrix = np.array([[20.0, 5.0], [10.0, 15.0]])
    assert cohen_kappa(matrix) == pytest.approx((35 / 50 - 0.5) / (1 - 0.5))


def test_quadratic_kappa_by_hand():
    matrix = confusion([0, 1, 2], [0, 1, 0], 3)
    # one pair is two apart: observed 4 / 3; expected over the nine pairs of margins
    expected = sum((i - j) ** 2 for i in (0, 1, 2) for j in (0, 1, 0)) / 9
    assert quadratic_kappa(matrix) == pytest.approx(1 - (4 / 3) / expected)


def test_overlap_by_hand():
    two = binary(confusion([0, 2, 3, 1, 2], [2, 2, 2, 0, 1], 4), relevant=2)
    assert two.tolist() == [[1, 1], [1, 2]]
    assert overlap(two) == pytest.approx(2 / 4)


@given(GRADES)
def test_kappa_is_that_of_scikit_learn(pairs):
    first, second = zip(*pairs, strict=True)
    assume(len(set(first) | set(second)) > 1)
    matrix = confusion(first, second, 4)
    labels = [0, 1, 2, 3]
    assert cohen_kappa(matrix) == pytest.approx(cohen_kappa_score(first, second))
    assert quadratic_kappa(matrix) == pytest.approx(
        cohen_kappa_score(first, second, weights="quadratic", labels=labels)
    )


@given(GRADES)
def test_alpha_is_that_of_krippendorff(pairs):
    first, second = zip(*pairs, strict=True)
    assume(len(set(first) | set(second)) > 1)
    theirs = krippendorff.alpha(
        [first, second], level_of_measurement="ordinal", value_domain=[0, 1, 2, 3]
    )
    assert ordinal_alpha(confusion(first, second, 4)) == pytest.approx(theirs)


@given(GRADES, GRADES)
def test_many_matrices_at_once_equal_one_at_a_time(one, other):
    matrices = [confusion(*zip(*pairs, strict=True), 4) for pairs in (one, other)]
    for statistic in (cohen_kappa, quadratic_kappa, ordinal_alpha):
        together = statistic(np.stack(matrices))
        assert together == pytest.approx([float(statistic(m)) for m in matrices], nan_ok=True)


def test_without_variation_there_is_no_kappa():
    matrix = confusion([0, 0, 0], [0, 0, 0], 4)
    assert np.isnan([cohen_kappa(matrix), quadratic_kappa(matrix), ordinal_alpha(matrix)]).all()
    assert np.isnan(overlap(binary(matrix, 2)))


def test_intervals_are_over_queries_and_one_query_has_none():
    rng = np.random.default_rng(3)
    pairs = [(f"q{q}", f"d{d}") for q in range(12) for d in range(20)]
    first = {pair: int(rng.integers(4)) for pair in pairs}
    second = {pair: g if rng.random() < 0.8 else int(rng.integers(4)) for pair, g in first.items()}
    every = agreement("all", first, second, [f"q{q}" for q in range(12)], 2, 0)
    assert every.n_pairs == 240
    assert every.kappa.low < every.kappa.value < every.kappa.high
    assert every == agreement("all", first, second, [f"q{q}" for q in range(12)], 2, 0)
    alone = agreement("one", first, second, ["q3"], 2, 0)
    assert np.isnan([alone.kappa.low, alone.alpha.high]).all()
    assert alone.n_pairs == 20


def test_where_nothing_differs_the_bound_is_what_the_queries_can_have_missed():
    queries = [f"q{n}" for n in range(20)]
    first = {(q, d): 2 * (d == "d1") for q in queries for d in ("d1", "d2")}
    second = first | {("q7", "d2"): 1}  # the grades differ, what is relevant does not
    found = agreement("all", first, second, queries, 2, 0)
    for same in (found.kappa, found.overlap):
        assert (same.value, same.high, same.flat) == (1, 1, True)
    # A share of the queries this large escapes twenty of them with a chance of 2.5 %. There each may
    # take a paper that the other does not: one pair of a query's two would be relevant to one alone.
    share = 1 - 0.025 ** (1 / 20)
    assert found.overlap.low == pytest.approx((1 - share) / (1 - share + 2 * share))
    assert found.kappa.low == pytest.approx(1 - share / (1 / 2))  # seen over chance, as both find half
    for other in (found.weighted_kappa, found.alpha):
        assert other.value < 1
        assert not other.flat
    # who finds nothing in half of the queries shows nothing there
    half = {pair: grade if pair[0] in queries[:10] else 0 for pair, grade in first.items()}
    assert agreement("all", half, half, queries, 2, 0).overlap.low == pytest.approx(
        0.025 ** (1 / 10) / (2 - 0.025 ** (1 / 10))
    )


@pytest.mark.parametrize("n", [5, 20, 100])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("other", [False, True], ids=["none", "another"])
def test_intervals_cover_agreement_however_seldom_it_shows(n, share, other, monkeypatch):
    """The first assessor finds one of four papers, the second the same in this share of the queries, and
    none, or another one, elsewhere. The truth is what all queries together would say."""
    drawn = resampling_counts(0, n, 400)
    monkeypatch.setattr("bench.labelling.agreement.resampling_counts", lambda *_: drawn)
    rng = np.random.default_rng(11)
    queries = [f"q{q}" for q in range(n)]
    nothing = {(q, f"d{d}"): 0 for q in queries for d in range(4)}
    first = nothing | {(q, "d0"): 2 for q in queries}
    relevant = np.array([1 / 4, (1 if other else share) / 4])
    differ = (1 + other) * (1 - share) / 4
    by_chance = relevant @ (1 - relevant[::-1])
    truth = np.array([share / (share + 4 * differ), 1 - differ / by_chance])
    covered = np.zeros(2)
    for _ in range(150):
        same = rng.random(n) < share
        kept = {(q, "d0"): 2 for q, agrees in zip(queries, same, strict=True) if agrees}
        lost = {(q, "d1"): 2 for q, agrees in zip(queries, same, strict=True) if other and not agrees}
        found = agreement("all", first, nothing | kept | lost, queries, 2, 0)
        low, high = np.array([(one.low, one.high) for one in (found.overlap, found.kappa)]).T
        assert (low < high).all()
        covered += (low <= truth) & (truth <= high)
        if same.all() or not same.any():
            exact = binomtest(int(same.sum()), n).proportion_ci(0.95)  # Clopper and Pearson
            # where each takes another paper, a query on which they differ counts twice
            held = [one / (one + (1 + other) * (1 - one)) for one in exact]
            assert found.overlap.flat
            assert found.overlap.low <= held[0] + 1e-9
            assert found.overlap.high >= held[1] - 1e-9
    assert covered.min() / 150 >= 0.85


def test_one_query_that_tells_leaves_nearly_all_open():
    queries = [f"q{n}" for n in range(10)]
    first = {(q, d): 0 for q in queries for d in ("d1", "d2", "d3")}
    both, one, none = ({("q4", d): 2 for d in names} for names in (("d1", "d2"), ("d1",), ("d3",)))
    for mine, theirs, value in ((both, both, 1.0), (both, one, 0.5), (both, none, 0.0)):
        found = agreement("all", first | mine, first | theirs, queries, 2, 0)
        assert found.overlap.value == value
        for estimate in (found.kappa, found.overlap):
            assert estimate.flat
            assert estimate.low < 0.05
            assert estimate.high > 0.95
        # the one query is in none of the ten drawn with a chance of 0.9^10
        assert found.overlap.undefined == pytest.approx(0.9**10, abs=0.02)
        said = agreement_table(("a", "b"), [found], 2).notes
        assert any(
            note.startswith("Resamples that have no value") and "up to 3" in note for note in said
        )


def test_queries_that_are_all_alike_are_bounded_on_both_sides():
    """Each assessor finds two papers of a query, and one of them is the other's: overlap 1/3 everywhere.
    Some queries tell nothing, so that κ has a spread, of chance alone."""
    queries = [f"q{n}" for n in range(30)]
    nothing = {(q, f"d{d}"): 0 for q in queries for d in range(6)}
    first = nothing | {(q, d): 2 for q in queries[:20] for d in ("d0", "d1")}
    second = nothing | {(q, d): 2 for q in queries[:20] for d in ("d1", "d2")}
    found = agreement("all", first, second, queries, 2, 0)
    share = 1 - 0.025 ** (1 / 20)
    assert found.overlap.high == pytest.approx((1 - share) / 3 + share)
    assert found.overlap.low == pytest.approx((1 - share) / (3 * (1 - share) + 4 * share))
    for estimate in (found.kappa, found.weighted_kappa, found.alpha):
        assert estimate.flat
        assert estimate.high - estimate.value > 0.08
        assert estimate.value - estimate.low > 0.04


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5),
        min_size=2,
        max_size=6,
    )
)
@settings(max_examples=50)
def test_no_interval_is_a_point(queries):
    pairs = {(f"q{q}", f"d{d}"): both for q, own in enumerate(queries) for d, both in enumerate(own)}
    first, second = ({pair: both[n] for pair, both in pairs.items()} for n in (0, 1))
    found = agreement("all", first, second, [f"q{q}" for q in range(len(queries))], 2, 0)
    for one in (found.kappa, found.weighted_kappa, found.alpha, found.overlap):
        if not np.isnan(one.value):
            assert one.low <= one.value <= one.high
            assert one.low < one.high


def with_passes(folder, *passes):
    """A collection of one pass a mapping (query, document) → grade; what is not named is a 0."""
    write_beir(folder)
    (folder / "passes").mkdir()
    for name, grades in zip("abc", passes, strict=False):
        lines = [f"{q}\t{d}\t{grades.get((q, d), 0)}\t\n" for q in QUERIES for d in DOCUMENTS]
        (folder / "passes" / f"{name}.tsv").write_text(
            "query-id\tcorpus-id\tscore\tnote\n" + "".join(lines)
        )
    return folder


A = {("q1", "d01"): 3, ("q1", "d12"): 2, ("q2", "d03"): 3, ("q3", "d05"): 3, ("q4", "d07"): 2}
B = A | {("q1", "d12"): 0, ("q1", "d09"): 1, ("q4", "d07"): 3}


def test_agree_prints_each_set_and_all_and_writes_markdown(bench, tmp_path):
    folder = with_passes(tmp_path / "c", A, B)
    done = bench("agree", str(folder), "--out", "agreement.md")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "agreement.md").read_text()
    for group in ("topic", "question", "all"):
        assert f"| {group}" in page
    # of five pairs relevant to a, four are to b; three differ, one by two grades
    assert "5 / 4" in page
    assert "| 3 | 1 |" in page
    assert "0.800" in page  # overlap: 4 of 5


def test_loose_sets_are_marked(bench, tmp_path):
    folder = with_passes(tmp_path / "c", A, {("q1", "d02"): 3, ("q4", "d07"): 2})
    done = bench("agree", str(folder))
    assert "topic !" in done.stdout
    assert "sharpen the narratives" in done.stdout


def test_few_queries_and_none_that_differ_are_flagged(bench, tmp_path):
    with_passes(tmp_path / "c", A, A)
    assert bench("agree", "c", "--out", "agreement.md").returncode == 0
    page = (tmp_path / "agreement.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| all"))
    assert row.startswith(r"| all \* |")
    assert row.endswith("| 1.000 [0.248, 1.000]° |")  # 0.398 / (2 - 0.398), 0.398^4 = 0.025
    assert "fewer than 15 queries: bootstrap intervals of so few are too short." in page
    assert "° the queries are too much alike in this value for a bootstrap" in page


def test_many_queries_that_differ_are_not_flagged():
    queries = [f"q{n}" for n in range(15)]
    first = {(q, d): 2 * (d == "d1") for q in queries for d in ("d1", "d2")}
    second = first | {("q7", "d2"): 2}
    table = agreement_table(("a", "b"), [agreement("all", first, second, queries, 2, 0)], 2)
    assert table.rows[0][0].flag == ""
    assert len(table.notes) == 1


def test_a_pass_of_a_sample_is_compared_where_that_is_asked_for(bench, tmp_path):
    folder = with_passes(tmp_path / "c", A, B)
    file = folder / "passes" / "b.tsv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith(("q3", "q4"))))
    refused = bench("agree", str(folder))
    assert refused.returncode == 2
    assert "'b' has no query q3 and 1 more, which a has; judge what is missing" in refused.stderr
    assert "compare what both judged with bench agree --sample, or name two passes" in refused.stderr
    done = bench("agree", str(folder), "--sample", "--out", "agreement.md")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "agreement.md").read_text()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| all")]
    assert [row[1] for row in rows] == ["2"]
    # the same as if nobody had judged the others
    other = with_passes(tmp_path / "d", A, B)
    for name in ("a", "b"):
        kept = (other / "passes" / f"{name}.tsv").read_text().splitlines(keepends=True)
        kept = [line for line in kept if not line.startswith(("q3", "q4"))]
        (other / "passes" / f"{name}.tsv").write_text("".join(kept))
    assert bench("agree", str(other), "--out", "other.md").returncode == 0
    assert (tmp_path / "other.md").read_text() == page


def test_the_queries_are_grouped_by_any_of_their_metadata(bench, tmp_path):
    folder = with_passes(tmp_path / "c", A, B)
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines()]
    for row, kind in zip(rows, ("method", "data", "method", "data"), strict=True):
        row["metadata"]["kind"] = kind
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = bench("agree", str(folder), "--by", "kind", "--out", "agreement.md")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "agreement.md").read_text()
    assert "| kind" in page
    for group in ("method", "data", "all"):
        assert rf"| {group} \* | {4 if group == 'all' else 2} |" in page
    assert "question" not in page
    wrong = bench("agree", str(folder), "--by", "kinds")
    assert wrong.returncode == 2
    assert "no query has metadata 'kinds' to group by; did you mean 'kind'?" in wrong.stderr


def test_three_passes_are_compared_two_by_two(bench, tmp_path):
    folder = with_passes(tmp_path / "c", A, B, A)
    assert bench("agree", str(folder)).stdout.count("Agreement of") == 3
    assert bench("agree", str(folder), "--pass", "a", "--pass", "c").stdout.count("Agreement of") == 1


@pytest.fixture
def run_of_c(bench, tmp_path):
    """A run of two systems on c/, which has two passes."""
    folder = with_passes(tmp_path / "c", A, B)
    ran = bench(
        "run", "collection=beir", f"collection.path={folder}", "collection.relevant=2",
        "retriever=[bm25]", "+retrievers.plain._target_=bench.retrievers.bm25.BM25",
        "+retrievers.plain.k1=0.2", "output=out", "measures=[nDCG@10,P@5]",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return only_run(tmp_path / "out")


def test_runs_are_measured_under_each_labelling(bench, run_of_c, tmp_path):
    folder, run = tmp_path / "c", run_of_c
    done = bench("agree", str(folder), "--runs", str(run), "--out", "agreement.md")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "agreement.md").read_text()
    assert "Kendall's τ" in page
    (tmp_path / "c" / "passes" / "adjudication.tsv").write_text(
        "query-id\tcorpus-id\tscore\tnote\nq1\td12\t2\tsurveyed\nq1\td09\t1\t\nq4\td07\t2\t\n"
    )
    again = bench("agree", str(folder), "--runs", str(run))
    assert "final" in again.stdout
    by_record = bench("agree", str(folder), "--runs", str(run / "record.json"))
    assert (by_record.returncode, by_record.stderr) == (0, again.stderr)
    assert by_record.stdout == again.stdout
    # under the labels that the run was made with, the means are those of the run
    record = json.loads((run / "record.json").read_text())
    assert record["labels"]["relevant"] == 2


def test_a_run_file_that_is_not_the_records_is_refused(bench, refusal, run_of_c, tmp_path):
    first, second = (run_of_c / f"{name}.trec" for name in ("bm25", "plain"))
    other = first.read_text().splitlines(keepends=True)[
        :-1
    ]  # and the last answer of the last query less
    first.write_text("".join(sorted(other, key=lambda line: line.split()[2])))
    assert bench("show", str(run_of_c)).returncode == 0
    said = refusal("agree", "c", "--runs", str(run_of_c))
    assert f"{first.name} gives" in said or f"{first.name} has a score" in said
    assert "run again" in said
    first.unlink()
    assert "bm25.trec" in refusal("agree", "c", "--runs", str(run_of_c))
    shutil.copy(second, first)
    # under other labels than those of the run nobody can tell, and that is said
    with (tmp_path / "c" / "qrels" / "test.tsv").open("a") as labels:
        labels.write("q1\td11\t1\n")
    done = bench("agree", "c", "--runs", str(run_of_c))
    assert done.returncode == 0
    assert "its files are not held against its record: the labels changed since the run" in done.stderr
    assert "; name a folder with the earlier labels as FOLDER" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_run_that_asked_other_texts_by_the_same_ids_is_refused(bench, refusal, run_of_c, tmp_path):
    asked = tmp_path / "c" / "queries.jsonl"
    asked.write_text(asked.read_text().replace('"text": "', '"text": "other '))
    said = refusal("agree", "c", "--runs", str(run_of_c))
    assert f"{run_of_c} asked other texts than c has now by the same query ids" in said


def test_the_means_say_from_which_grade_on_their_binary_measures_count(bench, run_of_c, tmp_path):
    same = bench("agree", "c", "--relevant", "2", "--runs", str(run_of_c), "--out", "two.md")
    other = bench("agree", "c", "--relevant", "3", "--runs", str(run_of_c), "--out", "three.md")
    assert (same.returncode, other.returncode) == (0, 0)
    means, changed = (
        (tmp_path / f"{name}.md").read_text().split("**Means of", 1)[1].split("**Kendall")[0]
        for name in ("two", "three")
    )
    assert "Binary measures count grades from 2 on as relevant, as in the run." in means
    assert "--relevant" not in means
    note = "--relevant 3 is of the agreement alone."
    assert note in changed
    assert changed.replace(f" {note}", "").split() == means.split()


def test_queries_that_no_pass_holds_keep_their_labels_and_are_counted(bench, run_of_c, tmp_path):
    assert "no pass holds" not in bench("agree", "c", "--runs", str(run_of_c)).stdout
    for name in "ab":
        file = tmp_path / "c" / "passes" / f"{name}.tsv"
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not line.startswith(("q3", "q4"))))
    done = bench("agree", "c", "--runs", str(run_of_c), "--out", "agreement.md")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "agreement.md").read_text()
    assert "4 queries. 2 of them no pass holds: their grades are those of qrels/." in page


def test_of_a_sample_only_its_queries_are_measured(bench, refusal, run_of_c, tmp_path):
    file = tmp_path / "c" / "passes" / "b.tsv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith(("q3", "q4"))))
    done = bench("agree", "c", "--sample", "--runs", str(run_of_c), "--out", "agreement.md")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "agreement.md").read_text()
    assert "no pass holds" not in page
    assert "2 queries, of those that both judged; 2 more of the run are not measured." in page
    # P@5 by hand, of the two queries: what a grades 2 or more among a system's first five
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| bm25 | P@5")]
    found = read_scores(run_of_c / "bm25.trec")
    means = [
        np.mean([sum(grades.get((q, d), 0) >= 2 for d, _ in found[q][:5]) / 5 for q in ("q1", "q2")])
        for grades in (A, B)
    ]
    assert [float(cell.strip(" *")) for cell in rows[0][2:4]] == pytest.approx(means, abs=5e-5)
    to_judge = ToJudge.load(tmp_path / "c")
    labels = {name: to_judge.read(name).grades for name in "ab"}
    with pytest.raises(BenchError, match="asks no query of the sample; name another run"):
        relabel([run_of_c], to_judge, labels, among={"q9"})


def test_what_was_settled_for_others_is_left_out_and_said(bench, run_of_c, tmp_path):
    folder = with_passes(tmp_path / "d", A, B, A | {("q1", "d09"): 2})
    (folder / "passes").rename(tmp_path / "c" / "three")
    shutil.rmtree(tmp_path / "c" / "passes")
    (tmp_path / "c" / "three").rename(tmp_path / "c" / "passes")
    file = tmp_path / "c" / "passes" / "adjudication.tsv"
    head = "query-id\tcorpus-id\tscore\tnote\tpasses\n"
    first = "q1\td12\t2\tsurveyed\ta=2 b=0\n"
    others = f"{head}{first}q1\td09\t1\t\ta=0 b=1\nq4\td07\t2\t\ta=2 b=3\n"
    command = ["agree", "c", "--runs", str(run_of_c), "--pass", "a", "--pass"]
    file.write_text(others)
    assert bench(*command, "b").stderr == ""
    for text, name, why in (
        (others, "c", "q1, d09 was settled for a=0 b=1, and now it is a=0 c=2"),
        (head + first, "b", "q1, d09 is not settled yet (0 or 1)"),
        (others.replace("surveyed", ""), "b", "q1, d12 was settled without a reason"),
    ):
        file.write_text(text)
        done = bench(*command, name)
        assert done.returncode == 0, done.stderr
        assert f"the column 'final' is left out: by c/passes/adjudication.tsv, {why}" in done.stderr
        assert done.stderr.count("\n") == 1
        assert "adjudicate" not in done.stderr  # which would replace the decisions
        assert "final" not in done.stdout
    file.write_text(others + "q1\td05\tx\t\n")
    assert bench(*command, "b").returncode == 2  # a file that can not be read is still refused


def test_systems_of_several_runs_are_told_apart_as_compare_tells_them(bench, refusal, tmp_path):
    with_passes(tmp_path / "c", A, B)
    runs = []
    for k1 in ("0.2", "2.0"):
        command = "run", "collection=beir", "collection.path=c", "retriever=[bm25]", f"output=o{k1}"
        assert bench(*command, f"retrievers.bm25.k1={k1}").returncode == 0
        (tmp_path / f"at{k1}").mkdir()
        runs.append(f"at{k1}/run")  # folders of one name
        only_run(tmp_path / f"o{k1}").rename(tmp_path / runs[-1])
    both = [part for run in runs for part in ("--runs", run)]
    assert bench("agree", "c", *both, "--out", "agreement.md").returncode == 0
    page = (tmp_path / "agreement.md").read_text()
    said = bench("compare", *runs).stdout
    for k1 in ("0.2", "2.0"):
        title = f"bm25 (k1={k1})"
        assert f"| {title} | nDCG@10 |" in page
        assert title in said
        assert f"{title} is of at{k1}/run." in page
    shutil.copytree(tmp_path / runs[0], tmp_path / "again" / "run")
    assert bench("agree", "c", *both[:2], "--runs", "again/run", "--out", "copy.md").returncode == 0
    for folder in (runs[0], "again/run"):
        assert f"| bm25 ({folder}) | nDCG@10 |" in (tmp_path / "copy.md").read_text()
    (tmp_path / "link").symlink_to(tmp_path / runs[0])
    record = f"{runs[0]}/record.json"
    for same in (runs[0], f"./{runs[0]}/", f"{runs[0]}/../run", "link", record, "link/record.json"):
        assert "named twice; name each run once" in refusal("agree", "c", *both[:2], "--runs", same)


@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=2, max_size=3))
def test_rounding_orders_no_systems(counts):
    """The mean of ten queries, added up in another order for each system and labelling. The oracle has
    the orders of whole numbers."""
    rng = np.random.default_rng(2)
    means = np.array(
        [[sum(rng.permutation([0.1] * n + [0.7] * 3 + [0.2])) / 10 for n in row] for row in counts]
    )
    names = tuple("abc"[: len(counts)])
    found = Relabelled(
        names, tuple("vwxyz"), ("P@10",), means[:, :, None], 10, 0, 0, (), (), 1
    ).order_tau()
    for a, b in itertools.combinations(range(len(counts)), 2):
        tau = kendalltau(counts[a], counts[b]).statistic
        assert found[names[a], names[b], "P@10"] == pytest.approx(tau, nan_ok=True)


def test_a_run_of_one_system_has_no_order(bench, tmp_path):
    folder = with_passes(tmp_path / "c", A, B)
    command = "run", "collection=beir", f"collection.path={folder}", "retriever=[bm25]", "output=out"
    assert bench(*command).returncode == 0
    done = bench("agree", "c", "--runs", str(only_run(tmp_path / "out")))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Means of the same runs" in done.stdout
    assert "Kendall" not in done.stdout


def test_labels_of_a_pool_do_not_pass_for_complete_ones(bench, tmp_path):
    folder = write_beir(tmp_path / "c")
    ran = bench(
        "run", "collection=beir", f"collection.path={folder}", "retriever=[bm25]", "output=out",
        "measures=[nDCG@10,Judged@5]",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    run = only_run(tmp_path / "out")
    found = read_scores(run / "bm25.trec")
    pooled = {q: [doc for doc, _ in found[q][:2]] for q in QUERIES}
    (folder / "passes").mkdir()
    for name in "ab":
        lines = [f"{q}\t{d}\t{QRELS[q].get(d, 0)}\t\n" for q in QUERIES for d in {*pooled[q], *QRELS[q]}]
        (folder / "passes" / f"{name}.tsv").write_text("".join(lines))
    to_judge = ToJudge.load(folder)
    passes = {name: to_judge.read(name).grades for name in "ab"}
    result = relabel([run], to_judge, passes)
    judged = [np.mean([doc in {*pooled[q], *QRELS[q]} for doc, _ in found[q][:5]]) for q in QUERIES]
    assert np.mean(judged) < 1
    assert result.means[:, 0, 1] == pytest.approx(np.mean(judged))
    every = {(q, d): QRELS[q].get(d, 0) for q in QUERIES for d in DOCUMENTS}
    both = relabel([run], to_judge, {"pool": passes["a"], "complete": every})
    assert both.means[:, 0, 1] == pytest.approx([np.mean(judged), 1.0])
    assert both.means[0, 0, 0] == both.means[1, 0, 0]


def test_a_labelling_is_what_writing_it_would_leave_in_qrels(bench, tmp_path):
    """The passes hold one document that nobody had judged; all else, one that is not in the corpus
    included, stays as qrels/ has it. Without it the second system would win."""
    folder = write_beir(tmp_path / "c", qrels={"q1": {"d01": 2, "gone": 1}, "q2": {"d03": 2}})
    (folder / "passes").mkdir()
    for name in ("a", "b", "adjudication"):
        lines = "" if name == "adjudication" else "q1\td09\t1\t\nq2\td09\t1\t\n"
        (folder / "passes" / f"{name}.tsv").write_text("query-id\tcorpus-id\tscore\tnote\n" + lines)
    for name, order in {"old": ("{}", "d09"), "new": ("d09", "{}")}.items():
        lines = [
            f"{query} Q0 {doc.format(best)} {rank} {3 - rank} {name}\n"
            for query, best in (("q1", "d01"), ("q2", "d03"))
            for rank, doc in enumerate(order, 1)
        ]
        (tmp_path / f"{name}.trec").write_text("".join(lines))
    command = [
        "run", "collection=beir", "collection.path=c", "retriever=[runfile]", "measures=[nDCG@10,MAP]",
        "retrievers.runfile.path=old.trec", "+retrievers.new.path=new.trec",
        "+retrievers.new._target_=bench.retrievers.runfile.RunFile",
    ]  # fmt: skip
    assert bench(*command, "output=before").returncode == 0
    before = only_run(tmp_path / "before")
    assert bench("agree", "c", "--pooled", "--runs", str(before), "--out", "a.md").returncode == 0
    to_judge = ToJudge.load(folder)
    found = relabel([before], to_judge, {"final": to_judge.read("a").grades})
    assert bench("adjudicate", "c", "--pass", "a", "--pooled", "--write").returncode == 0
    assert bench(*command, "output=after").returncode == 0
    after = Record.load(only_run(tmp_path / "after"))
    for n, measure in enumerate(after.measures):
        assert found.means[0, :, n] == pytest.approx(after.values(measure).mean(axis=1))
    shown = [line.split(" | ") for line in (tmp_path / "a.md").read_text().splitlines()]
    finals = [float(row[4].strip(" |*")) for row in shown if row[0] in ("| runfile", "| new")]
    assert finals == pytest.approx(found.means[0].T.ravel(), abs=5e-5)


def test_bad_passes_are_refused_by_name_and_line(bench, refusal, tmp_path):
    folder = with_passes(tmp_path / "c", A, B)
    good = (folder / "passes" / "b.tsv").read_text()

    def refused(text, *said):
        (folder / "passes" / "b.tsv").write_text(text)
        told = refusal("agree", str(folder))
        for part in said:
            assert part in told

    lines = good.splitlines(keepends=True)
    refused(good.replace("q1\td05\t0\t\n", ""), "'b'", "misses the pair", "q1, d05")
    refused(good.replace("q1\td05\t", "q1\td99\t"), "b.tsv:6", "unknown document 'd99'")
    refused(good.replace("q1\td05\t", "q0\td05\t"), "b.tsv:6", "unknown query 'q0'")
    refused(good + "q1\td01\t1\t\n", "b.tsv:50", "q1, d01", "grade 1 here and 3 in line 2")
    refused(good.replace("q1\td05\t0", "q1\td05\tx"), "b.tsv:6", "'x' is no integer")
    refused(good.replace("q1\td05\t0", "q1\td05\t-1"), "b.tsv:6", "below 0")
    refused(good.replace("q1\td05\t0\t", "q1 d05 0"), "b.tsv:6", "column")
    refused("".join(x for x in lines if not x.startswith("q2")), "'b' has no query q2", "which a has")
    both = "".join(x for x in lines if not x.startswith("q1\td02"))
    (folder / "passes" / "a.tsv").write_text(both)
    refused(both, "miss the pair q1, d02")
    assert bench("agree", str(folder), "--pooled").returncode == 0


def test_a_line_repeated_with_the_same_grade_is_no_contradiction(bench, tmp_path):
    folder = with_passes(tmp_path / "c", A, B)
    file = folder / "passes" / "b.tsv"
    file.write_text(file.read_text() + "q1\td01\t3\t\n")
    assert bench("agree", str(folder)).returncode == 0


@pytest.mark.parametrize(
    ("name", "first", "second", "column"),
    [
        ("b", "3\tits subject", "3\tonly named", "note"),
        ("adjudication", "3\twhy\ta=3 b=1", "3\twhy\ta=3 zoe=1", "passes"),
    ],
)
def test_a_line_repeated_with_another_note_is_refused_and_none_is_lost(
    tmp_path, name, first, second, column
):
    folder = with_passes(tmp_path / "c", A, B)
    file = folder / "passes" / f"{name}.tsv"
    for again, said in ((second, column), (first, ""), ("3", "")):
        text = f"q1\td01\t{first}\nq1\td02\t0\nq1\td01\t{again}\n"
        file.write_text(text)
        if said:
            where = rf"{name}\.tsv:3: the pair q1, d01 has another {said} here than above; keep one"
            with pytest.raises(BenchError, match=where):
                ToJudge.load(folder).read(name)
            assert file.read_text() == text
        else:
            read = ToJudge.load(folder).read(name)
            assert read.notes["q1", "d01"] == first.split("\t")[1]


def test_agree_needs_two_passes(bench, tmp_path):
    folder = with_passes(tmp_path / "c", A)
    done = bench("agree", str(folder))
    assert done.returncode == 2
    assert "two passes are needed, found a" in done.stderr
    assert "did you mean 'a'" in bench("agree", str(folder), "--pass", "A", "--pass", "x").stderr


def test_runs_of_different_depth_are_not_measured_side_by_side(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = with_passes(tmp_path / "c", A, B)
    runs = []
    for depth in (1000, 2, 12, 2000):
        app.app(
            args=[
                "run", "collection=beir", f"collection.path={folder}", "retriever=[bm25]",
                f"depth={depth}", f"output=out{depth}", "measures=[nDCG@1,MAP]",
            ],
            standalone_mode=False,
        )  # fmt: skip
        runs.append(only_run(tmp_path / f"out{depth}"))
    to_judge = ToJudge.load(folder)
    labels = {name: to_judge.read(name).grades for name in "ab"}
    with pytest.raises(BenchError, match=r"keeps 2 documents a query, and .* keeps 1000"):
        relabel(runs[:2], to_judge, labels)
    other = Path(shutil.copytree(runs[0], tmp_path / "other"))
    content = json.loads((other / "record.json").read_text())
    content["labels"]["relevant"] = 2
    (other / "record.json").write_text(json.dumps(content))
    with pytest.raises(BenchError, match=r"other counts grades from 2 on as relevant, and .* from 1 on"):
        relabel([runs[0], other], to_judge, labels)
    content["labels"] |= {"relevant": 1, "ignore_identical_ids": True}
    (other / "record.json").write_text(json.dumps(content))
    with pytest.raises(BenchError, match=r"other was measured without documents of the query's own id"):
        relabel([runs[0], other], to_judge, labels)
    with pytest.raises(BenchError, match=r"was measured with documents of the query's own id"):
        relabel([other, runs[0]], to_judge, labels)
    assert relabel([other], to_judge, labels).means.shape == (2, 1, 2)
    content["labels"] |= {"complete": True, "ignore_identical_ids": False}
    (other / "record.json").write_text(json.dumps(content))
    with pytest.raises(BenchError, match=r"other counts a pair without a label as grade 0, unlike"):
        relabel([runs[0], other], to_judge, labels)
    whole = [runs[0], runs[2], runs[3]]  # of twelve documents each keeps all
    assert relabel(whole, to_judge, labels).means.shape == (2, 3, 2)
