"""What a failure becomes on the command line: one line on stderr, and an exit code."""

from __future__ import annotations

import errno
import sys
import traceback

from bench.cli import crash
from bench.errors import NO_SPACE, BenchError, in_one_line, visible

# What a path that somebody named can be; a file that is not there may be one that we should have made.
_NO_SUCH_USE = (
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENOTDIR),
    *(errno.EACCES, errno.EPERM, errno.EROFS),
)


def refuse(message: str) -> int:
    """Say on stderr what is wrong with the input; return the exit code."""
    print(f"bench: {visible(in_one_line(message))}", file=sys.stderr)
    return 2


def say(error: Exception, where: str = "", *, debug: bool = False) -> int:
    """Say on stderr what failed; return the exit code: 2 for bad input, 70 for an error of our own.

    where  which of several things it was, if it was one of them
    """
    before = f"{where}: " if where else ""
    if isinstance(error, BenchError):
        if debug:
            traceback.print_exception(error)
        return refuse(f"{before}{error}")
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return refuse(f"{before}cannot write: {error.strerror}; free some space")
    if isinstance(error, OSError) and error.errno in _NO_SUCH_USE and error.filename:
        path = error.filename2 or error.filename  # of two, where it was to go
        return refuse(f"{before}cannot use {path}: {error.strerror}; name another path")
    return crash.report(error, where, debug=debug)
