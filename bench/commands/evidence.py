"""Commands that say what results are worth: compare."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.types import TestCollection


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="FOLDER of a run (all its systems), FOLDER:SYSTEM, or FILE.trec of any tool.",
        ),
    ],
    baseline: Annotated[
        list[str] | None,
        typer.Option(metavar="SYSTEM", help="Compare with it; repeatable. The first if not given."),
    ] = None,
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Compare each two systems.")] = False,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MEASURE",
            help="Test this one; repeatable. The primary if not given, others untested.",
        ),
    ] = None,
    margin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[MEASURE=]VALUE", help="A smaller difference matters to nobody; 0.02 if not given."
        ),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="What run files are measured on: a BEIR folder, or digest."),
    ] = None,
    split: Annotated[str, typer.Option(help="Which qrels/SPLIT.tsv of it.")] = "test",
    relevant: Annotated[
        int | None, typer.Option(min=1, help="The lowest grade that is relevant in it.")
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="Every pair of it was judged: what is absent is a 0.")
    ] = False,
    ignore_identical_ids: Annotated[
        bool,
        typer.Option(
            "--ignore-identical-ids", help="A document with the query's id is taken out of its answers."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the sign flips and resamples.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there: .md, .tex, .csv or .json.")
    ] = None,
) -> None:
    """Is the difference real? Interval, corrected p, power and a verdict for pairs of systems."""
    from bench.contenders import gather
    from bench.evidence.comparison import compare as compare_values
    from bench.evidence.comparison import explore
    from bench.evidence.family import Margins
    from bench.files import check_file, is_standard_output, write_text
    from bench.report.comparison import comparison_csv, comparison_json, comparison_tables
    from bench.report.grid import latex, markdown
    from bench.report.write import beside, print_grids

    check_file(out)
    forms = (".md", ".tex", ".csv", ".json")
    form = ".md" if is_standard_output(out) else out.suffix if out else None
    require(form is None or form in forms, f"cannot write {out}: it must end in one of {forms}")
    rules = {"--complete": complete, "--ignore-identical-ids": ignore_identical_ids}
    for option in [option for option, given in rules.items() if given]:
        require(collection is not None, f"{option} is of --collection, which is missing; add it")
        require(collection != "digest", f"the digest's rules are fixed; leave {option} out")
    test = None
    if collection:
        test = _collection(collection, split, relevant, complete, ignore_identical_ids)
    found = gather(runs, test, measure or ())
    for note in found.notes:
        print(note, file=sys.stderr)
    # What share of a ranking was judged is no quality that systems compete in.
    kept = [m for m in found.measures if measure or not m.startswith("Judged")]
    tested = kept if measure else kept[:1]
    for text in margin or ():
        named = text.rpartition("=")[0]
        require(
            named in ("", *tested),
            f"--margin {text} has no effect: {named} is not tested; add --measure",
        )
    margins = Margins().changed(margin or (), found.measures, "--margin")

    def of(measures: list[str]) -> NDArray[np.float64]:
        return found.values[:, [found.measures.index(m) for m in measures]]

    everyone = range(len(found.systems))
    require(len(everyone) >= 2, f"only one system, {found.systems[0]}; name another to compare it with")
    if all_pairs:
        require(not baseline, "--all-pairs compares each two systems; leave --baseline out")
        pairs = [(b, a) for a, b in itertools.combinations(everyone, 2)]
    else:
        against = [found.place(name) for name in baseline or [found.systems[0]]]
        pairs = [(s, b) for b in against for s in everyone if s not in against]
        require(bool(pairs), "every system is a baseline; name one that is not")
    family = compare_values(
        of(tested), found.systems, tested, pairs, found.sets, margins=margins, seed=seed
    )
    untested = [m for m in kept if m not in tested]
    others = []
    if untested:
        others = explore(of(untested), found.systems, untested, pairs, found.sets, margins=margins)
    comparisons = [*family.comparisons, *others]
    tables = comparison_tables(family, others)
    if out is not None and form is not None:
        write_text(
            out,
            {
                ".md": lambda: markdown(tables),
                ".tex": lambda: latex(tables),
                ".csv": lambda: comparison_csv(comparisons),
                ".json": lambda: comparison_json(comparisons),
            }[form](),
        )
    print_grids(tables, beside(out))


def _collection(
    name: str, split: str, relevant: int | None, complete: bool, ignore_identical_ids: bool
) -> TestCollection:
    """Load what `--collection` names; the digest has its own rule of what is relevant."""
    from bench.collections.beir import BeirFolder, digest

    if name == "digest":
        require(relevant is None, "the digest's relevant grades are fixed; leave --relevant out")
        return digest(split).load()
    return BeirFolder(
        name,
        split=split,
        relevant=relevant or 1,
        complete=complete,
        ignore_identical_ids=ignore_identical_ids,
    ).load()
