"""All files that are made from a record, and what is printed of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.files import write_text
from bench.record import Record
from bench.report.escape import visible
from bench.report.grid import Grid, latex, markdown, terminal
from bench.report.summary import per_query_csv, summary_csv
from bench.report.tables import grids
from bench.run_folder import TABLES


def write_tables(record: Record, folder: Path) -> None:
    """Write summary.md/.tex/.csv and per_query.csv into a run's folder, each whole or not at all."""
    from threadpoolctl import threadpool_limits

    # The other core may be drawing: a second thread here would take it away, and wait for it.
    with threadpool_limits(1, user_api="blas"):
        tables = grids(record)
    texts = markdown(tables), latex(tables), summary_csv(record), per_query_csv(record)
    for name, text in zip(TABLES, texts, strict=True):
        # A name may hold half of a surrogate pair, which no file can.
        write_text(folder / name, text.encode(errors="backslashreplace").decode())


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
    print_grids(grids(record))


def print_grids(tables: Sequence[Grid]) -> None:
    """Print tables with their notes. Into a file or pipe they are as wide as they need."""
    from rich.console import Console
    from rich.text import Text

    console = Console() if sys.stdout.isatty() else Console(width=200)
    for grid in tables:
        console.print(terminal(grid, console.width))
        for note in grid.notes:
            console.print(Text(visible(note), style="dim"))  # as Text: no markup, no ":names:" of emoji
        console.print()
