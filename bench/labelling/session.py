"""A labelling session without its screen: what is asked next, and what the keys do."""

from __future__ import annotations

import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from bench.labelling.pass_file import PassFile
from bench.labelling.passes import Pair

# A pause at the desk is no judgement: longer ones do not count for the time left.
_LONGEST_SECONDS = 300.0


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
        self._undo: list[tuple[Pair, int | None]] = []
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
        before = self.kept.grades.get(pair)
        self.kept.put(pair, grade, note)
        self._undo.append((pair, before))
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
        """Take the last grade back, and show its pair; the note that it has now stays."""
        if not self._undo:
            return
        pair, grade = self._undo[-1]
        note = self.kept.notes.get(pair, "")  # it may have been written after the grade
        if grade is None:
            self.kept.draft(pair, note)
            self.kept.remove(pair)
        else:
            self.kept.put(pair, grade, note)
        self._undo.pop()
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
