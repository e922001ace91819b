"""A labelling session without its screen: what is asked next, and a pass file that is always whole."""

from __future__ import annotations

import fcntl
import os
import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from bench.collections.passes import Pair, Pass, ToJudge, line_of, read_pass, write_pass
from bench.errors import BenchError, require
from bench.files import read_json_lines, write_json_lines

# A pause at the desk is no judgement: longer ones do not count for the time left.
_LONGEST_SECONDS = 300.0


class PassFile:
    """A pass that is being written. Each judgement is on the disk when `put` returns.

    A new one is appended as one line; a changed one makes the file anew beside its place. A second
    session of the same assessor is refused while this one is open.

    settles  of an adjudication: pair → the passes and grades that it settles. What the file has settled
             for others is no grade here; it stays in the file until it is settled anew.
    """

    def __init__(self, to_judge: ToJudge, name: str, settles: Mapping[Pair, str] | None = None) -> None:
        self.file = to_judge.pass_file(name)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            # It stays when the session ends: one that is removed may still be locked by somebody who
            # had opened it before, while a third one makes and locks another.
            self._lock = self.file.with_name(f".{name}.lock").open("w")
        except OSError as error:
            raise BenchError(f"cannot write to {self.file.parent}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise BenchError(
                f"'{name}' is being judged in another window; close it, or take another --assessor name"
            ) from error
        try:
            _mend_last_line(self.file)
            known = set(to_judge.queries), set(to_judge.doc_ids)
            kept = read_pass(self.file, *known) if self.file.exists() else Pass(name, {})
            self._settles = settles or {}
            others = {p for p, said in kept.settles.items() if said != self._settles.get(p)}
            self._others = _only(kept, others)
            own = _only(kept, kept.grades.keys() - others)
            self.grades, self.notes, self._said = dict(own.grades), dict(own.notes), dict(own.settles)
            self._draft_file = self.file.with_name(f".{name}.notes.jsonl")
            self.drafts = _read_drafts(self._draft_file)
            if not self.file.exists():
                self._rewrite()
            self._end = self.file.open("a", encoding="utf-8")
        except BaseException:
            self._lock.close()
            raise

    def put(self, pair: Pair, grade: int, note: str = "") -> None:
        """Save a grade, over an earlier one if there is one."""
        known = pair in self.grades or pair in self._others.grades
        self.grades[pair] = grade
        self.notes.pop(pair, None)
        if pair in self._settles:
            self._said[pair] = self._settles[pair]
        if note:
            self.notes[pair] = " ".join(note.split())
        if known:
            self._rewrite()
        else:
            self._end.write(line_of(pair, grade, note, self._settles.get(pair, "")))
            self._end.flush()
            os.fsync(self._end.fileno())

    def draft(self, pair: Pair, note: str) -> None:
        """Save a note on a pair that has no grade yet, in a file of its own until it gets one."""
        self.drafts.pop(pair, None)
        if note:
            self.drafts[pair] = " ".join(note.split())
        if self.drafts:
            rows = [{"query": q, "document": d, "note": note} for (q, d), note in self.drafts.items()]
            write_json_lines(self._draft_file, rows, keep=False)
        else:
            self._draft_file.unlink(missing_ok=True)

    def remove(self, pair: Pair) -> None:
        """Take a grade back."""
        del self.grades[pair]
        self.notes.pop(pair, None)
        self._said.pop(pair, None)
        self._rewrite()

    def _rewrite(self) -> None:
        others = _only(self._others, self._others.grades.keys() - self.grades.keys())
        whole = Pass(
            self.file.stem,
            {**others.grades, **self.grades},
            {**others.notes, **self.notes},
            {**others.settles, **self._said},
        )
        write_pass(self.file, whole)
        if hasattr(self, "_end"):
            self._end.close()
            self._end = self.file.open("a", encoding="utf-8")

    def __enter__(self) -> PassFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._end.close()
        self._lock.close()


def _only(judged: Pass, pairs: Collection[Pair]) -> Pass:
    """Return what a pass says of these pairs."""
    return Pass(
        judged.name,
        {pair: grade for pair, grade in judged.grades.items() if pair in pairs},
        {pair: note for pair, note in judged.notes.items() if pair in pairs},
        {pair: settled for pair, settled in judged.settles.items() if pair in pairs},
    )


def _read_drafts(file: Path) -> dict[Pair, str]:
    if not file.exists():
        return {}
    drafts = {}
    for number, row in read_json_lines(file):
        require(
            {"query", "document", "note"} <= row.keys(),
            f"{file}:{number}: a note needs query, document and note; remove the line",
        )
        drafts[str(row["query"]), str(row["document"])] = str(row["note"])
    return drafts


def _mend_last_line(file: Path) -> None:
    """End a last line that has no end, as an editor or a power failure may leave it; without a grade
    it is cut off."""
    if not file.exists():
        return
    content = file.read_bytes()
    if not content or content.endswith(b"\n"):
        return
    start = content.rfind(b"\n") + 1
    columns = content[start:].split(b"\t")
    with file.open("r+b") as out:
        if len(columns) >= 3 and columns[2].strip():
            out.seek(0, os.SEEK_END)
            out.write(b"\n")
        else:
            out.truncate(start)


def blind_order(
    queries: Sequence[str], docs_of: Callable[[str], Sequence[str]], seed: str
) -> list[Pair]:
    """Return all pairs, query by query, both in an order that the seed alone decides."""
    shuffled = list(queries)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order, no secret
    pairs = []
    for query in shuffled:
        docs = list(docs_of(query))
        random.Random(f"{seed} {query}").shuffle(docs)  # noqa: S311
        pairs += [(query, doc) for doc in docs]
    return pairs


class Session:
    """Which pair is shown, and what the keys do to it. Every change is saved before it returns."""

    def __init__(
        self, pairs: Iterable[Pair], kept: PassFile, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.pairs = tuple(pairs)
        self.kept = kept
        self._ahead = deque(pair for pair in self.pairs if pair not in kept.grades)
        self._behind: list[Pair] = []
        self._undo: list[tuple[Pair, int | None, str]] = []
        self._clock = clock
        self._shown_at = clock()
        self._seconds: list[float] = []

    @property
    def current(self) -> Pair | None:
        """The pair that is shown, None when all are judged."""
        return self._ahead[0] if self._ahead else None

    @property
    def note(self) -> str:
        """The note on the current pair."""
        pair = self.current
        return (self.kept.notes.get(pair) or self.kept.drafts.get(pair, "")) if pair else ""

    def grade(self, grade: int) -> None:
        """Save the grade of the current pair and show the next."""
        pair = self.current
        if pair is None:
            return
        note = self.note
        self._undo.append((pair, self.kept.grades.get(pair), note))
        self.kept.put(pair, grade, note)
        if pair in self.kept.drafts:
            self.kept.draft(pair, "")
        self._seconds.append(min(self._clock() - self._shown_at, _LONGEST_SECONDS))
        self._leave()

    def skip(self) -> None:
        """Show the next pair; this one comes again at the end, unless it has a grade."""
        pair = self.current
        if pair is not None:
            if pair not in self.kept.grades:
                self._ahead.append(pair)
            self._leave()

    def back(self) -> None:
        """Show the pair before this one again; a grade given now replaces its own."""
        if self._behind:
            self._return_to(self._behind.pop())

    def undo(self) -> None:
        """Take the last grade back, as if it had not been given, and show its pair."""
        if not self._undo:
            return
        pair, grade, note = self._undo.pop()
        if grade is None:
            self.kept.remove(pair)
            self.kept.draft(pair, note)
        else:
            self.kept.put(pair, grade, note)
        if self._behind and self._behind[-1] == pair:
            self._behind.pop()
        self._return_to(pair)

    def annotate(self, text: str) -> None:
        """Save a note on the current pair, whether it has a grade yet or not."""
        pair = self.current
        if pair is None:
            return
        if pair in self.kept.grades:
            self.kept.put(pair, self.kept.grades[pair], text)
        else:
            self.kept.draft(pair, text)

    @property
    def done(self) -> int:
        """How many of the pairs have a grade."""
        return sum(pair in self.kept.grades for pair in self.pairs)

    def done_of(self, query: str) -> tuple[int, int]:
        """Return how many pairs of a query have a grade, and how many there are."""
        own = [pair for pair in self.pairs if pair[0] == query]
        return sum(pair in self.kept.grades for pair in own), len(own)

    @property
    def seconds_left(self) -> float | None:
        """Time that the open pairs will take at the pace of this session; None before it has one."""
        if not self._seconds:
            return None
        return statistics.median(self._seconds) * (len(self.pairs) - self.done)

    def _leave(self) -> None:
        self._behind.append(self._ahead.popleft())
        self._shown_at = self._clock()

    def _return_to(self, pair: Pair) -> None:
        # It may wait further on, having been skipped.
        if pair in self._ahead:
            self._ahead.remove(pair)
        self._ahead.appendleft(pair)
        self._shown_at = self._clock()
