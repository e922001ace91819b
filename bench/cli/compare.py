"""`bench compare`: is the difference between systems real?"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import listed, require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.runs.contenders import Contenders
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
        typer.Option(
            metavar="DIR", help="What run files are measured on: a BEIR folder, digest or digest-v1."
        ),
    ] = None,
    qrels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What run files are measured on: qrels alone, as of TREC."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Which qrels/SPLIT.tsv of --collection; test if not given.")
    ] = None,
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
    from bench.evaluation.measures import require_tested_once
    from bench.evidence.comparison import compare as compare_values
    from bench.evidence.comparison import explore
    from bench.evidence.family import Margins
    from bench.evidence.sway import resting
    from bench.report.comparison import comparison_csv, comparison_json, comparison_tables
    from bench.report.latex import latex
    from bench.report.markdown import markdown
    from bench.report.write import beside, print_grids
    from bench.runs.contenders import gather
    from bench.runs.notes import data_notes, tie_notes
    from bench.storage.files import check_file, is_standard_output, write_text

    check_file(out)
    require_tested_once(measure or (), "--measure")
    forms = (".md", ".tex", ".csv", ".json")
    form = ".md" if is_standard_output(out) else out.suffix if out else None
    require(form is None or form in forms, f"cannot write {out}: it must end in one of {forms}")
    test = _measured_on(
        runs, collection, qrels, split, relevant, complete=complete, ignore=ignore_identical_ids
    )
    found = gather(runs, test, measure or ())
    for note in found.notes:
        print(note, file=sys.stderr)
    # What share of a ranking was judged is no quality that systems compete in.
    kept = [m for m in found.measures if not m.startswith("Judged")]
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

    pairs = _pairs(found, baseline or (), all_pairs=all_pairs)
    family = compare_values(
        of(tested), found.systems, tested, pairs, found.sets, margins=margins, seed=seed
    )
    untested = [m for m in kept if m not in tested]
    others = []
    if untested:
        others = explore(of(untested), found.systems, untested, pairs, found.sets, margins=margins)
    comparisons = [*family.comparisons, *others]
    means, sways = found.means, found.sways
    rests = resting(family.comparisons, sways)
    verdicts = {(name, one.measure) for one in rests for name in (one.system, one.baseline)}
    told = tie_notes(found.basis, verdicts)
    tied = {one: [told[s] for s in (one.system, one.baseline) if s in told] for one in rests}
    notes = list(data_notes(found.basis, verdicts))
    tables = comparison_tables(family, others, means, notes)
    if out is not None and form is not None:
        write_text(
            out,
            {
                ".md": lambda: markdown(tables),
                ".tex": lambda: latex(tables),
                ".csv": lambda: comparison_csv(comparisons, means, tied),
                ".json": lambda: comparison_json(comparisons, means, tied),
            }[form](),
        )
    print_grids(tables, beside(out))


def _pairs(found: Contenders, baseline: Sequence[str], *, all_pairs: bool) -> list[tuple[int, int]]:
    """Return the pairs (system, baseline) of rows to compare.

    Of several runs each system is compared with that of the same name in the first, where there is one;
    what was named alone, FOLDER:SYSTEM or a run file, with the first system where there is none.
    """
    from bench.runs.naming import pairs_by_name, run_and_system

    everyone = range(len(found.systems))
    require(len(everyone) >= 2, f"only one system, {found.systems[0]}; name another to compare it with")
    if all_pairs:
        require(not baseline, "--all-pairs compares each two systems; leave --baseline out")
        return [(b, a) for a, b in itertools.combinations(everyone, 2)]
    if not baseline:
        pairs = pairs_by_name(found.origins)
        if pairs:
            unpaired = sorted(set(everyone) - set(sum(pairs, ())))
            for row in unpaired:
                run, system = found.origins[row]
                if row > 0 and (not system or run_and_system(run)[1]):
                    pairs.append((row, 0))
            left = [found.systems[row] for row in unpaired if row not in sum(pairs, ())]
            if left:
                print(
                    f"not compared, as they are not in the first run and another: {listed(left)}",
                    file=sys.stderr,
                )
            return pairs
    against = [found.place(name) for name in dict.fromkeys(baseline or [found.systems[0]])]
    pairs = [(s, b) for b in against for s in everyone if s not in against]
    require(bool(pairs), "every system is a baseline; name one that is not")
    return pairs


def _measured_on(
    runs: Sequence[str],
    collection: str | None,
    qrels: Path | None,
    split: str | None,
    relevant: int | None,
    *,
    complete: bool,
    ignore: bool,
) -> TestCollection | None:
    """Return what run files are measured on; None where nothing was named."""
    rules = {"--complete": complete, "--ignore-identical-ids": ignore}
    given = [option for option, given in rules.items() if given]
    for option in [*given, *(["--relevant"] if relevant is not None else [])]:
        require(
            collection is not None or qrels is not None,
            f"{option} is of --collection or --qrels, and both are missing; add one",
        )
    from bench.collections.beir import DIGESTS

    for option in given:
        require(collection not in DIGESTS, f"the digest's rules are fixed; leave {option} out")
    if qrels is None:
        if collection is None:
            require(split is None, "--split is of --collection, which is missing; add it")
            return None
        require(
            not all(map(_is_saved, runs)),
            "no run file is named, and saved runs have their values; leave --collection out",
        )
        return _collection(collection, split or "test", relevant, complete, ignore)
    from bench.collections.judgements import judged
    from bench.runs.naming import run_and_system

    require(collection is None, "--qrels and --collection both say what to measure on; leave one out")
    require(split is None, "--split is of --collection, and --qrels names its file; leave --split out")
    for run in runs:
        path, _ = run_and_system(run)
        require(path.exists(), f"{path} does not exist; name a run file")
        require(
            Path(run).is_file() and Path(run).name != "record.json",
            f"{run} is no run file, and --qrels is for those; of a run's folder name its SYSTEM.trec",
        )
    files = list(map(Path, runs))
    test, notes = judged(qrels, files, relevant or 1, complete=complete, ignore_identical_ids=ignore)
    for note in notes:
        print(note, file=sys.stderr)
    return test


def _is_saved(name: str) -> bool:
    """Whether a run's folder is named, or its record."""
    from bench.runs.naming import run_and_system

    path, _ = run_and_system(name)
    return path.is_dir() or path.name == "record.json"


def _collection(
    name: str, split: str, relevant: int | None, complete: bool, ignore_identical_ids: bool
) -> TestCollection:
    """Load what `--collection` names; the digest has its own rule of what is relevant."""
    from bench.collections.beir import DIGESTS, BeirFolder, digest, require_folder

    if name in DIGESTS:
        require(relevant is None, "the digest's relevant grades are fixed; leave --relevant out")
        return digest(split, version=DIGESTS[name]).load()
    require_folder(Path(name), " as --collection DIR")
    return BeirFolder(
        name,
        split=split,
        relevant=relevant or 1,
        complete=complete,
        ignore_identical_ids=ignore_identical_ids,
    ).load()
