"""`bench split`: divide the queries into dev and test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def split(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A BEIR folder.")],
    dev: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Share of the queries that is for dev.")
    ] = 0.4,
    seed: Annotated[int, typer.Option(min=0, help="Another seed chooses other queries.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Divide anew what is divided already.")] = False,
) -> None:
    """Divide the judged queries into dev, to choose settings on, and test, to measure them once.

    Each query set is divided alike. Only ids, sets and the seed decide.
    """
    from bench.collections.splits import divide
    from bench.evidence.intervals import FEW_QUERIES

    made = divide(folder, dev, seed, again=force)
    within = f", within each of {made.sets} query sets" if made.sets > 1 else ""
    print(f"{made.dev:,} dev and {made.test:,} test queries (seed {seed}{within}) → {folder / 'qrels'}")
    if min(made.dev, made.test) < FEW_QUERIES:
        print(f"Fewer than {FEW_QUERIES} queries hardly tell settings or systems apart; label more.")
