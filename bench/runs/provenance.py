"""What a run was made with: libraries, commit, machine and memory. No name of a user or a host."""

from __future__ import annotations

import os
import platform
import resource as process
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.paths import checkout
from bench.storage.libraries import installed

_LIBRARIES = (
    "numpy",
    "pytrec_eval-terrier",
    "ir-measures",
    "cwl-eval",
    "bm25s",
    "PyStemmer",
    "rank-bm25",
    "faiss-cpu",
    "torch",
    "transformers",
    "sentence-transformers",
    "hydra-core",
    "matplotlib",
)

# Whatever a user's settings leave out, a file that is in no commit is a change.
_STATUS = ("status", "--porcelain", "--untracked-files=normal")
# As `git rev-parse --local-env-vars` names them, without settings.
_OF_A_HOOK = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX", "GIT_NAMESPACE"),
)


def machine() -> dict[str, Any]:
    """Return interpreter, system and processor."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def versions() -> dict[str, str | None]:
    """Return the version of each library that a run uses, None where it is not installed."""
    return {name: installed(name) for name in _LIBRARIES}


def git() -> dict[str, Any]:
    """Commit of this checkout and whether it is clean; nulls for an installed package."""
    root = checkout()
    if root is None:
        return {"commit": None, "clean": None}

    # Git sets these for its hooks, and they would name the repository that is committed to.
    env = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}

    def ask(*arguments: str) -> str:
        return subprocess.run(
            # A killed run must not leave the lock that `git status` takes to refresh its index.
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=env,
        ).stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "clean": ask(*_STATUS) == ""}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "clean": None}


def _processor() -> str:
    """The processor's model name where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def peak_memory_mb() -> float:
    """Return the largest resident memory of this process so far, in MB (10^6 bytes)."""
    peak = process.getrusage(process.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)
