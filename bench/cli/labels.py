"""Commands for those who label: agree, judge, adjudicate, export."""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BenchError, require

if TYPE_CHECKING:
    from bench.labelling.passes import Pass, ToJudge

Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="A BEIR folder; its passes are in FOLDER/passes.")
]
Passes = Annotated[
    list[str] | None,
    typer.Option("--pass", metavar="NAME", help="A pass to compare; twice. All pairs if not given."),
]


def agree(
    folder: Folder,
    passes: Passes = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN", help="A run's folder; repeatable. Would its means change under either pass?"
        ),
    ] = None,
    relevant: Annotated[int, typer.Option(min=1, help="The lowest grade that is relevant.")] = 2,
    pooled: Annotated[
        bool, typer.Option("--pooled", help="Not every document was to be judged.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the tables there, as Markdown.")
    ] = None,
) -> None:
    """Agreement of assessors on relevance: κ, α and overlap by query set, with intervals."""
    from bench.labelling.agreement import agreement
    from bench.labelling.passes import ADJUDICATION, ToJudge, require_same_pairs
    from bench.labelling.settling import read_settled, settle
    from bench.report.agreement import agreement_table, relabelled_tables
    from bench.report.grid import markdown
    from bench.report.write import beside, print_grids
    from bench.storage.files import check_file, write_text

    check_file(out)
    to_judge = ToJudge.load(folder)
    compared = _pairs(to_judge, passes)
    require(
        not runs or len(compared) == 1,
        "--runs is measured under the labels of two passes, and there are more; name the two with "
        "--pass A --pass B",
    )
    tables = []
    for first, second in compared:
        queries = require_same_pairs(first, second, to_judge, pooled=pooled)
        set_of = {query: to_judge.queries[query][1] for query in queries}
        groups = {
            name: [q for q in queries if set_of[q] == name] for name in dict.fromkeys(set_of.values())
        }
        rows = [
            agreement(name, first.grades, second.grades, chosen, relevant, seed=0)
            for name, chosen in [*(groups.items() if len(groups) > 1 else ()), ("all", queries)]
        ]
        tables.append(agreement_table((first.name, second.name), rows, relevant))
        if runs:
            from bench.labelling.relabel import relabel

            labels = {first.name: first.grades, second.name: second.grades}
            if to_judge.pass_file(ADJUDICATION).exists():
                settled = read_settled(to_judge, first, second, queries)
                labels["final"] = settle(first, second, settled, queries)
            tables += relabelled_tables(relabel(runs, to_judge, labels))
    print_grids(tables, beside(out))
    if out is not None:
        write_text(out, markdown(tables))


def judge(
    folder: Folder,
    assessor: Annotated[
        str, typer.Option(metavar="NAME", help="Who judges; the pass is FOLDER/passes/NAME.tsv.")
    ],
    pool: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUN", help="Judge only what these runs (folders or .trec files) found."),
    ] = None,
    depth: Annotated[int, typer.Option(min=1, help="How deep each run of --pool is looked at.")] = 100,
    unjudged: Annotated[
        bool, typer.Option("--unjudged", help="With --pool: leave out what has a grade in FOLDER/qrels.")
    ] = False,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="SET", help="Only this query set; repeatable.")
    ] = None,
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
    require(not unjudged or bool(pool), "--unjudged belongs to --pool; name a run with --pool RUN")
    to_judge = ToJudge.load(folder)
    to_judge.pass_file(assessor)  # a name that can not be one is said before the terminal is asked for
    screen = _screens()
    with PassFile(to_judge, assessor) as kept:
        order = f"{seed} {assessor}"
        pairs = pairs_to_judge(to_judge, kept, pool or [], depth, sets or [], order, unjudged=unjudged)
        session = Session(pairs, kept)
        if session.current is None:
            print(f"nothing left to judge for {assessor}: {len(pairs)} pairs are done")
            return
        screen.PairScreen(to_judge, session).judge()
        print(f"{session.done} of {len(pairs)} pairs are judged → {kept.file}")


def adjudicate(
    folder: Folder,
    passes: Passes = None,
    pooled: Annotated[
        bool, typer.Option("--pooled", help="Not every document was to be judged.")
    ] = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write the settled labels to FOLDER/qrels; shows no screen."),
    ] = False,
) -> None:
    """Settle what two passes differ on, one pair at a time; then --write the labels."""
    from bench.labelling.pass_file import PassFile
    from bench.labelling.passes import ADJUDICATION, Pass, ToJudge, require_same_pairs
    from bench.labelling.session import Session
    from bench.labelling.settling import disagreements, read_settled, settle, settles, write_labels

    to_judge = ToJudge.load(folder)
    compared = _pairs(to_judge, passes, one_will_do=write)
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
        for file, n in write_labels(to_judge, settle(first, second, settled, queries)).items():
            print(f"{n} judgements → {file}" if n else f"{file} is gone: no query was left in it")
        return
    screen = _screens()
    pairs = disagreements(first, second, queries)
    with PassFile(to_judge, ADJUDICATION, settles(first, second, pairs)) as kept:
        session = Session(pairs, kept)
        if session.current is not None:
            screen.AdjudicationScreen(to_judge, session, first, second).judge()
        print(f"{session.done} of {len(session.pairs)} disagreements are settled → {kept.file}")
        if session.done == len(session.pairs):
            print(f"write the labels with: bench adjudicate {folder} --write")


def export(
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="A BEIR folder; the digest if not given.")
    ] = None,
    trec: Annotated[bool, typer.Option("--trec", help="TREC topics and qrels.")] = False,
    split: Annotated[str, typer.Option(help="Which qrels/SPLIT.tsv; all for every one.")] = "all",
    complete: Annotated[
        bool,
        typer.Option("--complete", help="Every pair was judged: write a 0 for each that is not listed."),
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder that gets the files.")] = Path("trec"),
) -> None:
    """Write topics and qrels for other tools; complete judgements with their zeros written out."""
    from bench.collections.beir import BeirFolder, digest, read_metadata
    from bench.collections.trec import write_qrels, write_topics
    from bench.storage.files import check_file

    require(trec, "no format chosen; add --trec for TREC topics and qrels")
    settings = (
        digest(split) if folder is None else BeirFolder(str(folder), split=split, complete=complete)
    )
    test = settings.load()
    narratives = read_metadata(Path(settings.path) / "queries.jsonl", "narrative")
    topics, qrels = out / f"topics.{split}.txt", out / f"qrels.{split}.txt"
    check_file(topics)
    write_topics(topics, test.queries, narratives)
    lines = write_qrels(qrels, test)
    print(f"{len(test.queries)} topics → {topics}")
    print(f"{lines} judgements → {qrels}")


def _screens() -> ModuleType:
    """Return the module with the screens. Raises `BenchError` without a terminal, or without textual."""
    # What textual reads keys from and draws on.
    terminal = all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__))
    require(terminal, "judging needs a terminal for keys and screen; run it in one, without < and 2>")
    try:
        return importlib.import_module("bench.labelling.screen")
    except ModuleNotFoundError as error:
        raise BenchError(
            f"the terminal screen needs '{error.name}'; install it with pip install 'bench[judge]'"
        ) from error


def _pairs(
    to_judge: ToJudge, names: list[str] | None, *, one_will_do: bool = False
) -> list[tuple[Pass, Pass]]:
    """Return each two passes to compare; one with itself where it is alone and will do."""
    chosen = names or to_judge.assessors()
    if one_will_do and len(set(chosen)) == 1:
        alone = to_judge.read(chosen[0])
        return [(alone, alone)]
    require(
        len(set(chosen)) >= 2,
        f"two passes are needed, found {', '.join(chosen) or 'none'} in {to_judge.folder / 'passes'}; "
        "make them with bench judge",
    )
    read = {name: to_judge.read(name) for name in dict.fromkeys(chosen)}
    return list(itertools.combinations(read.values(), 2))
