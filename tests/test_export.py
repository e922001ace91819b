"""Other tools read the digest folder and what `bench export` writes."""

from __future__ import annotations

import csv
import json
import re
import resource
import subprocess
import sys

import pytest
from conftest import DOCUMENTS, QRELS, QUERIES, ROOT, write_beir

from bench.collections.beir import digest

FOLDER = ROOT / "qrels" / "digest"


def beir_load(split):
    """The rules of the three readers of BEIR 2.2.0's GenericDataLoader, restated.

    The package itself would bring datasets and pyarrow, which sentence-transformers then imports too.
    """
    corpus = {}
    for line in (FOLDER / "corpus.jsonl").read_text(encoding="utf8").splitlines():
        row = json.loads(line)
        corpus[row.get("_id")] = {"text": row.get("text"), "title": row.get("title")}
    queries = {}
    for line in (FOLDER / "queries.jsonl").read_text(encoding="utf8").splitlines():
        row = json.loads(line)
        queries[row.get("_id")] = row.get("text")
    qrels: dict[str, dict[str, int]] = {}
    with (FOLDER / "qrels" / f"{split}.tsv").open(encoding="utf-8") as file:
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_MINIMAL)
        next(reader)
        for row in reader:
            qrels.setdefault(row[0], {})[row[1]] = int(row[2])
    return corpus, {query: queries[query] for query in qrels}, qrels


@pytest.mark.parametrize("split", ["dev", "test"])
def test_beirs_loader_gets_the_same_corpus_queries_and_qrels(split):
    ours = digest(split).load()
    corpus, queries, qrels = beir_load(split)
    ids = ours.collection.ids(range(len(ours.collection)))
    assert list(corpus) == ids
    for field in ("title", "text"):
        texts = ours.collection.texts(range(len(ids)), (field,))
        assert texts == [corpus[doc][field] for doc in ids]
    assert queries == dict(zip(ours.queries.ids, ours.queries.texts, strict=True))
    assert qrels == ours.qrels.grades


def read_topics(text):
    pattern = r"<top>\n<num> Number: (\S+)\n<title> (.*)\n(?:<narr> Narrative:\n(.*)\n)?</top>\n"
    return {number: (title, narrative) for number, title, narrative in re.findall(pattern, text)}


def test_the_digest_is_exported_with_every_pair(bench, tmp_path):
    done = bench("export", "--trec", "--out", "out")
    assert done.returncode == 0, done.stderr
    topics = read_topics((tmp_path / "out" / "topics.all.txt").read_text())
    rows = [json.loads(line) for line in (FOLDER / "queries.jsonl").read_text().splitlines()]
    assert topics == {row["_id"]: (row["text"], row["metadata"]["narrative"]) for row in rows}
    lines = [line.split() for line in (tmp_path / "out" / "qrels.all.txt").read_text().splitlines()]
    assert len(lines) == 125 * len(rows)
    graded: dict[str, dict[str, int]] = {}
    for query, iteration, doc, grade in lines:
        assert iteration == "0"
        if grade != "0":
            graded.setdefault(query, {})[doc] = int(grade)
    assert graded == digest("all").load().qrels.grades


def test_an_incomplete_collection_is_exported_as_it_was_judged(bench, tmp_path):
    folder = write_beir(tmp_path / "tiny", queries={**QUERIES, "q1": ("a <b> c", "topic")})
    assert bench("export", str(folder), "--trec", "--split", "test").returncode == 0
    lines = (tmp_path / "trec" / "qrels.test.txt").read_text().splitlines()
    assert len(lines) == sum(map(len, QRELS.values()))
    assert read_topics((tmp_path / "trec" / "topics.test.txt").read_text())["q1"] == ("a  b  c", "")
    assert bench("export", str(folder), "--trec", "--complete").returncode == 0
    lines = (tmp_path / "trec" / "qrels.all.txt").read_text().splitlines()
    assert len(lines) == len(QUERIES) * len(DOCUMENTS)


def test_export_needs_a_format(bench):
    done = bench("export")
    assert done.returncode == 2
    assert done.stderr == "bench: no format chosen; add --trec for TREC topics and qrels\n"


@pytest.mark.parametrize(("mark", "n"), [("plain", 0), ("a < b", 1)])
def test_topics_changed_for_their_angle_brackets_are_counted(bench, tmp_path, mark, n):
    queries = {**QUERIES, "q3": (f"nearest {mark} graph", "topic")}
    write_beir(tmp_path / "c", queries=queries)
    done = bench("export", "c", "--trec", "--out", "out")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if "angle brackets" in line]
    wanted = "angle brackets became spaces in the topics or narratives of 1 of 4 queries, first in 'q3'"
    assert said == [wanted] * n


@pytest.mark.parametrize(("limit", "file"), [(500, "topics.all.txt"), (1_000_000, "qrels.all.txt")])
def test_where_the_disk_is_full_the_file_is_named(tmp_path, limit, file):
    done = subprocess.run(
        [sys.executable, "-m", "bench", "export", "--trec", "--out", "out"],
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"bench: cannot write out/{file}: File too large; free some space\n"
    assert not (tmp_path / "out" / file).exists()
