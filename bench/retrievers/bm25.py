"""BM25 (Robertson & Zaragoza 2009) by bm25s, or by rank_bm25 as the reference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, did_you_mean, require
from bench.ranking import best, ties_of
from bench.types import FIELDS, NO_SCORE, Collection, Facts, Queries, Run, ScoreArray, Searcher, Store

VARIANTS = ("lucene", "robertson", "atire", "bm25l", "bm25+")
_BLOCK = 64
# With k1 = 0 both engines would divide 0 by 0 for a term that is absent.
_LEAST_K1 = float(np.finfo(np.float32).tiny)
_STOPWORDS = ("english", "english_plus", None)
# Far above it float32 holds no score: with k1 = 1e300 all were 0, or all infinite. At 1000 a term counts
# in proportion to its frequency already, and delta outweighs any frequency.
_HIGHEST = 1000


@dataclass(frozen=True)
class Tokenizer:
    """Lower-cased words that match `pattern`, without stop words, then stemmed.

    stopwords  english (33 words, Lucene's list), english_plus (179 words), or null for none
    stemmer    a Snowball language such as english, or null for none
    """

    stopwords: str | None = "english"
    stemmer: str | None = "english"
    pattern: str = r"(?u)\b\w\w+\b"

    def __post_init__(self) -> None:
        require(
            self.stopwords in _STOPWORDS,
            f"tokenizer.stopwords '{self.stopwords}' is unknown; use one of {_STOPWORDS}",
        )
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            raise BenchError(
                f"tokenizer.pattern '{self.pattern}' is no regular expression: {error}"
            ) from error
        require(
            re.match(self.pattern, "") is None,
            f"tokenizer.pattern '{self.pattern}' matches the empty text, which is no word; write one "
            "that needs a character, such as \\w+",
        )
        require(groups <= 1, f"tokenizer.pattern '{self.pattern}' has {groups} groups; use at most one")
        if self.stemmer is not None:
            import Stemmer

            require(
                self.stemmer in Stemmer.algorithms(),
                f"tokenizer.stemmer '{self.stemmer}' is unknown; "
                + did_you_mean(self.stemmer, Stemmer.algorithms()),
            )

    def __call__(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the tokens of each text."""
        import bm25s
        import Stemmer

        names = {"english": "en", "english_plus": "en_plus", None: []}
        tokens: list[list[str]] = bm25s.tokenize(
            list(texts),
            token_pattern=self.pattern,
            stopwords=names[self.stopwords],
            stemmer=Stemmer.Stemmer(self.stemmer) if self.stemmer else None,
            return_ids=False,
            show_progress=False,
        )
        return tokens


class _Engine(Protocol):
    @property
    def nbytes(self) -> int: ...
    def scores(self, tokens: Sequence[str]) -> ScoreArray:
        """Return (n_docs,) scores, -inf where a document shares no term with the query."""
        ...


class _Bm25s:
    """bm25s (Lù 2024): scores of every term and document, computed when indexing."""

    def __init__(self, folder: Path, n_docs: int) -> None:
        import bm25s

        self._model = bm25s.BM25.load(folder, mmap=True, show_progress=False)
        self._n_docs = n_docs

    @staticmethod
    def write(folder: Path, tokens: Sequence[Sequence[str]], settings: BM25) -> None:
        """Write the index of tokenized documents."""
        import bm25s

        k1 = max(settings.k1, _LEAST_K1)
        model = bm25s.BM25(method=settings.variant, k1=k1, b=settings.b, delta=settings.delta)
        model.index(tokens, show_progress=False)
        if model.nonoccurrence_array is not None:
            # The engine gives delta to absent terms too: it keeps a constant for each term, which every
            # document gets, and the scores less that constant. The papers sum over shared terms.
            counts = np.diff(model.scores["indptr"])
            model.scores["data"] += np.repeat(model.nonoccurrence_array, counts)
            model.nonoccurrence_array[:] = 0
        model.save(folder, show_progress=False)

    @property
    def nbytes(self) -> int:
        arrays = (self._model.scores[name] for name in ("data", "indices", "indptr"))
        return int(sum(array.nbytes for array in arrays))

    def scores(self, tokens: Sequence[str]) -> ScoreArray:
        result = np.full(self._n_docs, NO_SCORE, dtype=np.float32)
        known = self._model.get_tokens_ids(list(tokens))
        if known:
            indptr, indices = self._model.scores["indptr"], self._model.scores["indices"]
            matching = np.concatenate([indices[indptr[t] : indptr[t + 1]] for t in known])
            # The engine gives 0 to documents without any query term, and to some with one.
            result[matching] = self._model.get_scores_from_ids(known)[matching]
        return result


class _RankBm25:
    """rank_bm25 (Brown): plain Python over term frequencies, the reference for robertson.

    Its Okapi has Robertson's IDF, but sets a negative one to a quarter of the mean IDF, where bm25s sets
    it to 0, and keeps the factor k1 + 1.
    """

    def __init__(self, tokens: Sequence[Sequence[str]], settings: BM25) -> None:
        import rank_bm25

        self._model = rank_bm25.BM25Okapi(tokens, k1=max(settings.k1, _LEAST_K1), b=settings.b)

    @property
    def nbytes(self) -> int:
        import sys

        return sum(sys.getsizeof(frequencies) for frequencies in self._model.doc_freqs)

    def scores(self, tokens: Sequence[str]) -> ScoreArray:
        terms = set(tokens)
        matching = np.array([not terms.isdisjoint(f) for f in self._model.doc_freqs])
        with np.errstate(invalid="ignore"):  # with b = 1 an empty document, which matches none, is 0 / 0
            values: NDArray[np.float64] = self._model.get_scores(tokens)
        return np.where(matching, values, NO_SCORE).astype(np.float32)


_ENGINES = ("bm25s", "rank_bm25")


@dataclass(frozen=True)
class BM25:
    """BM25 over chosen fields.

    engine   bm25s, or rank_bm25 with variant robertson only (its Okapi)
    variant  lucene, robertson, atire (Kamphuis et al. 2020), bm25l (Lv & Zhai 2011a, "When documents are
             very long, BM25 fails!"), bm25+ (2011b, "Lower-bounding term frequency normalization").
             By robertson a term in half of the documents or more counts nothing: bm25s sets an IDF below
             0 to 0 (rank_bm25 to a quarter of the mean IDF)
    k1, b    term frequency saturation, from 0 to 1000; length normalisation, from 0 to 1
    delta    from 0 to 1000, of bm25l and bm25+: keeps what a shared term counts away from 0, however
             long the document; a term that the document does not contain counts nothing
    fields   title, text, or both
    """

    engine: str = "bm25s"
    variant: str = "lucene"
    k1: float = 1.2
    b: float = 0.75
    delta: float = 0.5
    fields: tuple[str, ...] = FIELDS
    tokenizer: Tokenizer = field(default_factory=Tokenizer)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", tuple(self.fields))
        for name, value, known in (
            ("engine", self.engine, _ENGINES),
            ("variant", self.variant, VARIANTS),
            *(("fields", name, FIELDS) for name in self.fields),
        ):
            require(value in known, f"bm25.{name} '{value}' is unknown; {did_you_mean(value, known)}")
        require(
            self.engine != "rank_bm25" or self.variant == "robertson",
            f"engine rank_bm25 does not have variant '{self.variant}' (what it calls BM25L and BM25+ "
            "are other formulas than the papers'); use variant=robertson or engine=bm25s",
        )
        require(bool(self.fields), "bm25.fields is empty; use [title,text]")
        require(
            len(set(self.fields)) == len(self.fields),
            "a field stands twice in bm25.fields; name it once",
        )
        for name in ("k1", "delta"):
            value = getattr(self, name)
            require(
                0 <= value <= _HIGHEST,
                f"bm25.{name} must be at least 0 and at most {_HIGHEST}, got {value}",
            )
        require(0 <= self.b <= 1, f"bm25.b must lie between 0 and 1, got {self.b}")

    def index(self, collection: Collection, store: Store) -> Searcher:
        """Tokenize and index the whole collection, or open what bm25s made of it before. The reference,
        rank_bm25, is made anew."""
        if self.engine == "rank_bm25":
            engine: _Engine = _RankBm25(self._tokens(collection), self)
        else:
            folder = store.folder(
                self, collection, lambda folder: _Bm25s.write(folder, self._tokens(collection), self)
            )
            engine = _Bm25s(folder, len(collection))
        return _Bm25Searcher(engine, self.tokenizer, ties_of(collection))

    def _tokens(self, collection: Collection) -> list[list[str]]:
        tokens = self.tokenizer(collection.texts(range(len(collection)), self.fields))
        require(
            any(tokens),
            f"no document of '{collection.name}' has a term left after tokenizing; "
            "check fields, stop words and pattern",
        )
        return tokens


@dataclass(frozen=True, eq=False)
class _Bm25Searcher:
    engine: _Engine
    tokenizer: Tokenizer
    ties: NDArray[np.int32]
    exact: Searcher | None = None

    @property
    def nbytes(self) -> int:
        return self.engine.nbytes

    @property
    def facts(self) -> Facts:
        return {}

    def search(self, queries: Queries, k: int) -> Run:
        tokens = self.tokenizer(queries.texts)
        # A block of queries at a time: all scores of all of them need not fit into memory.
        runs = [
            best(
                np.stack([self.engine.scores(terms) for terms in tokens[at : at + _BLOCK]]), self.ties, k
            )
            for at in range(0, len(tokens), _BLOCK)
        ]
        return Run(np.concatenate([r.docs for r in runs]), np.concatenate([r.scores for r in runs]))
