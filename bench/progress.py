"""Progress on stderr, on a terminal only, and only for what takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_DELAY_S = 1.0


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many steps were done; draws a bar from the first second on."""
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console
    from rich.progress import Progress

    display = Progress(console=Console(stderr=True), transient=True)
    task = display.add_task(label, total=total)
    started = time.monotonic()
    shown = False

    def advance(steps: int) -> None:
        nonlocal shown
        display.advance(task, steps)
        if not shown and time.monotonic() - started > _DELAY_S:
            display.start()
            shown = True

    try:
        yield advance
    finally:
        if shown:
            display.stop()


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Show a spinner while something without steps goes on."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(label):
        yield
