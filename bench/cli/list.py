"""`bench list`: what can be named in settings, and the runs of a folder, a line each."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import ConfigDirs
from bench.errors import BenchError, did_you_mean, in_one_line, require, visible

# Word → the group of conf/ that it lists; None: not of conf/.
KINDS = {
    "retrievers": "retriever",
    "encoders": "encoder",
    "collections": "collection",
    "measures": None,
    "runs": None,
}
_RUNS = Path("results/runs")


def list_known(
    kind: Annotated[str, typer.Argument(metavar="|".join(KINDS), help="What to list.")],
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help=f"Of runs; {_RUNS} if not given."),
    ] = None,
    own: ConfigDirs = None,
) -> None:
    """List what settings can name, or the runs of a folder, newest first: a line each.

    Own retrievers, encoders and collections are listed too with --config-dir. What stands behind a name
    is the first comment of its yaml or, without one, the first line of its class's docstring.
    """
    if kind not in KINDS:
        raise BenchError(f"unknown word '{kind}'; {did_you_mean(kind, KINDS)}")
    group = KINDS[kind]
    require(folder is None or kind == "runs", f"a folder goes with 'runs'; leave it out of '{kind}'")
    require(not own or group is not None, f"--config-dir adds no {kind}; leave it out")
    if kind == "runs":
        lines = _runs(folder or _RUNS)
    elif group is None:
        lines = _measures()
    else:
        lines = _options(group, own or ())
    rows = list(lines)
    if not rows:
        print(f"no run in {folder or _RUNS}; make one with bench run", file=sys.stderr)
    _print_aligned(rows)


def _print_aligned(lines: Sequence[Sequence[str]]) -> None:
    """Print rows of texts in columns. The last text of a row is as long as it is."""
    shown = [[visible(text) for text in line] for line in lines]
    widths: dict[int, int] = {}
    for line in shown:
        for place, text in enumerate(line[:-1]):
            widths[place] = max(widths.get(place, 0), len(text))
    for line in shown:
        before = (f"{text:{widths[place]}}  " for place, text in enumerate(line[:-1]))
        print(f"{''.join(before)}{line[-1]}".rstrip())


def _options(group: str, own: Sequence[Path]) -> Iterator[tuple[str, str]]:
    from bench.cli.conf import described

    yield from described(group, own).items()


def _measures() -> Iterator[tuple[str, str]]:
    from bench.evaluation.measures import known

    yield from known()


def _runs(folder: Path) -> Iterator[tuple[str, ...]]:
    from bench.report.about import run_in_a_line
    from bench.runs.saved import saved_runs

    for run, record in saved_runs(folder):
        if isinstance(record, BenchError):
            yield run.name, f"damaged: {in_one_line(str(record))}"
        else:
            yield run.name, *run_in_a_line(record)
