"""What ends a command from outside: a signal, or a reader of its output that has gone."""

from __future__ import annotations

import io
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

_AGAIN_S = 0.5


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end."""

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.exit_code = 128 + signal_number
        self.word = "interrupted" if signal_number == signal.SIGINT else "terminated"


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` in this block for SIGINT, SIGTERM and SIGHUP, so that nothing half done is left.

    An exception that hits a callback of the import system is printed and dropped, and loading torch is
    mostly that. So it is raised again until it has arrived. A signal that was ignored stays ignored, and
    so does one that this block ignores.
    """
    asked: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        asked.append(number)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S, _AGAIN_S)
        raise Stopped(number)

    def again(_: int, __: FrameType | None) -> None:
        if asked and not _on_its_way():
            raise Stopped(asked[0])

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    handled = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGHUP: stop, signal.SIGALRM: again}
    before = {number: signal.getsignal(number) for number in handled}
    for number, handler in handled.items():
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield
    except Exception as error:
        if asked:  # what was broken by an import that was cut off
            raise Stopped(asked[0]) from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _restore(before)


def _restore(before: Mapping[signal.Signals, Any]) -> None:
    for number, former in before.items():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, former)


def ignore_signals() -> None:
    """Let no signal change any more what this process exits with, which others were told already."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


def _on_its_way() -> bool:
    """Whether what runs now is cleaning up behind an interrupt."""
    error = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


class _Lasting(io.TextIOWrapper):
    """Text into a pipe that takes everything: what comes after its reader has gone goes nowhere."""

    def write(self, text: str, /) -> int:
        with self._outlasting():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._outlasting():
            super().flush()

    @contextmanager
    def _outlasting(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


def outlast_readers() -> None:
    """Let a reader that goes away, such as head, end no command and change no exit code."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            is_pipe = stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
        except (OSError, ValueError):  # closed, or no file at all
            continue
        if is_pipe:
            lasting = _Lasting(
                stream.buffer, stream.encoding, stream.errors, line_buffering=stream.line_buffering
            )
            setattr(sys, name, lasting)
