"""Commands that hold a run against a saved one: gate, verify."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BenchError, require

if TYPE_CHECKING:
    from bench.gate import GateResult
    from bench.record import Record

_OUTPUT = "results/runs"
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a saved setting, such as collection.path."),
]


class Undecidable(StrEnum):
    """What the gate makes of too few queries."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"


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
        typer.Option(
            metavar="MEASURE",
            help="Gate on this one; repeatable. The baseline's evidence.measures if not.",
        ),
    ] = None,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[MEASURE=]VALUE", help="A loss below this passes; the baseline's own if not given."
        ),
    ] = None,
    floor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SYSTEM:]MEASURE=VALUE",
            help="A mean below this fails, of any measure and system of the run; repeatable.",
        ),
    ] = None,
    undecidable: Annotated[
        Undecidable, typer.Option(help="Whether too few queries to decide stop the gate.")
    ] = Undecidable.FAIL,
    update: Annotated[
        bool, typer.Option("--update", help="Make this run the baseline, if it passes.")
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="With --update: take what does not pass, and say why."),
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
    from bench.comparable import count_reranked, require_comparable
    from bench.gate import hold, tolerance_of
    from bench.record import Record
    from bench.run_folder import restore

    require(
        reason is None or (update and reason.strip() != ""),
        "--reason takes a text and belongs to --update",
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
        _replace(baseline, run, [], None)
        print(f"first baseline → {baseline}")
        return
    then = Record.load(baseline)
    # Read before anything is run again: a slip of the pen is not to cost a run.
    tolerances = tolerance_of(then).changed(tolerance or (), then.measures, "--tolerance")
    floors = dict(map(_floor, floor or ()))
    now, run = _candidate(then, run, changes or (), allow or ())
    if update and reason is not None:
        try:
            require_comparable(then, now)
        except BenchError as error:
            print(error)
            _replace(baseline, run, ["everything: it can not be held against the one before"], reason)
            print(f"new baseline, begun anew → {baseline}")
            return
    result = hold(
        then,
        now,
        measures=measure or (),
        tolerance=tolerances,
        floors=floors,
        reranked=count_reranked(baseline, run, [s for s in then.systems if s in now.systems]),
        undecidable_passes=undecidable is Undecidable.PASS,
    )
    _tell(result, then, now, junit=junit, summary=summary, json=json)
    if update:
        _update(baseline, run, result, reason)
        return
    raise typer.Exit(result.exit_code)


def _candidate(
    then: Record, run: Path | None, changes: Sequence[str], allow: Sequence[str]
) -> tuple[Record, Path]:
    """Return the run that is held against the baseline, and its folder; if none is given, run it."""
    from bench.record import Record

    if run is not None:
        require(not changes, "--set changes what is run again; leave it out beside a RUN")
        return Record.load(run), run
    from bench.comparable import require_depth
    from bench.execute import run_and_save, settings_of

    # Where the baseline was written is no part of what it is, and not a place on this machine.
    settings = settings_of(then, [f"output={_OUTPUT}", *changes])
    require_depth(then, settings["depth"])
    return run_and_save(settings, allow)


def _tell(
    result: GateResult,
    then: Record,
    now: Record,
    *,
    junit: Path | None,
    summary: Path | None,
    json: Path | None,
) -> None:
    """Write and print what was found, in every form that was asked for."""
    from bench.files import write_text
    from bench.report.gate import (
        gate_json,
        gate_junit,
        gate_markdown,
        gate_tables,
        github_annotations,
    )
    from bench.report.write import print_grids
    from bench.reproduction import changed_systems

    for file, text in ((junit, gate_junit), (summary, gate_markdown), (json, gate_json)):
        if file is not None:
            write_text(file, text(result))
    print_grids(gate_tables(result))
    if changed := changed_systems(then, now):
        print(f"Not as in the baseline: {'; '.join(changed)}.")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print("\n".join(github_annotations(result)))
        if page := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(page).open("a", encoding="utf-8") as out:
                out.write(gate_markdown(result))


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
    for name, ranking in rankings.items():
        unknown = sorted(ranking.keys() - then.query_ids)
        require(
            not unknown,
            f"{run / name}.trec answers {unknown[0]!r}, which the record has not" if unknown else "",
        )
    settings = settings_of(then, changes or ())
    for key in ("measures", "depth"):
        require(
            settings.get(key) == then.content["config"].get(key),
            f"verify repeats a run with its own {key}; leave {key} out of --set",
        )
    now, results, test = run_again(settings, allow or ())
    gone = [name for name in then.systems if name not in results.systems]
    require(
        not gone,
        "verify repeats a run with its own systems; leave retrievers out of --set, or name "
        f"{', '.join(map(repr, gone))} too",
    )
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
        found.append(reproduced(name, then.query_ids, rankings[name], ranked, *values))
    print_grids([reproduction_table(found, differences(then, now), then)])
    raise typer.Exit(int(any(one.level is Level.DIFFERENT for one in found)))


def _folder(run: Path) -> Path:
    """The folder of a run that is named by its record.json."""
    return run.parent if run.name == "record.json" else run


def _floor(text: str) -> tuple[tuple[str, str], float]:
    """Read [SYSTEM:]MEASURE=VALUE."""
    name, equals, value = text.rpartition("=")
    system, _, measure = name.rpartition(":")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    require(
        bool(equals) and number == number,
        f"floor '{text}' is malformed; write it as nDCG@10=0.6 or hybrid:nDCG@10=0.6",
    )
    return (system, measure), number


def _update(baseline: Path, run: Path, result: GateResult, reason: str | None) -> None:
    if result.stopped and reason is None:
        print(f"the baseline stays: {', '.join(result.stopped)}; to take it all the same, add "
              '--reason "WHY"')  # fmt: skip
        # Undecidable asks for a reason too, whatever --undecidable lets pass.
        raise typer.Exit(result.exit_code or 3)
    _replace(baseline, run, result.stopped, reason)
    print(f"new baseline → {baseline}")


def _replace(baseline: Path, run: Path, stopped: list[str], reason: str | None) -> None:
    """Put a copy of the run in the baseline's place."""
    from bench.gate import baseline_from
    from bench.record import add_to_record
    from bench.run_folder import replacing

    more = baseline_from(baseline, run, stopped, reason)
    with replacing(baseline, run) as new:
        add_to_record(new, more)
