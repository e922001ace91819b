"""A pass file that is always whole: each judgement is on the disk before the next one is asked for."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Collection, Mapping
from io import FileIO
from pathlib import Path
from types import TracebackType

from bench.errors import BenchError, require, visible
from bench.labelling.passes import Pair, Pass, ToJudge, line_of, read_pass, write_pass
from bench.storage.earlier import keep_earlier
from bench.storage.files import cannot_write, read_json_lines, whole_file, write_json_lines


class PassFile:
    """A pass that is being written. Each judgement is on the disk when `put` returns.

    A new one is appended as one line; a changed one makes the file anew beside its place. A second
    session of the same assessor is refused while this one is open, and nothing is written any more once
    another program has changed the file, or that of the notes on pairs without a grade.

    settles  of an adjudication: pair → the passes and grades that it settles. What the file has settled
             for others is no grade here; it stays in the file until it is settled anew.
    """

    _end: FileIO
    _seen: os.stat_result

    def __init__(self, to_judge: ToJudge, name: str, settles: Mapping[Pair, str] | None = None) -> None:
        self.file = to_judge.pass_file(name)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            # It stays when the session ends: one that is removed may still be locked by somebody who
            # had opened it before, while a third one makes and locks another.
            self._lock = self.file.with_name(f".{name}.lock").open("a")
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
            known = set(to_judge.queries), set(to_judge.doc_ids)
            kept = _read_whole(self.file, *known) if self.file.exists() else Pass(name, {})
            self._settles = settles or {}
            others = {p for p, said in kept.settles.items() if said != self._settles.get(p)}
            self._others = _only(kept, others)
            self._own = _only(kept, kept.grades.keys() - others)
            self._draft_file = self.file.with_name(f".{name}.notes.jsonl")
            self._seen_drafts = _stat(self._draft_file)
            self.drafts = _read_drafts(self._draft_file)
            if not self.file.exists():
                write_pass(self.file, kept)
            self._open()
        except BaseException:
            self._lock.close()
            raise

    @property
    def grades(self) -> Mapping[Pair, int]:
        """The grades that were given, by pair."""
        return self._own.grades

    @property
    def notes(self) -> Mapping[Pair, str]:
        """The notes on pairs that have a grade."""
        return self._own.notes

    def keep_asked_again(self) -> list[str]:
        """Return the decisions that were made for other passes or grades and are asked again here; where
        there are some, the file as it is now is kept as .bak, since each new decision replaces one."""
        lines = [
            line_of(pair, grade, self._others.notes.get(pair, ""), self._others.settles.get(pair, ""))
            for pair, grade in self._others.grades.items()
            if pair in self._settles
        ]
        if lines:
            keep_earlier(self.file)
            self._rewrite(self._own)  # the kept one may be a link: what is appended is not for it
        return [" ".join(line.split()) for line in lines]

    def put(self, pair: Pair, grade: int, note: str = "") -> None:
        """Save a grade, over an earlier one if there is one. Raises `BenchError` if it can not be."""
        own = _only(self._own, self._own.grades.keys() - {pair})
        note, settles = " ".join(note.split()), self._settles.get(pair, "")
        own = Pass(
            own.name,
            {**self._own.grades, pair: grade},
            {**own.notes, **({pair: note} if note else {})},
            {**own.settles, **({pair: settles} if settles else {})},
        )
        if pair in self._own.grades or pair in self._others.grades:
            self._rewrite(own)
        else:
            self._append(line_of(pair, grade, note, settles).encode())
        self._own = own

    def draft(self, pair: Pair, note: str) -> None:
        """Save a note on a pair that has no grade yet, in a file of its own until it gets one."""
        self._require_unchanged()
        drafts = {other: text for other, text in self.drafts.items() if other != pair}
        if note:
            drafts[pair] = " ".join(note.split())
        if drafts:
            rows = [{"query": q, "document": d, "note": note} for (q, d), note in drafts.items()]
            write_json_lines(self._draft_file, rows, keep=False)
        else:
            self._draft_file.unlink(missing_ok=True)
        self.drafts, self._seen_drafts = drafts, _stat(self._draft_file)

    def remove(self, pair: Pair) -> None:
        """Take a grade back."""
        own = _only(self._own, self._own.grades.keys() - {pair})
        self._rewrite(own)
        self._own = own

    def _append(self, line: bytes) -> None:
        self._require_unchanged()
        size = self._seen.st_size
        rest = line
        try:
            while rest:
                rest = rest[self._end.write(rest) :]
            os.fsync(self._end.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # half a line is no judgement
                self._end.truncate(size)
                self._seen = os.fstat(self._end.fileno())
            raise cannot_write(self.file, error) from error
        self._seen = os.fstat(self._end.fileno())
        self._require_unchanged()  # or the line went to a file that has no name any more

    def _rewrite(self, own: Pass) -> None:
        self._require_unchanged()
        others = _only(self._others, self._others.grades.keys() - own.grades.keys())
        whole = Pass(
            own.name,
            {**others.grades, **own.grades},
            {**others.notes, **own.notes},
            {**others.settles, **own.settles},
        )
        write_pass(self.file, whole)
        self._end.close()
        self._open()

    def _open(self) -> None:
        self._end = self.file.open("ab", buffering=0)
        self._seen = os.fstat(self._end.fileno())

    def _require_unchanged(self) -> None:
        """Raise `BenchError` if another program wrote to a file, or put another one in its place."""
        for file, seen in ((self.file, self._seen), (self._draft_file, self._seen_drafts)):
            require(
                _is_same(_stat(file), seen),
                f"{file} was changed by another program while it was open here; what you did last is "
                "not saved. Look at the file, and start again",
            )

    def __enter__(self) -> PassFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._end.close()
        self._lock.close()


def _stat(file: Path) -> os.stat_result | None:
    """Return what tells a file from another one and from a later state; None where there is none."""
    try:
        return file.stat()
    except OSError:
        return None


def _is_same(now: os.stat_result | None, seen: os.stat_result | None) -> bool:
    if now is None or seen is None:
        return now is seen
    return os.path.samestat(now, seen) and (now.st_size, now.st_mtime_ns) == (
        seen.st_size,
        seen.st_mtime_ns,
    )


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


def _read_whole(file: Path, queries: set[str], docs: set[str]) -> Pass:
    """Read a pass, and end its last line where an editor has not.

    A line that a power failure has cut off before its grade goes; the file as it was is kept as .bak.
    Anything else that is no judgement is refused, and the file stays as it is.
    """
    content = file.read_bytes()
    start = content.rfind(b"\n") + 1
    last = content[start:].decode(errors="replace")
    try:
        judged = read_pass(file, queries, docs)
    except BenchError:
        if not _is_cut_off(last, queries, docs):
            raise
        print(visible(f"bench: {file}: the last line '{last}' has no grade and goes"), file=sys.stderr)
        with whole_file(file, durable=True) as part:
            part.write_bytes(content[:start])
        return read_pass(file, queries, docs)
    if last:
        with file.open("ab") as out:
            out.write(b"\n")
    return judged


def _is_cut_off(line: str, queries: set[str], docs: set[str]) -> bool:
    """Whether a line is the beginning of a judgement, and ends before its grade."""
    query, *rest = line.split("\t")
    if not rest:
        return query != "" and any(one.startswith(query) for one in queries)
    if query not in queries or len(rest) > 2 or any(rest[1:]):
        return False
    return rest[0] in docs if len(rest) == 2 else any(one.startswith(rest[0]) for one in docs)
