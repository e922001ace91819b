"""A run is on the disk before it is drawn, and a baseline is replaced without a moment of none."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import ROOT, only_run, write_beir

from bench.cli import app
from bench.collections.beir import BeirFolder
from bench.errors import BenchError
from bench.evaluation.measures import Measure
from bench.evaluation.systems import run_systems
from bench.experiment.run import run_and_save
from bench.report import write
from bench.retrievers.bm25 import BM25
from bench.runs import folder as run_folder
from bench.runs.folder import foreign_files, replacing, require_replaceable, restore
from bench.runs.record import Record, change_record
from bench.runs.resume import Unfinished
from bench.storage.leftovers import part_folder

BASELINE = ROOT / "results" / "baseline"
TABLES = {"summary.md", "summary.tex", "summary.csv", "per_query.csv"}
SAVED = {"record.json", "values.npz", "bm25.trec"}


@pytest.fixture
def command(beir):
    return ("run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out")


def visible_runs(folder):
    return [run for run in folder.iterdir() if not run.name.startswith(".")]


def names(folder):
    return {file.name for file in folder.iterdir()}


def fake_matplotlib(folder, code):
    (folder / "fake" / "matplotlib").mkdir(parents=True)
    (folder / "fake" / "matplotlib" / "__init__.py").write_text(code)
    return {"PYTHONPATH": os.pathsep.join([str(folder / "fake"), str(ROOT)])}


def test_where_plots_can_not_be_drawn_the_run_stands_and_a_line_says_so(bench, command, tmp_path):
    code = "raise ModuleNotFoundError(\"No module named 'matplotlib'\")\n"
    done = bench(*command, **fake_matplotlib(tmp_path, code))
    assert done.returncode == 0
    run = only_run(tmp_path / "out")
    assert done.stderr.startswith("bench: could not draw the plots: ")
    assert "No module named" in done.stderr
    assert f"the run stands in out/{run.name}; bench report out/{run.name} draws again\n" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout.splitlines()[-1] == f"out/{run.name}"
    assert names(run) - {"plots"} == SAVED | TABLES


def test_where_the_disk_is_full_while_drawing_there_is_no_half_of_a_plot(command, tmp_path):
    """A limit on the size of files, which record and run files keep and pictures do not."""
    limit = 16_000
    done = subprocess.run(
        [sys.executable, "-m", "bench", *command, "measures=[nDCG@10]"],
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("bench: could not draw the plots: OSError: [Errno 27]")
    run = only_run(tmp_path / "out")
    assert names(run) - {"plots"} == SAVED | TABLES
    assert Record.load(run).systems == ["bm25"]
    for plot in (run / "plots").glob("*.svg"):
        assert plot.read_text().endswith("</svg>\n")
    for plot in (run / "plots").glob("*.png"):
        assert plot.read_bytes()[-8:-4] == b"IEND"


def test_where_a_run_can_not_be_written_it_is_said_and_nothing_half_stands(command, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bench", *command],
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("bench: cannot write")
    assert "Traceback" not in done.stderr
    assert visible_runs(tmp_path / "out") == []


def settings(folder, output):
    return {
        "collection": {
            "_target_": "bench.collections.beir.BeirFolder",
            "path": str(folder),
            "relevant": 2,
        },
        "retrievers": {"bm25": {"_target_": "bench.retrievers.bm25.BM25"}},
        "measures": ["nDCG@10"],
        "depth": 100,
        "seed": 0,
        "trec_header": False,
        "output": str(output),
    }


def test_a_table_that_can_not_be_made_is_a_warning_too(beir, tmp_path, monkeypatch, capsys):
    def broken(_):
        raise KeyError("planted")

    monkeypatch.setattr(write, "run_tables", broken)
    saved, run, _ = run_and_save(settings(beir, tmp_path / "out"))
    write.draw_run(saved, run)
    said = capsys.readouterr().err
    assert said.startswith("bench: could not draw the tables: KeyError: 'planted'; the run stands in")
    assert said.count("\n") == 1
    assert names(run) == {*SAVED, "plots"}
    with write.run_stands(run):
        write.print_tables(Record.load(run))
    assert "planted" in capsys.readouterr().err
    with pytest.raises(BrokenPipeError), write.run_stands(run):
        raise BrokenPipeError


def test_a_run_that_is_killed_while_it_is_drawn_stands(bench, command, tmp_path):
    fake = fake_matplotlib(tmp_path, "import os\nos.kill(os.getpid(), 9)\n")
    assert bench(*command, **fake).returncode == -9
    run = only_run(tmp_path / "out")
    assert names(run) >= SAVED | TABLES
    assert Record.load(run).values("MAP").shape == (1, 4)
    assert bench("report", str(run)).returncode == 0
    assert len(names(run / "plots")) == 6


def test_a_query_set_that_is_a_broken_formula(bench, tmp_path):
    queries = {"q1": ("sparse retrieval", "price $_$"), "q2": ("who writes notes of music", "a_{")}
    beir = write_beir(tmp_path / "tiny", queries=queries, qrels={"q1": {"d01": 1}, "q2": {"d03": 1}})
    done = bench("run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "price $_$" in (only_run(tmp_path / "out") / "plots" / "query_sets.svg").read_text()


# Races with other processes.


def test_a_folder_that_vanishes_while_leftovers_are_swept(tmp_path):
    """A link to nowhere is found by name and can not be looked at, as one that was just renamed."""
    (tmp_path / ".bench-part-gone").symlink_to(tmp_path / "nowhere")
    with part_folder(tmp_path) as part:
        assert part.is_dir()
    assert not part.exists()


def test_a_system_is_kept_or_not_while_another_process_discards(beir, tmp_path):
    """The run goes on: another one of the same content was saved whole, and removes the folder."""
    test = BeirFolder(str(beir), relevant=2).load()
    found = run_systems(test, {"bm25": BM25()}, [Measure.parse("MAP")], 100)
    one = Unfinished(tmp_path)
    one.open({}, {"bm25": BM25()}, test)
    stop = threading.Event()

    def discard():
        while not stop.is_set():
            one.discard()

    other = threading.Thread(target=discard)
    other.start()
    try:
        for _ in range(300):
            one.save("bm25", found.systems["bm25"])
    finally:
        stop.set()
        other.join()


# The baseline.

KILLED_AT_EACH_STEP = """
import os, shutil, sys
from pathlib import Path
from bench.runs.folder import replacing, restore
from bench.runs.record import Record

old, run, place = map(Path, sys.argv[1:])
baseline = place / "baseline"

def files(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}

def replace():
    earlier = Record.load(baseline) if baseline.exists() else None
    with replacing(baseline, run, earlier) as new:
        with (new / "record.json").open("a") as out:
            out.write(" ")

def which():
    if not baseline.exists():
        return "none"
    return {str(files(old)): "old", str(expected): "new"}.get(str(files(baseline)), "broken")

expected = files(run) | {"record.json": (run / "record.json").read_bytes() + b" "}
for step in range(10_000):
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(old, baseline)
    child = os.fork()
    if child == 0:
        left = step
        def hook(event, arguments):
            global left
            if event.startswith(("os.", "open", "shutil.", "tempfile.")) and str(place) in str(arguments):
                if left == 0:
                    os._exit(9)
                left -= 1
        sys.addaudithook(hook)
        replace()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    before, restored, after = which(), restore(baseline), which()
    replace()
    print(code, before, restored, after, which(), len(list(place.glob(".baseline*"))), flush=True)
    if code == 0:
        break
"""


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """Two small runs of other values."""
    place = tmp_path_factory.mktemp("two")
    runs = []
    for name, k1 in (("old", 1.2), ("new", 0.4)):
        chosen = settings(write_beir(place / f"{name}-data"), place / name)
        chosen["retrievers"]["bm25"]["k1"] = k1
        saved, run, _ = run_and_save(chosen)
        write.draw_run(saved, run)
        runs.append(run)
    return runs


def test_killed_at_any_step_the_old_or_the_new_baseline_stands(two_runs, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STEP, *map(str, two_runs), str(tmp_path / "place")],
        capture_output=True,
        text=True,
        check=True,
    )
    steps = [line.split() for line in done.stdout.splitlines()]
    assert len(steps) > 50
    assert [code for code, *_ in steps] == ["9"] * (len(steps) - 1) + ["0"]
    # only between the two renames is there none, and then the old one is put back
    assert {(before, restored, after) for _, before, restored, after, *_ in steps} == {
        ("old", "False", "old"),
        ("none", "True", "old"),
        ("new", "False", "new"),
    }
    # once there is the new one, it stays
    order = [after for *_, after, _, _ in steps]
    assert order == sorted(order, key=["old", "new"].index)
    # and the next replacement works from each of these states, and leaves nothing beside
    assert {(which, left) for *_, which, left in steps} == {("new", "0")}


def test_gate_finds_a_baseline_that_had_been_moved_aside(bench, two_runs, tmp_path):
    shutil.copytree(two_runs[0], tmp_path / ".base.old")
    done = bench("gate", str(two_runs[0]), "--baseline", "base")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "replacing base was interrupted the last time; the earlier one is back\n"
    assert names(tmp_path) == {"base"}
    # a folder that is no run is not taken for one
    (tmp_path / ".other.old").mkdir()
    assert not restore(tmp_path / "other")
    assert bench("gate", str(two_runs[0]), "--baseline", "other").returncode == 2


def replace(baseline, run):
    with replacing(baseline, run, there(baseline)):
        pass


def there(baseline):
    return Record.load(baseline) if (baseline / "record.json").exists() else None


def test_a_link_stays_and_what_it_points_to_is_replaced(two_runs, tmp_path):
    old, new = two_runs
    shutil.copytree(old, tmp_path / "real" / "there")
    link = tmp_path / "link"
    for target in ("there", "not-yet"):
        link.unlink(missing_ok=True)
        link.symlink_to(Path("real") / target)
        replace(link, new)
        assert link.is_symlink()
        assert (tmp_path / "real" / target / "record.json").read_bytes() == (
            new / "record.json"
        ).read_bytes()


@pytest.mark.parametrize("again", ["", "-2"])
@pytest.mark.parametrize("linked", [True, False])
def test_a_saved_run_is_not_replaced_though_a_baseline_links_to_it(two_runs, tmp_path, again, linked):
    """`again`: two runs of one config in one second."""
    old, new = two_runs
    runs = tmp_path / "runs"
    run = baseline = shutil.copytree(old, runs / f"{old.name}{again}")
    if linked:
        baseline = tmp_path / "baseline"
        baseline.symlink_to(run)
    before = below(tmp_path)
    for refused in (require_replaceable, lambda folder: replace(folder, new)):
        with pytest.raises(
            BenchError, match=rf"is the saved run {run.name} itself.*--baseline DIR.*link"
        ):
            refused(baseline)
    assert below(tmp_path) == before
    assert Record.load(run).content["id"] == old.name


def test_a_folder_that_is_no_runs_is_not_removed(bench, two_runs, tmp_path):
    old, new = two_runs
    for name, text in (("notes.txt", "mine"), ("plots/notes.txt", "mine"), (".git/HEAD", "mine")):
        folder = tmp_path / f"base-{name.replace('/', '-')}"
        shutil.copytree(old, folder)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        with pytest.raises(BenchError, match=f"holds {name.split('/HEAD')[0]}, which no run writes"):
            replace(folder, new)
        assert (folder / name).read_text() == text
        assert not list(tmp_path.glob(".*"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "data.csv").touch()
    done = bench("gate", str(new), "--update", "--baseline", "other")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "other holds files but no run, and would be lost" in done.stderr
    (other / "record.json").write_text("{}")
    with pytest.raises(BenchError, match="no record of schema"):
        replace(other, new)
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="is no folder"):
        replace(tmp_path / "file", new)
    (tmp_path / "empty").mkdir()
    for fine in ("empty", "absent", "a/b/absent"):
        replace(tmp_path / fine, new)
        assert Record.load(tmp_path / fine).systems == ["bm25"]


def test_only_what_a_run_writes_is_copied(bench, two_runs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(two_runs[1], run)
    (run / "notes.txt").touch()
    (run / "more").mkdir()
    (run / "plots" / "notes.txt").touch()
    assert foreign_files(run) == ["more", "notes.txt", "plots/notes.txt"]
    data = two_runs[1].parents[1] / "new-data"
    update = ("--update", "--baseline", "run/base", "--set", f"collection.path={data}")
    done = bench("gate", str(run / "record.json"), *update)
    assert done.returncode == 0, done.stderr
    assert foreign_files(run / "base") == []
    assert names(run / "base") == names(two_runs[1])


def test_all_that_a_run_writes_is_known(two_runs):
    assert foreign_files(two_runs[0]) == []
    assert foreign_files(BASELINE) == []
    assert set(run_folder.TABLES) == TABLES


def test_what_a_killed_report_left_does_not_keep_a_baseline_from_being_replaced(two_runs, tmp_path):
    baseline = tmp_path / "base"
    shutil.copytree(two_runs[0], baseline)
    (baseline / ".bench-part-x1").mkdir()
    (baseline / ".bench-part-x2.md").touch()
    replace(baseline, two_runs[1])
    assert names(baseline) == names(two_runs[1])


def test_a_change_that_fails_leaves_the_baseline(two_runs, tmp_path):
    baseline = tmp_path / "base"
    shutil.copytree(two_runs[0], baseline)
    with pytest.raises(BenchError, match="planted"), replacing(baseline, two_runs[1], there(baseline)):
        raise BenchError("planted")
    assert (baseline / "record.json").read_bytes() == (two_runs[0] / "record.json").read_bytes()
    assert names(tmp_path) == {"base"}


def test_two_who_replace_at_once_leave_one_whole_and_lose_nothing_that_was_accepted(two_runs, tmp_path):
    baseline = shutil.copytree(two_runs[0], tmp_path / "base")
    taken, refused = [], []

    def work(run):
        for _ in range(20):
            try:
                earlier = Record.load(baseline)
                accepted = earlier.content.get("accepted", [])
                with replacing(baseline, run, earlier) as new:
                    change_record(new, {"accepted": [*accepted, len(accepted)]})
                taken.append(run)
            except BenchError as error:
                refused.append(str(error))

    workers = [threading.Thread(target=work, args=(run,)) for run in two_runs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # between two renames there is none to read
    assert all(re.search("was replaced meanwhile; gate again|cannot read", said) for said in refused)
    content = json.loads((baseline / "record.json").read_text())
    assert content.pop("accepted") == list(range(len(taken)))
    assert len(taken) > 0
    assert content in [Record.load(r).content for r in two_runs]
    assert names(tmp_path) == {"base"}


def test_where_one_stands_is_not_replaced(two_runs, tmp_path, monkeypatch):
    """An empty folder would be renamed away under the shell, which then sees nothing of the new one."""
    place = tmp_path / "place"
    (place / "below").mkdir(parents=True)
    monkeypatch.chdir(place)
    with pytest.raises(BenchError, match="is the folder that you stand in"):
        replace(Path(), two_runs[1])
    assert names(place) == {"below"}
    monkeypatch.chdir(shutil.copytree(two_runs[0], place / "run"))
    for here in (Path(), place / "run"):
        with pytest.raises(BenchError, match="is the folder that you stand in"):
            replace(here, two_runs[1])
    for above in (Path("/"), Path("..")):
        with pytest.raises(BenchError, match=r"would be lost|stand in"):
            replace(above, two_runs[1])
    assert names(place / "run") == names(two_runs[0])


def test_a_folder_by_the_name_of_a_runs_file_is_not_removed(two_runs, tmp_path):
    for name in ("summary.md", "plots/primary.png", "plots/mine.png"):
        folder = shutil.copytree(two_runs[0], tmp_path / name.replace("/", "-"))
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()
        (folder / name / "mine").touch()
        with pytest.raises(BenchError, match=f"holds {name}, which no run writes"):
            replace(folder, two_runs[1])
        assert (folder / name / "mine").exists()
    folder = shutil.copytree(two_runs[0], tmp_path / "own-plot")
    (folder / "plots" / "mine.png").touch()
    with pytest.raises(BenchError, match=r"holds plots/mine.png"):
        replace(folder, two_runs[1])


def test_plots_are_known_by_name():
    from bench.report import plots

    assert {f"{name}{form}" for name in plots.PLOTS for form in plots.FORMATS} == run_folder.PLOT_FILES


KEY = "0a" * 16  # of an unfinished run


def test_an_unfinished_run_inside_keeps_no_baseline_from_being_replaced(two_runs, tmp_path):
    baseline = shutil.copytree(two_runs[0], tmp_path / "base")
    (baseline / ".unfinished" / KEY).mkdir(parents=True)
    (baseline / ".unfinished" / KEY / "bm25-key.npz").touch()
    (baseline / ".bench-part-x.tex").touch()
    assert foreign_files(baseline) == []
    assert Record.load(baseline).systems == ["bm25"]
    replace(baseline, two_runs[1])
    assert names(baseline) == names(two_runs[1])


@pytest.mark.parametrize(
    "name",
    [
        ".record.json.mynotes",
        ".bm25.trec.swp",
        ".summary.md.x1.md",
        ".unfinished",
        ".unfinished/notes.txt",
        f".unfinished/{KEY}/notes.txt",
        ".unfinished/notes/x.npz",
    ],
)
def test_a_hidden_file_that_no_process_of_ours_leaves_is_not_removed(two_runs, tmp_path, name):
    baseline = shutil.copytree(two_runs[0], tmp_path / "base")
    (baseline / name).parent.mkdir(parents=True, exist_ok=True)
    (baseline / name).write_text("mine")
    with pytest.raises(BenchError, match=re.escape(f"holds {name.partition('/')[0]}, which no run")):
        replace(baseline, two_runs[1])
    assert (baseline / name).read_text() == "mine"


def own_notes(old, place):
    place.mkdir()
    (place / "notes.txt").write_text("mine")


def a_run_and_notes(old, place):
    shutil.copytree(old, place)
    own_notes(old, place / "more")


def a_file(old, place):
    place.write_text("mine")


def a_link(old, place):
    shutil.copytree(old, place.parent / "elsewhere")
    place.symlink_to("elsewhere")


@pytest.mark.parametrize("put", [own_notes, a_run_and_notes, a_file, a_link])
@pytest.mark.parametrize("there", [True, False])
def test_what_lies_where_a_baseline_is_moved_aside_is_removed_only_if_it_is_a_run(
    two_runs, tmp_path, put, there
):
    old, new = two_runs
    put(old, tmp_path / ".base.old")
    if there:
        shutil.copytree(old, tmp_path / "base")
    elif restore(tmp_path / "base"):  # it was a run; and what else it holds is found in its place
        return
    before = below(tmp_path)
    for refused in (require_replaceable, lambda folder: replace(folder, new)):
        with pytest.raises(BenchError, match=r"\.base\.old"):
            refused(tmp_path / "base")
    assert below(tmp_path) == before


def below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_baseline_that_is_filled_while_it_is_replaced_stays(two_runs, tmp_path):
    baseline = shutil.copytree(two_runs[0], tmp_path / "base")
    earlier = Record.load(baseline)
    holds = pytest.raises(BenchError, match=r"holds notes\.txt")
    with holds, replacing(baseline, two_runs[1], earlier):
        (baseline / "notes.txt").write_text("mine")
    assert (baseline / "notes.txt").read_text() == "mine"
    assert names(tmp_path) == {"base"}


def test_report_writes_over_no_table_or_plot_of_another_run(two_runs, tmp_path, refusal):
    run, other = (
        shutil.copytree(one, tmp_path / name) for one, name in zip(two_runs, "ro", strict=True)
    )
    (other / "summary.md").write_text("of the other")
    before = {path: path.read_bytes() for path in other.rglob("*") if path.is_file()}
    for named in ("r", "r/record.json"):
        assert "o is the folder of another run" in refusal("report", named, "--out", "o")
    shutil.copy(run / "record.json", other / "saved.json")
    assert "o is the folder of another run" in refusal("report", "o/saved.json")
    (other / "saved.json").unlink()
    assert {path: path.read_bytes() for path in other.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("place", ["run", "link", "out"])
def test_report_keeps_what_was_edited_in_the_runs_own_folder_too(
    two_runs, tmp_path, monkeypatch, capsys, place
):
    run = shutil.copytree(two_runs[0], tmp_path / "run")
    shutil.copytree(two_runs[0], tmp_path / "out")
    (tmp_path / "out" / "record.json").unlink()
    (tmp_path / "link").symlink_to("run")
    edited = "summary.md", "per_query.csv", "plots/primary.svg"
    for name in edited:
        (tmp_path / place / name).write_text("mine")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # the second time, nothing differs
        app.app(args=["report", "run", "--out", place], standalone_mode=False)
        for name in edited:
            assert (tmp_path / place / name).read_bytes() == (two_runs[0] / name).read_bytes()
            assert (tmp_path / place / f"{name}.bak").read_text() == "mine"
        assert sum(file.name.count(".bak") for file in (tmp_path / place).rglob("*")) == len(edited)
    assert capsys.readouterr().err.count(" is kept as ") == len(edited)
    if place == "out":
        return
    # What was kept does not go with the run, nor is it lost where it is a baseline.
    replace(tmp_path / "base", run)
    assert foreign_files(tmp_path / "base") == []
    with pytest.raises(BenchError, match=r"per_query\.csv\.bak.* would be lost; move it away"):
        replace(run, two_runs[1])
    assert (run / "summary.md.bak").read_text() == "mine"
