"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="SETTING=VALUE", show_default=False, help="Overrides of conf/."),
]
ConfigDirs = Annotated[
    list[Path] | None,
    typer.Option("--config-dir", "-cd", metavar="DIR", help="Folder searched beside conf/."),
]
Allowed = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="MODULE", help="Module besides bench that a _target_ may name."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a saved setting, such as collection.path."),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")]
# For those who label.
Labelled = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="A BEIR folder; its passes are in FOLDER/passes.")
]
Passes = Annotated[
    list[str] | None,
    typer.Option("--pass", metavar="NAME", help="A pass to compare; twice. All pairs if not given."),
]
Pooled = Annotated[bool, typer.Option("--pooled", help="Not every document was to be judged.")]


def run_folder_of(run: Path) -> Path:
    """Return the folder of a run that is named by it or by its record.json."""
    return run.parent if run.name == "record.json" else run
