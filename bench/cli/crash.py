"""An error of our own: one line that says so, and the traceback in a file that the line names."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path

from bench.errors import in_one_line, visible

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
_LONGEST = 300


def report(error: BaseException, where: str = "", *, debug: bool = False) -> int:
    """Say on stderr what went wrong, and where the traceback is; return the exit code.

    where  which of several things it was, if it was one of them

    Never raises: where even this fails, memory being short, what is left to say is said.
    """
    try:
        traceback.clear_frames(error.__traceback__)  # they hold what had filled the memory
        text = "".join(traceback.format_exception(error))
        what = words_of(error)
        file = _keep(text)
        kept = (
            f"the traceback is in {file}" if file else "the traceback could not be kept and stands above"
        )
        if debug or file is None:
            print(text, end="", file=sys.stderr)
        before = f"{visible(in_one_line(where))}: " if where else ""
        said = f"{before}internal error: {visible(what)}; {kept}, please report it"
        print(f"bench: {said}", file=sys.stderr)
    except Exception:
        os.write(2, b"bench: internal error, and no memory or place to say which; please report it\n")
    return EXIT_CODE


def words_of(error: BaseException) -> str:
    """Return what an error says, with its class, in one line; where memory is short, its class alone."""
    try:
        return " ".join("".join(traceback.format_exception_only(error)).split())[:_LONGEST]
    except Exception:
        return type(error).__name__


def _keep(text: str) -> Path | None:
    """Write the traceback, with what else a report needs, to a new file; None if there is no place."""
    from bench import __version__

    head = f"bench {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    head += f"command: {sys.argv}\n\n"
    for folder in (_temporary_folder, _cache_folder):
        try:
            handle, name = tempfile.mkstemp(prefix="bench-", suffix=".traceback.txt", dir=folder())
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as out:
                out.write(head + text)
        except (OSError, RuntimeError):  # read-only, full, or without a home folder
            continue
        return Path(name)
    return None


def _temporary_folder() -> Path:
    return Path(tempfile.gettempdir())


def _cache_folder() -> Path:
    from bench.storage.cache import cache_folder

    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
