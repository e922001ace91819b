"""A run that is killed goes on where it stopped, and two runs do not disturb each other."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from conftest import ROOT, only_run

from bench.collections.beir import BeirFolder
from bench.retrievers.bm25 import BM25
from bench.runs.record import Record
from bench.runs.resume import Unfinished

# One process that forks a run for each line it reads: importing once keeps 20 killings affordable.
SERVER = """
import os, sys
from bench.experiment.run import run_and_save
import bench.retrievers.bm25, bench.retrievers.fuse, bench.report.tables, bm25s, pytrec_eval
import json
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.setsid()
        sys.stdout = open(os.devnull, "w")
        sys.stderr = open(os.devnull, "w")
        run_and_save(json.loads(line))
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def settings(folder, output, systems=8):
    return {
        "collection": {
            "_target_": "bench.collections.beir.BeirFolder",
            "path": str(folder),
            "relevant": 2,
        },
        "retrievers": {
            f"s{n}": {"_target_": "bench.retrievers.bm25.BM25", "k1": 0.5 + n / 10}
            for n in range(systems)
        },
        "measures": ["nDCG@10", "MAP"],
        "depth": 100,
        "seed": 0,
        "trec_header": False,
        "output": str(output),
    }


def essence(folder):
    """All that a run is, without when and how fast it was."""
    content = dict(Record.load(folder).content)
    for key in ("id", "created", "seconds", "peak_memory_mb", "config"):
        content.pop(key)
    for system in content["systems"].values():
        system.pop("seconds")
    others = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        # a hidden file is what a kill has left of one that was being written
        if path.is_file() and path.name != "record.json" and not path.name.startswith(".")
    }
    return content, others


@pytest.mark.long
def test_twenty_killed_runs_each_resume_to_the_same_result(beir, tmp_path):
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )

    def run(output, kill_after=None):
        server.stdin.write(json.dumps(settings(beir, output)) + "\n")
        server.stdin.flush()
        child = int(server.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        return int(server.stdout.readline())

    assert run(tmp_path / "whole") == 0
    began = time.monotonic()
    assert run(tmp_path / "timed") == 0
    took = time.monotonic() - began
    expected = essence(only_run(tmp_path / "whole"))
    rng = random.Random(4)
    interrupted = 0
    for trial in range(20):
        output = tmp_path / f"trial{trial}"
        killed = run(output, rng.uniform(0.02, took)) == -signal.SIGKILL
        interrupted += killed
        if killed:
            for saved in output.glob(
                "[!.]*"
            ):  # while it was drawn: then all but tables and plots stands
                content, files = essence(saved)
                assert content == expected[0]
                assert {f"s{n}.trec" for n in range(8)} <= files.keys()
                assert files.items() <= expected[1].items()
                shutil.rmtree(saved)
            assert run(output) == 0
        (saved,) = output.glob("[!.]*")
        assert essence(saved) == expected
        assert not (output / ".unfinished").exists()
    assert interrupted >= 10
    server.stdin.close()
    server.wait()
    server.stdout.close()


def killed_after_its_last(bench, beir, tmp_path):
    """Leave the folder as a run that was killed when bm25, a run file and an own method were done."""
    (tmp_path / "answers.trec").write_text("q1 Q0 d01 1 0.5 x\nq3 Q0 d05 1 0.5 x\n")
    (tmp_path / "own.py").write_text(
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\n"
        "class Own:\n"
        "    def index(self, collection, store):\n"
        "        from bench.retrievers.bm25 import BM25\n"
        "        from near import K1\n"
        "        return BM25(k1=K1).index(collection, store)\n"
    )
    (tmp_path / "near.py").write_text("K1 = 0.3\n")
    (tmp_path / "late.py").write_text(
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\n"
        "class Late:\n"
        "    def index(self, collection, store):\n"
        "        import os, pathlib\n"
        "        if pathlib.Path('die').exists():\n"
        "            os.kill(os.getpid(), 9)\n"
        "        from bench.retrievers.bm25 import BM25\n"
        "        return BM25(k1=0.3).index(collection, store)\n"
    )
    arguments = (
        "run", "collection=beir", f"collection.path={beir}", "retriever=[bm25,runfile]", "output=out",
        "retrievers.runfile.path=answers.trec", "+retrievers.own._target_=own.Own",
        "+retrievers.late._target_=late.Late", "--allow", "own", "--allow", "late",
    )  # fmt: skip
    (tmp_path / "die").touch()
    assert bench(*arguments).returncode == -9
    (tmp_path / "die").unlink()
    kept = (tmp_path / "out" / ".unfinished").glob("*/*.npz")
    assert {file.stem.split("-")[0] for file in kept} == {"bm25", "runfile", "own", "batch"}
    return arguments


def systems_of(folder):
    return essence(folder)[0]["systems"], {file.name: file.read_text() for file in folder.glob("*.trec")}


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


# what is changed → the systems that are not run again
CHANGES = {
    "nothing": (lambda _: None, "bm25, runfile, own"),
    "run file": (lambda folder: edit(folder / "answers.trec", "d05", "d02"), "bm25, own"),
    "own code": (lambda folder: edit(folder / "own.py", "K1)", "K1, b=0)"), "bm25, runfile"),
    "code beside it": (lambda folder: edit(folder / "near.py", "0.3", "1.9"), "bm25, runfile"),
    "corpus": (lambda folder: edit(folder / "tiny" / "corpus.jsonl", "Inverted", "Index of"), None),
    "query": (lambda folder: edit(folder / "tiny" / "queries.jsonl", "who writes", "notes"), None),
    "labels": (lambda folder: edit(folder / "tiny" / "qrels" / "test.tsv", "d05\t3", "d06\t3"), None),
}


@pytest.mark.long
@pytest.mark.parametrize("what", CHANGES)
def test_a_killed_run_goes_on_with_what_is_still_the_same_and_gives_what_a_whole_run_gives(
    what, bench, beir, tmp_path
):
    arguments = killed_after_its_last(bench, beir, tmp_path)
    change, going_on = CHANGES[what]
    change(tmp_path)
    done = bench(*arguments)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("going on")]
    expected = f"going on with a run that was interrupted after {going_on}"
    assert said == ([expected] if going_on else [])
    whole = bench(*[argument.replace("output=out", "output=whole") for argument in arguments])
    assert whole.returncode == 0
    assert not (tmp_path / "out" / ".unfinished").exists() or not going_on
    (resumed,) = (tmp_path / "out").glob("[0-9]*")
    assert systems_of(resumed) == systems_of(only_run(tmp_path / "whole"))


@pytest.mark.long
def test_other_code_of_ours_runs_again_what_it_makes(bench, beir, tmp_path):
    code = tmp_path / "code"
    for name in ("bench", "conf"):
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    own_bench = partial(bench, PYTHONPATH=str(code))
    for file, going_on in (
        ("report/plots.py", "after bm25, runfile, own"),
        ("retrievers/runfile.py", "after bm25, own"),
        ("retrievers/bm25.py", "after runfile\n"),
        ("evaluation/measures.py", None),
    ):
        arguments = killed_after_its_last(own_bench, beir, tmp_path)
        with (code / "bench" / file).open("a") as out:
            out.write("# changed\n")
        done = own_bench(*arguments)
        assert done.returncode == 0
        assert (going_on or "") in done.stderr
        assert ("going on" in done.stderr) == bool(going_on)


@pytest.mark.long
def test_another_setting_or_depth_does_not_go_on(bench, beir, tmp_path):
    arguments = killed_after_its_last(bench, beir, tmp_path)
    for other in ("retrievers.bm25.k1=0.7", "depth=200"):
        assert "going on" not in bench(*arguments, other).stderr
    # of the bootstrap, which is no part of any system's answers
    assert "going on" in bench(*arguments, "seed=1").stderr


def test_a_damaged_leftover_is_said_and_run_again(bench, beir, tmp_path):
    arguments = killed_after_its_last(bench, beir, tmp_path)
    (kept,) = (tmp_path / "out" / ".unfinished").glob("*/bm25-*.npz")
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 0xFF
    kept.write_bytes(content)
    done = bench(*arguments)
    assert done.returncode == 0
    assert f"{kept.name} is damaged" in done.stderr


def test_what_a_killed_run_half_wrote_is_swept_a_day_later(bench, beir, tmp_path):
    for name, age in ((".bench-part-old", 2 * 86400), (".bench-part-new", 0)):
        (tmp_path / "out" / name).mkdir(parents=True)
        then = time.time() - age
        os.utime(tmp_path / "out" / name, (then, then))
    bench("run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out")
    assert not (tmp_path / "out" / ".bench-part-old").exists()
    assert (tmp_path / "out" / ".bench-part-new").exists()


def test_unfinished_runs_are_swept_when_nobody_comes_back_to_them_and_nothing_else(beir, tmp_path):
    place = tmp_path / "out" / ".unfinished"
    own, others, elsewhere = "0a" * 16, "1b" * 16, tmp_path / ("2c" * 16)
    files = {
        place / own / "bm25-x.npz": 40,
        place / own / ".bench-part-x.npz": 40,
        place / ("3d" * 16) / "bm25-x.npz": 20,
        place / "thesis" / "chapter.npz": 40,
        place / others / "notes.txt": 40,
        place / others / "deeper" / "x.npz": 40,
        place / "notes.txt": 40,
        place / ("4e" * 16): 40,
        elsewhere / "bm25-x.npz": 40,
    }
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (place / elsewhere.name).symlink_to(elsewhere)
    for file, age in files.items():
        then = time.time() - age * 86400
        for path in {file, file.parent} - {place, tmp_path}:
            os.utime(path, (then, then))
    os.utime(place / elsewhere.name, (0, 0), follow_symlinks=False)
    test = BeirFolder(str(beir)).load()
    Unfinished(tmp_path / "out").open({}, {"bm25": BM25()}, test)
    assert {file for file in files if not file.exists()} == {
        place / own / "bm25-x.npz",
        place / own / ".bench-part-x.npz",
    }
    assert not (place / own).exists()
    assert (place / elsewhere.name).is_symlink()


def test_a_linked_folder_of_unfinished_runs_is_not_swept(beir, tmp_path):
    kept = tmp_path / "elsewhere" / ("0a" * 16) / "bm25-x.npz"
    kept.parent.mkdir(parents=True)
    kept.touch()
    os.utime(kept.parent, (0, 0))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".unfinished").symlink_to(tmp_path / "elsewhere")
    Unfinished(tmp_path / "out").open({}, {"bm25": BM25()}, BeirFolder(str(beir)).load())
    assert kept.exists()


@pytest.mark.long
def test_four_processes_on_one_cache_and_folder_do_not_disturb_each_other(beir, tmp_path):
    command = [
        sys.executable, "-m", "bench", "run", "collection=beir", f"collection.path={beir}",
        "collection.relevant=2", "retriever=[bm25,dense,hybrid]", "output=out",
    ]  # fmt: skip
    environment = {**os.environ, "BENCH_CACHE": str(tmp_path / "cache")}
    processes = [
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    said = [process.communicate()[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    runs = sorted((tmp_path / "out").glob("[0-9]*"))
    assert len(runs) == 4
    first, *others = (essence(run) for run in runs)
    assert all(other == first for other in others)
