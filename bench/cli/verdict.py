"""What `gate` writes of its verdict: files that were asked for, and what GitHub shows of a step.

None of it may say anything else than the process exits with, which whoever reads it later does not see.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bench.cli.endings import ignore_signals, stoppable
from bench.cli.exits import ending_of
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.experiment.gate import GateResult

_PAGE = "GITHUB_STEP_SUMMARY"


@contextmanager
def telling(
    files: Mapping[str, Path | None], baseline: Path, run: Path | None = None
) -> Iterator[Verdict]:
    """Yield the verdict to be written, into the file of each option and what GitHub shows.

    baseline, run  folders that are read, whose files no form may replace

    Where the block ends without a verdict, or with one that could not be written everywhere, all that
    was asked for says so, with the exit code and the reason. From then on signals are ignored.
    """
    asked = {option: file for option, file in files.items() if file is not None}
    verdict = Verdict(asked, baseline, run)
    try:
        with stoppable():  # or what a signal has broken would be taken for an error of our own
            verdict.require_writable()
            try:
                yield verdict
            except SystemExit as left:  # of a library: 0 would be a pass
                raise RuntimeError(f"something called sys.exit({left.code!r})") from left
            ignore_signals()
    except BaseException as error:
        _tell_none(verdict, error)
        raise


def _tell_none(verdict: Verdict, error: BaseException) -> None:
    """Say in every form what there is instead of a verdict; after a signal meanwhile, say that."""
    try:
        ending = ending_of(error)
        verdict.write_none(ending.exit_code, ending.why)
        ignore_signals()
    except KeyboardInterrupt as stopped:
        for note in getattr(error, "__notes__", ()):
            stopped.add_note(note)
        _tell_none(verdict, stopped)
        raise


class Verdict:
    """Where the verdict goes, besides the screen."""

    def __init__(self, files: Mapping[str, Path], baseline: Path, run: Path | None) -> None:
        from bench.report import gate as found
        from bench.report import no_verdict as none
        from bench.report.write import beside

        self.beside = beside(*files.values())  # where tables go
        junit = found.gate_junit, none.no_verdict_junit
        markdown = found.gate_markdown, none.no_verdict_markdown
        json = found.gate_json, none.no_verdict_json
        texts = {"--junit": junit, "--summary": markdown, "--json": json, _PAGE: markdown}
        github = os.environ.get("GITHUB_ACTIONS") == "true"
        page = os.environ.get(_PAGE) if github else None
        # The page first: it is not ours alone, and no other form may replace it.
        asked = ({_PAGE: Path(page)} if page else {}) | dict(files)
        self._refused = dict(_refusals(asked, baseline, run))
        self._forms = [
            _Form(*texts[option], _Page(file) if option == _PAGE else _File(file))
            for option, file in asked.items()
            if option not in self._refused
        ]
        if github:
            annotations = found.github_annotations, none.no_verdict_annotation
            self._forms.append(_Form(*annotations, _Screen(self.beside)))
        # What can not be taken back comes after all that can fail: files, pipes, the screen, the page.
        self._forms.sort(key=lambda form: form.output.stays)

    def require_writable(self) -> None:
        """Raise `BenchError` where a form can not be written, before anything is run."""
        for why in self._refused.values():
            raise BenchError(why)
        for form in self._forms:
            form.output.check()

    def write(self, result: GateResult) -> None:
        """Write it in every form that was asked for. What the process exits with is in it, so it is
        written at the end, when all else is said."""
        sys.stdout.flush()
        texts = [form.verdict(result) for form in self._forms]
        for form, text in zip(self._forms, texts, strict=True):
            form.output.put(text)

    def write_none(self, exit_code: int, why: str) -> None:
        """Say in every form that there is no verdict, as far as it can be written."""
        for form in self._forms:
            try:
                form.output.put(form.none(exit_code, why))
            except Exception:
                with contextlib.suppress(OSError):
                    form.output.withdraw()


def _refusals(asked: Mapping[str, Path], baseline: Path, run: Path | None) -> Iterator[tuple[str, str]]:
    """Yield the options that name no place of their own, and why."""
    from bench.runs.folder import is_inside, is_run_file
    from bench.storage.files import is_standard_output, place_of

    taken: dict[object, str] = {}
    for option, file in asked.items():
        other = taken.setdefault(place_of(file), option)
        if other != option:
            yield option, f"{other} and {option} both name {file}; give each a place of its own"
        if is_inside(file, baseline) and not is_standard_output(file):
            yield (
                option,
                f"{option} names {file}, and {baseline} may hold only a run; name another place",
            )
        for folder in filter(None, (baseline, run)):
            if is_run_file(file, folder):
                yield option, f"{option} names {file}, a file of the run in {folder}; name another"


@dataclass(frozen=True)
class _Form:
    """One form of the verdict, how it says that there is none, and where it goes."""

    verdict: Callable[[GateResult], str]
    none: Callable[[int, str], str]
    output: _File | _Page | _Screen


class _File:
    """A file that was asked for, or a pipe, into which there is but one try."""

    def __init__(self, path: Path) -> None:
        from bench.storage.files import is_stream

        self._path = path
        self._written = False
        self._is_stream = is_stream(path)
        self._tried = False
        self.stays = int(self._is_stream)

    def check(self) -> None:
        from bench.storage.files import check_file

        check_file(self._path)

    def put(self, text: str) -> None:
        from bench.storage.files import write_text

        if self._tried and self._is_stream:
            return
        self._tried = True
        write_text(self._path, text, keep=not self._written)  # what is kept is of an earlier gate
        self._written = True

    def withdraw(self) -> None:
        """Remove what was written here, if it can be."""
        if self._written and not self._is_stream:
            self._path.resolve().unlink()


@dataclass(frozen=True)
class _Page:
    """The page that GitHub shows of a step, to which others add as well."""

    path: Path
    stays = 3

    def check(self) -> None:
        from bench.storage.files import check_file

        check_file(self.path)
        if self.path.is_file():
            self.put("")

    def put(self, text: str) -> None:
        from bench.storage.files import cannot_write

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as out:
                out.write(text)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def withdraw(self) -> None:
        pass


@dataclass(frozen=True)
class _Screen:
    """Where GitHub reads workflow commands."""

    to: TextIO
    stays = 2

    def check(self) -> None:
        pass

    def withdraw(self) -> None:
        pass

    def put(self, text: str) -> None:
        print(text, end="", file=self.to, flush=True)
