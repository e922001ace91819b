"""What was run, on what, when and by which code, in lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.errors import listed, visible
from bench.report.summary import select
from bench.runs.record import Record


def run_in_a_line(record: Record) -> tuple[str, str]:
    """Return the collection, and the means by the primary measure with the systems that failed."""
    means = {row.system: row.mean for row in select(record, measure=record.primary)}
    shown = ", ".join(f"{system} {means[system]:.4f}" for system in record.systems)
    failed = listed(list(record.content.get("failed", {})))
    return _collection(record), f"{record.primary}: {shown}" + (f"; failed: {failed}" if failed else "")


def about(record: Record) -> Iterator[str]:
    """Yield what was run, on what, when, at which commit, and how long it took, a line each.

    What a record does not tell is left out.
    """
    content = record.content
    seconds = content.get("seconds", {})
    told = {
        "run": content["id"],
        "systems": listed(record.systems),
        "failed": listed([f"{name} ({error})" for name, error in content.get("failed", {}).items()]),
        "collection": _collection(record),
        "made": " ".join(_made(content)),
        "code": " ".join(_code(content)),
        "seconds": ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()),
    }
    width = max(map(len, told))
    for name, text in told.items():
        if text:
            yield f"{name:{width}}  {visible(text)}"


def _collection(record: Record) -> str:
    queries = record.content["queries"]
    splits = "+".join(sorted(set(queries["splits"])))
    documents = record.content["collection"]["documents"]
    name = record.content["collection"]["name"]
    return f"{name}, {documents:,} documents, {len(record.query_ids):,} {splits} queries"


def _made(content: Mapping[str, Any]) -> Iterator[str]:
    if "created" in content:
        yield content["created"]
    machine = content["platform"]
    if "processor" in machine and "cores" in machine:
        yield f"on {machine['processor']}, {machine['cores']} cores"


def _code(content: Mapping[str, Any]) -> Iterator[str]:
    if "bench" in content:
        yield f"bench {content['bench']}"
    git = content["git"]
    if git["commit"]:
        yield f"at commit {git['commit']}{'' if git['clean'] else ', with changes'}"
