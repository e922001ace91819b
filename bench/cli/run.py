"""`bench run`: from a command line to saved and printed runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.cli.options import Allowed, ConfigDirs, Settings
from bench.errors import BenchError, require

if TYPE_CHECKING:
    from bench.experiment.run import SavedRun


def run(
    context: typer.Context,
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
    elif sweep:
        _sweep(settings or (), own or (), allow or (), debug=bool(context.obj))
    else:
        _run(settings or (), own or (), allow or ())


def _run(overrides: Sequence[str], own: Sequence[Path], allowed: Sequence[str]) -> None:
    """Run, save and print."""
    from bench.cli.compose import compose, require_no_sweep

    require_no_sweep(overrides, own)
    _saved_and_printed(compose(overrides, own), allowed).raise_failed()


def _sweep(
    overrides: Sequence[str], own: Sequence[Path], allowed: Sequence[str], *, debug: bool
) -> None:
    """Run, save and print once for each combination of the values that are named, then print one table
    over them.

    All are checked before the first runs. One that fails all the same is said in a line, and the others
    run: a night must not be lost for it. Leaves with the exit code of the worst.
    """
    from bench.cli.exits import say
    from bench.report.sweep import Combination, sweep_table
    from bench.report.write import print_grids

    done, worst = [], 0
    for values, settings in _combinations(overrides, own, allowed):
        one = Combination(values, failed=tuple(settings["retrievers"]))
        try:
            saved = _saved_and_printed(settings, allowed)
        except BrokenPipeError:  # nobody reads on
            raise
        except Exception as error:
            worst = max(worst, say(error, str(one), debug=debug))
        else:
            one = Combination(values, saved.record, tuple(saved.failed))
            for name, its in saved.failed.items():
                where = ", ".join(filter(None, (str(one), name)))
                worst = max(worst, say(its, where, debug=debug))
        done.append(one)
    if len(done) > 1 and any(one.record for one in done):
        print()
        print_grids([sweep_table(done)])
    if worst:
        raise typer.Exit(worst)


def _combinations(
    overrides: Sequence[str], own: Sequence[Path], allowed: Sequence[str]
) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Return what is set to what in each run of a sweep, and its settings.

    Raises `BenchError` that names the combination which can not run.
    """
    from bench.cli.compose import compose, jobs, read
    from bench.experiment.run import check_buildable
    from bench.report.sweep import Combination

    sweeps = [one.sweep for one in read(overrides, own)]
    found = []
    for job in jobs(overrides, own):
        swept = [text.lstrip("+").partition("=") for text, its in zip(job, sweeps, strict=True) if its]
        values = {key: value for key, _, value in swept}
        try:
            settings = compose(job, own)
            check_buildable(settings, allowed)
        except BenchError as error:
            before = f"{Combination(values)}: " if values else ""
            raise BenchError(f"{before}{error}") from error
        found.append((values, settings))
    return found


def _saved_and_printed(settings: Mapping[str, Any], allowed: Sequence[str]) -> SavedRun:
    from bench.experiment.run import run_and_save
    from bench.paths import as_seen_from_here
    from bench.report.write import draw_run, print_tables, run_stands

    saved = run_and_save(settings, allowed)
    with run_stands(saved.folder):
        print_tables(saved.record)
    draw_run(saved.record, saved.folder)  # what somebody waits for stands on the screen meanwhile
    print(as_seen_from_here(saved.folder))
    return saved


def _show(overrides: Sequence[str], own: Sequence[Path], *, resolve: bool, package: str | None) -> None:
    """Print the settings as YAML and run nothing."""
    from bench.cli.compose import as_yaml, require_no_sweep

    require_no_sweep(overrides, own)
    print(as_yaml(overrides, own, resolve=resolve, package=package), end="")
