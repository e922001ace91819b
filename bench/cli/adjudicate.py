"""`bench adjudicate`: settle what two passes differ on."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from bench.cli.options import Labelled, Passes, Pooled
from bench.cli.screens import screens
from bench.errors import require, visible


def adjudicate(
    folder: Labelled,
    passes: Passes = None,
    pooled: Pooled = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write the settled labels to FOLDER/qrels; shows no screen."),
    ] = False,
    without_zeros: Annotated[
        bool,
        typer.Option(
            "--without-zeros",
            help="With --write: leave out pairs of grade 0; the collection must say complete=true.",
        ),
    ] = False,
) -> None:
    """Settle what two passes differ on, one pair at a time; then --write the labels."""
    from bench.labelling.pass_file import PassFile
    from bench.labelling.passes import (
        ADJUDICATION,
        Pass,
        ToJudge,
        passes_to_compare,
        require_same_pairs,
    )
    from bench.labelling.session import Session
    from bench.labelling.settling import disagreements, read_settled, settle, settles, write_labels

    require(write or not without_zeros, "--without-zeros belongs to --write; add it, or leave both out")
    to_judge = ToJudge.load(folder)
    compared = passes_to_compare(to_judge, passes, one_will_do=write)
    require(len(compared) == 1, "more than two passes; name the two with --pass A --pass B")
    first, second = compared[0]
    queries = require_same_pairs(first, second, to_judge, pooled=pooled)
    if first is second:
        print(
            f"the labels are those of {first.name} alone: how far they can be trusted, nobody can tell"
        )
        settled = Pass(ADJUDICATION, {})
    else:
        settled = read_settled(to_judge, first, second, queries)
    if write:
        from bench.storage.files import check_file

        check_file(to_judge.folder / "qrels" / "test.tsv")
        grades = settle(first, second, settled, queries)
        for file, n in write_labels(to_judge, grades, zeros=not without_zeros).items():
            print(f"{n} judgements → {file}" if n else f"{file} is gone: no query was left in it")
        return
    screen = screens()
    pairs = disagreements(first, second, queries)
    with PassFile(to_judge, ADJUDICATION, settles(first, second, pairs)) as kept:
        for line in kept.keep_asked_again():
            print(visible(f"settled for other passes or grades, and asked again: {line}"))
        session = Session(pairs, kept)
        if session.current is not None:
            screen.AdjudicationScreen(to_judge, session, first, second).judge()
        print(f"{session.done} of {len(session.pairs)} disagreements are settled → {kept.file}")
        if session.done == len(session.pairs):
            chosen = ["--pass", first.name, "--pass", second.name] if passes else []
            again = [str(folder), *chosen, *(["--pooled"] if pooled else []), "--write"]
            print(visible(f"write the labels with: bench adjudicate {shlex.join(again)}"))
