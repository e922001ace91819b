"""`bench judge`: judge papers in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import Labelled
from bench.cli.screens import screens
from bench.errors import require


def judge(
    folder: Labelled,
    assessor: Annotated[
        str, typer.Option(metavar="NAME", help="Who judges; the pass is FOLDER/passes/NAME.tsv.")
    ],
    pool: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUN", help="Judge only what these runs (folders or .trec files) found."),
    ] = None,
    depth: Annotated[int, typer.Option(min=1, help="How deep each run of --pool is looked at.")] = 100,
    unjudged: Annotated[
        bool,
        typer.Option(
            "--unjudged", help="With --pool: leave out what has a grade of 0 or more in FOLDER/qrels."
        ),
    ] = False,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="SET", help="Only this query set; repeatable.")
    ] = None,
    bare: Annotated[
        bool,
        typer.Option(
            "--bare",
            help="Hide the narratives: how much do they decide? A pass of its own, named NAME-bare.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides the order of queries and papers.")] = 0,
) -> None:
    """Judge papers in the terminal: blind to systems, saved at every key, resumable."""
    from bench.labelling.pass_file import PassFile
    from bench.labelling.passes import ADJUDICATION, ToJudge
    from bench.labelling.pool import pairs_to_judge
    from bench.labelling.session import Session

    require(
        assessor.casefold() != ADJUDICATION,
        f"passes/{ADJUDICATION}.tsv keeps the settled grades; take another --assessor name",
    )
    named_bare = f"-{assessor}".casefold().endswith("-bare")
    require(
        named_bare or not bare,
        "a pass made without the narratives is named so, or it would be taken up with them; take "
        f"--assessor {assessor}-bare",
    )
    require(
        bare or not named_bare,
        f"'{assessor}' is the name of a pass made without the narratives; add --bare, or take another "
        "--assessor name",
    )
    require(not unjudged or bool(pool), "--unjudged belongs to --pool; name a run with --pool RUN")
    to_judge = ToJudge.load(folder)
    to_judge.pass_file(assessor)  # a name that can not be one is said before the terminal is asked for
    screen = screens()
    with PassFile(to_judge, assessor) as kept:
        order = f"{seed} {assessor}"
        pairs = pairs_to_judge(to_judge, kept, pool or [], depth, sets or [], order, unjudged=unjudged)
        session = Session(pairs, kept)
        if session.current is None:
            print(f"nothing left to judge for {assessor}: {len(pairs)} pairs are done")
            return
        screen.PairScreen(to_judge, session, bare=bare).judge()
        print(f"{session.done} of {len(pairs)} pairs are judged → {kept.file}")
