"""One writer: what stands in the place of an output is followed, written into, kept or refused."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT
from test_collections import ABSTRACT, page

from bench.cli import app
from bench.errors import BenchError
from bench.labelling.passes import ToJudge
from bench.labelling.settling import write_labels
from bench.storage import earlier
from bench.storage.earlier import alone, keep_earlier
from bench.storage.files import check_file, read_lines, whole_file, write_json_lines, write_text

BASELINE = str(ROOT / "results" / "baseline")


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_link_stays_and_what_it_points_to_is_written_however_often(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/target")
    for text in ("one", "two"):
        write_text(tmp_path / "link", text, keep=False)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "real" / "target").read_text() == text
    assert names(tmp_path / "real") == ["target"]


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "through")
    reader.join()
    assert got == ["through"]
    assert pipe.is_fifo()
    assert names(tmp_path) == ["pipe"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_no_device_is_replaced_as_root(tmp_path):
    node = tmp_path / "null"
    try:
        os.mknod(node, 0o666 | 0o020000, os.makedev(1, 3))
        node.write_text("")
    except PermissionError:
        pytest.skip("this machine lets not even root make devices")
    write_text(node, "gone")
    assert node.is_char_device()


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_standard_output_gets_the_text_and_nothing_else(capfd, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_text(Path(name), "said\n")
    assert capfd.readouterr().out == "said\n"
    assert names(tmp_path) == []


def test_what_an_open_log_holds_is_not_cut_off(tmp_path, bench):
    """`2> log` with an output that is the log itself."""
    done = bench("gate", BASELINE, "--baseline", BASELINE, "--json", "/dev/stderr")
    assert done.returncode == 0
    assert json.loads(done.stderr[: done.stderr.rindex("}") + 1])


@pytest.mark.parametrize("option", ["--json", "--junit", "--summary"])
def test_a_report_on_standard_output_stands_there_alone(capfd, option):
    with pytest.raises(SystemExit):
        sys_argv(["gate", BASELINE, "--baseline", BASELINE, option, "-"])
    said = capfd.readouterr()
    assert "Passes when" in said.err
    assert said.out[0] in "{<#*"
    if option == "--json":
        json.loads(said.out)


def sys_argv(arguments):
    kept, sys.argv = sys.argv, ["bench", *arguments]
    try:
        app.main()
    finally:
        sys.argv = kept


def test_compare_and_agree_write_to_standard_output_too(capfd):
    with pytest.raises(SystemExit) as left:
        sys_argv(["compare", BASELINE, "--out", "-"])
    said = capfd.readouterr()
    assert left.value.code == 0
    assert said.out.startswith(("#", "*", "|"))
    assert said.err


def test_an_earlier_file_is_kept_under_a_number_and_said(tmp_path, capsys):
    file = tmp_path / "corpus.jsonl"
    for n in range(4):
        write_json_lines(file, [{"_id": str(n)}])
    assert names(tmp_path) == ["corpus.jsonl", *(f"corpus.jsonl.bak{n}" for n in ("", "2", "3"))]
    kept = [json.loads((tmp_path / name).read_text())["_id"] for name in names(tmp_path)]
    assert kept == ["3", "0", "1", "2"]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"bench: the earlier {file} is kept as corpus.jsonl.bak"
    assert len(said) == 3


def test_the_same_text_again_keeps_nothing(tmp_path, capsys):
    for _ in range(3):
        write_text(tmp_path / "a.md", "same")
    assert names(tmp_path) == ["a.md"]
    assert capsys.readouterr().err == ""


def test_where_there_are_no_hard_links_a_copy_is_kept(tmp_path, monkeypatch):
    def no_links(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", no_links)
    for text in "abc":
        write_text(tmp_path / "f", text)
    assert [(tmp_path / name).read_text() for name in names(tmp_path)] == ["c", "a", "b"]


def test_an_earlier_file_keeps_its_mode(tmp_path):
    file = tmp_path / "secret.json"
    write_text(file, "1")
    file.chmod(0o600)
    write_text(file, "2")
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_can_not_be_written_is_one_line(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for path, says in (
        (tmp_path / "folder", "it is a folder; name a file"),
        (tmp_path / ("x" * 300), "File name too long"),
        (tmp_path / ("d" * 300) / "x", "File name too long"),
        (tmp_path / "file" / "below", "cannot write"),
        (Path("/proc/bench.json"), "cannot write /proc/bench.json: "),
    ):
        for act in (check_file, lambda path: write_text(path, "text")):
            with pytest.raises(BenchError, match=re.escape(says)):
                act(path)
    assert names(tmp_path) == ["file", "folder", "loop"]
    assert names(tmp_path / "folder") == []


def test_a_name_of_the_greatest_length_is_written(tmp_path):
    longest = tmp_path / ("x" * 255)
    write_text(longest, "text")
    assert longest.read_text() == "text"


def test_trying_a_place_makes_nothing(tmp_path):
    check_file(tmp_path / "a" / "b" / "c.json")
    assert names(tmp_path) == []


def test_a_block_that_fails_leaves_the_earlier_file_and_nothing_beside(tmp_path):
    write_text(tmp_path / "f", "old")
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "f") as part:
        part.write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f").read_text() == "old"


def test_leftovers_of_a_killed_writer_are_swept_by_the_next_when_they_are_old(tmp_path):
    for name, age in (("old.tex", 2), ("new.tex", 0)):
        file = tmp_path / f".bench-part-{name}"
        file.touch()
        os.utime(file, (time.time() - age * 86400,) * 2)
    (tmp_path / ".hidden").touch()
    os.utime(tmp_path / ".hidden", (0, 0))
    write_text(tmp_path / "f", "text")
    assert names(tmp_path) == [".bench-part-new.tex", ".hidden", "f"]


def test_a_pipe_is_no_input(tmp_path):
    os.mkfifo(tmp_path / "corpus.jsonl")
    for pipe in (tmp_path / "corpus.jsonl", Path("/dev/zero")):
        with pytest.raises(BenchError, match="it is a pipe or a device"):
            list(read_lines(pipe))


# Each command.


@pytest.mark.parametrize(
    "arguments",
    [
        ("gate", BASELINE, "--baseline", BASELINE, "--json", "there"),
        ("gate", BASELINE, "--baseline", BASELINE, "--junit", "there"),
        ("gate", BASELINE, "--baseline", BASELINE, "--summary", "there"),
        ("compare", BASELINE, "--out", "there.md"),
        ("compare", BASELINE, "--out", f"{'x' * 300}.md"),
        ("gate", BASELINE, "--baseline", BASELINE, "--json", "x" * 300),
        ("agree", "tiny", "--out", "there"),
        ("export", "tiny", "--trec", "--split", "test", "--out", "full"),
        ("ingest", "page.txt", "--out", "full"),
        ("ingest", "page.txt", "--out", "a-file"),
    ],
    ids=lambda arguments: " ".join(arguments)[-40:],
)
def test_an_output_that_can_not_be_is_refused_before_anything_is_computed(
    refusal, beir, tmp_path, arguments
):
    (tmp_path / "there").mkdir()
    (tmp_path / "there.md").mkdir()
    (tmp_path / "a-file").touch()
    for name in ("topics.test.txt", "corpus.jsonl"):
        (tmp_path / "full" / name).mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    assert refusal(*arguments).startswith("cannot write ")
    assert sorted(tmp_path.rglob("*")) == before


def test_ingest_keeps_the_corpus_that_was_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    saved_page = page(tmp_path, "A", ABSTRACT)
    (tmp_path / "corpus.jsonl").write_text("mine\n")
    app.app(args=["ingest", str(saved_page), "--out", "."], standalone_mode=False)
    assert (tmp_path / "corpus.jsonl.bak").read_text() == "mine\n"
    assert "is kept as corpus.jsonl.bak" in capsys.readouterr().err


def test_settled_labels_keep_the_labels_that_were_there(beir, capsys):
    file = beir / "qrels" / "test.tsv"
    before = file.read_text()
    write_labels(ToJudge.load(beir), {("q1", "d01"): 1})
    assert "q1\td01\t1\n" in file.read_text()
    assert (beir / "qrels" / "test.tsv.bak").read_text() == before
    assert "is kept as test.tsv.bak" in capsys.readouterr().err
    # and what is kept is no split
    assert ToJudge.load(beir).labels().queries.splits == ("test",) * 4
    write_labels(ToJudge.load(beir), {("q1", "d01"): 1})
    assert names(beir / "qrels") == ["test.tsv", "test.tsv.bak"]


def test_a_report_keeps_what_was_there(saved, tmp_path):
    (tmp_path / "summary.md").write_text("my own\n")
    app.app(args=["report", str(saved), "--out", str(tmp_path)], standalone_mode=False)
    assert (tmp_path / "summary.md.bak").read_text() == "my own\n"
    run = shutil.copytree(saved, tmp_path / "run")
    (run / "summary.md").write_text("edited\n")
    app.app(args=["report", str(run)], standalone_mode=False)
    assert names(run) == sorted([*names(saved), "summary.md.bak"])


def test_a_corpus_that_is_a_pipe_is_refused_at_once(refusal, beir):
    (beir / "corpus.jsonl").unlink()
    os.mkfifo(beir / "corpus.jsonl")
    for command in (
        ("run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out"),
        ("export", str(beir), "--trec", "--split", "test"),
    ):
        assert "pipe" in refusal(*command)


@pytest.mark.parametrize(
    "arguments",
    [
        ("gate", "x" * 300),
        ("gate", BASELINE, "--baseline", "x" * 300),
        ("gate", BASELINE, "--baseline", "x" * 300, "--update"),
        ("compare", f"{'x' * 300}.trec", "--collection", "digest"),
        ("verify", "x" * 300),
        ("report", "x" * 300),
        ("report", BASELINE, "--out", "x" * 300),
        ("agree", "x" * 300),
        ("judge", "x" * 300, "--assessor", "ann"),
        ("export", "x" * 300, "--trec"),
        ("ingest", "x" * 300, "--out", "o"),
        ("run", f"output={'x' * 300}"),
        ("tune", "retriever=bm25", f"output={'x' * 300}"),
        ("run", "retriever=[runfile]", f"retrievers.runfile.path={'x' * 300}", "output=o"),
    ],
    ids=" ".join,
)
def test_a_name_that_no_file_can_have_is_one_line(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        sys_argv(arguments)
    said = capsys.readouterr().err
    assert left.value.code == 2, said
    assert said.startswith("bench: ")
    assert said.count("\n") == 1
    assert len(said) < 1000
    assert names(tmp_path) == []


def test_settled_labels_behind_a_link_keep_the_labels_that_were_there(beir, capsys):
    (beir / "shared").mkdir()
    file, real = beir / "qrels" / "test.tsv", beir / "shared" / "real.tsv"
    file.rename(real)
    file.symlink_to("../shared/real.tsv")
    before = real.read_text()
    write_labels(ToJudge.load(beir), {("q1", "d01"): 1})
    assert file.is_symlink()
    assert "q1\td01\t1\n" in real.read_text()
    (kept,) = beir.rglob("*.bak*")
    assert not kept.is_symlink()
    assert kept.read_text() == before
    assert f"{real} is kept as {kept.name}" in capsys.readouterr().err


def test_a_copy_that_does_not_fit_is_taken_away_again(tmp_path, monkeypatch):
    """Where there are no hard links, the earlier file is copied."""

    def no_links(*_):
        raise PermissionError

    def no_room(source, target, *_, **__):
        Path(target).write_text("ha")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", no_links)
    for name in ("copyfile", "copy2"):
        monkeypatch.setattr(shutil, name, no_room)
    monkeypatch.setattr(shutil, "copyfileobj", lambda source, target: no_room(source, target.name))
    (tmp_path / "f").write_text("half")
    with pytest.raises(BenchError, match="No space left on device"):
        write_text(tmp_path / "f", "new")
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f").read_text() == "half"


def test_of_two_writers_at_once_neither_is_lost(tmp_path, monkeypatch):
    """Both stand where each has kept what was there and is about to replace it, unless one waits."""
    met, link = threading.Barrier(2), os.link

    def meet(source, target):
        link(source, target)
        with contextlib.suppress(threading.BrokenBarrierError):
            met.wait(timeout=0.1)

    monkeypatch.setattr(os, "link", meet)
    (tmp_path / "x.json").write_text("first")
    writers = [
        threading.Thread(target=write_text, args=(tmp_path / "x.json", text)) for text in ("one", "two")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(file.read_text() for file in tmp_path.iterdir()) == ["first", "one", "two"]


def test_what_is_kept_does_not_change_with_a_file_that_is_then_written_in_place(tmp_path):
    """As an editor does, where the new content never came."""
    (tmp_path / "x").write_text("first")
    keep_earlier(tmp_path / "x")
    with (tmp_path / "x").open("r+") as file:
        file.write("other")
    assert (tmp_path / "x.bak").read_text() == "first"


@pytest.mark.parametrize("at", ["flock", "close"])
def test_a_signal_while_a_folder_is_taken_or_given_back_leaves_no_lock(tmp_path, monkeypatch, at):
    """Such a lock would be waited for by the very process that has it."""
    owner, name = (fcntl, "flock") if at == "flock" else (os, "close")
    real = getattr(owner, name)

    def signalled(*args):
        real(*args)
        monkeypatch.setattr(owner, name, real)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, name, signalled)
    with pytest.raises(KeyboardInterrupt), alone(tmp_path):
        pass
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where it is still held
    os.close(handle)


class Interrupted(set):
    """What is held; giving it back is cut off by a signal."""

    def __isub__(self, other):
        raise KeyboardInterrupt


def test_a_signal_between_the_two_steps_of_giving_back_leaves_no_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(earlier._held, "folders", Interrupted())
    with pytest.raises(KeyboardInterrupt), alone(tmp_path):
        pass
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)
