"""`bench show`: a saved run, read and printed."""

from __future__ import annotations

from bench.cli.options import RunFolder


def show(run: RunFolder) -> None:
    """Print the tables of a saved run, and what was run, on what, when and by which code.

    Nothing is drawn and nothing is written.
    """
    from bench.report.about import about
    from bench.report.write import print_tables
    from bench.runs.record import Record

    record = Record.load(run)
    for line in about(record):
        print(line)
    print()
    print_tables(record)
