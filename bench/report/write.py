"""All files that are made from a record, and what is printed of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.files import write_text
from bench.record import Record
from bench.report.artist import Artist
from bench.report.grid import Grid, latex, markdown, terminal
from bench.report.summary import per_query_csv, summary_csv
from bench.report.tables import grids


@contextmanager
def reporting(record: Record, folder: Path, artist: Artist) -> Iterator[None]:
    """Write summary.md/.csv/.tex, per_query.csv and plots/ into a run's folder.

    The plots are drawn while the block inside, and then the tables, are written.
    """
    from threadpoolctl import threadpool_limits

    artist.begin(record, folder / "plots")
    yield
    # The other core is drawing: a second thread here would take it away, and wait for it.
    with threadpool_limits(1, user_api="blas"):
        tables = grids(record)
    write_text(folder / "summary.md", markdown(tables))
    write_text(folder / "summary.tex", latex(tables))
    write_text(folder / "summary.csv", summary_csv(record))
    write_text(folder / "per_query.csv", per_query_csv(record))
    artist.finish()


def print_tables(record: Record) -> None:
    """Print the tables of a run."""
    print_grids(grids(record))


def print_grids(tables: Sequence[Grid]) -> None:
    """Print tables with their notes. Into a file or pipe they are as wide as they need."""
    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=200)
    for grid in tables:
        console.print(terminal(grid))
        for note in grid.notes:
            console.print(note, style="dim", highlight=False, markup=False)
        console.print()
