"""Where conf/ and qrels/ are: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Return the path of a shipped file or folder, such as `conf` or `qrels/digest`."""
    installed = PACKAGE / name
    return installed if installed.exists() else PACKAGE.parent / name


def checkout() -> Path | None:
    """Return the root of the git checkout that this package runs from, None when installed."""
    root = PACKAGE.parent
    return root if (root / ".git").exists() and (root / "conf").is_dir() else None


def as_seen_from_here(path: Path) -> str:
    """Return the path relative to where the user stands, if it is below."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
