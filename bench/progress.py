"""What goes on, on stderr: on a terminal a bar, elsewhere a line every ten seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

_DELAY_S = 1.0
# Of a log that somebody watches: often enough to be a sign of life, and never much text.
_EVERY_S = 10.0


@dataclass
class _Step:
    """Something that goes on; `total` is None where nobody can say how much of it there is."""

    label: str
    total: int | None
    done: int = 0
    started: float = field(default_factory=time.monotonic)


class _Display(Protocol):
    def changed(self) -> None: ...
    def close(self) -> None: ...


# Steps within steps, the outermost first, and what shows them. One thread works and one looks on.
_steps: list[_Step] = []
_display: _Display | None = None


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many steps of `total` were done."""
    with _shown(_Step(label, total)) as step:

        def advance(steps: int) -> None:
            step.done += steps
            if _display:
                _display.changed()

        yield advance


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Say that something goes on that has no steps, or whose steps say for themselves what they are."""
    with _shown(_Step(label, None)):
        yield


@contextmanager
def _shown(step: _Step) -> Iterator[_Step]:
    global _display
    outermost = not _steps
    _steps.append(step)
    if outermost:
        _display = _Bar() if sys.stderr.isatty() else _Lines()
    elif _display:
        _display.changed()
    try:
        yield step
    finally:
        _steps.remove(step)
        if outermost and _display:
            _display.close()
            _display = None
        elif _display:
            _display.changed()


class _Lines:
    """A line now and then, for a log: what goes on, how far it is, and since when."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)
        self._thread.start()

    def _tell(self) -> None:
        while not self._over.wait(_EVERY_S):
            steps = list(_steps)
            if steps:
                said = ": ".join(step.label for step in steps)
                last = steps[-1]
                far = f", {last.done:,} of {last.total:,}" if last.total else ""
                print(f"{said}{far} ({time.monotonic() - steps[0].started:.0f} s)", file=sys.stderr)

    def changed(self) -> None:
        """What changes is told in the next line."""

    def close(self) -> None:
        self._over.set()
        self._thread.join()


class _Bar:
    """A bar that is gone when its step is over, and never there for what takes less than a second."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._progress = Progress(console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=None)
        self.changed()
        self._start = threading.Timer(_DELAY_S, self._progress.start)
        self._start.daemon = True
        self._start.start()

    def changed(self) -> None:
        last = _steps[-1]
        said = ": ".join(step.label for step in list(_steps))
        self._progress.update(self._task, description=said, total=last.total, completed=last.done)

    def close(self) -> None:
        self._start.cancel()
        self._start.join()
        self._progress.stop()
