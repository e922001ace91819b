"""What the answers of a system depend on, in one fingerprint: settings, code, files and libraries.

Everything that must know whether two systems are the same asks here: what goes on after a kill, what
shares an index, which embeddings are in the cache, what a run is held against. The data that a system
answers from has fingerprints of its own (`Collection`, `Queries`, `Qrels`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from types import MappingProxyType, MemberDescriptorType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from bench.errors import BenchError
from bench.storage import cache
from bench.storage.files import files_below
from bench.storage.sources import UNKNOWN, is_unknown, sources_of
from bench.types import ReadsFiles

# What is no object of a class of its own.
_SCALARS = (bool, int, float, str)
_LISTS = (list, tuple)
_SETS = (set, frozenset)
_MAPPINGS = (dict, MappingProxyType)

# Nobody can tell the code of these classes; the same class is the same to itself, in this process.
_unknown: WeakKeyDictionary[type, str] = WeakKeyDictionary()


@dataclass(frozen=True)
class Fingerprint:
    """The same in every process and folder. Kept apart, so that what differs can be named.

    settings   hash of class names and values, of all parts; of a setting that is the path of what is
               read, only which it is; one that says more or otherwise counts
    code       hash of the source files of all classes, and of what those import; "unknown-…", which is
               equal in no other process, where what runs may be in no file: see `is_known`
    files      hash of every file that a part reads (weights, tokenizer, run file), in the order in
               which the settings name them
    libraries  distribution → version, of those that can change a result
    """

    settings: str
    code: str
    files: str
    libraries: Mapping[str, str]

    @property
    def key(self) -> str:
        """One hash of everything."""
        return cache.key_of(dataclasses.asdict(self))

    @property
    def is_known(self) -> bool:
        """Whether the code can be told. If not, nothing may be kept by this fingerprint, and two that
        are equal may be of two systems: what a notebook runs can change in its place."""
        return not is_unknown(self.code)


def fingerprint(part: object) -> Fingerprint:
    """Return the fingerprint of a retriever, an encoder, or any settings made of such parts.

    Raises `BenchError` for a file that can not be read, for a setting that has no plain value, and for a
    `cached_property` of a class that is not frozen.
    """
    found = _Found([], {})
    settings = _plain(part, type(part).__name__, found)
    sources = {kind: sources_of(kind.__module__) for kind in found.classes}
    libraries = {name: number for one in sources.values() for name, number in one.libraries.items()}
    code = _hash({name: sha256 for one in sources.values() for name, sha256 in one.code.items()})
    untold = [kind for kind, its in sources.items() if not (its.known and _is_at_its_name(kind))]
    if untold:
        own = sorted(_unknown.setdefault(kind, secrets.token_hex(16)) for kind in untold)
        code = UNKNOWN + _hash([code, own])
    return Fingerprint(
        _hash(settings), code, hash_of_files(found.files), dict(sorted(libraries.items()))
    )


def files_of(part: object) -> Sequence[Path]:
    """Return the files and folders that are read by all parts, in the order of the settings."""
    found = _Found([], {})
    _plain(part, type(part).__name__, found)
    return found.files


def hash_of_files(paths: Sequence[Path]) -> str:
    """Hash the content of files, and of folders with all that is in them now.

    With `files_of` this tells whether a file was changed while a system ran, without a look at its
    settings: a plain class may keep there what it has built.
    """
    hashes: dict[int, dict[str, str]] = {}
    for place, path in enumerate(paths):
        below = files_below(path) if path.is_dir() else {"": path}
        hashes[place] = {name: cache.sha256_of(file) for name, file in below.items()}
    return _hash(hashes)


def parts_of(part: object) -> Iterator[object]:
    """Yield settings and all objects that they are made of, in fields, lists and mappings."""
    kind = type(part)
    own = kind not in _LISTS + _SETS + _MAPPINGS
    if own and (dataclasses.is_dataclass(part) or hasattr(part, "__dict__") or isinstance(part, tuple)):
        yield part
        for value in _attributes(part).values():
            yield from parts_of(value)
    if isinstance(part, Mapping):
        for value in part.values():
            yield from parts_of(value)
    elif isinstance(part, _LISTS + _SETS):
        for value in part:
            yield from parts_of(value)


@dataclass
class _Found:
    """What is met on the way through the parts: files and folders that are read, and classes."""

    files: list[Path]
    classes: dict[type, None]


def _plain(value: Any, where: str, found: _Found) -> Any:
    """Return a value as JSON knows it, equal for equal values, and note the files and classes of parts.

    Lists keep their order, mappings have none: a fusion adds up in the order of its parts' names.
    Files are noted in the order of what is returned, which says where one is read: so each has a place
    of its own. `where` is for messages.
    """
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if kind is float and value.is_integer():
        return int(value)  # a yaml that says 60 means 60.0
    if value is None or kind in _SCALARS:
        return value
    if kind in _LISTS:
        return [_plain(one, f"{where}[{place}]", found) for place, one in enumerate(value)]
    if kind in _MAPPINGS:
        return _plain_mapping(value, where, found)
    if kind in _SETS:
        return {"set": _sorted(((where, [one]) for one in value), found)}
    if isinstance(value, Path):
        return {"path": value.as_posix()}
    if isinstance(value, Enum):
        # Flags may have no name. A value that is no plain one follows from the name and the code.
        number = value.value if isinstance(value.value, _SCALARS) else None
        return {"class": _class(kind, found), "name": value.name, "value": number}
    return _part(value, where, found)


def _plain_mapping(value: Mapping[Any, Any], where: str, found: _Found) -> Any:
    return {"map": _sorted(((f"{where}.{key}", [key, one]) for key, one in value.items()), found)}


def _sorted(members: Iterable[tuple[str, list[Any]]], found: _Found) -> list[Any]:
    """Return members that have no order, by what they are, and by their files where that is equal."""
    made = []
    for where, member in members:
        inside = _Found([], found.classes)
        plain = [_plain(one, where, inside) for one in member]
        made.append(
            (json.dumps(plain, sort_keys=True), hash_of_files(inside.files), plain, inside.files)
        )
    made.sort(key=lambda one: one[:2])
    found.files += [path for *_, paths in made for path in paths]
    return [plain for _, _, plain, _ in made]


def _part(value: Any, where: str, found: _Found) -> Any:
    """Return an object as its class with all that it keeps."""
    kind = type(value)
    content = _content(value, where, found)
    # A class with a __new__ of its own, such as an array, keeps its content where nothing here looks.
    plain_class = kind.__new__ is object.__new__ and hasattr(value, "__dict__")  # type: ignore[comparison-overlap]
    if not (content or dataclasses.is_dataclass(kind) or plain_class):
        raise BenchError(
            f"{where} is a {kind.__name__}, and two of those can not be told apart; make it a "
            "@dataclass(frozen=True) of plain values"
        )
    cached = [] if _is_frozen(kind) else _cached_properties(kind)
    if cached:
        raise BenchError(
            f"{where}.{cached[0]} is a cached_property, over which {kind.__name__} lets any value be "
            f"assigned; make {kind.__name__} a @dataclass(frozen=True)"
        )
    settings = _attributes(value)
    reads = value.reads() if isinstance(value, ReadsFiles) else {}
    found.files += [path for _, path in sorted(reads.items())]
    kept = sorted((name, one) for name, one in settings.items() if not _is_path(one, reads.get(name)))
    return {
        "class": _class(kind, found),
        **({"reads": sorted(reads)} if reads else {}),
        **content,
        **{f".{name}": _plain(one, f"{where}.{name}", found) for name, one in kept},
    }


def _is_path(value: Any, read: Path | None) -> bool:
    """Whether a setting is no more than the path of what is read by it."""
    return read is not None and isinstance(value, (str, Path)) and Path(value) == Path(read)


def _content(value: Any, where: str, found: _Found) -> dict[str, Any]:
    """Return what an object holds that is a list, mapping, text or number too, past its own methods."""
    if isinstance(value, dict):
        return {"content": _plain_mapping(dict(dict.items(value)), where, found)}
    builtin: Any
    for builtin in _LISTS + _SETS:
        if isinstance(value, builtin):
            return {"content": _plain(builtin(builtin.__iter__(value)), where, found)}
    for builtin in _SCALARS:
        if isinstance(value, builtin):
            return {"content": builtin.__repr__(value)}
    return {}


def _class(kind: type, found: _Found) -> str:
    """Return the name of a class, and note it with those that it builds on: their code runs too."""
    found.classes |= dict.fromkeys(kind.__mro__[:-1])
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_at_its_name(kind: type) -> bool:
    """Whether a class is what its module has by its name. One made in a function, which may have been
    given other values, and one that a notebook has redefined since are not."""
    found: object = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    return found is kind


def _attributes(value: Any) -> dict[str, Any]:
    """Return all that an object keeps: fields, slots of its class and its bases, and what was set on it.

    What a `cached_property` keeps is left out: it follows from the rest. Nobody can tell it from what
    was assigned in its place, so that it must be of a frozen class, which lets nothing be assigned.
    """
    kind = type(value)
    cached = _cached_properties(kind)
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    slots = (
        name
        for base in kind.__mro__
        for name, one in vars(base).items()
        if isinstance(one, MemberDescriptorType) and hasattr(value, name)
    )
    kept = {name: one for name, one in getattr(value, "__dict__", {}).items() if name not in cached}
    return kept | {name: getattr(value, name) for name in (*slots, *(one.name for one in fields))}


def _cached_properties(kind: type) -> list[str]:
    attributes = {name: one for base in reversed(kind.__mro__) for name, one in vars(base).items()}
    return [name for name, one in attributes.items() if isinstance(one, cached_property)]


def _is_frozen(kind: type) -> bool:
    """Whether a class is a frozen dataclass itself: one that only builds on such a class lets values be
    assigned that are no fields."""
    params: Any = vars(kind).get("__dataclass_params__")
    return params is not None and bool(params.frozen)


def _hash(content: Any) -> str:
    """128 bits of a sha256, in hexadecimal."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
