"""The exit code with which an error ends the process, and what is said of it in one line."""

from __future__ import annotations

import errno
import sys
import traceback
from dataclasses import dataclass

import typer

from bench.cli import crash
from bench.cli.endings import Stopped
from bench.errors import NO_SPACE, BenchError, in_one_line, visible

# What a path that somebody named can be; a file that is not there may be one that we should have made.
_NO_SUCH_USE = (
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENOTDIR),
    *(errno.EACCES, errno.EPERM, errno.EROFS),
)


@dataclass(frozen=True)
class Ending:
    """What the process exits with, and why."""

    exit_code: int
    why: str


def ending_of(error: BaseException) -> Ending:
    """Return 2 for bad input, 130 interrupted, 143 terminated, as shells say it, 141 for a reader that
    has gone, and 70 for an error of our own."""
    exit_code, why = _ending_of(error)
    if exit_code != crash.EXIT_CODE:  # there they are in the words already
        why = "; ".join([why, *getattr(error, "__notes__", ())])
    return Ending(exit_code, visible(in_one_line(why)))


def say(error: BaseException, where: str = "", *, debug: bool = False) -> int:
    """Say on stderr what failed; return the exit code.

    where  which of several things it was, if it was one of them
    """
    ending = ending_of(error)
    if ending.exit_code == crash.EXIT_CODE:
        return crash.report(error, where, debug=debug)
    if debug and isinstance(error, BenchError):
        traceback.print_exception(error)
    if not isinstance(error, BrokenPipeError):
        before = f"{visible(in_one_line(where))}: " if where else ""
        print(f"bench: {before}{ending.why}", file=sys.stderr)
    return ending.exit_code


def _ending_of(error: BaseException) -> tuple[int, str]:
    match error:
        case BenchError():
            return 2, str(error)
        case typer.TyperException():  # the command line does not say what the command asks for
            context = getattr(error, "ctx", None)  # not every one of them knows its command
            asked = context.command_path if context else "bench"
            return 2, f"{error.format_message()} See '{asked} --help'."
        case Stopped():
            return error.exit_code, error.word
        case KeyboardInterrupt() | typer.Abort():
            return 130, "interrupted"
        case BrokenPipeError():  # of a pipe that was named as an output
            return 141, "whoever read an output has gone"
        case OSError() if error.errno in NO_SPACE:
            path = error.filename2 or error.filename
            what = f"cannot write {path}" if path else "cannot write"
            return 2, f"{what}: {error.strerror}; free some space"
        case OSError() if error.errno in _NO_SUCH_USE and error.filename:
            path = error.filename2 or error.filename  # of two, where it was to go
            return 2, f"cannot use {path}: {error.strerror}; name another path"
    return crash.EXIT_CODE, f"internal error: {crash.words_of(error)}"
