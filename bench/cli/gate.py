"""`bench gate`: hold a run against the baseline."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from bench.cli.options import Allowed, Overrides, run_folder_of
from bench.cli.verdict import telling
from bench.errors import BenchError, require

if TYPE_CHECKING:
    from bench.evidence.family import Margins
    from bench.experiment.gate import GateResult
    from bench.runs.record import Record
    from bench.runs.replaced import Made
    from bench.types import TestCollection

_OUTPUT = "results/runs"


class Undecidable(StrEnum):
    """What the gate makes of too few queries."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"


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
            help="Gate on this one; repeatable. The baseline's evidence.measures if not given.",
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
        bool,
        typer.Option(
            "--update",
            help="Make this run the baseline, if it passes; the baseline's folder is replaced whole.",
        ),
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
    from bench.experiment.baseline import loosened, on_test, tolerance_of
    from bench.experiment.gate import Renewal, hold, read_floors
    from bench.runs.comparable import count_reranked, require_comparable
    from bench.runs.folder import require_replaceable, restore
    from bench.runs.record import Record
    from bench.runs.replaced import telling_of_replacement

    files = {"--junit": junit, "--summary": summary, "--json": json}
    run = run and run_folder_of(run)
    with telling(files, baseline, run) as verdict, ExitStack() as to_the_end:
        require(
            reason is None or (update and reason.strip() != ""),
            "--reason takes a text and belongs to --update",
        )
        if restore(baseline):
            print(
                f"replacing {baseline} was interrupted the last time; the earlier one is back",
                file=sys.stderr,
            )
        if update:
            require_replaceable(baseline)  # before anything is run
        first = not (baseline / "record.json").exists()
        require(
            not first or (update and run is not None),
            f"no baseline in {baseline}; make one with bench gate RUN --update",
        )
        then = Record.load(run if first and run else baseline)
        earlier = None if first else then
        # Read before anything is run again: a slip of the pen is not to cost a run.
        tolerances = tolerance_of(then).changed(tolerance or (), then.measures, "--tolerance")
        gated = measure or list(then.evidence["family"]["measures"])
        for text in tolerance or ():
            named = text.rpartition("=")[0]
            require(
                named in ("", *gated),
                f"--tolerance {text} has no effect: {named} is not gated; add --measure",
            )
        floors = read_floors(floor or ())
        now, run = _candidate(then, run, changes or (), allow or (), update=update)
        anew = False
        if update and reason is not None:
            try:
                require_comparable(then, now)
            except BenchError as error:
                print(error, file=verdict.beside)
                then, anew = now, True  # what can still be told is told of the run alone: its floors
        systems = [s for s in then.systems if s in now.systems]
        queries = {query for query, kept in zip(then.query_ids, on_test(then), strict=True) if kept}
        reranked = None if first or anew else count_reranked(baseline, run, systems, queries)
        # Undecidable asks for a reason before it becomes the baseline, whatever --undecidable lets pass.
        lenient = undecidable is Undecidable.PASS and not update
        asked = _Asked(gated, tolerances, floors, lenient)

        def held(asked: _Asked) -> GateResult:
            return hold(
                then,
                now,
                measures=asked.measures,
                tolerance=asked.tolerance,
                floors=asked.floors,
                reranked=reranked,
                undecidable_passes=asked.undecidable_passes,
                may_be_gone=update and reason is not None,
            )

        result = held(asked)
        _tell(result, then, now, (baseline, run), verdict.beside)
        if update:
            # Whatever was asked for this once, the next baseline is held against what the last guards.
            own = _Asked(list(then.evidence["family"]["measures"]), tolerance_of(then), {}, True)
            stopped = {**held(own).stopped, **result.stopped}
            words = [f"{system} {name} {word}" for (system, name), word in stopped.items()]
            words += loosened(then, now)
            words += [f"{name} failed" for name in now.content.get("failed", {})]
            if words and reason is None:
                why = f"the baseline stays: {', '.join(words)}"
                why += '; to take it all the same, add --reason "WHY"'
                ended = Renewal(result.exit_code or (3 if stopped else 2), "the baseline stays", why)
            else:
                test = _measured_on(now, run, changes or (), allow or ())
                made = to_the_end.enter_context(telling_of_replacement(baseline))
                _replace(baseline, earlier, run, now, test, stopped, reason, made, anew=anew)
                how = (
                    "first baseline" if first else "new baseline, begun anew" if anew else "new baseline"
                )
                because = f", because: {reason}" if reason else ""
                why = f"{how} → {baseline}{because}"
                ended = Renewal(0, how + bool(reason) * " with a reason", why)
            print(ended.why, file=verdict.beside)
            result = replace(result, renewal=ended)
        verdict.write(result)
    raise typer.Exit(result.exit_code)


@dataclass(frozen=True)
class _Asked:
    """What a run is held against."""

    measures: list[str]
    tolerance: Margins
    floors: Mapping[tuple[str, str], float]
    undecidable_passes: bool


def _candidate(
    then: Record, run: Path | None, changes: Sequence[str], allow: Sequence[str], *, update: bool
) -> tuple[Record, Path]:
    """Return the run that is held against the baseline, and its folder; if none is given, run it."""
    from bench.runs.record import Record

    if run is not None:
        require(
            not changes or (update and len(_of_collection(changes)) == len(changes)),
            "--set changes what is run again; leave it out beside a RUN, but for collection.path=DIR "
            "with --update",
        )
        return Record.load(run), run
    from bench.experiment.run import run_and_save, settings_of
    from bench.report.write import draw_run
    from bench.runs.comparable import require_depth

    # Where the baseline was written is no part of what it is, and not a place on this machine.
    settings = settings_of(then, [f"output={_OUTPUT}", *changes])
    require_depth(then, settings["depth"])
    saved = run_and_save(settings, allow)
    draw_run(saved.record, saved.folder)
    saved.raise_failed()
    return saved.record, saved.folder


def _tell(result: GateResult, then: Record, now: Record, folders: tuple[Path, Path], to: TextIO) -> None:
    """Print what was found."""
    from bench.report.gate import gate_tables
    from bench.report.write import print_grids
    from bench.runs.reproduction import changed_systems

    print_grids(gate_tables(result), to)
    for one in [finding for finding in result.findings if not finding.outcome.passes][:1]:
        print(f"Which queries: bench diff {folders[0]} {folders[1]} {one.system}", file=to)
    if changed := changed_systems(then, now):
        print(f"Not as in the baseline: {'; '.join(changed)}.", file=to)


def _of_collection(changes: Sequence[str]) -> list[str]:
    return [change for change in changes if re.match(r"collection[.=]", change)]


def _measured_on(
    record: Record, run: Path, changes: Sequence[str], allow: Sequence[str]
) -> TestCollection:
    """Return what the run was measured on, so that its run files can be measured again."""
    from bench.experiment.run import collection_of, settings_of

    source = settings_of(record, _of_collection(changes)).get("collection")
    try:
        return collection_of(record, source, allow, "--set collection.path=DIR")
    except BenchError as error:
        raise BenchError(f"the run files of {run} can not be measured again: {error}") from error


def _replace(
    baseline: Path,
    earlier: Record | None,
    run: Path,
    record: Record,
    test: TestCollection,
    stopped: Mapping[tuple[str, str], str],
    reason: str | None,
    made: Made,
    *,
    anew: bool = False,
) -> None:
    """Put a copy of the run in the baseline's place, if its run files hold what its record says."""
    from bench.experiment.baseline import baseline_from
    from bench.runs.folder import replacing
    from bench.runs.record import change_record
    from bench.runs.run_files import require_run_files

    require_run_files(run, record, test)
    with replacing(baseline, run, earlier, made) as new:
        change_record(new, baseline_from(earlier, record, stopped, reason, anew=anew))
