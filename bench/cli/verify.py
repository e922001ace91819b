"""`bench verify`: run a saved record again."""

from __future__ import annotations

import typer

from bench.cli.options import Allowed, Overrides, RunFolder, run_folder_of
from bench.errors import require


def verify(
    run: RunFolder,
    changes: Overrides = None,
    allow: Allowed = None,
) -> None:
    """Run a saved record again. Exit 0 when every system ranks as it did, 1 when one does not."""
    from bench.collections.trec import read_scores
    from bench.experiment.run import run as run_again
    from bench.experiment.run import settings_of
    from bench.report.reproduction import reproduction_table
    from bench.report.write import print_grids
    from bench.runs.record import Record
    from bench.runs.reproduction import Level, differences, reproduced

    run = run_folder_of(run)
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
