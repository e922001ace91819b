"""Renew results/baseline/ with the main job and put its figures into the README.

python tests/studies/baseline.py        (or: make baseline) on a clean checkout
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.evidence.comparison import compare
from bench.report.comparison import needed
from bench.report.form import WIDE, interval_words
from bench.report.summary import select
from bench.report.tables import interval
from bench.runs.provenance import git
from bench.runs.record import Record

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
# Sentences a window, and whether the title stands before each.
WINDOWS = ((None, True), (None, False), (5, True), (5, False), (3, False), (2, False))


def run(folder: Path, *arguments: str) -> Path:
    """Run the main job with these settings into `folder`; return the run's own folder."""
    command = [sys.executable, "-m", "bench", "run", f"output={folder}", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    (made,) = (path for path in folder.iterdir() if path.is_dir())
    return made


def put(name: str, text: str) -> None:
    """Replace what stands between the README's markers of this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, rest = README.read_text(encoding="utf-8").split(begin, 1)
    tail = rest.split(end, 1)[1]
    README.write_text(f"{head}{begin}\n{text.strip()}\n{end}{tail}", encoding="utf-8")


def windows_table(folder: Path) -> str:
    """Truncation beside windows of sentences, on dev: what the default was chosen by."""
    lines = [
        (
            "| encoded | texts | tokens cut off | dense nDCG@10 | 95 % interval | to the first row "
            "| p corrected | queries needed | verdict |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    records = []
    for width, title in WINDOWS:
        records.append(
            Record.load(
                run(
                    folder / f"{width}-{title}",
                    "retriever=[dense]",
                    "collection.split=dev",
                    f"passages.sentences={'null' if width is None else width}",
                    f"passages.title={str(title).lower()}",
                )
            )
        )
    values = np.concatenate([record.values("nDCG@10") for record in records])[:, None]
    names = [str(place) for place in range(len(records))]
    pairs = [(place, 0) for place in range(1, len(records))]
    family = compare(values, names, ["nDCG@10"], pairs, records[0].sets, seed=0)
    compared = [None, *family.comparisons]
    for (width, title), record, one in zip(WINDOWS, records, compared, strict=True):
        facts = record.content["systems"]["dense"]["facts"]
        (row,) = select(record, measure="nDCG@10")
        name = "whole abstract, cut off" if width is None else f"windows of {width} sentences"
        name += ", with title" if title else ", without title"
        beside = "– | – | – | –"
        if one is not None:
            queries = "; ".join(f"{n:,}" for n in found.values) if (found := needed(one)) else "–"
            beside = f"{one.difference:+.4f} [{one.low:+.3f}, {one.high:+.3f}] | {one.p_corrected:.3f} | {queries} | {one.verdict}"
        lines.append(
            f"| {name} | {facts['texts']} | {facts['tokens_cut'] / facts['tokens']:.1%} "
            f"| {row.mean:.4f} | {interval_words(interval(row))}{WIDE * row.wide} | {beside} |"
        )
    return "\n".join(lines) + f"\n\nOn the {row.n} `dev` queries.\n"


def main() -> None:
    """Refuse on changed files: the record must name the commit that made it."""
    if not git()["clean"]:
        sys.exit(
            "commit first: the baseline's record names a commit, which must be the code that made it"
        )
    with tempfile.TemporaryDirectory() as name:
        made = run(Path(name) / "baseline")
        windows = windows_table(Path(name) / "windows")
        shutil.rmtree(ROOT / "results" / "baseline", ignore_errors=True)
        shutil.copytree(made, ROOT / "results" / "baseline")
    put("baseline", (ROOT / "results" / "baseline" / "summary.md").read_text(encoding="utf-8"))
    put("passages", windows)
    perf = (ROOT / "results" / "perf.md").read_text(encoding="utf-8")
    put("perf", perf[perf.index("| process |") :])


if __name__ == "__main__":
    main()
