"""The fingerprint tells apart what can give other answers, and nothing else: by settings, code, files and
libraries, in every process and folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import FrozenInstanceError, InitVar, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from conftest import forget_sources, make_queries, write_beir
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.collections.beir import BeirFolder
from bench.encoders.passages import Passages
from bench.encoders.sentence import SentenceEncoder
from bench.errors import BenchError
from bench.evaluation.measures import Measure
from bench.evaluation.systems import run_systems
from bench.experiment.build import build
from bench.retrievers.bm25 import BM25, Tokenizer
from bench.retrievers.dense import Dense
from bench.retrievers.fuse import Fused
from bench.retrievers.runfile import RunFile
from bench.storage import cache, sources
from bench.storage.identity import fingerprint
from bench.storage.indexes import IndexStore

LEXICAL = st.builds(
    BM25,
    variant=st.sampled_from(["lucene", "bm25+"]),
    k1=st.sampled_from([1, 1.0, 1.2]),
    b=st.sampled_from([0, 0.0, 0.75]),
    fields=st.sampled_from([("title", "text"), ("text", "title"), ("text",)]),
    tokenizer=st.builds(Tokenizer, stemmer=st.sampled_from(["english", None])),
)
PASSAGES = st.builds(Passages, sentences=st.sampled_from([None, 1, 2]), title=st.booleans())
FUSED = st.builds(
    lambda parts, k, weights: Fused(dict(zip("ab", parts, strict=True)), k=k, weights=weights),
    st.lists(LEXICAL, min_size=2, max_size=2),
    st.sampled_from([60, 60.0, 61]),
    st.sampled_from([{}, {"a": 1.0}, {"b": 1}]),
)
SETTINGS = st.one_of(LEXICAL, PASSAGES, FUSED)


@given(st.lists(SETTINGS, min_size=2, max_size=6))
@settings(max_examples=200)
def test_settings_are_equal_exactly_where_their_fingerprints_are(made):
    prints = [fingerprint(one) for one in made]
    for one, its in zip(made, prints, strict=True):
        for other, theirs in zip(made, prints, strict=True):
            assert (one == other) == (its.settings == theirs.settings) == (its.key == theirs.key)


def test_a_class_of_another_name_with_the_same_fields_is_another():
    @dataclass(frozen=True)
    class Windows:
        sentences: int | None = None
        stride: int | None = None
        title: bool = True

    assert fingerprint(Windows()).settings != fingerprint(Passages()).settings


SPECS = [
    {"_target_": "bench.retrievers.bm25.BM25"},
    {"_target_": "bench.retrievers.bm25.BM25", "fields": ["text"], "k1": 2},
    {
        "_target_": "bench.retrievers.fuse.Fused",
        "parts": {name: {"_target_": "bench.retrievers.bm25.BM25", "b": b} for name, b in (("x", 0), ("y", 1))},
        "weights": {"y": 2.0, "x": 1.0},
    },
    {
        "_target_": "bench.retrievers.dense.Dense",
        "encoder": {
            "_target_": "bench.encoders.sentence.SentenceEncoder",
            "model": "sentence-transformers/all-MiniLM-L6-v2",
        },
    },
]  # fmt: skip
KEYS = """
import json, sys
from bench.experiment.build import build
from bench.evaluation.systems import run_systems
from bench.storage.identity import fingerprint
print(json.dumps([fingerprint(build(spec, "x")).key for spec in json.loads(sys.argv[1])]))
"""


def test_a_process_with_another_hash_seed_in_another_folder_gives_the_same(tmp_path):
    keys = [fingerprint(build(spec, "x")).key for spec in SPECS]
    assert len(set(keys)) == len(SPECS)
    for seed in ("1", "2"):
        other = subprocess.run(
            [sys.executable, "-c", KEYS, json.dumps(SPECS)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(other.stdout) == keys


def test_what_can_not_be_told_apart_is_refused_by_name():
    @dataclass(frozen=True)
    class Odd:
        inner: dict = field(default_factory=lambda: {"rank": len})

    with pytest.raises(BenchError, match=r"Odd\.inner\.rank is a builtin_function"):
        fingerprint(Odd())
    with pytest.raises(BenchError, match=r"Odd\.inner\.rank is a type"):
        fingerprint(Odd({"rank": BM25}))


# What an object keeps beside its fields.


class Boosted(BM25):
    """A subclass that nobody made a dataclass again."""

    def __init__(self, boost):
        super().__init__()
        object.__setattr__(self, "boost", boost)


@dataclass(frozen=True)
class Started:
    """A setting that is asked for and kept under another name, which is no field."""

    boost: InitVar[float]

    def __post_init__(self, boost):
        object.__setattr__(self, "start", boost + 1)


class Slotted:
    __slots__ = ("__boost",)  # kept as _Slotted__boost

    def __init__(self, boost):
        self.__boost = boost


class Derived(Slotted):
    """A plain class, whose base keeps its setting outside of __dict__."""


@dataclass(frozen=True, slots=True)
class Narrow:
    k: int = 1


class Narrower(Narrow):
    __slots__ = ("boost",)

    def __init__(self, boost):
        super().__init__()
        object.__setattr__(self, "boost", boost)


class Plain:
    def __init__(self, boost):
        self.boost = boost


@pytest.mark.parametrize("kind", [Boosted, Started, Derived, Narrower, Plain])
def test_what_an_object_keeps_outside_its_fields_counts(kind):
    assert fingerprint(kind(2.0)) == fingerprint(kind(2.0))
    assert fingerprint(kind(2.0)).settings != fingerprint(kind(9.0)).settings


def test_what_is_worked_out_once_and_kept_is_no_setting():
    @dataclass(frozen=True)
    class Lazy:
        k: int = 1

        @cached_property
        def table(self):
            return {"rank": len}

    lazy = Lazy()
    before = fingerprint(lazy)
    assert lazy.table
    assert "table" in vars(lazy)
    assert fingerprint(lazy) == before


class Assignable:
    @cached_property
    def table(self):
        return {"rank": 1}


@dataclass(frozen=True)
class Frozen(Assignable):
    pass


class Thawed(Frozen):
    """A subclass that nobody made frozen again: fields are refused, and all else can be assigned."""


@dataclass(unsafe_hash=True)
class Open(Assignable):
    pass


@pytest.mark.parametrize("kind", [Assignable, Thawed, Open])
def test_what_may_be_assigned_over_a_cached_property_is_refused(kind):
    """From the first, not only where it was assigned: that looks as if it had been worked out."""
    part = kind()
    said = rf"dict\.inner\[0\]\.table is a cached_property.*make {kind.__name__} a @dataclass\(frozen=True\)"
    with pytest.raises(BenchError, match=said):
        fingerprint({"inner": [part]})
    part.table = {"rank": 2}
    with pytest.raises(BenchError, match=said):
        fingerprint({"inner": [part]})


def test_a_frozen_class_refuses_what_is_assigned_over_a_cached_property():
    part = Frozen()
    before = fingerprint(part)
    with pytest.raises(FrozenInstanceError):
        part.table = {"rank": 2}
    assert part.table == {"rank": 1}
    assert fingerprint(part) == before


def test_a_setting_that_replaces_a_cached_property_of_the_base_counts():
    @dataclass(frozen=True)
    class Given(Assignable):
        table: int = 1

    class Plain(Assignable):
        table = None

        def __init__(self, table):
            self.table = table

    for kind in (Given, Plain):
        assert fingerprint(kind(1)).settings != fingerprint(kind(2)).settings


def test_a_path_that_is_not_read_counts_whole():
    @dataclass(frozen=True)
    class Names:
        path: Path

    one, other = (fingerprint(Names(Path(folder) / "x.bin")) for folder in "ab")
    assert one.settings != other.settings


# Files.

FILES = (
    "config.json",
    "model.safetensors",
    "vocab.txt",
    "README.md",
    "2_Dense/model.safetensors",
    "a/b/c.bpe",
)


def write_model(folder):
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"content of {name}".encode())
    return folder


def files_of(folder):
    return fingerprint(SentenceEncoder(str(folder))).files


@pytest.mark.parametrize("name", FILES)
def test_one_byte_in_any_file_of_a_model_is_another_model(name, tmp_path):
    folder = write_model(tmp_path / "model")
    before = files_of(folder)
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    assert files_of(folder) != before
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    assert files_of(folder) == before
    (folder / name).rename(folder / "renamed")
    assert files_of(folder) != before


def test_the_same_model_in_another_folder_is_the_same(tmp_path):
    folder = write_model(tmp_path / "model")
    before = fingerprint(Dense(SentenceEncoder(str(folder))))
    shutil.copytree(folder, tmp_path / "copy")
    folder.rename(tmp_path / "moved")
    # what a download or a clone leaves beside the model is no part of it
    (tmp_path / "moved" / ".cache").mkdir()
    (tmp_path / "moved" / ".cache" / "when").write_text("today")
    for other in ("copy", "moved"):
        assert fingerprint(Dense(SentenceEncoder(str(tmp_path / other)))) == before


def test_a_linked_subfolder_is_part_of_the_model(tmp_path):
    folder = write_model(tmp_path / "model")
    before = files_of(folder)
    (folder / "2_Dense").rename(tmp_path / "elsewhere")
    (folder / "2_Dense").symlink_to(tmp_path / "elsewhere")
    assert files_of(folder) == before
    (tmp_path / "elsewhere" / "model.safetensors").write_bytes(b"other")
    assert files_of(folder) != before


def test_two_models_that_change_places_are_another_system(tmp_path):
    one, other = write_model(tmp_path / "one"), write_model(tmp_path / "other")
    (other / "config.json").write_text("other")
    encoders = [SentenceEncoder(str(folder)) for folder in (one, other)]
    parts = [Dense(encoder) for encoder in encoders]
    straight, crossed = (
        fingerprint(Fused(dict(zip("ab", order, strict=True)))) for order in (parts, parts[::-1])
    )
    assert straight.settings == crossed.settings
    assert straight.files != crossed.files
    for folder in (one, other):
        before = fingerprint(Fused(dict(zip("ab", parts, strict=True)))).files
        (folder / "vocab.txt").write_text("changed")
        assert fingerprint(Fused(dict(zip("ab", parts, strict=True)))).files != before


def test_a_run_file_counts_by_its_content_and_is_read_again(collection, tmp_path):
    paths = [tmp_path / name for name in ("a.trec", "b.trec")]
    for path in paths:
        path.write_text("q0 Q0 d01 1 0.5 x\n")
    one, other = (RunFile(str(path)) for path in paths)
    assert fingerprint(one) == fingerprint(other)
    store = IndexStore()
    first = store.searcher(one, collection, "x")
    assert store.searcher(other, collection, "x").inner is first.inner
    paths[0].write_text("q0 Q0 d02 1 0.5 x\n")
    assert fingerprint(one).settings == fingerprint(other).settings
    assert fingerprint(one).files != fingerprint(other).files
    found = store.searcher(one, collection, "x").search(make_queries("x"), 1)
    assert collection.ids(found.docs[0]) == ["d02"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none.trec", "cannot read none.trec"),
        (".", "is a folder"),
        ("", "runfile.path is empty; name a"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused(path, said):
    with pytest.raises(BenchError, match=said):
        fingerprint(RunFile(path))


# Every part that reads files has a place of its own, wherever it stands in the settings.


@dataclass(frozen=True)
class Pair:
    """Reads two files."""

    one: str
    other: str

    def reads(self):
        return {"one": Path(self.one), "other": Path(self.other)}


@pytest.fixture
def file_with(tmp_path):
    """Write a file with this content; return its path."""

    def write(content):
        (tmp_path / content).write_text(content)
        return str(tmp_path / content)

    return write


@dataclass(frozen=True)
class Table:
    """Reads a file, of which its setting says more than the path."""

    source: object

    def reads(self):
        path = self.source.path if isinstance(self.source, Place) else str(self.source).split("::")[0]
        return {"source": Path(path)}


@dataclass(frozen=True)
class Place:
    path: str
    key: str


def test_a_setting_that_says_more_than_the_path_of_its_file_counts(file_with):
    one, same = file_with("a"), file_with("b")
    Path(same).write_text("a")
    for by_key in (lambda key: f"{one}::{key}", lambda key: Place(one, key)):
        assert fingerprint(Table(by_key("x"))) == fingerprint(Table(by_key("x")))
        assert fingerprint(Table(by_key("x"))) != fingerprint(Table(by_key("y")))
    for path in (str, Path):
        assert fingerprint(Table(path(one))) == fingerprint(Table(path(same)))


PLACES = {
    "keys of two types": lambda one, other: {1: one, "1": other},
    "a key with a dot": lambda one, other: {"a.b": one, "a": {"b": other}},
    "a key and its value": lambda one, other: {one: other},
    "a place in a list and a key": lambda one, other: {"a": [one], "a[0]": other},
    "members of a set": lambda one, other: frozenset((one, other)),
    "a set in a set": lambda one, other: frozenset((one, frozenset((other,)))),
}


@pytest.mark.parametrize("made", PLACES.values(), ids=PLACES)
def test_every_file_counts_wherever_the_part_that_reads_it_stands(made, file_with):
    names = [file_with(name) for name in "ab"]
    settings = made(*map(RunFile, names))
    before = fingerprint(settings)
    for name in names:
        content = Path(name).read_text()
        Path(name).write_text("changed")
        assert fingerprint(settings).settings == before.settings
        assert fingerprint(settings).files != before.files
        Path(name).write_text(content)
    assert fingerprint(settings) == before


def test_the_files_of_a_member_of_a_set_stay_together(file_with):
    a, b, c, d = (file_with(name) for name in "abcd")
    straight, crossed = (
        frozenset(Pair(*files) for files in pairs) for pairs in ([(a, b), (c, d)], [(a, d), (c, b)])
    )
    assert fingerprint(straight).settings == fingerprint(crossed).settings
    assert fingerprint(straight).files != fingerprint(crossed).files


def test_files_that_change_places_between_settings_are_another_system(file_with):
    @dataclass(frozen=True)
    class Weighted:
        path: str
        weight: int

        def reads(self):
            return {"path": Path(self.path)}

    a, b = file_with("a"), file_with("b")
    for kind in (frozenset, tuple, lambda pair: dict.fromkeys(pair, 1)):
        straight, crossed = (
            fingerprint(kind((Weighted(one, 1), Weighted(other, 2)))) for one, other in ((a, b), (b, a))
        )
        assert straight.settings == crossed.settings
        assert straight.files != crossed.files


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    """Parts that read a file each, or two, and two files have one content."""
    folder = tmp_path_factory.mktemp("read")
    names = [str(folder / name) for name in ("a", "b", "b again")]
    for name in names:
        Path(name).write_text(Path(name).name[0])
    return [*map(RunFile, names), Pair(names[0], names[1]), Pair(names[1], names[0])]


def meaning(value):
    """What a setting is, with the content of a file in place of its path."""
    if isinstance(value, RunFile | Pair):
        return (type(value), *(path.read_text() for path in value.reads().values()))
    if isinstance(value, dict):
        return "map", frozenset(
            Counter((meaning(key), meaning(one)) for key, one in value.items()).items()
        )
    if isinstance(value, frozenset):
        return "set", frozenset(Counter(map(meaning, value)).items())
    return value


def with_others(value, draw):
    """Return a setting with other parts in the places of those that read files."""
    if isinstance(value, dict):
        return {with_others(key, draw): with_others(one, draw) for key, one in value.items()}
    if isinstance(value, frozenset):
        return frozenset(with_others(one, draw) for one in value)
    return draw(type(value)) if isinstance(value, RunFile | Pair) else value


@given(st.data())
@settings(max_examples=200)
def test_settings_that_read_files_are_equal_exactly_where_their_fingerprints_are(readers, data):
    parts = st.sampled_from(readers)
    sets = st.frozensets(parts, min_size=1, max_size=3)
    members = parts | sets | st.frozensets(parts | sets, min_size=1, max_size=2)
    names = st.sampled_from([1, "1", "a", "a.a"]) | parts
    values = st.recursive(
        members, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=6
    )
    one = data.draw(values)
    other = with_others(one, lambda kind: data.draw(parts.filter(lambda part: isinstance(part, kind))))
    assert (meaning(one) == meaning(other)) == (fingerprint(one) == fingerprint(other))


SET_KEYS = """
import sys
from bench.retrievers.runfile import RunFile
from bench.storage.identity import files_of, fingerprint, hash_of_files
parts = frozenset(RunFile(name) for name in sys.argv[1:])
both = [parts, {part: 1 for part in parts}]
print(fingerprint(both).key, hash_of_files(files_of(both)) == fingerprint(both).files)
"""


def test_a_set_has_one_fingerprint_whatever_the_hash_seed(file_with):
    """It lists its members, which differ in their files only, in the order of their hashes."""
    names = [file_with(name) for name in "abcd"]
    found = {
        subprocess.run(
            [sys.executable, "-c", SET_KEYS, *names],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "1234"
    }
    assert len(found) == 1
    assert "True" in found.pop()


def test_a_set_of_objects_has_one_fingerprint_however_they_came_to_be():
    """Equal settings are met in another order, of members and of what an object keeps."""

    class Kept:
        def __init__(self, **kept):
            vars(self).update(kept)

    one, other = ({"a": 1, "z": 2}, {"b": 1, "a": 1})
    made = [
        (Kept(**one), Kept(**other)),
        (Kept(**other), Kept(**one)),
        [Kept(**dict(reversed(each.items()))) for each in (one, other)],
    ]
    for kind in (frozenset, lambda keys: dict.fromkeys(keys, 1)):
        assert len({fingerprint(kind(each)).settings for each in made}) == 1


# Hashes of files are remembered, but never those of another content.


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def read(monkeypatch):
    """Which files were read."""
    names = []
    original = cache._read_sha256

    def reading(file):
        names.append(file.name)
        return original(file)

    monkeypatch.setattr(cache, "_read_sha256", reading)
    monkeypatch.setattr(cache, "_hashes", {})
    return names


@pytest.fixture
def settled(monkeypatch):
    """Every file counts as unchanged for long."""
    monkeypatch.setattr(cache, "_SETTLED_NS", 0)


def test_a_large_file_is_read_once_and_a_small_one_once_a_process(tmp_path, read, settled):
    large, small = tmp_path / "large", tmp_path / "small"
    large.write_bytes(bytes(2 << 20))
    small.write_bytes(b"x")
    for _ in range(3):
        assert cache.sha256_of(large) == sha256(bytes(2 << 20))
        assert cache.sha256_of(small) == sha256(b"x")
    cache._hashes.clear()  # as in the next process
    assert cache.sha256_of(large) == sha256(bytes(2 << 20))
    assert cache.sha256_of(small) == sha256(b"x")
    assert read == ["large", "small", "small"]


def test_a_replaced_file_is_read_again_whatever_its_time_and_size_say(tmp_path, read, settled):
    file = tmp_path / "weights"
    file.write_bytes(b"1" * (2 << 20))
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    assert cache.sha256_of(file) == sha256(b"1" * (2 << 20))
    other = tmp_path / "other"
    other.write_bytes(b"2" * (2 << 20))
    os.utime(other, ns=times)
    other.replace(file)
    assert file.stat().st_mtime_ns == times[1]
    assert cache.sha256_of(file) == sha256(b"2" * (2 << 20))
    assert read == ["weights", "weights"]


def test_a_file_that_changed_just_now_is_read_each_time_for_it_may_change_within_the_tick(
    tmp_path, read
):
    file = tmp_path / "weights"
    for content in (b"1", b"2"):
        file.write_bytes(content)
        assert cache.sha256_of(file) == cache.sha256_of(file) == sha256(content)
    assert read == ["weights"] * 4


def test_a_cache_that_can_not_be_written_is_no_reason_to_fail(tmp_path, settled, monkeypatch):
    (tmp_path / "cache").write_text("a file, where a folder should be")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "large").write_bytes(bytes(2 << 20))
    assert cache.sha256_of(tmp_path / "large") == sha256(bytes(2 << 20))


# Code and libraries.


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A user's module, one beside it, one in a package beside it, and an installed library; all count as
    written before this process began."""
    monkeypatch.setattr(sources, "_STARTED_NS", 1 << 63)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    library = tmp_path / "site-packages"
    (library / "fastlib").mkdir(parents=True)
    (library / "fastlib" / "__init__.py").write_text("")
    (library / "fastlib-1.0.dist-info").mkdir()
    (library / "fastlib-1.0.dist-info" / "METADATA").write_text("Name: fastlib\nVersion: 1.0\n")
    (library / "fastlib-1.0.dist-info" / "RECORD").write_text("fastlib/__init__.py,,\n")
    (tmp_path / "own_parts").mkdir()
    (tmp_path / "own_parts" / "__init__.py").write_text("")
    (tmp_path / "own_parts" / "deep" / "no_init").mkdir(parents=True)
    (tmp_path / "own_parts" / "deep" / "__init__.py").write_text(
        "from own_parts import conf\nconf.x = 2\n"
    )
    (tmp_path / "own_parts" / "deep" / "no_init" / "deepest.py").write_text("")
    (tmp_path / "own_parts" / "conf.py").write_text("x = 1\n")
    (tmp_path / "own_parts" / "near.py").write_text("from . import nearer\n")
    (tmp_path / "own_parts" / "nearer.py").write_text("deep = 1\n")
    (tmp_path / "own_helper.py").write_text("weight = 1\n")
    (tmp_path / "own_unused.py").write_text("x = 1\n")
    (tmp_path / "own_method.py").write_text(
        "import json\n"
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\n"
        "class Mine:\n"
        "    def index(self, collection, store):\n"
        "        import own_helper, own_parts.near, own_parts.deep.no_init.deepest, fastlib\n"
        "        from bench.retrievers.bm25 import BM25\n"
    )
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]
    forget_sources()


def own_fingerprint():
    """As a process of its own would find it."""
    forget_sources()
    return fingerprint(build({"_target_": "own_method.Mine"}, "mine"))


@pytest.mark.parametrize(
    "name",
    [
        "own_method.py",
        "own_helper.py",
        "own_parts/near.py",
        "own_parts/nearer.py",
        # Python runs the packages of a module before it
        "own_parts/__init__.py",
        "own_parts/deep/__init__.py",
        "own_parts/conf.py",
    ],
)
def test_the_code_of_a_users_class_counts_with_all_that_it_imports(own, name):
    before = own_fingerprint()
    (own / "own_unused.py").write_text("x = 2\n")
    assert own_fingerprint() == before
    (own / name).write_text((own / name).read_text() + "# changed\n")
    after = own_fingerprint()
    assert after.code != before.code
    assert replace(after, code=before.code) == before


STATEMENTS = [
    "if x:\n pass\nelse:\n HERE",
    "try:\n pass\nexcept OSError:\n HERE",
    "try:\n pass\nfinally:\n HERE",
    "for i in x:\n pass\nelse:\n HERE",
    "match x:\n case 1:\n  HERE",
    "with x:\n class A:\n  async def f():\n   while x:\n    HERE",
    "x = 1; HERE",
]


@pytest.mark.parametrize("where", STATEMENTS)
@pytest.mark.parametrize(
    "how", ["import own_one, json", "from own_one import (\\\n b as c)", "import own_one as o"]
)
def test_an_import_counts_wherever_it_stands(where, how):
    assert "own_one" in {
        one for found in sources._imports(where.replace("HERE", how).encode(), "") for one in found
    }


def test_an_installed_library_counts_by_its_version(own):
    before = own_fingerprint()
    assert before.libraries["fastlib"] == "1.0"
    assert "bm25s" in before.libraries
    (own / "site-packages" / "fastlib" / "__init__.py").write_text("# compiled again\n")
    assert own_fingerprint() == before
    (own / "site-packages" / "fastlib-1.0.dist-info" / "METADATA").write_text(
        "Name: fastlib\nVersion: 2.0\n"
    )
    after = own_fingerprint()
    assert after.libraries["fastlib"] == "2.0"
    assert replace(after, libraries=before.libraries) == before


def test_a_class_of_an_installed_library_counts_by_its_version_too(own):
    (own / "site-packages" / "fastlib" / "__init__.py").write_text("class Mine:\n    pass\n")
    forget_sources()
    assert sources.sources_of("fastlib").libraries == {"fastlib": "1.0"}


def test_code_that_changes_while_the_process_runs_is_not_what_it_runs(own):
    before = own_fingerprint()
    (own / "own_helper.py").write_text("weight = 2\n")
    assert fingerprint(build({"_target_": "own_method.Mine"}, "mine")) == before


def test_of_bench_only_what_makes_the_answers_counts():
    code = sources.sources_of("bench.retrievers.bm25").code
    assert {"bench.retrievers.bm25", "bench.ranking", "bench.types"} <= code.keys()
    assert not [
        name
        for name in code
        if name.startswith(("bench.report", "bench.encoders.sentence", "bench.cli.app"))
    ]
    assert fingerprint(BM25()).libraries.keys() == {"bm25s", "PyStemmer", "rank-bm25", "numpy"}
    dense = sources.sources_of("bench.retrievers.dense")
    assert {"bench.encoders.sentence", "bench.encoders.weights"} <= dense.code.keys()
    assert {"faiss-cpu", "torch", "transformers", "sentence-transformers"} <= dense.libraries.keys()
    assert "matplotlib" not in sources.sources_of("bench.cli.app").libraries


def test_queries_of_other_texts_have_another_fingerprint(tmp_path):
    found = [
        BeirFolder(str(write_beir(tmp_path / name, queries={"q1": (text, "topic")}, qrels={"q1": {"d01": 1}})))
        for name, text in (("one", "x"), ("same", "x"), ("other", "y"))
    ]  # fmt: skip
    one, same, other = (folder.load().queries.fingerprint for folder in found)
    assert one == same != other


@dataclass(frozen=True)
class Restless:
    """A retriever whose file is replaced while it answers."""

    path: str

    def reads(self):
        return {"path": Path(self.path)}

    def index(self, collection, store):
        Path(self.path).write_text("other")
        return BM25().index(collection, store)


def test_a_file_that_is_replaced_while_a_system_runs_is_said(beir, tmp_path):
    (tmp_path / "file").write_text("one")
    with pytest.raises(BenchError, match="a file that mine reads was changed while it ran; run again"):
        run_systems(
            BeirFolder(str(beir)).load(),
            {"mine": Restless(str(tmp_path / "file"))},
            [Measure.parse("nDCG@10")],
            100,
        )


class Growing:
    """A retriever that keeps what it has built, and whose folder may get one more file meanwhile."""

    def __init__(self, folder, added=None):
        self.folder, self.added = folder, added

    def reads(self):
        return {"folder": Path(self.folder)}

    def index(self, collection, store):
        if self.added:
            (Path(self.folder) / self.added).write_text("more")
        self.kept = np.zeros(len(collection))
        return BM25().index(collection, store)


def test_what_a_system_keeps_while_it_runs_does_not_throw_its_answers_away(beir, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "one").write_text("1")
    test, measures = BeirFolder(str(beir)).load(), [Measure.parse("nDCG@10")]
    made = run_systems(test, {"mine": Growing(str(tmp_path / "model"))}, measures, 100)
    plain = run_systems(test, {"plain": BM25()}, measures, 100)
    assert np.array_equal(
        made.systems["mine"].measures.values, plain.systems["plain"].measures.values, equal_nan=True
    )
    with pytest.raises(BenchError, match="a file that mine reads was changed while it ran"):
        run_systems(test, {"mine": Growing(str(tmp_path / "model"), "two")}, measures, 100)
