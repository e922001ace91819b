"""`bench ingest`: saved pages of the digest to a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def ingest(
    pages: Annotated[list[Path], typer.Argument(metavar="PAGE...", help="Saved pages, in order.")],
    out: Annotated[Path, typer.Option(help="Folder that gets corpus.jsonl.", metavar="DIR")],
) -> None:
    """Turn saved "Daily Papers" pages into corpus.jsonl."""
    from bench.collections.pages import read_pages
    from bench.storage.files import check_file, write_json_lines

    file = out / "corpus.jsonl"
    check_file(file)
    papers = read_pages(pages)
    write_json_lines(file, [paper.row() for paper in papers])
    print(f"{len(papers)} papers from {len(pages)} pages → {file}")
