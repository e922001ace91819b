"""What `gate` writes of its verdict: files that were asked for, and what GitHub shows of a step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.experiment.gate import GateResult


@dataclass(frozen=True)
class Verdict:
    """Where the verdict goes, besides the screen."""

    junit: Path | None
    summary: Path | None
    json: Path | None
    page: Path | None

    def write(self, result: GateResult) -> None:
        """Write it in every form that was asked for. What the process exits with is in it, so it is
        written at the end."""
        from bench.report.gate import gate_json, gate_junit, gate_markdown, github_annotations
        from bench.report.write import beside
        from bench.storage.files import write_text

        files = {self.junit: gate_junit, self.summary: gate_markdown, self.json: gate_json}
        for file, text in files.items():
            if file is not None:
                write_text(file, text(result))
        if os.environ.get("GITHUB_ACTIONS") == "true":
            to = beside(self.junit, self.summary, self.json)
            print("\n".join(github_annotations(result)), file=to)
        if self.page is not None:
            _append(self.page, gate_markdown(result))

    @contextmanager
    def if_refused(self, result: GateResult) -> Iterator[None]:
        """Write it, too, where the run is refused as a baseline."""
        from bench.experiment.gate import Renewal

        try:
            yield
        except BenchError as error:
            refused = Renewal(2, "and refused as a baseline", f"the baseline stays: {error}")
            self.write(replace(result, renewal=refused))
            raise


def page_of_the_step() -> Path | None:
    """Return the file that GitHub shows as a step's page. Raises `BenchError` if it can not be."""
    from bench.storage.files import check_file

    name = os.environ.get("GITHUB_STEP_SUMMARY")
    page = Path(name) if name and os.environ.get("GITHUB_ACTIONS") == "true" else None
    check_file(page)
    if page is not None and page.is_file():
        _append(page, "")
    return page


def _append(file: Path, text: str) -> None:
    """Add to a file that others add to as well. Raises `BenchError` where that can not be."""
    from bench.storage.files import cannot_write

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise cannot_write(file, error) from error
