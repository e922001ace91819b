"""What of a document is encoded: the whole of it, or windows of sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.errors import require

# A sentence ends at . ! or ? before white space and a capital, digit, bracket or quote.
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9(\"'“])")


@dataclass(frozen=True)
class Passages:
    """What of a document is encoded.

    sentences  how many make a window, whose best stands for the document; null: the whole document
               is one text, and the model cuts off what it can not read
    stride     sentences from the start of one window to the next; null: `sentences`, no overlap
    title      whether the title stands before each window
    """

    sentences: int | None = None
    stride: int | None = None
    title: bool = True

    def __post_init__(self) -> None:
        require(
            self.stride is None or self.sentences is not None,
            f"passages.stride {self.stride} has no windows to step; set passages.sentences too",
        )
        if self.sentences is not None:
            require(
                self.sentences >= 1,
                f"passages.sentences must be at least 1 or null, got {self.sentences}",
            )
            require(
                self.stride is None or 1 <= self.stride <= self.sentences,
                f"passages.stride must lie between 1 and sentences ({self.sentences}), "
                f"got {self.stride}",
            )

    def split(self, title: str, text: str) -> list[str]:
        """Return the texts of one document, together covering every sentence; at least one.

        >>> Passages(sentences=2, stride=1, title=False).split("", "One. Two. Three.")
        ['One. Two.', 'Two. Three.']
        """
        sentences = _SENTENCE_END.split(text.strip())
        width = self.sentences or len(sentences)
        stride = self.stride or width
        last = max(len(sentences) - width, 0)
        # The last window may overlap more than the others, but no sentence is left out.
        windows = (" ".join(sentences[at : at + width]) for at in range(0, last + stride, stride))
        return [" ".join(filter(None, (title * self.title, window))) for window in windows]
