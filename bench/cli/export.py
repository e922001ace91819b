"""`bench export`: topics and qrels for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.errors import require


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
    from bench.collections.beir import BeirFolder, digest
    from bench.collections.beir_files import read_metadata
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
    changed = write_topics(topics, test.queries, narratives)
    lines = write_qrels(qrels, test)
    print(f"{len(test.queries)} topics → {topics}")
    print(f"{lines} judgements → {qrels}")
    if changed:
        print(
            "angle brackets became spaces in the topics or narratives of "
            f"{len(changed)} of {len(test.queries)} queries, first in '{changed[0]}'"
        )
