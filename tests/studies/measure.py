"""Time and memory of whole processes, medians of 5 in one session → results/perf.md and the screen.

python tests/studies/measure.py        (or: make perf)
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import large

from bench.collections.beir import digest
from bench.encoders.weights import locate
from bench.runs.provenance import machine, versions

ROOT = Path(__file__).resolve().parent.parent.parent
REPEATS = 5
LARGE_REPEATS = 3
LARGE_RUN, LARGE_LOAD, LARGE_SHOW = (
    "10 systems × 7,000 queries × 1,000",
    "loading its record",
    "bench show",
)
PYTHON = sys.executable
MODEL = locate("sentence-transformers/all-MiniLM-L6-v2", None)
STUDIES = Path(__file__).resolve().parent
RUN = [PYTHON, "-m", "bench", "run"]
LOAD = "import sys, pathlib; from bench.runs.record import Record; Record.load(pathlib.Path(sys.argv[1])).all_values"
IMPORTS = "import numpy, bm25s, hydra, matplotlib.figure, pytrec_eval"


def measured(command: list[str], cache: str, folder: str) -> tuple[float, float]:
    """Return wall seconds and peak resident memory in MB of one process."""
    started = time.perf_counter()
    process = os.fork()
    if process == 0:
        os.chdir(folder)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.environ.update(BENCH_CACHE=cache, HF_HUB_OFFLINE="1")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody compiles a program anew for each run
        os.execv(command[0], command)
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as warm:
        plain = [PYTHON, str(STUDIES / "plain.py"), digest().path, str(MODEL)]
        jobs = {
            "script": (plain, None),
            "bench run, nothing cached": (RUN, None),
            "bench run, embeddings cached": (RUN, warm),
            "bench run retriever=[bm25]": ([*RUN, "retriever=[bm25]"], warm),
            "importing what that needs": ([PYTHON, "-c", IMPORTS], warm),
            "bench --help": ([PYTHON, "-m", "bench", "--help"], warm),
            "import typer": ([PYTHON, "-c", "import typer"], warm),
            "comparing 20 systems, all pairs": ([PYTHON, str(STUDIES / "all_pairs.py")], warm),
        }
        for command, _ in jobs.values():  # compiles bytecode and fills the page cache and `warm`
            measured(command, warm, folder)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
        for _ in range(REPEATS):
            for name, (command, cache) in jobs.items():
                with tempfile.TemporaryDirectory() as empty:
                    taken[name].append(measured(command, cache or empty, folder))
        taken |= measured_large(Path(folder), warm)
    seconds = {name: statistics.median(t for t, _ in runs) for name, runs in taken.items()}
    memory = {name: statistics.median(m for _, m in runs) for name, runs in taken.items()}
    page = report(seconds, memory, taken)
    (ROOT / "results" / "perf.md").write_text(page, encoding="utf-8")
    print(page)


def measured_large(folder: Path, cache: str) -> dict[str, list[tuple[float, float]]]:
    """Evaluate and record the largest run; load and show what it left."""
    arguments = large.make(folder)
    taken: dict[str, list[tuple[float, float]]] = {LARGE_RUN: [], LARGE_LOAD: [], LARGE_SHOW: []}
    for _ in range(LARGE_REPEATS):
        taken[LARGE_RUN].append(measured([*RUN, *arguments], cache, str(folder)))
        run = next((folder / "runs").iterdir())
        taken[LARGE_LOAD].append(measured([PYTHON, "-c", LOAD, str(run)], cache, str(folder)))
        taken[LARGE_SHOW].append(measured([PYTHON, "-m", "bench", "show", str(run)], cache, str(folder)))
        shutil.rmtree(run)
    return taken


def report(
    seconds: dict[str, float], memory: dict[str, float], taken: dict[str, list[tuple[float, float]]]
) -> str:
    """Return the page: each process, then each aim beside what was measured."""
    cached, pairs = "bench run, embeddings cached", "comparing 20 systems, all pairs"
    aims = (
        ("first run against the script", "bench run, nothing cached", "script", "at most 1.0"),
        ("script against the cached run", "script", cached, "at least 5.0"),
        (
            "BM25 run against its imports",
            "bench run retriever=[bm25]",
            "importing what that needs",
            "at most 2.0",
        ),
        ("--help against import typer", "bench --help", "import typer", "at most 3.0"),
    )
    here, installed = machine(), versions()
    how = (
        f"`make perf`: whole processes, medians of {REPEATS}, all in one session, one after the other. "
        f"{here['processor']}, {here['cores']} cores, {here['system']}, Python {here['python']}, "
        f"torch {installed['torch']}, sentence-transformers {installed['sentence-transformers']}. "
        "The script is `tests/studies/plain.py`: rank_bm25, sentence-transformers, faiss and pytrec_eval "
        "for the same four systems on the same queries, without plots, intervals or a record. The last "
        f"three processes, of the run that `tests/studies/large.py` makes up: medians of {LARGE_REPEATS}."
    )
    lines = [
        "# Time and memory",
        "",
        how,
        "",
        "| process | seconds | lowest to highest | peak memory, MB |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {seconds[name]:.2f} | {min(runs)[0]:.2f} to {max(runs)[0]:.2f} "
            f"| {memory[name]:.0f} |"
            for name, runs in taken.items()
        ),
        "",
        "| ratio | measured | aim |",
        "|---|---:|---:|",
        *(f"| {what} | {seconds[one] / seconds[other]:.2f} | {aim} |" for what, one, other, aim in aims),
        f"| peak memory of the cached run, MB | {memory[cached]:.0f} | under 300 |",
        f"| comparing 20 systems × 8 measures × 250 queries, seconds | {seconds[pairs]:.2f} | under 10 |",
        f"| its peak memory, MB | {memory[pairs]:.0f} | under 1000 |",
        f"| {LARGE_RUN}, from run files to the saved run, seconds | {seconds[LARGE_RUN]:.1f} | under 60 |",
        f"| its peak memory, MB | {memory[LARGE_RUN]:.0f} | under 1500 |",
        f"| {LARGE_LOAD}, seconds | {seconds[LARGE_LOAD]:.2f} | under 1 |",
        f"| {LARGE_SHOW} of it, seconds | {seconds[LARGE_SHOW]:.2f} | under 2 |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
