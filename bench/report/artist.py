"""Plots drawn in a process of their own, which loads matplotlib while the systems still run.

Importing matplotlib and drawing take about as long as everything else in a run from the cache; beside
it they take a second core instead of a second.
"""

from __future__ import annotations

import contextlib
import filecmp
import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from bench.earlier import keep_earlier
from bench.errors import BenchError
from bench.leftovers import part_folder
from bench.record import Record

_SOURCES = Path(__file__).resolve().parent.parent.parent


class Artist:
    """Starts its process on entering a `with` block, and ends it on leaving, whatever happened.

    The process reads one job from its standard input. Should this process be killed, that input
    ends, and the other process with it: none is left behind. It draws into a folder of its own, so that
    drawing may begin before there is a run's folder.
    """

    def __enter__(self) -> Artist:
        self._leaving = contextlib.ExitStack()
        self._failure: OSError | None = None
        path = os.pathsep.join(filter(None, (str(_SOURCES), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            # -P: what lies in the working directory is not to be imported.
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # One thread: numpy's others would only wait, and keep the process from forking safely.
            env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # an interrupt at the terminal is handled here, once
        )
        return self

    def begin(self, record: Record, beside: Path) -> None:
        """Start to draw a record's plots into a new folder in `beside`, and return at once.

        What fails is told by `finish`.
        """
        assert self._process.stdin is not None
        try:
            self._drawn = self._leaving.enter_context(part_folder(beside))
            job = {"record": record.content, "folder": str(self._drawn.absolute())}
            self._process.stdin.write(json.dumps(job).encode())
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended before its time; its last words say why
        except OSError as error:
            self._failure = error

    def finish(self, folder: Path, *, keep: bool = False) -> None:
        """Wait until all plots are drawn, and move those that could be drawn into `folder`.

        keep  keep an earlier file, as is due outside of the run's own folder

        Raises `BenchError` with what went wrong.
        """
        try:
            if self._failure:
                raise self._failure
            said, status = self._ended()
            folder.mkdir(parents=True, exist_ok=True)
            for file in sorted(self._drawn.glob("[!.]*")):
                place = folder / file.name
                if keep and place.is_file() and not filecmp.cmp(place, file, shallow=False):
                    keep_earlier(place)
                file.replace(place)
        except OSError as error:
            raise _can_not_draw(f"{type(error).__name__}: {error}") from error
        if status:
            raise _can_not_draw(said.splitlines()[-1] if said else f"exit code {status}")

    def _ended(self) -> tuple[str, int]:
        """Wait for the process; return what it said on stderr and its exit code."""
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode(errors="replace").strip()
        return said, self._process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stderr):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._leaving.close()


def _can_not_draw(why: str) -> BenchError:
    return BenchError(f"could not draw the plots: {why}; check matplotlib and the free disk space")


def main() -> None:
    """Load what drawing needs, wait for the job, then draw each format in a process of its own."""
    gc.set_threshold(100_000, 20, 20)
    from bench.report import plots

    plots.load_matplotlib()
    job = sys.stdin.read()
    if not job:
        return
    asked = json.loads(job)
    record, folder = Record(asked["record"]), Path(asked["folder"])
    other = os.fork()
    plots.draw(record, folder, formats=(".png",) if other else (".svg",))
    if other:
        _, status = os.waitpid(other, 0)
        sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
