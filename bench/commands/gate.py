"""Commands that hold a run against a saved one: gate, verify."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.errors import require

if TYPE_CHECKING:
    from bench.gate import Verdict
    from bench.record import Record

_OUTPUT = "results/runs"
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a saved setting, such as collection.path."),
]
Allowed = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="MODULE", help="Module besides bench that a _target_ may name."),
]


def gate(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="RUN", help="A run's folder; the baseline is run again if not given."),
    ] = None,
    baseline: Annotated[Path, typer.Option(metavar="DIR", help="The run to be held against.")] = Path(
        "results/baseline"
    ),
    measure: Annotated[
        list[str] | None,
        typer.Option(metavar="MEASURE", help="Gate on this one; repeatable. The primary if not given."),
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0.0, help="A drop below this passes.")] = 0.02,
    floor: Annotated[
        list[str] | None,
        typer.Option(metavar="[SYSTEM:]MEASURE=VALUE", help="A mean below this fails; repeatable."),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Make this run the baseline, unless something regressed.")
    ] = False,
    accept_regression: Annotated[
        str | None, typer.Option(metavar="REASON", help="With --update: take it all the same.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="JUnit XML for CI.")] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Markdown for a pull request's comment.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON for programs.")] = None,
    changes: Overrides = None,
    allow: Allowed = None,
) -> None:
    """Hold a run against the baseline. Exit 0 passed, 1 regressed, 2 could not run, 3 undecidable."""
    from bench.files import write_text
    from bench.gate import count_reranked, judge
    from bench.record import Record
    from bench.report.gate import (
        gate_json,
        gate_junit,
        gate_markdown,
        gate_table,
        github_annotations,
    )
    from bench.report.write import print_grids
    from bench.run_folder import restore

    require(
        accept_regression is None or (update and accept_regression.strip() != ""),
        "--accept-regression takes a reason and belongs to --update",
    )
    run = run and _folder(run)
    if restore(baseline):
        print(
            f"replacing {baseline} was interrupted the last time; the earlier one is back",
            file=sys.stderr,
        )
    if not (baseline / "record.json").exists():
        require(
            update and run is not None,
            f"no baseline in {baseline}; make one with bench gate RUN --update",
        )
        assert run is not None
        Record.load(run)
        _replace(baseline, run, None)
        print(f"first baseline → {baseline}")
        return
    then = Record.load(baseline)
    if run is None:
        from bench.execute import run_and_save, settings_of

        # Where the baseline was written is no part of what it is, and not a place on this machine.
        settings = settings_of(then, [f"output={_OUTPUT}", *(changes or ())])
        now, run = run_and_save(settings, allow or ())
    else:
        require(not changes, "--set changes what is run again; leave it out beside a RUN")
        now = Record.load(run)
    reranked = count_reranked(baseline, run, [name for name in then.systems if name in now.systems])
    floors = dict(_floor(text, then) for text in floor or ())
    verdict = judge(
        then, now, measures=measure or (), tolerance=tolerance, floors=floors, reranked=reranked
    )
    for file, text in ((junit, gate_junit), (summary, gate_markdown), (json, gate_json)):
        if file is not None:
            write_text(file, text(verdict))
    print_grids([gate_table(verdict)])
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print("\n".join(github_annotations(verdict)))
        if page := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(page).open("a", encoding="utf-8") as out:
                out.write(gate_markdown(verdict))
    if update:
        _update(baseline, run, verdict, accept_regression)
        return
    raise typer.Exit(verdict.exit_code)


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    changes: Overrides = None,
    allow: Allowed = None,
) -> None:
    """Run a saved record again. Exit 0 when every system ranks as it did, 1 when one does not."""
    from bench.collections.trec import read_scores
    from bench.execute import run as run_again
    from bench.execute import settings_of
    from bench.record import Record
    from bench.report.reproduction import reproduction_table
    from bench.report.write import print_grids
    from bench.reproduction import Level, differences, reproduced

    run = _folder(run)
    then = Record.load(run)
    rankings = {name: read_scores(run / f"{name}.trec") for name in then.systems}
    now, results, test = run_again(settings_of(then, changes or ()), allow or ())
    require(
        now.query_ids == then.query_ids,
        f"the queries are not those of {run}: {len(then.query_ids)} then, {len(now.query_ids)} now; "
        "restore the labels, or name their folder with --set collection.path=DIR",
    )
    for what, before, after in (
        ("systems", then.systems, now.systems),
        ("measures", then.measures, now.measures),
    ):
        require(
            before == after,
            f"the {what} are not those of {run}: {', '.join(before)} then, {', '.join(after)} now; "
            f"leave {what} out of --set",
        )
    found = []
    for place, name in enumerate(then.systems):
        values = [{m: r.values(m)[place] for m in then.measures} for r in (then, now)]
        ranked = results.systems[name].run.by_query(results.queries, test.collection)
        found.append(reproduced(name, rankings[name], ranked, *values))
    print_grids([reproduction_table(found, differences(then, now), then)])
    raise typer.Exit(int(any(one.level is Level.DIFFERENT for one in found)))


def _folder(run: Path) -> Path:
    """The folder of a run that is named by its record.json."""
    return run.parent if run.name == "record.json" else run


def _floor(text: str, then: Record) -> tuple[tuple[str, str], float]:
    """Read [SYSTEM:]MEASURE=VALUE."""
    name, equals, value = text.rpartition("=")
    system, _, measure = name.rpartition(":")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    require(
        bool(equals) and 0 <= number <= 1,
        f"floor '{text}' is malformed; write it as nDCG@10=0.6 or hybrid:nDCG@10=0.6",
    )
    require(system in ("", *then.systems), f"floor '{text}': the baseline has no system '{system}'")
    require(measure in then.measures, f"floor '{text}': the baseline has no measure '{measure}'")
    return (system, measure), number


def _update(baseline: Path, run: Path, verdict: Verdict, reason: str | None) -> None:
    failed = [f"{one.system} {one.measure}" for one in verdict.findings if one.outcome.fails]
    if failed and reason is None:
        print(f"the baseline stays: {', '.join(failed)} regressed; to take it all the same, add "
              '--accept-regression "REASON"')  # fmt: skip
        raise typer.Exit(1)
    accepted = None
    if failed:
        accepted = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "regressed": failed,
            "reason": reason,
        }
    _replace(baseline, run, accepted)
    print(f"new baseline → {baseline}")


def _replace(baseline: Path, run: Path, accepted: dict[str, Any] | None) -> None:
    """Put a copy of the run in the baseline's place."""
    from bench.record import add_accepted_regression
    from bench.run_folder import replacing

    with replacing(baseline, run) as new:
        add_accepted_regression(new, baseline, accepted)
