"""Indexes: built once for equal settings, kept on the disk, closed when nothing needs them any more."""

from __future__ import annotations

import contextlib
import errno
import json
import secrets
import shutil
import sys
import tempfile
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from bench.errors import BenchError, require
from bench.outside import answers_of, calling
from bench.storage.cache import cache_folder, go_without, key_of, sha256_of
from bench.storage.earlier import alone
from bench.storage.identity import fingerprint, parts_of
from bench.storage.leftovers import part_folder
from bench.types import NO_DOC, Collection, Facts, Queries, Retriever, Run, Searcher

_MANIFEST = "manifest.json"


class AnswerStore(Protocol):
    """Where the answers to batches of queries are kept, with the seconds that they took."""

    def load(self, key: str) -> tuple[Run, float] | None: ...
    def save(self, key: str, run: Run, seconds: float) -> None: ...


class _AnswersInMemory:
    """Answers of one process."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Run, float]] = {}

    def load(self, key: str) -> tuple[Run, float] | None:
        """Return what was kept under this key."""
        return self._kept.get(key)

    def save(self, key: str, run: Run, seconds: float) -> None:
        """Keep it."""
        self._kept[key] = (run, seconds)


class IndexStore:
    """Searchers by fingerprint, so that what two systems share is built once and asked once.

    answers  where answers are kept; in this process if not given
    needed   the retrievers that will be asked for: an index is closed when the last that needs it is
             `done`. Without them all stay open as long as the store

    Settings are compared by fingerprint, so that a file that was replaced is read again. Of two that
    differ only in where their files lie, both have the facts of the first. What is made by code that is
    not known is kept for no other store, of this process or another.
    """

    def __init__(self, answers: AnswerStore | None = None, needed: Iterable[Retriever] = ()) -> None:
        self._answers: AnswerStore = _AnswersInMemory() if answers is None else answers
        self._needed = Counter(key for one in needed for key in _keys(one))
        self._open: dict[tuple[str, str], Searcher] = {}
        self._temporary: dict[str, Path] = {}
        self._building: list[str] = []  # what the user calls it, the innermost part last
        self._answering: set[str] = set()
        self._silent: dict[str, Searcher] = {}
        self._token = secrets.token_hex(16)
        self.spared = 0.0

    def searcher(self, retriever: Retriever, collection: Collection, name: str) -> Searcher:
        """Return the searcher of these settings on this collection, building it if it is new.

        `name` is what the user calls it, such as "hybrid.parts.dense". Raises `BenchError` naming it for
        what is no retriever, and for an index() that gives no searcher.
        """
        require(
            isinstance(retriever, Retriever),
            f"retriever '{name}' has no index(collection, store) method; see bench.types.Retriever",
        )
        require(
            type(retriever).__hash__ is not None,
            f"retriever '{name}' can not be hashed; make its class a @dataclass(frozen=True)",
        )
        with calling(retriever, f"retriever '{name}'", "reads"):
            identity = fingerprint(retriever)
        at = identity.key, collection.fingerprint
        if at not in self._open:
            with self._names(name), calling(retriever, f"retriever '{name}'", "index"):
                searcher = retriever.index(collection, self)
            with calling(searcher, f"retriever '{name}'", "facts"):
                complete = isinstance(searcher, Searcher)  # looks at its properties
            require(
                complete,
                f"retriever '{name}': what index() returned lacks search, nbytes, facts or exact; see "
                "bench.types.Searcher",
            )
            self._open[at] = searcher
        asked = "-".join(at if identity.is_known else (*at, self._token))
        return _StoredSearcher(self._open[at], name, asked, collection, self)

    @contextlib.contextmanager
    def _names(self, name: str) -> Iterator[None]:
        self._building.append(name)
        try:
            yield
        finally:
            self._building.pop()

    def done(self, retriever: Retriever) -> None:
        """Close the indexes of a retriever and its parts that no other needs."""
        for key in _keys(retriever):
            self._needed[key] -= 1
            if self._needed[key] <= 0:
                for at in [at for at in self._open if at[0] == key]:
                    del self._open[at]

    def folder(self, what: object, collection: Collection, fill: Callable[[Path], None]) -> Path:
        """Return a folder with what `fill` wrote of a collection, by these settings: of this run or an
        earlier one.

        It is whole or not there, and checked against its hashes when it is opened. Where the cache can
        not be written to, and where the code is not known, it is a temporary one of this store.
        """
        identity = fingerprint(what)
        key = key_of({"what": identity.key, "corpus": collection.fingerprint})
        place = cache_folder() / "indexes" / key[:2] / key
        if key in self._temporary:
            return self._temporary[key]
        if not identity.is_known:
            *_, part = (one for one in parts_of(what) if not fingerprint(one).is_known)
            whose = f"retriever '{self._building[-1]}': " if self._building else ""
            _say_unknown(whose + _code_of(type(part)))
            return self._in_temporary(key, fill)
        if _is_whole(place):
            return place
        try:
            with part_folder(place.parent) as part:
                _filled(part / "new", fill)
                reader = self._building[-1] if self._building else type(what).__name__
                require(
                    fingerprint(what) == identity,
                    f"a file that {reader} reads was changed meanwhile; run again",
                )
                with alone(place.parent):
                    if _is_whole(place, say=False):  # another process was the first, and reads it
                        return place
                    if place.exists():
                        place.rename(part / "damaged")
                    (part / "new").rename(place)
            return place
        except OSError as error:
            if error.errno == errno.ENOENT:  # what `fill` reads is not there
                raise
            go_without(error)
            return self._in_temporary(key, fill)

    def _in_temporary(self, key: str, fill: Callable[[Path], None]) -> Path:
        own = Path(tempfile.mkdtemp(prefix="bench-index-"))
        weakref.finalize(self, shutil.rmtree, own, ignore_errors=True)
        self._temporary[key] = _filled(own / "new", fill)
        return self._temporary[key]

    def require_answers(self, queries: Queries) -> None:
        """Raise `BenchError` for a run file that answers none of these queries: it is of another set.

        One that was asked for some of them only, as a cascade does, may have the others.
        """
        silent, self._silent = self._silent, {}  # said once, of the system that asked
        for name, searcher in silent.items():
            require(
                "queries_in_file" not in searcher.facts
                or bool((searcher.search(queries, 1).docs != NO_DOC).any()),
                f"the file of retriever '{name}' answers none of the queries; is it a run of another "
                "query set?",
            )

    def ask(
        self, searcher: Searcher, name: str, at: str, collection: Collection, queries: Queries, k: int
    ) -> Run:
        """Return the checked answers of a searcher, those that were kept where there are any."""
        key = key_of({"searcher": at, "queries": queries.fingerprint, "k": k})
        if kept := self._answers.load(key):
            run, seconds = kept
            self.spared += seconds
        else:
            started, spared = time.perf_counter(), self.spared
            run = answers_of(searcher, queries, k, collection, name)
            self._answers.save(key, run, time.perf_counter() - started + self.spared - spared)
        if (run.docs[:, :1] != NO_DOC).any():
            self._answering.add(name)
            self._silent.pop(name, None)
        elif name not in self._answering:
            self._silent[name] = searcher
        return run


@dataclass(frozen=True, eq=False)
class _StoredSearcher:
    """A searcher whose answers are checked where they leave it, and kept for whoever asks the same."""

    inner: Searcher = field(repr=False)
    name: str
    at: str
    collection: Collection = field(repr=False)
    store: IndexStore = field(repr=False)

    @property
    def nbytes(self) -> int:
        return self.inner.nbytes

    @property
    def facts(self) -> Facts:
        return self.inner.facts

    @property
    def exact(self) -> Searcher | None:
        exact = self.inner.exact
        if exact is None or isinstance(exact, _StoredSearcher):
            return exact
        at = f"{self.at}.exact"
        return _StoredSearcher(exact, f"{self.name}.exact", at, self.collection, self.store)

    def search(self, queries: Queries, k: int) -> Run:
        return self.store.ask(self.inner, self.name, self.at, self.collection, queries, k)


def _keys(retriever: Retriever) -> Iterator[str]:
    """Yield the fingerprints of a retriever and of all retrievers that it is made of."""
    for part in parts_of(retriever):
        if isinstance(part, Retriever):
            with contextlib.suppress(Exception):  # it is raised again, with a name, where it is indexed
                yield fingerprint(part).key


def _code_of(kind: type) -> str:
    """Name a class and the file that it is in, where there is one."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return f"the code of {kind.__name__}" + (f" in {Path(file).name}" if file else "")


@cache
def _say_unknown(code: str) -> None:
    print(
        f"bench: {code} is not known (it was typed in or made in a function; or a file of it was "
        "changed since this process began, is dated in the future, or has bytecode of another "
        "source in __pycache__; or it imports what has neither source nor version), so that its index "
        "is not kept for the next run",
        file=sys.stderr,
    )


def _filled(folder: Path, fill: Callable[[Path], None]) -> Path:
    folder.mkdir()
    fill(folder)
    hashes = {file.name: sha256_of(file) for file in sorted(folder.iterdir())}
    (folder / _MANIFEST).write_text(json.dumps(hashes), encoding="utf-8")
    return folder


def _is_whole(folder: Path, *, say: bool = True) -> bool:
    """Whether a folder is there and holds what was written."""
    manifest = folder / _MANIFEST
    if not manifest.exists():
        return False
    try:
        hashes = json.loads(manifest.read_text(encoding="utf-8"))
        names = {file.name for file in folder.iterdir()} - {_MANIFEST}
        if names == hashes.keys() and all(sha256_of(folder / n) == hashes[n] for n in names):
            return True
    except (OSError, ValueError, AttributeError, BenchError):
        pass
    if say:
        print(f"the index in {folder.name[:12]} is damaged; making it anew", file=sys.stderr)
    return False
