"""`bench split` divides judged queries into dev and test, each set alike, and loses no judgement."""

from __future__ import annotations

import itertools
import shutil
import threading

import pytest
from conftest import DOCUMENTS, write_beir

from bench.cli import app
from bench.collections import splits
from bench.collections.beir import BeirFolder
from bench.collections.splits import divide
from bench.errors import BenchError
from bench.storage.files import write_text

SETS = {f"q{i:02d}": ("topic" if i < 20 else "question") for i in range(30)}
QRELS = {query: {"d01": 2, f"d{1 + i % 11:02d}": 1} for i, query in enumerate(SETS)}
N_JUDGED = sum(map(len, QRELS.values()))


@pytest.fixture
def thirty(tmp_path):
    queries = {query: (f"text {query}", group) for query, group in SETS.items()}
    return write_beir(tmp_path / "thirty", DOCUMENTS, queries, QRELS)


def queries_of(folder, split):
    test = BeirFolder(str(folder), split=split).load()
    return dict(zip(test.queries.ids, test.queries.sets, strict=True)), test.qrels.grades


def test_every_set_is_divided_alike_and_nothing_is_lost(thirty, capsys):
    app.app(args=["split", str(thirty)], standalone_mode=False)
    said = capsys.readouterr().out
    assert "12 dev and 18 test queries (seed 0, within each of 2 query sets)" in said
    assert said.endswith("\nFewer than 15 queries hardly tell settings or systems apart; label more.\n")
    dev, dev_grades = queries_of(thirty, "dev")
    test, test_grades = queries_of(thirty, "test")
    assert sorted(dev.values()) == ["question"] * 4 + ["topic"] * 8
    assert not dev.keys() & test.keys()
    assert {**dev, **test} == SETS
    assert {**dev_grades, **test_grades} == QRELS
    assert queries_of(thirty, "all")[1] == QRELS


def test_parts_of_fifteen_are_not_called_few(thirty, capsys):
    app.app(args=["split", str(thirty), "--dev", "0.5"], standalone_mode=False)
    said = capsys.readouterr().out
    assert said.startswith("15 dev and 15 test queries")
    assert "Fewer" not in said


def test_a_seed_decides_and_a_division_stays_unless_forced(thirty, refusal):
    divide(thirty)
    before = queries_of(thirty, "dev")
    assert "is divided; add --force" in refusal("split", str(thirty), "--seed", "5")
    assert queries_of(thirty, "dev") == before
    divide(thirty, again=True)
    assert queries_of(thirty, "dev") == before
    divide(thirty, seed=5, again=True)
    assert queries_of(thirty, "dev")[0].keys() != before[0].keys()
    divide(thirty, 0.1, again=True)
    assert len(queries_of(thirty, "dev")[0]) == 3
    assert queries_of(thirty, "all")[1] == QRELS


def test_a_division_that_was_killed_between_its_files_is_made_good(thirty):
    whole = (thirty / "qrels" / "test.tsv").read_bytes()
    divide(thirty)
    dev = (thirty / "qrels" / "dev.tsv").read_bytes()
    (thirty / "qrels" / "test.tsv").write_bytes(whole)  # as it was before it was made smaller
    divide(thirty, again=True)
    assert (thirty / "qrels" / "dev.tsv").read_bytes() == dev
    assert queries_of(thirty, "all")[1] == QRELS
    (thirty / "qrels" / "test.tsv").write_bytes(whole.replace(b"\td01\t2", b"\td01\t3"))
    with pytest.raises(BenchError, match=r"has other grades in dev\.tsv"):
        divide(thirty, again=True)


@pytest.mark.parametrize(("again", "written"), [(False, 1), (True, 1), (True, 2)])
def test_wherever_a_division_is_killed_all_is_in_test_and_the_next_one_ends_it(
    thirty, monkeypatch, again, written
):
    if again:
        divide(thirty)
    done = []

    def write(file, *args, **options):
        if len(done) == written:
            raise KeyboardInterrupt
        done.append(file)
        write_text(file, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr("bench.collections.splits.write_text", write)
        with pytest.raises(KeyboardInterrupt):
            divide(thirty, seed=5, again=again)
    assert len((thirty / "qrels" / "test.tsv").read_text().splitlines()) == 1 + N_JUDGED
    with pytest.raises(BenchError, match=r"is in qrels/dev\.tsv as well"):
        queries_of(thirty, "test")
    divide(thirty, seed=5)  # without force: it is not divided
    assert queries_of(thirty, "all")[1] == QRELS
    assert len(queries_of(thirty, "dev")[0]) == 12


def test_a_query_in_dev_and_test_is_refused_whichever_is_read(thirty, refusal):
    qrels = thirty / "qrels"
    first = next(iter(QRELS))
    (qrels / "dev.tsv").write_text(f"query-id\tcorpus-id\tscore\n{first}\td01\t2\n")
    run = ("run", "retriever=bm25", "collection=beir", f"collection.path={thirty}", "output=out")
    for split, other in (("dev", "test"), ("test", "dev")):
        said = refusal(*run, f"collection.split={split}")
        assert f"qrels/{split}.tsv: query '{first}' is in qrels/{other}.tsv as well (1 such)" in said
        assert f"bench split {thirty} --force" in said
    # What is wrong in the file that is not measured is no matter of this run.
    (qrels / "dev.tsv").write_text("nonsense\n")
    assert queries_of(thirty, "test")[1] == QRELS


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("shared", [False, True])
def test_two_who_divide_at_once_lose_no_query(thirty, tmp_path, monkeypatch, nth, shared):
    """The second one comes while the first one writes its n-th file. `shared`: to another collection,
    which has the same labels by a link."""
    divide(thirty)
    other = thirty
    if shared:
        other = tmp_path / "other"
        shutil.copytree(thirty, other, ignore=shutil.ignore_patterns("qrels"))
        (other / "qrels").symlink_to(thirty / "qrels")
    second = threading.Thread(target=divide, args=(other, 0.2), kwargs={"seed": 5, "again": True})
    count = itertools.count(1)

    def meanwhile(path, text, **keep):
        if threading.current_thread() is not second and next(count) == nth:
            second.start()
            second.join(0.5)  # it is done by then, or waits for the first one
        write_text(path, text, **keep)

    monkeypatch.setattr(splits, "write_text", meanwhile)
    divide(thirty, 0.5, seed=7, again=True)
    second.join()
    assert len(queries_of(thirty, "dev")[0]) == 6  # it came last
    assert queries_of(thirty, "all")[1] == QRELS


def test_labels_that_lie_in_the_folder_of_the_collection_by_a_link_are_divided(thirty):
    (thirty / "qrels" / "test.tsv").rename(thirty / "labels.tsv")
    (thirty / "qrels" / "test.tsv").symlink_to("../labels.tsv")
    second = threading.Thread(target=divide, args=(thirty,), daemon=True)
    second.start()
    second.join(20)
    assert not second.is_alive()  # it waited for itself
    assert queries_of(thirty, "all")[1] == QRELS


def test_a_copied_file_is_no_division(thirty):
    (thirty / "qrels" / "dev.tsv").write_bytes((thirty / "qrels" / "test.tsv").read_bytes())
    divide(thirty)
    assert len(queries_of(thirty, "dev")[0]) == 12
    assert queries_of(thirty, "all")[1] == QRELS


def test_what_can_not_be_divided_is_said(thirty, tmp_path, refusal):
    assert "give 0 dev and 30 test queries" in refusal("split", str(thirty), "--dev", "0.01")
    (thirty / "qrels" / "test.tsv").rename(thirty / "qrels" / "train.tsv")
    assert "has no qrels/test.tsv to divide; it has train.tsv: rename one" in refusal(
        "split", str(thirty)
    )
    assert "none does not exist" in refusal("split", str(tmp_path / "none"))
    assert "has no qrels/test.tsv to divide; make one first" in refusal("split", str(tmp_path))
    (thirty / "qrels" / "train.tsv").rename(thirty / "qrels" / "test.tsv")
    queries = thirty / "queries.jsonl"
    queries.write_text(queries.read_text().replace('"set":', '"split": "test", "set":', 1))
    assert "names the split of 1 queries itself" in refusal("split", str(thirty))
    assert [file.name for file in (thirty / "qrels").iterdir()] == ["test.tsv"]


def test_tuning_finds_what_was_divided(thirty, bench):
    divide(thirty)
    done = bench(
        "tune", "retriever=bm25", "collection=beir", f"collection.path={thirty}",
        "retrievers.bm25.k1=0.9,1.2", "tune.space.b=[0.5,0.75]", "tune.folds=2", "output=out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
