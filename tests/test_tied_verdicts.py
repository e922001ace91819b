"""A verdict that rests on the order of equal scores alone is said to, and no other is."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from conftest import write_beir
from hypothesis import example, given
from hypothesis import strategies as st

import bench
from bench.cli import app
from bench.evidence.comparison import Comparison, Verdict
from bench.evidence.sway import Sway, challengers, moved, resting
from bench.retrievers.runfile import RunFile

N_DOCS = 19
DOCS = [f"d{n:02d}" for n in range(N_DOCS)]
QUERIES = [f"q{n}" for n in range(20)]
# Equal scores fall by id, descending: in that order these stand last.
RELEVANT = {query: DOCS[: 2 + n % 3] for n, query in enumerate(QUERIES)}


def equal(rank):
    return 1.0


def distinct(rank):
    return float(-rank)


def run_file(file, score=distinct, queries=QUERIES, docs=DOCS):
    lines = [(q, doc, rank) for q in queries for rank, doc in enumerate(docs, 1)]
    file.write_text("".join(f"{q} Q0 {doc} {rank} {score(rank)} x\n" for q, doc, rank in lines))
    return file.name


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    lines = [f"{q} 0 {d} {int(d in RELEVANT[q])}\n" for q in QUERIES for d in DOCS]
    (tmp_path / "qrels.txt").write_text("".join(lines))
    run_file(tmp_path / "tied.run", equal)
    run_file(tmp_path / "plain.run")
    return tmp_path


def called(capsys, *arguments):
    app.app(args=list(arguments), standalone_mode=False)
    return capsys.readouterr().out


def lines_of(text, words="rests on the order of equal scores"):
    return [line for line in text.splitlines() if words in line]


def ideal(n):
    """The gain of n relevant documents at the top."""
    return sum(1 / np.log2(place + 1) for place in range(1, n + 1))


def test_two_files_that_differ_in_nothing_but_the_order_of_equal_scores(here, capsys):
    """All scores equal, against the same order with distinct scores: better, by the order alone."""
    out = called(capsys, "compare", "tied.run", "plain.run", "--qrels", "qrels.txt")
    assert "better" in out
    # Each of the first ten places holds a relevant document with the same chance.
    expected = np.mean([ideal(10) * len(its) / N_DOCS / ideal(len(its)) for its in RELEVANT.values()])
    (line,) = lines_of(out)
    assert line == (
        "tied.run: a verdict on it rests on the order of equal scores; over all orders: "
        f"nDCG@10 0.0000 to 1.0000 ({expected:.4f} expected)."
    )


@pytest.mark.parametrize("form", ["md", "tex", "csv", "json"])
def test_every_form_of_a_comparison_says_it(here, capsys, form):
    pair = ["tied.run", "plain.run", "--qrels", "qrels.txt"]
    called(capsys, "compare", *pair, "--out", f"c.{form}")
    text = (here / f"c.{form}").read_text()
    if form == "json":
        rows = json.loads(text)
        assert [row["measure"] for row in rows if row["notes"]] == ["nDCG@10"]
        assert len(lines_of("\n".join(rows[0]["notes"]))) == 1
    elif form == "csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert [row["measure"] for row in rows if row["notes"]] == ["nDCG@10"]
        assert "0.0000 to 1.0000" in rows[0]["notes"]
    else:
        assert len(lines_of(text)) == 1


def test_ties_that_can_not_change_the_verdict_are_not_told(here, capsys):
    """Documents 18 and 19 are equal: nothing above place 10 can move. And 9 and 10, both not relevant."""
    run_file(here / "low.run", lambda rank: -min(rank, 18))
    run_file(here / "bad.run", docs=DOCS[::-1])
    for name in ("low.run", "plain.run"):
        out = called(capsys, "compare", "bad.run", name, "--qrels", "qrels.txt")
        assert "better" in out
        assert not lines_of(out)
        assert "orders" not in out


def test_of_two_equal_files_that_tie_alike_nothing_is_told(here, capsys):
    run_file(here / "twin.run", lambda rank: 2.5)
    out = called(capsys, "compare", "tied.run", "twin.run", "--qrels", "qrels.txt")
    assert "alike" in out
    assert not lines_of(out)


def test_alike_rests_on_the_order_where_one_of_them_ties(here, capsys):
    """The order in which equal scores fall, written down with distinct ones."""
    run_file(here / "same.run", docs=DOCS[::-1])
    out = called(capsys, "compare", "tied.run", "same.run", "--qrels", "qrels.txt")
    assert "alike" in out
    (line,) = lines_of(out)
    assert line.startswith("tied.run: ")


def test_a_file_that_is_cut_among_equal_scores_is_said_to_be(here, capsys):
    """Only what is cut is lost: a file that ends in equal scores hides nothing."""
    run_file(here / "short.run", equal, docs=DOCS[:12])
    out = called(capsys, "compare", "tied.run", "short.run", "--qrels", "qrels.txt")
    (line,) = lines_of(out, "end in equal scores")
    assert line == (
        "tied.run: 20 of 20 lists end in equal scores at depth 12: what was cut off may tie with them, "
        "which is not known; compare deeper lists."
    )


@pytest.fixture
def holes(tmp_path, monkeypatch):
    """Labels with holes, a query without a relevant document, and two systems of which one misses one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    documents = dict.fromkeys(DOCS, ("", "text"))
    queries = dict.fromkeys([*QUERIES, "none"], ("text", "topic"))
    grades = {q: {d: int(d in RELEVANT[q]) for d in DOCS[:5]} for q in QUERIES} | {"none": {"d01": 0}}
    folder = write_beir(tmp_path / "holes", documents, queries, grades)
    run_file(tmp_path / "all.run", docs=DOCS[10:13] + DOCS[:10] + DOCS[13:])
    run_file(tmp_path / "part.run", equal, queries=QUERIES[1:])
    found = bench.evaluate(
        folder,
        {"all": RunFile("all.run"), "part": RunFile("part.run")},
        measures=["nDCG@10", "Judged@10", "Bpref", "nDCG(judged_only=True)@10"],
        depth=18,
    )
    return found.save(tmp_path / "out")


NOTES = {
    "left out": "Left out, having no relevant document: none. Mark them no_answer if that is meant.",
    "unanswered": "part gave no answer to 1 of 20 queries; they count as 0.",
    "holes": "Labels have holes (Judged@10 is 0.00 for part over the queries that it answers): read Bpref",
    "cut": "part: 19 of 20 lists end in equal scores at depth 18: what was cut off may tie with them",
    "unknown": "part: equal scores could stand in another order; how far that moves Bpref",
}


def test_what_a_run_says_of_its_data_is_said_by_a_comparison_of_it(holes, capsys):
    shown = called(capsys, "show", str(holes))
    compared = called(capsys, "compare", str(holes))
    one = called(capsys, "compare", f"{holes}:all", f"{holes}:part")
    for text in (shown, compared):
        for what, note in NOTES.items():
            assert len(lines_of(text, note)) == 1, what
    for note in NOTES.values():
        assert len(lines_of(one, note.replace("part", f"{holes}:part"))) == 1
    assert lines_of(shown, "over all orders")[0].startswith("part: over all orders of equal scores")
    (line,) = lines_of(compared)
    assert line.startswith("part: a verdict on it rests on the order of equal scores; over all orders ")


def test_notes_are_of_the_systems_that_are_compared(holes, capsys):
    out = called(capsys, "compare", f"{holes}:all", "all.run", "--collection", "holes")
    assert "Judged@10 is 0.50 for " in out
    for what in ("unanswered", "cut", "unknown"):
        assert not lines_of(out, NOTES[what].partition(": ")[2] or NOTES[what]), what


def test_a_range_that_does_not_show_moves_nothing():
    """As in the table of a run, which shows four decimals."""
    assert Sway.of(0.5, [0.49999, 0.5, 0.50001]) == Sway()
    assert Sway.of(0.5, [0.4998, 0.5, 0.5001]) == Sway(0.5 - 0.4998, 0.5001 - 0.5)


INTERVAL = st.tuples(st.floats(-0.2, 0.2), st.floats(0.0001, 0.2))
SWAY = st.builds(Sway, st.floats(0, 0.1), st.floats(0, 0.1))


def comparison(low, high, verdict, n=20, margin=0.02):
    middle = (low + high) / 2
    return Comparison(
        "a", "b", "MAP", n, middle, low, high, False, 0.5, 0.5, None, 5, 5, 5, margin, None, None, None,
        verdict,
    )  # fmt: skip


def said(low, high, n, margin):
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "equivalent" if n >= 10 and low > -margin and high < margin else "undecided"


@example((-0.008, 0.013), Sway(0.0, 0.018), Sway(), 20)  # undecided at both ends, equivalent between
@given(INTERVAL, SWAY, SWAY, st.sampled_from([9, 20]))
def test_a_verdict_rests_on_the_order_where_some_place_of_its_interval_says_another(place, a, b, n):
    """The oracle walks the interval in small steps over all that the two means can reach."""
    middle, half = place
    low, high = middle - half, middle + half
    now = said(low, high, n, 0.02)
    reach = -(a.below + b.above), a.above + b.below
    steps = np.linspace(*reach, 2001)
    others = {said(low + by, high + by, n, 0.02) for by in steps}
    one = comparison(low, high, Verdict(now), n)
    rests = resting([one], {("a", "MAP"): a, ("b", "MAP"): b})
    if others != {now}:
        assert rests == [one]
    # What it could become is never what no place of the interval says.
    for its in moved(one, a, b):
        assert reach[0] - 1e-12 <= its.difference - middle <= reach[1] + 1e-12
        assert str(its.verdict) == said(its.low, its.high, n, 0.02)
        assert its.high - its.low == pytest.approx(high - low)


@pytest.fixture
def run_of(tmp_path, monkeypatch):
    """Make a run of system `a` from the scores of its ranks; the relevant documents come first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    documents = dict.fromkeys(DOCS, ("", "text"))
    queries = dict.fromkeys(QUERIES, ("text", "topic"))
    grades = {q: {d: int(DOCS.index(d) >= N_DOCS - 2) for d in DOCS} for q in QUERIES}
    folder = write_beir(tmp_path / "graded", documents, queries, grades)

    def make(score, queries=QUERIES):
        run_file(tmp_path / "a.run", score, queries, DOCS[::-1])
        retrievers = {"a": RunFile("a.run")}
        found = bench.evaluate(folder, retrievers, measures=["nDCG@10"], depth=20)
        return str(found.save(tmp_path / "out"))

    return make


def gated(capsys, run, baseline, *options):
    forms = ("--json", "g.json", "--summary", "g.md", "--junit", "g.xml")
    code = app.app(args=["gate", run, "--baseline", baseline, *forms, *options], standalone_mode=False)
    return code, capsys.readouterr().out


RESTS = (
    "a{}: a verdict on it rests on the order of equal scores; over all orders: nDCG@10 0.0000 to 1.0000 "
)


def test_a_gate_that_passes_by_the_order_of_equal_scores_says_so_in_every_form(
    run_of, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    base, now = run_of(distinct), run_of(equal)
    code, out = gated(capsys, now, base)
    assert code == 0
    assert len(lines_of(out, RESTS.format(""))) == 2  # the table, and an annotation
    assert len([line for line in out.splitlines() if line.startswith("::warning ")]) == 1
    for name in ("g.json", "g.md", "g.xml"):
        assert len(lines_of((tmp_path / name).read_text(), RESTS.format(""))) == 1, name
    (note,) = json.loads((tmp_path / "g.json").read_text())["notes"]
    assert note.startswith(RESTS.format(""))


def test_a_gate_says_it_of_equal_scores_in_the_baseline(run_of, capsys):
    base, now = run_of(equal), run_of(distinct)
    _, out = gated(capsys, now, base)
    (line,) = lines_of(out)
    assert line.startswith(RESTS.format(", in the baseline"))


@pytest.mark.parametrize(
    ("then", "now"), [(distinct, distinct), (equal, equal), (distinct, lambda rank: -min(rank, 18))]
)
def test_a_gate_is_silent_where_the_order_decides_nothing(run_of, capsys, tmp_path, then, now):
    code, out = gated(capsys, run_of(now), run_of(then))
    assert code == 0
    assert "orders" not in out
    assert json.loads((tmp_path / "g.json").read_text())["notes"] == []


@pytest.mark.parametrize(("floor", "rests"), [("0.5", 1), ("0", 0)])
def test_a_floor_that_holds_by_the_order_of_equal_scores(run_of, capsys, floor, rests):
    base, now = run_of(equal), run_of(equal)
    _, out = gated(capsys, now, base, "--floor", f"a:nDCG@10={floor}")
    assert len(lines_of(out)) == rests


def test_a_gate_says_what_a_run_says_of_its_data(run_of, capsys, tmp_path):
    base, now = run_of(distinct), run_of(distinct, QUERIES[1:])
    _, out = gated(capsys, now, base)
    note = "a gave no answer to 1 of 20 queries; they count as 0."
    assert len(lines_of(out, note)) == 1
    assert note in json.loads((tmp_path / "g.json").read_text())["notes"]


def test_ranges_of_all_queries_are_no_narrower_on_those_of_test():
    """Half of the queries are of test, and one of them alone has all of the range."""
    from test_gate import record

    from bench.experiment.gate import hold

    n = 40
    values = np.full(n, 0.5)
    splits = ["test"] * 20 + ["dev"] * 20
    then, now = (record({"a": values + add}) for add in (0, 0.02 * (np.arange(n) % 2) - 0.01))
    for one in (then, now):
        one.content["queries"]["splits"] = splits
    mean = 0.5
    for below, said in ((0.012, 1), (0.005, 0)):
        # on test twice as far: by 0.024 the difference passes the tolerance of 0.02
        now.content["systems"]["a"]["ties"] = {"nDCG@10": [mean - below, mean, mean]}
        assert len(hold(then, now).tied) == said


@pytest.fixture
def tuned(tmp_path, monkeypatch, capsys):
    """Search over the run files of a retriever of ours, the first of which is its default."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    documents = dict.fromkeys(DOCS, ("", "text"))
    folder = write_beir(tmp_path / "c", documents, dict.fromkeys(QUERIES, ("text", "topic")), {})
    for split, queries in (("dev", QUERIES[:10]), ("test", QUERIES[10:])):
        lines = "".join(f"{query}\t{doc}\t1\n" for query in queries for doc in DOCS[-2:])
        (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + lines)

    def call(default, other):
        (tmp_path / "own" / "retriever").mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / "retriever" / "mine.yaml").write_text(
            f"# @package retrievers.mine\n_target_: bench.retrievers.runfile.RunFile\npath: {default}\n"
        )
        (tmp_path / "own" / "tune").mkdir(exist_ok=True)
        (tmp_path / "own" / "tune" / "mine.yaml").write_text(f"folds: 2\nspace: {{path: [{other}]}}\n")
        out = called(
            capsys, "tune", "--config-dir", "own", "retriever=mine", "collection=beir",
            f"collection.path={folder}", "collection.complete=true", "measures=[nDCG@10]",
            "output=found",
        )  # fmt: skip
        files = [(tmp_path / "found" / f"tune-mine.{form}") for form in ("json", "md")]
        told, page = json.loads(files[0].read_text()), files[1].read_text()
        for file in files:
            file.unlink()
        return out, told, page

    # The relevant documents stand last, in the middle, first by the order of equal scores, and first.
    run_file(tmp_path / "last.run")
    run_file(tmp_path / "middle.run", docs=DOCS[:5] + DOCS[-2:] + DOCS[5:-2])
    run_file(tmp_path / "tied.run", equal)
    run_file(tmp_path / "twin.run", lambda rank: 2.5)
    run_file(tmp_path / "low.run", lambda rank: -min(rank, 18), docs=DOCS[::-1])
    run_file(tmp_path / "first.run", docs=DOCS[::-1])
    return call


RANGE = "rests on the order of equal scores; over all orders: nDCG@10 0.0000 to 1.0000 "


def test_tuning_says_where_choice_and_verdicts_rest_on_the_order_of_equal_scores(tuned):
    out, told, page = tuned("middle.run", "tied.run")
    name = 'path="tied.run"'
    assert told["chosen"] == name
    (choice,), verdicts = told["choice_notes"], told["verdict_notes"]
    assert choice.startswith(f"{name}: the choice {RANGE}")
    assert [line.partition(" rests")[0] for line in verdicts] == [
        "chosen by search, on dev: a verdict on it",
        f"{name}, on test: a verdict on it",
    ]
    assert all(RANGE in line for line in verdicts)
    for text in (out, page):
        assert len(lines_of(text)) == 3


def test_tuning_says_that_a_default_stays_by_the_order_of_equal_scores(tuned):
    """Both means are 1. Another order makes the one that ties worse, and never better."""
    _, told, _ = tuned("first.run", "tied.run")
    assert (told["chosen"], told["choice_notes"]) == ("default", [])
    _, told, _ = tuned("tied.run", "first.run")
    assert told["chosen"] == "default"
    assert [line.partition(" rests")[0] for line in told["choice_notes"]] == ["default: the choice"]


@pytest.mark.parametrize(
    ("default", "other"),
    [("last.run", "first.run"), ("last.run", "low.run"), ("tied.run", "twin.run")],
)
def test_tuning_is_silent_where_the_order_decides_nothing(tuned, default, other):
    out, told, _ = tuned(default, other)
    assert told["choice_notes"] == told["verdict_notes"] == []
    assert "orders" not in out


VALUES = st.lists(st.tuples(st.floats(0, 1), SWAY), min_size=2, max_size=5)


@given(VALUES)
def test_a_challenger_is_whoever_can_be_above_the_chosen_one(rows):
    means = {f"s{n}": mean for n, (mean, _) in enumerate(rows)}
    sways = {f"s{n}": sway for n, (_, sway) in enumerate(rows)}
    chosen = max(means, key=means.__getitem__)
    low = means[chosen] - sways[chosen].below
    above = {name for name in means if name != chosen and means[name] + sways[name].above > low + 1e-6}
    found = challengers(means, sways, chosen)
    assert chosen not in found
    alike = {n for n in means if abs(means[n] - means[chosen]) < 1e-6 and sways[n].like(sways[chosen])}
    assert above - alike <= set(found)
    assert all(means[name] + sways[name].above > low for name in found)
    highest = [means[name] + sways[name].above for name in found]
    assert highest == sorted(highest, reverse=True)
