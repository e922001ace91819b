"""All files that are made from a record, and what is printed of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bench.errors import BenchError, require, visible
from bench.report.latex import latex
from bench.report.markdown import markdown
from bench.report.summary import per_query_csv, summary_csv
from bench.report.table import Table
from bench.report.tables import run_tables
from bench.report.terminal import terminal
from bench.runs.folder import PLOTS, TABLES
from bench.runs.record import RECORD, Record
from bench.storage.files import is_standard_output, write_text


def require_no_other_run(folder: Path, run: Path) -> None:
    """Raise `BenchError` where another run lies in this folder than this one, named by its folder or its
    record: the tables there would then tell of this one."""
    there = folder / RECORD
    require(
        not there.exists() or there.samefile(run / RECORD if run.is_dir() else run),
        f"{folder} is the folder of another run, and its tables would be lost; "
        "name another with --out DIR",
    )


def write_tables(record: Record, folder: Path) -> None:
    """Write summary.md/.tex/.csv and per_query.csv, each whole or not at all. What is there and differs
    is kept, in the run's own folder too: somebody may have edited it."""
    tables = run_tables(record)
    texts = markdown(tables), latex(tables), summary_csv(record), per_query_csv(record)
    for name, text in zip(TABLES, texts, strict=True):
        # A name may hold half of a surrogate pair, which no file can.
        text = text.encode(errors="backslashreplace").decode()
        write_text(folder / name, text)


def write_plots(record: Record, folder: Path) -> None:
    """Write the plots into `folder`/plots as `write_tables` does. Raises `BenchError` with what went
    wrong."""
    from bench.report.plots import draw

    try:
        draw(record, folder / PLOTS)
    except BenchError:
        raise
    except Exception as error:
        raise BenchError(
            f"could not draw the plots: {type(error).__name__}: {error}; check matplotlib and the free "
            "disk space"
        ) from error


def draw_run(record: Record, folder: Path) -> None:
    """Write tables and plots into the folder of a run that is saved; what fails is a line on stderr."""
    for write in (write_tables, write_plots):
        with run_stands(folder):
            write(record, folder)


@contextmanager
def run_stands(folder: Path) -> Iterator[None]:
    """Make one line on stderr of what fails inside: the run is on the disk, and can be drawn again."""
    try:
        yield
    except BrokenPipeError:  # the reader of the output has seen enough: nothing failed
        raise
    except Exception as error:
        why = str(error)
        if not isinstance(error, BenchError):
            why = f"could not draw the tables: {type(error).__name__}: {error}"
        why = visible(" ".join(why.split()))
        print(
            f"bench: {why}; the run stands in {folder}; bench report {folder} draws again",
            file=sys.stderr,
        )


def print_tables(record: Record) -> None:
    """Print the tables of a run."""
    print_grids(run_tables(record), elsewhere=TABLES[0])


def beside(*outputs: Path | None) -> TextIO:
    """Return where tables go: not to standard output where a file of these was asked for there."""
    return sys.stderr if any(map(is_standard_output, outputs)) else sys.stdout


def print_grids(tables: Sequence[Table], to: TextIO | None = None, elsewhere: str = "") -> None:
    """Print tables with their notes; into a file or pipe as wide as COLUMNS says, or 200.

    elsewhere  where columns stand for which there is no room
    """
    from rich.console import Console

    to = to or sys.stdout
    asked = os.environ.get("COLUMNS", "")
    console = Console(file=to, width=None if to.isatty() or asked.isdecimal() else 200)
    for table in tables:
        for line in terminal(table, console.width, elsewhere):
            console.print(line, soft_wrap=bool(line.no_wrap))
        console.print()
