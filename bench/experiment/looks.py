"""The ledger of looks at `test`: each setting that a search chose on dev and then measured on test.

A search that looks at test again and again, and keeps what pleases, tunes on test after all. So every
look is written down beside the runs, and its number is shown.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bench
from bench.errors import BenchError
from bench.runs import provenance
from bench.types import Queries, TestCollection

LEDGER = "test-looks.jsonl"


@dataclass(frozen=True)
class Seen:
    """What a look saw: sha256 of corpus, labels and queries. Looks at the same three are counted."""

    corpus: str
    labels: str
    queries: str

    @classmethod
    def of(cls, test: TestCollection, queries: Queries) -> Seen:
        """Return what a look at these queries of a collection sees."""
        asked = json.dumps([queries.ids, queries.texts])
        return cls(
            test.collection.fingerprint,
            test.qrels.fingerprint,
            hashlib.sha256(asked.encode()).hexdigest(),
        )


def add(output: Path, seen: Seen, look: Mapping[str, Any]) -> int:
    """Append a look to the ledger in `output`; return which look at this test collection it is, from 1.

    Two processes at once get two numbers. A line that can not be read is said on stderr and not
    counted. Raises `BenchError` when the ledger can not be written to.
    """
    file = output / LEDGER
    line = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "bench": bench.__version__,
        **provenance.git(),
        **look,
        "fingerprints": asdict(seen),
    }
    try:
        output.mkdir(parents=True, exist_ok=True)
        with file.open("a+b") as ledger:
            fcntl.flock(ledger, fcntl.LOCK_EX)
            ledger.seek(0)
            before = ledger.read()
            text = json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"
            # A killed process may have left half a line: what follows must not become part of it.
            torn = b"\n" if before and not before.endswith(b"\n") else b""
            ledger.write(torn + text.encode())
            ledger.flush()
            os.fsync(ledger.fileno())
    except OSError as error:
        raise BenchError(
            f"cannot write the look at test to {file}: {error.strerror}; mend that, then tune again"
        ) from error
    return 1 + _count(file, before, seen)


def check(output: Path) -> None:
    """Raise `BenchError` if the ledger in `output` is there and can not be written to."""
    file = output / LEDGER
    if file.exists() and not (file.is_file() and os.access(file, os.R_OK | os.W_OK)):
        raise BenchError(f"cannot write to {file}: it must be a file that may be read and written")


def _count(file: Path, content: bytes, seen: Seen) -> int:
    looks = 0
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            looks += json.loads(line)["fingerprints"] == asdict(seen)
        except (ValueError, KeyError, TypeError, RecursionError):
            what = "is cut short" if number == len(lines) else "is damaged"
            print(f"bench: {file}:{number}: this line {what}, and is not counted", file=sys.stderr)
    return looks
