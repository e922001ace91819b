"""Time and memory of whole processes, medians of 5 in one session → results/perf.md and the screen.

python tests/studies/measure.py        (or: make perf)
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.collections.beir import digest
from bench.encoders.weights import locate
from bench.runs.provenance import machine, versions

ROOT = Path(__file__).resolve().parent.parent.parent
REPEATS = 5
PYTHON = sys.executable
MODEL = locate("sentence-transformers/all-MiniLM-L6-v2", None)
ALL_PAIRS = ROOT / "tests" / "perf" / "all_pairs.py"
RUN = [PYTHON, "-m", "bench", "run"]
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
        os.execv(command[0], command)
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as warm:
        plain = [PYTHON, str(ROOT / "tests" / "perf" / "plain.py"), digest().path, str(MODEL)]
        jobs = {
            "script": (plain, None),
            "bench run, nothing cached": (RUN, None),
            "bench run, embeddings cached": (RUN, warm),
            "bench run retriever=[bm25]": ([*RUN, "retriever=[bm25]"], warm),
            "importing what that needs": ([PYTHON, "-c", IMPORTS], warm),
            "bench --help": ([PYTHON, "-m", "bench", "--help"], warm),
            "import typer": ([PYTHON, "-c", "import typer"], warm),
            "comparing 20 systems, all pairs": ([PYTHON, str(ALL_PAIRS)], warm),
        }
        for command, _ in jobs.values():  # compiles bytecode and fills the page cache and `warm`
            measured(command, warm, folder)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
        for _ in range(REPEATS):
            for name, (command, cache) in jobs.items():
                with tempfile.TemporaryDirectory() as empty:
                    taken[name].append(measured(command, cache or empty, folder))
    seconds = {name: statistics.median(t for t, _ in runs) for name, runs in taken.items()}
    memory = {name: statistics.median(m for _, m in runs) for name, runs in taken.items()}
    page = report(seconds, memory, taken)
    (ROOT / "results" / "perf.md").write_text(page, encoding="utf-8")
    print(page)


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
        "for the same four systems on the same queries, without plots, intervals or a record."
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
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
