"""`bench import`: CSV or TSV files to a BEIR folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer


def import_tables(
    articles: Annotated[Path, typer.Argument(metavar="ARTICLES", help="id, title, text.")],
    queries: Annotated[Path, typer.Argument(metavar="QUERIES", help="id, text, perhaps a set.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The BEIR folder that is made.")],
    qrels: Annotated[
        Path | None,
        typer.Argument(metavar="QRELS", help="query, article, grade; none if they are to be judged."),
    ] = None,
    doc_id: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Of ARTICLES.")] = None,
    title: Annotated[str | None, typer.Option(metavar="COLUMN", help="Of ARTICLES.")] = None,
    text: Annotated[str | None, typer.Option(metavar="COLUMN", help="Of ARTICLES.")] = None,
    query_id: Annotated[str | None, typer.Option(metavar="COLUMN", help="Of QUERIES.")] = None,
    query: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Of QUERIES: what is asked.")
    ] = None,
    query_set: Annotated[
        str | None, typer.Option("--set", metavar="COLUMN", help="Of QUERIES: the query set.")
    ] = None,
    judged_query: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Of QRELS: the query's id.")
    ] = None,
    judged_id: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Of QRELS: the article's id.")
    ] = None,
    grade: Annotated[str | None, typer.Option(metavar="COLUMN", help="Of QRELS.")] = None,
    no_quotes: Annotated[
        bool, typer.Option("--no-quotes", help="A quotation mark is a character like any other.")
    ] = False,
) -> None:
    """Make a BEIR folder of CSV or TSV files.

    Columns that no option names are guessed from their names, and said.
    """
    from bench.collections.importing import Columns, read_collection
    from bench.errors import visible

    columns = {
        "--id": doc_id,
        "--title": title,
        "--text": text,
        "--query-id": query_id,
        "--query": query,
        "--set": query_set,
        "--judged-query": judged_query,
        "--judged-id": judged_id,
        "--grade": grade,
    }
    found = read_collection(articles, queries, qrels, Columns(columns), quotes=not no_quotes)
    found.write(out)
    for note in found.notes:
        print(visible(note))
    counts = {
        "documents": len(found.documents),
        "queries": len(found.queries),
        "judgements": sum(map(len, found.judgements.values())),
    }
    print(", ".join(f"{n:,} {what}" for what, n in counts.items()), "→", visible(str(out)))
    folder = visible(shlex.quote(str(out)))
    if not found.judgements:
        print(f"judge it with: bench judge {folder} --assessor YOU")
        return
    path = visible(shlex.quote(f"collection.path={out}"))
    print(f"run it with: bench run collection=beir {path}")
    print(f"to choose settings with bench tune, divide the queries first: bench split {folder}")
