"""`bench diff` shows which queries changed, by how much, and how one query's rankings moved."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QRELS, QUERIES, content_of, write_beir

from bench.cli import app
from bench.experiment.run import run_and_save
from bench.report.write import write_tables


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two run files of one system, before and after; q1 got worse, q2 better, the others stayed."""
    folder = tmp_path_factory.mktemp("diff")
    write_beir(folder / "tiny")
    before = {"q1": ["d01", "d12", "d09"], "q2": ["d01", "d03", "d04"], "q3": ["d05"], "q4": ["d01"]}
    after = {"q1": ["d05", "d06", "d12"], "q2": ["d03", "d04"], "q3": ["d05"], "q4": ["d02"]}
    found = []
    for name, lists, k1 in (("before", before, 1.2), ("after", after, 0.9)):
        rows = [f"{q} Q0 {d} 1 {-n} x\n" for q, docs in lists.items() for n, d in enumerate(docs)]
        (folder / f"{name}.trec").write_text("".join(rows))
        settings = {
            "collection": {
                "_target_": "bench.collections.beir.BeirFolder",
                "path": str(folder / "tiny"),
            },
            "retrievers": {
                "file": {
                    "_target_": "bench.retrievers.runfile.RunFile",
                    "path": str(folder / f"{name}.trec"),
                },
                "bm25": {"_target_": "bench.retrievers.bm25.BM25", "k1": k1},
            },
            "measures": ["P@1", "nDCG@10"],
            "depth": 20,
            "seed": 0,
            "trec_header": False,
            "output": str(folder / "out"),
        }
        saved, run, _ = run_and_save(settings)
        write_tables(saved, run)
        found.append(str(run))
    return [*found, str(folder / "tiny")]


@pytest.fixture
def shown(runs, capsys):
    def call(*options, collection=True):
        where = ("--collection", runs[2]) if collection else ()
        app.app(args=["diff", *runs[:2], *options, *where], standalone_mode=False)
        return [line.split() for line in capsys.readouterr().out.splitlines()]

    return call


def rows_after(lines, *words):
    """The rows of the table whose title has these words."""
    at = next(place for place, line in enumerate(lines) if set(words) <= set(line))
    rule = next(n for n, line in enumerate(lines) if n > at and line and set(line[0]) == {"─"})
    rest = lines[rule + 1 :]
    return rest[: rest.index([])]


def test_settings_that_differ_and_queries_by_the_size_of_their_change(shown, runs):
    lines = shown("file", "--measure", "nDCG@10")
    # All paths are the last part of themselves: what is at home on another machine says nothing.
    assert rows_after(lines, "Settings") == [
        ["retrievers.file.path", "before.trec", "after.trec"],
        ["retrievers.bm25.k1", "1.2", "0.9"],
    ]
    values = {}
    for name, run in zip(("before", "after"), runs, strict=False):
        table = csv.DictReader(Path(run, "per_query.csv").read_text().splitlines())
        rows = [r for r in table if (r["system"], r["measure"]) == ("file", "nDCG@10")]
        values[name] = {r["query"]: float(r["value"]) for r in rows}
    (mean,) = rows_after(lines, "Mean", "nDCG@10")
    assert (mean[0], mean[4:]) == ("file", ["1", "2", "1"])  # worse, same, better
    rows = rows_after(lines, "file:", "largest")
    assert [row[0] for row in rows] == ["q1", "q2"]
    for query, group, before, after, change, *asked in rows:
        assert float(before) == pytest.approx(values["before"][query], abs=5e-5)
        assert float(after) == pytest.approx(values["after"][query], abs=5e-5)
        assert float(change) == pytest.approx(values["after"][query] - values["before"][query], abs=1e-4)
        assert group == QUERIES[query][1]
        assert " ".join(asked) == QUERIES[query][0]
    sizes = [abs(float(row[4])) for row in rows]
    assert sizes == sorted(sizes, reverse=True)


def test_the_primary_measure_and_every_system_where_none_is_named(shown):
    lines = shown()
    assert [row[0] for row in rows_after(lines, "Mean", "P@1")] == ["file", "bm25"]
    assert [row[0] for row in rows_after(lines, "file:", "largest")] == ["q1", "q2"]
    top = shown("file", "--top", "1")
    assert [row[0] for row in rows_after(top, "file:", "largest")] == ["q1"]
    assert any("1 more queries changed" in " ".join(line) for line in top)


def test_two_rankings_beside_each_other_with_grades_and_titles(shown):
    lines = shown("file", "--query", "q1")

    def said(*places):
        """rank, then title and grade before, title, grade and rank before of what stands there now."""
        return [" ".join(map(str, place)) for place in places]

    def title(doc):
        return DOCUMENTS[doc][0]

    assert [" ".join(row) for row in rows_after(lines, "file,", "q1:")][:3] == said(
        (1, title("d01"), 3, title("d05"), "–", "new"),
        (2, title("d12"), 2, title("d06"), "–", "new"),
        (3, title("d09"), 1, title("d12"), 2, 2),
    )
    assert [" ".join(row) for row in rows_after(lines, "Its", "relevant")] == said(
        (title("d01"), QRELS["q1"]["d01"], 1, "not found"),
        (title("d12"), QRELS["q1"]["d12"], 2, 3),
        (title("d09"), QRELS["q1"]["d09"], 3, "not found"),
    )


def test_two_systems_of_one_run(runs, capsys):
    run = runs[0]
    app.app(args=["diff", f"{run}:bm25", f"{run}:file", "--collection", runs[2]], standalone_mode=False)
    out = capsys.readouterr().out
    assert "bm25 → file" in out
    settings = rows_after([line.split() for line in out.splitlines()], "Settings")
    assert ["k1", "1.2", "–"] in settings
    assert ["path", "–", "before.trec"] in settings


def test_without_the_collection_there_are_values_and_ids(runs, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app.app(args=["diff", *runs[:2], "file", "--query", "q1"], standalone_mode=False)
    shown = capsys.readouterr()
    assert shown.err.startswith(
        "without texts, titles and grades: collection folder tiny does not exist"
    )
    assert "d01" in shown.out


def test_a_collection_of_a_foreign_class_is_not_loaded(runs, capsys, tmp_path):
    """A record may come from anywhere: what its _target_ names must not run unasked."""
    copy = tmp_path / "copy"
    shutil.copytree(runs[1], copy)
    content = content_of(copy)
    content["config"]["collection"] = {"_target_": "os.mkdir", "path": str(tmp_path / "ran")}
    (copy / "record.json").write_text(json.dumps(content))
    app.app(args=["diff", runs[0], str(copy)], standalone_mode=False)
    assert not (tmp_path / "ran").exists()
    assert "allow it with --allow os" in capsys.readouterr().err


def test_a_changed_corpus_or_labels_are_not_shown_for_the_old(runs, capsys, tmp_path, refusal):
    other = write_beir(tmp_path / "other", qrels={**QRELS, "q1": {"d01": 1}})
    assert "the labels changed since the run" in refusal("diff", *runs[:2], "--collection", str(other))
    other = write_beir(tmp_path / "more", {**DOCUMENTS, "d13": ("New", "text")})
    assert "the corpus changed since the run" in refusal("diff", *runs[:2], "--collection", str(other))


def test_queries_that_now_ask_something_else_are_not_shown_for_the_old(runs, tmp_path, refusal):
    other = write_beir(tmp_path / "reworded")
    file = other / "queries.jsonl"
    file.write_text(file.read_text().replace('"text": "', '"text": "other '))
    said = refusal("diff", *runs[:2], "--collection", str(other))
    assert "the queries changed since the run; name a folder with the earlier queries" in said


def test_a_run_file_that_is_not_its_records_is_not_shown_beside_it(runs, refusal, tmp_path):
    changed = Path(shutil.copytree(runs[1], tmp_path / "changed"))
    file = changed / "file.trec"
    lines = [line.split() for line in file.read_text().splitlines() if not line.startswith("q1 ")]
    file.write_text(
        "".join(" ".join(line) + "\n" for line in [*lines, ["q1", "Q0", "d11", "1", "1.0", "x"]])
    )
    options = ("file", "--query", "q1", "--collection", str(runs[2]))
    assert "changed/file.trec gives nDCG@10 0.0000 for 'q1', and its record says" in refusal(
        "diff", runs[0], str(changed), *options
    )


def test_what_can_not_be_shown_is_refused(runs, refusal, tmp_path):
    one, other, _ = runs
    (tmp_path / "a.trec").write_text("q1 Q0 d01 1 1 x\n")
    for arguments, said in (
        ((one, "a.trec"), "a.trec is no run's folder"),
        ((one, "none"), "none is no run's folder"),
        ((one, other, "flie"), "no system 'flie'; did you mean 'file'?"),
        ((f"{one}:file", other, "file"), "leave ':SYSTEM' out"),
        ((one, other, "--query", "q9"), "no query 'q9'"),
        ((one, other, "--measure", "MAP"), "MAP was not measured"),
        ((one, one), "stands twice"),
    ):
        assert said in refusal("diff", *arguments), arguments
