"""Code that is not part of bench: what fails in it is said as its own failure, by name and method."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError, require
from bench.paths import PACKAGE
from bench.ranking import empty, with_ties_in_order
from bench.types import Collection, Queries, Retriever, Run, Searcher, check_run

_NOT_THEIRS = (
    f"{PACKAGE}{os.sep}",
    *(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


@contextmanager
def calling(part: object, where: str, method: str) -> Iterator[None]:
    """Turn what a class from outside raises into a `BenchError` that names it, its method and line.

    part     the object, or the class, that is called; where: what the user calls it
    method   what is called

    What fails inside bench stays an error of our own, and so does sys.exit, whatever its code: 0 would
    end all else that runs here, and be taken for a pass.
    """
    kind = part if isinstance(part, type) else type(part)
    try:
        yield
    except SystemExit as left:
        raise RuntimeError(f"{where}: {kind.__name__}.{method} called sys.exit({left.code!r})") from left
    except (BenchError, MemoryError):  # a full memory says nothing about who filled it
        raise
    except Exception as error:
        frames = [one for one in traceback.extract_tb(error.__traceback__) if _is_users(one.filename)]
        if not frames and kind.__module__.split(".")[0] == "bench":
            raise
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise BenchError(
            f"{where}: {kind.__name__}.{method} failed{place} with {what}; mend it (--debug shows the "
            "traceback)"
        ) from error


def answers_of(searcher: Searcher, queries: Queries, k: int, collection: Collection, name: str) -> Run:
    """Search, and return answers that keep the contract; raise `BenchError` naming what they break.

    Equal scores are put in the order of `bench.ranking`: what is measured is what everybody reads from
    the run file.

    The store's searchers answer through this, so that no part of a method goes unchecked. `name` is what
    the user calls it.
    """
    with calling(searcher, f"retriever '{name}'", "search"):
        run = searcher.search(queries, k)
    require(
        isinstance(run, Run),
        f"retriever '{name}': search returned {type(run).__name__}, not a bench.types.Run; mend it",
    )
    require(
        run.docs.shape[1] <= k,
        f"retriever '{name}' returned {run.docs.shape[1]} documents a query, where {k} were asked "
        "for; mend its search",
    )
    run = check_run(run, len(collection), len(queries), name)
    if run.docs.shape[1] == 0:  # nothing found for any query: one empty place says the same
        return empty(len(queries), 1)
    return with_ties_in_order(run, collection)


def lent(run: Run) -> Run:
    """Return a view of a run that can not be written to: the store keeps the run, and users get it."""
    docs, scores = run.docs.view(), run.scores.view()
    docs.flags.writeable = scores.flags.writeable = False
    return Run(docs, scores)


def require_retriever(part: object, where: str) -> None:
    """Raise `BenchError` for a part of a method that is no retriever; `where` is the setting."""
    # Lists and texts have an index method too, one that finds a member.
    require(
        isinstance(part, Retriever) and not isinstance(part, Sequence),
        f"{where} is no retriever: {type(part).__name__}; see bench.types.Retriever",
    )


def _is_users(file: str) -> bool:
    """Whether a source file is neither of bench, nor of Python, nor of an installed package."""
    return not file.startswith(("<", *_NOT_THEIRS))
