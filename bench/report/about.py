"""What was run, on what, when and by which code, in lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.errors import listed, visible
from bench.report.summary import select
from bench.runs.record import Record


def run_in_a_line(record: Record) -> tuple[str, str]:
    """Return the collection, and the mean of each system by the primary measure."""
    means = {row.system: row.mean for row in select(record, measure=record.primary)}
    shown = ", ".join(f"{system} {means[system]:.4f}" for system in record.systems)
    return _collection(record), f"{record.primary}: {shown}"


def about(record: Record) -> Iterator[str]:
    """Yield what was run, on what, when, at which commit, and how long it took, a line each.

    A record may be of an earlier version: what it does not tell is left out.
    """
    content = record.content
    told = {
        "run": content.get("id"),
        "systems": listed(record.systems),
        "collection": _collection(record),
        "made": " ".join(_made(content)),
        "code": " ".join(_code(content)),
        "seconds": ", ".join(f"{name} {value:.1f}" for name, value in _numbers(content, "seconds")),
    }
    width = max(map(len, told))
    for name, text in told.items():
        if text:
            yield f"{name:{width}}  {visible(str(text))}"


def _collection(record: Record) -> str:
    queries = record.content["queries"]
    splits = "+".join(sorted(set(queries["splits"])))
    documents = record.content["collection"]["documents"]
    name = record.content["collection"]["name"]
    return f"{name}, {documents:,} documents, {len(record.query_ids):,} {splits} queries"


def _made(content: Mapping[str, Any]) -> Iterator[str]:
    if created := content.get("created"):
        yield str(created)
    machine = content.get("platform")
    if isinstance(machine, Mapping) and "processor" in machine:
        yield f"on {machine['processor']}, {machine.get('cores')} cores"


def _code(content: Mapping[str, Any]) -> Iterator[str]:
    if version := content.get("bench"):
        yield f"bench {version}"
    git = content.get("git")
    if isinstance(git, Mapping) and git.get("commit"):
        yield f"at commit {git['commit']}{'' if git.get('clean') else ', with changes'}"


def _numbers(content: Mapping[str, Any], key: str) -> Iterator[tuple[str, float]]:
    found = content.get(key)
    if isinstance(found, Mapping):
        for name, value in found.items():
            if isinstance(value, (int, float)):
                yield str(name), float(value)
