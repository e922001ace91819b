"""`bench report`: tables and plots of a saved run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import RunFolder


def report(
    run: RunFolder,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; the run's own folder if not given.")
    ] = None,
) -> None:
    """Draw the tables and plots of a saved run again, without searching."""
    from bench.report.write import print_tables, require_no_other_run, write_plots, write_tables
    from bench.runs.record import Record

    record = Record.load(run)
    folder = out or (run if run.is_dir() else run.parent)
    require_no_other_run(folder, run)
    write_tables(record, folder)
    write_plots(record, folder)
    print_tables(record)
