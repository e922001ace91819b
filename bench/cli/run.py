"""`bench run`: from a command line to saved and printed runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.options import Allowed, ConfigDirs, Settings
from bench.errors import require


def run(
    settings: Settings = None,
    own: ConfigDirs = None,
    allow: Allowed = None,
    sweep: Annotated[
        bool, typer.Option("--multirun", "-m", help="One run for each combination of values.")
    ] = False,
    cfg: Annotated[
        Literal["job"] | None,
        typer.Option("--cfg", "-c", metavar="job", help="Show the settings instead of running."),
    ] = None,
    resolve: Annotated[
        bool, typer.Option("--resolve", help="With --cfg: fill in what ${...} refers to.")
    ] = False,
    package: Annotated[
        str | None,
        typer.Option("--package", "-p", metavar="KEY", help="With --cfg: only what is below."),
    ] = None,
) -> None:
    """Evaluate retrievers on labelled queries: tables, plots and a record."""
    require(bool(cfg) or not (resolve or package), "--resolve and --package go with --cfg job")
    require(not (cfg and sweep), "--cfg job shows one run; leave -m out")
    if cfg:
        _show(settings or (), own or (), resolve=resolve, package=package)
    else:
        _run(settings or (), own or (), allow or (), sweep=sweep)


def _run(overrides: Sequence[str], own: Sequence[Path], allowed: Sequence[str], *, sweep: bool) -> None:
    """Run, save and print; with `sweep`, once for each combination of the values that are named.

    All jobs of a sweep are composed before the first runs, and none runs after one that fails. At the
    end stands one table over the values swept.
    """
    from bench.cli.compose import compose, jobs, read, require_no_sweep
    from bench.experiment.run import run_and_save
    from bench.paths import as_seen_from_here
    from bench.report.sweep import sweep_table
    from bench.report.write import draw_run, print_grids, print_tables, run_stands

    if not sweep:
        require_no_sweep(overrides, own)
    sweeps = [one.sweep for one in read(overrides, own)]
    todo = [(job, compose(job, own)) for job in (jobs(overrides, own) if sweep else [overrides])]
    done = []
    for job, settings in todo:
        run_saved = run_and_save(settings, allowed)
        saved, folder, _ = run_saved
        with run_stands(folder):
            print_tables(saved)
        draw_run(saved, folder)  # what somebody waits for stands on the screen meanwhile
        print(as_seen_from_here(folder))
        run_saved.raise_failed()
        swept = [text.lstrip("+").partition("=") for text, its in zip(job, sweeps, strict=True) if its]
        done.append(({key: value for key, _, value in swept}, saved))
    if len(done) > 1:
        print()
        print_grids([sweep_table(done)])


def _show(overrides: Sequence[str], own: Sequence[Path], *, resolve: bool, package: str | None) -> None:
    """Print the settings as YAML and run nothing."""
    from bench.cli.compose import as_yaml, require_no_sweep

    require_no_sweep(overrides, own)
    print(as_yaml(overrides, own, resolve=resolve, package=package), end="")
