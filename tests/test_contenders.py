"""What is compared was measured alike: the same depth, labels and query texts; what is not is said."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress

import numpy as np
import pytest
import typer
from conftest import content_of, only_run, write_beir
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.cli import app
from bench.collections.beir import BeirFolder
from bench.errors import BenchError
from bench.experiment.evaluate import plan_of
from bench.experiment.run import run_and_save
from bench.runs.contenders import gather


@pytest.fixture
def many(tmp_path):
    """2,500 documents, and three queries whose relevant ones are the first and d1900."""
    documents = {f"d{i:04d}": ("", f"text {i}") for i in range(2500)}
    queries = {f"q{i}": (f"text {i}", "topic") for i in (1, 2, 3)}
    qrels = {query: {"d0000": 1, "d1900": 1} for query in queries}
    return write_beir(tmp_path / "many", documents, queries, qrels)


RANKED = [f"d{i:04d}" for i in range(1, 2300)]  # d1900 at place 1900


def write_lists(file, docs, queries=("q1", "q2", "q3")):
    rows = [(query, doc, rank) for query in queries for rank, doc in enumerate(docs, 1)]
    file.write_text("".join(f"{query} Q0 {doc} {rank} {-rank} x\n" for query, doc, rank in rows))
    return str(file)


def means(found):
    """Measure → mean of each system."""
    rows = found.values.mean(axis=-1).T.tolist()
    return dict(zip(found.measures, rows, strict=True))


def test_run_files_are_measured_as_deep_as_a_measure_looks(many, tmp_path):
    test = BeirFolder(str(many)).load()
    found = write_lists(tmp_path / "found.trec", RANKED)
    missed = write_lists(tmp_path / "missed.trec", [d if d != "d1900" else "d2400" for d in RANKED])
    deep = gather([found, missed], test, ["Recall@2000", "Recall@1899"])
    assert means(deep) == {"Recall@2000": [0.5, 0], "Recall@1899": [0, 0]}
    assert deep.notes == ()
    assert means(gather([found, missed], test, ["MAP"]))["MAP"] == pytest.approx([1 / 1900 / 2, 0])


def test_run_files_of_different_depth_are_cut_to_the_shallower_and_it_is_said(many, tmp_path):
    test = BeirFolder(str(many)).load()
    deep = write_lists(tmp_path / "deep.trec", RANKED)
    shallow = write_lists(tmp_path / "shallow.trec", RANKED[:150])
    alike = gather([shallow, deep], test)
    assert all(one == other for one, other in means(alike).values())
    assert alike.notes == (f"{deep} has up to 2299 documents a query: cut to 150, as all are",)
    assert means(gather([shallow, deep], test, ["Recall@150"]))["Recall@150"] == [0, 0]
    for pair in ([shallow, deep], [deep, shallow]):
        with pytest.raises(
            BenchError, match=r"Recall@151 .*shallow.trec has at most 150 .*@150 or less"
        ):
            gather(pair, test, ["Recall@151"])


@pytest.mark.parametrize("measure", ["MAP", "nDCG", "MRR"])
def test_the_top_of_a_list_differs_from_all_of_it_in_no_measure_without_cut_off(many, tmp_path, measure):
    test = BeirFolder(str(many)).load()
    ranked = [f"d{i:04d}" for i in range(1890, 1990)]  # d1900 at place 11
    long = write_lists(tmp_path / "long.trec", ranked)
    short = write_lists(tmp_path / "short.trec", ranked[:10])
    assert means(gather([long, short], test, [measure]))[measure] == [0, 0]
    assert "Recall@10" in gather([long, short], test).measures
    found = gather([long, short], test)
    assert "Recall@20" not in found.measures
    assert f"{short} has at most 10" in " ".join(found.notes)


def test_a_complete_ranking_is_not_shallow_and_equal_depths_are_alike(tmp_path):
    test = BeirFolder(str(write_beir(tmp_path / "tiny"))).load()
    whole = [f"d{i:02d}" for i in range(1, 13)]
    every = write_lists(tmp_path / "every.trec", whole)
    # One query found all twelve, the others less: that is no cut.
    part = tmp_path / "part.trec"
    rows = [("q1", doc) for doc in whole] + [("q2", "d03"), ("q3", "d05")]
    part.write_text("".join(f"{q} Q0 {d} 1 {-n} x\n" for n, (q, d) in enumerate(rows)))
    found = gather([every, str(part)], test, ["MAP", "Recall@100"])
    assert found.values.shape == (2, 2, 4)
    top = [write_lists(tmp_path / f"{n}.trec", whole[n : n + 5]) for n in (0, 1)]
    assert gather(top, test, ["MAP", "Recall@100"]).notes[-1] == (
        "no file has more than 5 documents a query: Recall@100 looks no deeper"
    )


def test_a_run_file_beside_a_run_is_cut_to_its_depth_and_missing_queries_are_counted(
    bench, many, tmp_path
):
    file = write_lists(tmp_path / "own.trec", [*RANKED[:400], "d1900"], queries=("q1", "q3"))
    done = bench(
        "run", "collection=beir", f"collection.path={many}", "retriever=[bm25,runfile]",
        f"retrievers.runfile.path={file}", "depth=200", "output=out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = str(only_run(tmp_path / "out"))
    done = bench("compare", f"{run}:runfile", file, "--collection", str(many), "--out", "out.json")
    assert done.returncode == 0, done.stderr
    assert all(row["difference"] == 0 for row in json.loads((tmp_path / "out.json").read_text()))
    assert "own.trec gave no answer to 1 of 3 queries; they count as 0." in " ".join(done.stdout.split())
    assert done.stderr.splitlines() == [
        f"{file} has up to 401 documents a query: cut to 200, as all are",
    ]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three systems, two of them one by two names."""
    folder = tmp_path_factory.mktemp("contenders")
    bm25 = {"_target_": "bench.retrievers.bm25.BM25"}
    settings = {
        "collection": {
            "_target_": "bench.collections.beir.BeirFolder",
            "path": str(write_beir(folder / "tiny")),
        },
        "retrievers": {"bm25": bm25, "plain": {**bm25, "k1": 1.2}, "flat": {**bm25, "b": 0}},
        "measures": ["nDCG@10", "MAP"],
        "depth": 100,
        "seed": 0,
        "trec_header": False,
        "output": str(folder / "out"),
    }
    return run_and_save(settings)[1]


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("config", "depth"), 20, "keeps (20|100) documents a query and .* (20|100): .* with depth=20"),
        (("queries", "fingerprint"), "x", "asked other texts"),
        (("labels", "fingerprint"), "x", "other labels"),
    ],
)
def test_records_of_another_depth_texts_or_labels_are_refused(run, tmp_path, place, value, said):
    content = content_of(run)
    content[place[0]][place[1]] = value
    (tmp_path / "record.json").write_text(json.dumps(content))
    for pair in ([run, tmp_path], [tmp_path, run]):
        with pytest.raises(BenchError, match=said):
            gather(list(map(str, pair)), None)


def test_a_file_shallower_than_the_run_beside_it_is_not_tested_in_what_looks_deeper(run, tmp_path):
    test = BeirFolder(str(run.parent.parent / "tiny")).load()
    short = write_lists(tmp_path / "short.trec", [f"d{i:02d}" for i in range(1, 11)])
    for pair in ([f"{run}:flat", short], [short, f"{run}:flat"]):
        with pytest.raises(
            BenchError, match=r"MAP .*short.trec has at most 10 .*SYSTEM.trec"
        ) as refused:
            gather(pair, test, ["MAP"])
        assert "\n" not in str(refused.value)
        found = gather(pair, test)
        assert found.measures == ("nDCG@10",)
        assert any(note.startswith("MAP left out: ") for note in found.notes)
    whole = write_lists(tmp_path / "whole.trec", [f"d{i:02d}" for i in range(1, 13)])
    assert gather([f"{run}:flat", whole], test).measures == ("nDCG@10", "MAP")
    # Two files of the same system, one from the run's folder, are cut alike.
    both = gather([str(run / "flat.trec"), short], test, ["MAP"])
    assert both.measures == ("MAP",)


def test_run_files_are_measured_by_the_rules_of_the_collection(bench, tmp_path):
    # As in ArguAna: the query is a document, and stands first in its own answers.
    queries = {"d01": ("sparse retrieval", "topic"), "d05": ("graph search", "topic")}
    qrels = {"d01": {"d02": 1}, "d05": {"d06": 1}}
    folder = write_beir(tmp_path / "args", queries=queries, qrels=qrels)
    lists = {"d01": ("d01", "d02", "d07"), "d05": ("d05", "d06", "d07")}
    rows = [f"{q} Q0 {doc} 1 {-n} x\n" for q, docs in lists.items() for n, doc in enumerate(docs)]
    (tmp_path / "first.trec").write_text("".join(rows))
    done = bench(
        "run", "collection=beir", f"collection.path={folder}", "collection.ignore_identical_ids=true",
        "collection.complete=true", "retriever=[bm25,runfile]", "retrievers.runfile.path=first.trec",
        "measures=[P@1]", "depth=2", "output=out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = f"{only_run(tmp_path / 'out')}:runfile"
    compare = ("compare", run, "first.trec", "--collection", str(folder), "--measure", "P@1")
    assert "other labels" in bench(*compare).stderr
    done = bench(*compare, "--ignore-identical-ids", "--complete", "--out", "out.json")
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "out.json").read_text())[0]
    assert row["difference"] == 0
    test = BeirFolder(str(folder), ignore_identical_ids=True).load()
    found = gather([str(tmp_path / "first.trec")], test, ["P@1", "MRR@1"])
    assert means(found) == {"P@1": [1], "MRR@1": [1]}


@pytest.mark.parametrize("option", ["--complete", "--ignore-identical-ids"])
def test_the_rules_of_the_digest_are_fixed(refusal, option):
    said = refusal("compare", "a.trec", "b.trec", "--collection", "digest", option)
    assert f"leave {option} out" in said
    assert f"{option} is of --collection" in refusal("compare", "a", "b", option)


OF_FILES = (["--complete"], ["--ignore-identical-ids"], ["--relevant", "2"], ["--split", "nonsense"], [])


@pytest.mark.parametrize("options", OF_FILES, ids=str)
def test_what_run_files_are_measured_by_is_refused_beside_saved_runs(refusal, run, options):
    """A saved run has its values: what it was measured on can not be changed by a word."""
    runs = (f"{run}:bm25", f"{run}/record.json:flat")
    if options:
        assert f"{options[0]} is of --collection" in refusal("compare", *runs, *options)
    collection = ("--collection", str(run.parent.parent / "tiny"))
    said = refusal("compare", *runs, *collection, *options)
    assert "no run file is named" in said and "leave --collection out" in said


def test_the_name_of_a_system_behind_a_run_file_is_refused(run):
    test = BeirFolder(str(run.parent.parent / "tiny")).load()
    with pytest.raises(BenchError, match="is a run file, one system; leave ':bm52' out"):
        gather([f"{run / 'flat.trec'}:bm52"], test)
    assert gather([f"{run}/record.json:flat"], None).systems == ("flat",)


def test_one_system_by_two_names_is_said(run):
    same = "bm25 and plain are one system: equal settings, code, files and libraries"
    assert gather([str(run)], None).notes == (same,)


def test_the_querys_own_document_is_no_part_of_a_files_depth(tmp_path):
    """Three lines a query, one of which is the query: as deep as a file with two others."""
    queries = {"d01": ("sparse retrieval", "topic"), "d05": ("graph search", "topic")}
    qrels = {"d01": {"d02": 1, "d04": 1}, "d05": {"d06": 1}}
    folder = write_beir(tmp_path / "args", queries=queries, qrels=qrels)
    test = BeirFolder(str(folder), ignore_identical_ids=True).load()
    files = {
        "own.trec": {"d01": ("d01", "d02", "d07"), "d05": ("d05", "d06", "d07")},
        "none.trec": {"d01": ("d02", "d07"), "d05": ("d06", "d07")},
        "deep.trec": {"d01": ("d02", "d07", "d04"), "d05": ("d06", "d07", "d08")},
    }
    for name, lists in files.items():
        rows = [f"{q} Q0 {doc} 1 {-n} x\n" for q, docs in lists.items() for n, doc in enumerate(docs)]
        (tmp_path / name).write_text("".join(rows))
    own, none, deep = (str(tmp_path / name) for name in files)
    assert means(gather([own, none], test, ["MAP"]))["MAP"] == [0.75, 0.75]
    found = gather([own, deep], test, ["MAP"])
    assert means(found)["MAP"] == [0.75, 0.75]
    assert found.notes == (f"{deep} has up to 3 documents a query: cut to 2, as all are",)


def test_a_whole_list_is_not_cut_where_another_query_is_a_document(bench, tmp_path):
    (tmp_path / "qrels.txt").write_text("d1 0 d1 0\nd1 0 d2 1\nq2 0 d3 1\n")
    for name, orders in (("a", ("123", "123")), ("b", ("132", "132"))):
        rows = [
            f"{query} Q0 d{doc} {place} {10 - place} {name}\n"
            for query, order in zip(("d1", "q2"), orders, strict=True)
            for place, doc in enumerate(order, 1)
        ]
        (tmp_path / f"{name}.run").write_text("".join(rows))
    done = bench(
        "compare", "a.run", "b.run", "--qrels", "qrels.txt", "--ignore-identical-ids",
        "--measure", "MAP", "--out", "out.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "out.json").read_text())[0]
    assert [row["baseline_mean"], row["mean"]] == pytest.approx([(1 + 1 / 3) / 2, (1 / 2 + 1 / 2) / 2])
    assert "cut to" not in done.stdout + done.stderr


@settings(max_examples=30)
@given(st.data())
def test_map_of_whole_lists_is_that_of_the_lists_without_the_querys_own_document(tmp_path_factory, data):
    """Queries that are documents, and others; each file holds a query's own document or leaves it out."""
    folder = tmp_path_factory.mktemp("own")
    docs = [f"d{n}" for n in range(data.draw(st.integers(3, 7)))]
    asked = [*sorted(data.draw(st.sets(st.sampled_from(docs), min_size=1))), "q1", "q2"]
    qrels = {}
    for query in asked:
        others = st.sampled_from([doc for doc in docs if doc != query])
        qrels[query] = dict.fromkeys(data.draw(st.sets(others, min_size=1)), 1)
    queries = dict.fromkeys(asked, ("text", "topic"))
    beir = write_beir(folder / "c", {doc: ("", doc) for doc in docs}, queries, qrels)
    test = BeirFolder(str(beir), ignore_identical_ids=True).load()
    expected = []
    for name in ("a", "b"):
        keeps_own = data.draw(st.booleans())
        values, lines = {}, []
        for query in asked:
            order = [d for d in data.draw(st.permutations(docs)) if keeps_own or d != query]
            lines += [f"{query} Q0 {doc} 1 {-n} x\n" for n, doc in enumerate(order)]
            hits = np.array([doc in qrels[query] for doc in order if doc != query])
            precisions = hits.cumsum() / np.arange(1, len(hits) + 1)
            values[query] = precisions[hits].sum() / len(qrels[query])
        (folder / f"{name}.trec").write_text("".join(lines))
        expected.append([values[query] for query in test.queries.ids])
    found = gather([str(folder / "a.trec"), str(folder / "b.trec")], test, ["MAP"])
    assert found.values[:, 0].tolist() == [pytest.approx(row) for row in expected]


def test_a_shallow_run_file_inside_a_run_is_said_where_others_are_deeper(run, tmp_path, capsys):
    settings = {**content_of(run)["config"]}
    settings["collection"] = {**settings["collection"], "path": str(run.parent.parent / "tiny")}
    bm25 = settings["retrievers"]["bm25"]  # finds three documents of twelve at most

    def lists(n):
        path = write_lists(tmp_path / f"{n}.trec", [f"d{i:02d}" for i in range(1, n + 1)])
        return {"_target_": "bench.retrievers.runfile.RunFile", "path": path}

    for length, other, deepest in (
        (2, bm25, 3), (3, bm25, None), (10, bm25, None),
        (10, lists(10), None), (10, lists(11), 11), (10, lists(12), 12),
    ):  # fmt: skip
        measures = "nDCG@10, MAP" if length < 10 else "MAP"
        said = (
            f"file has at most {length} documents a query, and others up to {deepest}: {measures} may "
            "look deeper in the others"
        )
        notes = (said,) if deepest else ()
        settings |= {
            "retrievers": {"other": other, "file": lists(length)},
            "output": str(tmp_path / "out"),
        }
        mixed = str(run_and_save(settings)[1])
        assert tuple(line for line in capsys.readouterr().err.splitlines() if "deeper" in line) == notes
        found = gather([mixed], None).notes
        assert tuple(note for note in found if "deeper" in note) == notes
        assert gather([f"{mixed}:other"], None).notes == ()
    file = lists(10)
    settings["retrievers"] = {"bm25": bm25, "file": file}
    whole = write_lists(tmp_path / "whole.trec", [f"d{i:02d}" for i in range(1, 13)])
    settings["retrievers"]["file"] = {**file, "path": whole}
    settings["measures"] = ["MAP", "Recall@100"]
    assert gather([str(run_and_save(settings)[1])], None).notes == ()


def test_what_a_run_file_says_against_itself_is_said_in_one_line(many, tmp_path, capsys):
    test = BeirFolder(str(many)).load()
    lines = {
        "fine": ["q1 Q0 d0001 1 3 x", "q1 Q0 d0002 2 2 x", "q2 Q0 d0003 1 1 x", "q3 Q0 d0001 a 1 x"],
        "against": ["q1 Q0 d0001 1 2 x", "q1 Q0 d0002 2 3 x", "q2 Q0 d0003 1 1 x"],
        "equal": ["q1 Q0 d0001 1 2 x", "q1 Q0 d0002 2 2 x", "q2 Q0 d0003 1 1 x"],
        "one_equal": [
            "q1 Q0 d0001 1 2 x",
            "q1 Q0 d0002 2 2 x",
            "q2 Q0 d0001 1 2 x",
            "q2 Q0 d0002 2 1 x",
        ],
        "most_single": [
            "q1 Q0 d0001 1 2 x",
            "q1 Q0 d0002 2 2 x",
            "q2 Q0 d0003 1 1 x",
            "q3 Q0 d0003 1 1 x",
        ],
        "same_rank": ["q1 Q0 d0001 0 2 x", "q1 Q0 d0002 0 3 x", "q1 Q0 d0003 0 1 x"],
        "reversed": ["q1 Q0 d0002 2 2 x", "q1 Q0 d0001 1 3 x"],
    }
    said = {}
    for name, rows in lines.items():
        (tmp_path / name).write_text("\n".join(rows) + "\n")
        gather([str(tmp_path / name)], test, ["P@1"])
        said[name] = capsys.readouterr().err
    for name in ("fine", "same_rank", "reversed", "one_equal", "most_single"):
        assert said[name] == "", name
    rule = "scores alone decide, as in trec_eval"
    where = f"{tmp_path}/"
    assert (
        said["against"]
        == f"{where}against: scores contradict the rank column in 1 of 2 queries; {rule}\n"
    )
    assert said["equal"] == (
        f"{where}equal: all scores of a query are equal, in every query; {rule}, and equal ones fall by "
        "document id, descending\n"
    )


@pytest.mark.parametrize("command", ["compare", "gate"])
def test_a_measure_is_tested_once_and_judged_never(refusal, run, command):
    rest = (f"{run}:bm25", f"{run}:flat") if command == "compare" else (str(run), "--baseline", str(run))
    said = refusal(command, *rest, "--measure", "MAP", "--measure", "MAP")
    assert "--measure names a measure twice; name each once" in said
    said = refusal(command, *rest, "--measure", "Judged@10")
    assert "Judged@10: what share of a ranking was judged is no quality" in said


@pytest.mark.parametrize(
    "changes", [{"measures": ["Judged@10", "MAP"]}, {"evidence": {"measures": ["MAP", "Judged@10"]}}]
)
def test_what_was_judged_is_no_primary_measure_and_in_no_family(run, changes):
    settings = {"measures": ["MAP", "Judged@10"], "retrievers": {"a": {}, "b": {}}, **changes}
    with pytest.raises(BenchError, match="Judged@10: what share"):
        plan_of(settings)
    assert plan_of({**settings, "measures": ["MAP", "Judged@10"], "evidence": {}}).measures == ("MAP",)


@pytest.mark.parametrize("named", ["", "/record.json"])
def test_the_gate_counts_reranked_queries_by_folder_and_by_record(run, tmp_path, named):
    """One query's first two documents change places in the run file."""
    other = tmp_path / "other"
    shutil.copytree(run, other)
    lines = (other / "flat.trec").read_text().splitlines(keepends=True)
    first, second = lines[0].split(), lines[1].split()
    assert first[0] == second[0]
    first[2], second[2] = second[2], first[2]
    (other / "flat.trec").write_text(
        "".join([*(" ".join(x) + "\n" for x in (first, second)), *lines[2:]])
    )
    with suppress(SystemExit, typer.Exit):
        app.app(
            ["gate", f"{other}{named}", "--baseline", str(run), "--json", str(tmp_path / "gate.json")],
            standalone_mode=False,
        )
    found = json.loads((tmp_path / "gate.json").read_text())
    assert {row["system"]: row["reranked"] for row in found["findings"]} == {
        "bm25": 0, "plain": 0, "flat": 1,
    }  # fmt: skip


def test_a_runs_own_files_may_have_equal_scores_in_every_query(tmp_path, monkeypatch, capsys):
    """On few documents most queries find one, or such as score alike: no news of one's own run."""
    monkeypatch.chdir(tmp_path)
    documents = {"d1": ("", "graph"), "d2": ("", "graph"), "d3": ("", "music"), "d4": ("", "words")}
    asked = {"q1": ("graph", "topic"), "q2": ("graph", "topic")}
    write_beir(tmp_path / "c", documents, asked, {q: {"d1": 1} for q in asked})
    on = ("collection=beir", "collection.path=c", "retriever=[bm25]", "output=out")
    app._command(["run", *on])
    made = only_run(tmp_path / "out")
    scores = [line.split()[4] for line in (made / "bm25.trec").read_text().splitlines()]
    assert len(scores) == 4
    assert len(set(scores)) == 1
    capsys.readouterr()
    for arguments in (
        ("gate", str(made), "--baseline", str(made)),
        ("verify", str(made)),
        ("diff", str(made), str(shutil.copytree(made, tmp_path / "copy")), "--query", "q1"),
    ):
        app._command(list(arguments))
        assert "equal" not in capsys.readouterr().err, arguments


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """A collection whose queries have a set and a kind, and a run by each."""
    folder = tmp_path_factory.mktemp("grouped")
    texts = ["retrieval of documents", "small graph model", "documents of retrieval"] * 4
    queries = {f"q{i}": (text, f"s{i % 2}") for i, text in enumerate(texts)}
    write_beir(folder / "tiny", queries=queries, qrels={q: {"d12": 2, "d05": 1} for q in queries})
    lines = map(json.loads, (folder / "tiny" / "queries.jsonl").read_text().splitlines())
    rows = [
        row | {"metadata": row["metadata"] | {"kind": "ab"["graph" in row["text"]]}} for row in lines
    ]
    (folder / "tiny" / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    bm25 = {"_target_": "bench.retrievers.bm25.BM25"}

    def run_by(key):
        collection = {"_target_": "bench.collections.beir.BeirFolder", "path": str(folder / "tiny")}
        return run_and_save(
            {
                "collection": collection | {"group_by": key},
                "retrievers": {"bm25": bm25, "flat": {**bm25, "b": 0}},
                "measures": ["nDCG@2", "MRR@1"],
                "depth": 100,
                "seed": 0,
                "trec_header": False,
                "output": str(folder / key),
            }
        )[1]

    return folder / "tiny", run_by("set"), run_by("kind")


def test_a_run_file_is_compared_by_the_query_sets_of_the_run_beside_it(grouped, bench, tmp_path):
    """It has none of its own, so it is compared as the system that it was copied from."""
    collection, *runs = grouped
    rows, said = {}, {}
    for run in runs:
        by = run.parent.name
        file = shutil.copy(run / "flat.trec", tmp_path / f"{by}.trec")
        for second, more in ((f"{run}:flat", ()), (str(file), ("--collection", str(collection)))):
            out = f"{by}-{len(more)}.json"
            done = bench("compare", f"{run}:bm25", second, "--measure", "nDCG@2", "--out", out, *more)
            assert done.returncode == 0, done.stderr
            (row,) = json.loads((tmp_path / out).read_text())
            del row["system"], row["baseline"], row["notes"]  # these have its name
            rows.setdefault(by, []).append(row)
            said[by] = done.stderr.splitlines()
    for one, other in rows.values():
        assert one == other
    assert rows["set"] != rows["kind"]
    file, run = tmp_path / "kind.trec", runs[1]
    assert said["set"] == []
    assert said["kind"] == [
        f"{file} is compared by the query sets of {run}:bm25, which are not the collection's own"
    ]


def test_a_run_file_is_first_and_takes_the_sets_of_the_run_all_the_same(grouped, tmp_path):
    collection, of_sets, of_kinds = grouped
    file = str(shutil.copy(of_kinds / "flat.trec", tmp_path / "own.trec"))
    test = BeirFolder(str(collection)).load()
    asked = ["nDCG@2"]
    found = gather([file, str(of_kinds)], test, asked)
    assert found.sets == gather([str(of_kinds)], None).sets != tuple(test.queries.sets)
    assert gather([file], test, asked).sets == tuple(test.queries.sets)
    with pytest.raises(BenchError, match="other sets"):
        gather([file, str(of_sets), str(of_kinds)], test, asked)


def test_runs_by_other_sets_are_refused_with_a_remedy_that_helps(grouped, bench):
    collection, of_sets, of_kinds = grouped
    done = bench("compare", str(of_sets), str(of_kinds))
    assert done.returncode == 2
    assert done.stderr == (
        f"bench: {of_kinds} has its queries in other sets than {of_sets}; run it again with the "
        "collection.group_by of the other, or name its SYSTEM.trec in its place, with --collection\n"
    )
    files = (f"{of_kinds}/flat.trec", "--collection", str(collection), "--measure", "nDCG@2")
    done = bench("compare", str(of_sets), *files)
    assert done.returncode == 0, done.stderr
