"""A fingerprint stands for the code that runs: two classes of one name, a script, a file that was edited
after it was loaded, and what lies beside a package of the same name."""

from __future__ import annotations

import base64
import enum
import hashlib
import importlib
import json
import os
import pkgutil
import py_compile
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest
from conftest import forget_sources

import bench.encoders
import bench.evaluation
import bench.retrievers
from bench import evaluate
from bench.cli import app
from bench.retrievers.bm25 import BM25
from bench.retrievers.fuse import Fused
from bench.retrievers.rerank import PairScorer, Reranked
from bench.runs.contenders import gather
from bench.runs.reproduction import changed_systems
from bench.storage import sources
from bench.storage.identity import fingerprint, parts_of
from bench.storage.indexes import IndexStore
from bench.types import Retriever

# A retriever that keeps what it has built, and answers every query with the documents from START on.
KEEPS = """
import json
from dataclasses import dataclass
import numpy as np
from bench.types import Run

START = 1

@dataclass(frozen=True)
class Mine:
    def index(self, collection, store):
        folder = store.folder(self, collection, lambda to: (to / "start").write_text(str(START)))
        return Answers(int((folder / "start").read_text()), len(collection))

@dataclass(frozen=True)
class Answers:
    start: int
    n: int
    exact = None
    nbytes = 0
    facts = {}
    def search(self, queries, k):
        docs = np.arange(self.start, self.n, dtype=np.int32)[:k]
        scores = np.arange(len(docs), 0, -1, dtype=np.float32)
        return Run(np.tile(docs, (len(queries), 1)), np.tile(scores, (len(queries), 1)))
"""
ASK = """
def start():
    made = bench.evaluate("tiny", {"mine": Mine()}, measures=["nDCG@5"], depth=5)
    return int(made._results.systems["mine"].run.docs[0, 0])
"""


@pytest.fixture
def python(beir, tmp_path):
    """Run a script in a process of its own, beside the collection; return the lines that it prints."""

    def call(*arguments, text=None):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "BENCH_CACHE": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"},
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return call


def kept(folder):
    return [file for file in (folder / "cache").glob("indexes/??/*") if file.is_dir()]


SESSION = f"""
import importlib, sys
from pathlib import Path
import bench, mine
from mine import Mine
{ASK}
def edit(old, new):
    file = Path("mine.py")
    file.write_text(file.read_text().replace(old, new))
    importlib.invalidate_caches()
"""


def test_what_is_loaded_again_is_another_system(python, tmp_path):
    (tmp_path / "mine.py").write_text(KEEPS)
    (tmp_path / "session.py").write_text(
        SESSION + "print(start())\n"
        "edit('START = 1', 'START = 2')\n"
        "print(start())  # not loaded yet\n"
        "Mine = importlib.reload(mine).Mine\n"
        "print(start())\n"
    )
    assert python("session.py") == ["1", "1", "2"]
    assert len(kept(tmp_path)) == 1  # that of the code that was known


def test_an_index_of_code_from_before_an_edit_is_not_kept_for_the_code_after_it(python, tmp_path):
    (tmp_path / "mine.py").write_text(KEEPS)
    (tmp_path / "session.py").write_text(SESSION + "edit('START = 1', 'START = 2')\nprint(start())\n")
    assert python("session.py") == ["1"]
    assert not kept(tmp_path)
    assert python("-c", f"import bench\nfrom mine import Mine\n{ASK}\nprint(start())") == ["2"]


def test_a_helper_that_was_edited_after_it_was_loaded_counts_like_the_class(python, tmp_path):
    (tmp_path / "mine.py").write_text(KEEPS.replace("START = 1", "from near import START"))
    (tmp_path / "near.py").write_text("START = 1\n")
    (tmp_path / "session.py").write_text(
        SESSION.replace('"mine.py"', '"near.py"') + "edit('START = 1', 'START = 2')\nprint(start())\n"
    )
    assert python("session.py") == ["1"]
    assert not kept(tmp_path)


def test_another_file_moved_to_its_place_counts_whatever_its_time_says(python, tmp_path):
    (tmp_path / "mine.py").write_text(KEEPS)
    (tmp_path / "other.py").write_text(KEEPS.replace("START = 1", "START = 2"))
    os.utime(tmp_path / "other.py", (1, 1))
    (tmp_path / "session.py").write_text(
        SESSION + "Path('other.py').rename('mine.py')\nprint(start())\n"
    )
    assert python("session.py") == ["1"]
    assert not kept(tmp_path)


def test_a_module_that_is_saved_while_the_command_line_imports_it_is_kept_for_nobody(python, tmp_path):
    """Python has read the old text, and only the new one can be read now."""
    later = KEEPS.replace("START = 1", "START = 2")
    saving = f"from pathlib import Path\nPath(__file__).write_text({later!r})\n"
    (tmp_path / "mine.py").write_text(KEEPS + saving)

    def first():
        python("-m", "bench", "run", "--allow", "mine", "retriever=[]", "+retrievers.mine._target_=mine.Mine",
               "collection=beir", "collection.path=tiny", "measures=[nDCG@5]", "depth=5", "output=out")  # fmt: skip
        run = max((tmp_path / "out").glob("2*"))
        return (run / "mine.trec").read_text().split()[2], run

    old, run = first()
    assert not kept(tmp_path)
    assert json.loads((run / "record.json").read_text())["systems"]["mine"]["fingerprint"][
        "code"
    ].startswith("unknown-")
    assert first()[0] != old
    assert len(kept(tmp_path)) == 1


def test_a_script_counts_by_its_file(python, tmp_path):
    script = f"import bench\n{KEEPS}{ASK}\nprint(start())\n"
    (tmp_path / "script.py").write_text(script)
    assert python("script.py") == python("script.py") == ["1"]
    assert len(kept(tmp_path)) == 1
    (tmp_path / "script.py").write_text(script.replace("START = 1", "START = 2"))
    assert python("script.py") == ["2"]
    assert python("-m", "script") == ["2"]


@pytest.mark.parametrize("how", [["-"], ["-i"]])
def test_what_is_typed_in_is_kept_for_nobody(how, python, tmp_path):
    typed = f"import bench\nexec('''{KEEPS}''')\nexec('''{ASK}''')\nprint(start())\nprint(start())\n"
    assert python(*how, text=typed) == ["1", "1"]
    assert not kept(tmp_path)
    assert python(*how, text=typed.replace("START = 1", "START = 2")) == ["2", "2"]


# Classes of one name.


def scorer(sign):
    class Signed(PairScorer):
        def score_pairs(self, pairs):
            return [sign * float(len(set(q.split()) & set(t.split()))) for q, t in pairs]

    return Signed()


def test_two_classes_of_one_name_are_two_systems(beir):
    plus, minus = (Reranked(BM25(), scorer(sign)) for sign in (1, -1))
    assert fingerprint(plus) == fingerprint(plus)
    assert fingerprint(plus) != fingerprint(minus)
    assert not fingerprint(plus).is_known
    both = evaluate(beir, {"plus": plus, "minus": minus}, measures=["nDCG@5"], depth=5)
    for name, one in (("plus", plus), ("minus", minus)):
        alone = evaluate(beir, {name: one}, measures=["nDCG@5"], depth=5)
        assert np.array_equal(both.all_values[both.systems.index(name)], alone.all_values[0])
    assert not np.array_equal(*both.all_values)


class Redefined:
    pass


def test_a_class_that_its_module_has_no_more_is_of_unknown_code():
    first = Redefined()
    assert fingerprint(first).is_known
    globals()["Redefined"] = type("Redefined", (), {"__module__": __name__})
    assert not fingerprint(first).is_known
    assert fingerprint(first) != fingerprint(globals()["Redefined"]())


def test_a_class_with_a_base_made_in_a_function_is_of_unknown_code():
    class Base:
        pass

    globals()["Child"] = type("Child", (Base,), {"__module__": __name__})
    assert not fingerprint(globals()["Child"]()).is_known


def test_systems_of_unknown_code_are_never_called_one(beir, tmp_path):
    made = evaluate(
        beir, {"signed": Reranked(BM25(), scorer(1)), "bm25": BM25()}, measures=["nDCG@5"], depth=5
    )
    runs = [made.save(tmp_path / name) for name in ("one", "two")]
    notes = gather([f"{run}:{name}" for name in ("signed", "bm25") for run in runs], None).notes
    same = [note for note in notes if "are one system" in note]
    assert len(same) == 1
    assert "bm25" in same[0]
    assert "signed" not in same[0]
    assert changed_systems(made, made) == ["signed: other or unknown code"]


def test_an_index_of_unknown_code_is_built_once_a_store_and_never_kept(collection, capsys):
    class Built:
        pass

    filled = []

    def fill(folder):
        filled.append(folder)
        (folder / "x").write_text("1")

    one = Built()
    store = IndexStore()
    first = store.folder(one, collection, fill)
    assert store.folder(one, collection, fill) == first
    assert (first / "x").read_text() == "1"
    assert len(filled) == 1
    IndexStore().folder(one, collection, fill)
    assert len(filled) == 2
    assert "bench: the code of Built in test_code_that_runs.py is not known" in capsys.readouterr().err
    del store
    assert not first.exists()


def test_what_has_unknown_code_is_called_as_the_user_calls_it_with_its_file(beir, capsys):
    @dataclass(frozen=True)
    class Shouted:
        def index(self, collection, store):
            store.folder(self, collection, lambda folder: (folder / "x").write_text("1"))
            return BM25().index(collection, store)

    evaluate(beir, {"loud": Shouted(), "plain": BM25()}, measures=["nDCG@5"], depth=5)
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "not known" in line]
    file = Path(__file__).name
    assert said.startswith(f"bench: retriever 'loud': the code of Shouted in {file} is not known (")
    evaluate(beir, {"both": Fused({"a": BM25(), "b": Shouted()})}, measures=["nDCG@5"], depth=5)
    assert "bench: retriever 'hybrid.parts.b': the code of Shouted in " in capsys.readouterr().err


# What is a list, a mapping or a text by its base.


class Early(NamedTuple):
    words: int = 5


class Late(NamedTuple):
    words: int = 5


class Tuple(tuple):
    pass


class List(list):
    def __iter__(self):
        return iter(())


class Dict(dict):
    pass


class Text(str):
    pass


class Number(float):
    pass


class Kind(enum.StrEnum):
    ONE = "1"


class Other(enum.StrEnum):
    ONE = "1"


DIFFERENT = [
    Early(), Late(), Early(6), (5,), (6,), [6], Tuple((5,)), Tuple((6,)), List([5]), List([6]),
    Dict(a=1), Dict(a=2), {"a": 1}, Text("a"), Text("b"), "a", Number(1), Number(2), 1.0, Kind.ONE, Other.ONE, "1",
    frozenset((5,)), True,
]  # fmt: skip


def test_a_list_or_text_of_a_class_of_its_own_counts_by_its_class_and_all_that_it_holds():
    marked = Text("a")
    marked.weight = 2
    values = [*DIFFERENT, marked]
    prints = [json.dumps(fingerprint({"inner": one}).settings) for one in values]
    # a list is a tuple of a yaml, and True is no 1 here
    assert len(set(prints)) == len(values) - 1
    assert fingerprint(Early()).code != fingerprint((5,)).code


class Ranked(NamedTuple):
    inner: BM25 = BM25()

    def index(self, collection, store):
        return store.searcher(self.inner, collection, "inner")


def test_a_named_tuple_may_be_a_retriever_and_its_fields_are_parts():
    parts = [type(part) for part in parts_of(Ranked()) if isinstance(part, Retriever)]
    assert parts == [Ranked, BM25]


class Cut(enum.IntFlag):
    ONE = 1


class Told(enum.Enum):
    FIRST = b"1"
    LATER = b"2"


def test_members_of_an_enum_are_told_apart_with_and_without_a_name():
    members = [Cut.ONE, Cut(0), Cut(2), Cut(4), Cut.ONE | Cut(4), Told.FIRST, Told.LATER]
    assert len({fingerprint({"inner": one}).settings for one in members}) == len(members)
    assert fingerprint({"inner": Cut(4)}) == fingerprint({"inner": Cut(4)})


# Which file a module comes from.


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """Write modules into a folder that is searched; they count as written before this process began."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sources, "_STARTED_NS", 1 << 63)
    before = set(sys.modules)

    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]
    forget_sources()


def code_of(module):
    forget_sources()
    return sources.sources_of(module).code


def test_of_a_module_and_a_package_of_one_name_the_one_that_python_imports_counts(beside):
    beside("bench_two.py", "x = 1\n")
    beside("bench_two/__init__.py", "from bench_two import inner\n")
    beside("bench_two/inner.py", "x = 1\n")
    before = code_of("bench_two")
    assert before.keys() == {"bench_two", "bench_two.inner"}
    beside("bench_two.py", "x = 2\n")
    assert code_of("bench_two") == before
    beside("bench_two/__init__.py", "from bench_two import inner\nx = 2\n")
    assert code_of("bench_two") != before


def test_a_module_wins_over_a_folder_without_init(beside):
    beside("bench_two.py", "x = 1\n")
    beside("bench_two/other.py", "x = 1\n")
    before = code_of("bench_two")
    beside("bench_two.py", "x = 2\n")
    assert code_of("bench_two") != before


def test_a_namespace_package_counts_in_all_of_its_folders(beside, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path / "second"))
    beside("bench_space/near.py", "import bench_space.far\n")
    beside("second/bench_space/far.py", "x = 1\n")
    before = code_of("bench_space.near")
    assert before.keys() == {"bench_space.near", "bench_space.far"}
    beside("second/bench_space/far.py", "x = 2\n")
    assert code_of("bench_space.near")["bench_space.far"] != before["bench_space.far"]


def sources_now(module):
    forget_sources()
    return sources.sources_of(module)


def test_a_helper_in_a_zip_makes_the_code_unknown(beside, tmp_path, monkeypatch):
    beside("bench_user.py", "import bench_zipped\n")
    with zipfile.ZipFile(tmp_path / "helpers.zip", "w") as zipped:
        zipped.writestr("bench_zipped.py", "x = 1\n")
    assert sources_now("bench_user").known  # there is no such module yet
    monkeypatch.syspath_prepend(str(tmp_path / "helpers.zip"))
    assert not sources_now("bench_user").known
    importlib.import_module("bench_user")
    assert not sources_now("bench_user").known


def test_a_helper_in_a_zip_of_a_folder_without_init_makes_the_code_unknown(
    beside, tmp_path, monkeypatch
):
    beside("bench_user.py", "from bench_space import far\n")
    beside("bench_space/near.py", "x = 1\n")
    assert sources_now("bench_user").known
    with zipfile.ZipFile(tmp_path / "helpers.zip", "w") as zipped:
        zipped.mkdir("bench_space")
        zipped.writestr("bench_space/far.py", "x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "helpers.zip"))
    assert not sources_now("bench_user").known


@pytest.mark.parametrize(
    "how", ["import bench_made", "from bench_made import x", "def f():\n from bench_made import x"]
)
def test_a_helper_that_a_program_has_made_makes_the_code_unknown(how, beside):
    beside("bench_user.py", f"{how}\n")
    assert sources_now("bench_user").known
    sys.modules["bench_made"] = ModuleType("bench_made")
    assert not sources_now("bench_user").known
    sys.modules["bench_made"] = None  # Python refuses to import it
    assert sources_now("bench_user").known


def test_a_package_that_a_program_has_made_makes_the_code_in_it_unknown(beside, tmp_path):
    beside("bench_folder/inner.py", "x = 1\n")
    sys.modules["bench_made"] = ModuleType("bench_made")
    sys.modules["bench_made"].__path__ = [str(tmp_path / "bench_folder")]
    found = sources_now("bench_made.inner")
    assert found.code.keys() == {"bench_made", "bench_made.inner"}
    assert not found.known


def test_what_lies_loose_among_the_installed_packages_counts_by_its_source(
    beside, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    beside("bench_user.py", "import bench_loose\nfrom bench_dropped.inner import x\n")
    beside("site-packages/bench_loose.py", "x = 1\n")
    beside("site-packages/bench_dropped/__init__.py", "")
    beside("site-packages/bench_dropped/inner.py", "from . import near\nx = 1\n")
    beside("site-packages/bench_dropped/near.py", "x = 1\n")
    before = sources_now("bench_user")
    assert before.known
    for name in ("bench_loose", "bench_dropped/__init__", "bench_dropped/inner", "bench_dropped/near"):
        text = (tmp_path / f"site-packages/{name}.py").read_text()
        beside(f"site-packages/{name}.py", f"{text}y = 2\n")
        assert sources_now("bench_user").code != before.code
        beside(f"site-packages/{name}.py", text)
    assert sources_now("bench_user") == before


def test_a_library_that_is_not_there_a_part_of_python_and_a_folder_leave_the_code_known(beside):
    beside("bench_folder/inner.py", "x = 1\n")
    beside(
        "bench_user.py",
        "try:\n    import bench_absent, numpy.absent\n    from bench_absent.deep import x\n"
        "except ImportError:\n    pass\n"
        "import sys, os.path, xml.dom, _thread, bench_folder\nfrom bench_folder import absent\n",
    )
    found = sources_now("bench_user")
    assert found.code.keys() == {"bench_user"}
    assert found.known
    assert found.libraries.keys() == {"numpy"}


def test_all_code_of_bench_that_makes_answers_is_known():
    for room in (bench.retrievers, bench.encoders, bench.evaluation):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            assert sources_now(module.name).known, module.name


def test_whoever_imports_installed_libraries_has_known_code(beside):
    """All that this environment has: modules and packages, compiled ones, several of one distribution."""
    tops = [name for name in packages_distributions() if name.isidentifier()]
    beside("bench_user.py", "".join(f"import {top}\n" for top in tops))
    found = sources_now("bench_user")
    assert {name for name, sha256 in found.code.items() if sources.is_unknown(sha256)} == set()
    assert {"hydra-core", "numpy", "PyYAML", "rich"} <= found.libraries.keys()


def installs(folder, name, code, *, record=True):
    """Put a distribution with one module there, as pip does."""
    info = folder / f"{name}-0.1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(code)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(code.encode()).digest()).rstrip(b"=").decode()
    lines = [
        f"{name}.py,sha256={digest},{len(code)}",
        f"{info.name}/direct_url.json,sha256=x,{time.time_ns()}",
    ]
    (info / "top_level.txt").write_text(f"{name}\n")
    if record:
        (info / "RECORD").write_text("\n".join(lines) + "\n")


def test_a_package_that_is_installed_again_with_other_code_is_other_code(tmp_path, monkeypatch, beside):
    site = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(str(site))
    beside("bench_user.py", "import bench_own\n")
    found = []
    for code in ("LONGEST = 99\n", "LONGEST = 9\n", "LONGEST = 99\n"):
        installs(site, "bench_own", code)
        found.append(sources_now("bench_user").libraries["bench_own"])
    assert found[0] == found[2] != found[1]
    assert all(one.startswith("0.1+") for one in found)
    # of a published library the version says which code it is, the same on every machine
    beside("bench_other_user.py", "import numpy\n")
    assert sources_now("bench_other_user").libraries == {"numpy": np.__version__}


def test_a_package_without_a_list_of_its_files_counts_by_its_version(tmp_path, monkeypatch, beside):
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    installs(tmp_path / "site-packages", "bench_bare", "x = 1\n", record=False)
    beside("bench_user.py", "import bench_bare\n")
    assert sources_now("bench_user").libraries == {"bench_bare": "0.1"}


def test_nothing_is_imported_to_find_a_file(beside):
    beside("bench_loud/__init__.py", "raise RuntimeError\n")
    beside("bench_loud/inner.py", "x = 1\n")
    beside("bench_quiet.py", "def f():\n    import bench_loud.inner\n")
    assert code_of("bench_quiet").keys() == {"bench_quiet", "bench_loud", "bench_loud.inner"}


# What Python runs that no import statement spells out.


@pytest.mark.parametrize(
    ("user", "names"),
    [
        ("bench_user", '["words"]'),
        ("bench_user", '["wor" + "ds"]'),
        ("bench_parts.user", '["words"]'),
    ],
)
def test_what_a_star_takes_from_a_package_of_ones_own_counts(user, names, beside):
    """Python imports the modules that `__all__` names."""
    beside("bench_parts/__init__.py", f"__all__ = {names}\n")
    beside("bench_parts/words/__init__.py", "from bench_parts import length\n")
    beside("bench_parts/length.py", "x = 3\n")
    beside(user.replace(".", "/") + ".py", "from bench_parts import *\n")
    before = code_of(user)
    importlib.import_module(user)
    assert {name for name in sys.modules if name.startswith("bench_")} <= before.keys()
    beside("bench_parts/length.py", "x = 1\n")
    assert code_of(user) != before


def test_a_star_from_a_module_or_a_library_takes_no_other_code(beside):
    beside("bench_user.py", "from numpy import *\nfrom xml import *\nfrom bench_near import *\n")
    beside("bench_near.py", "x = 1\n")
    beside("bench_far.py", "x = 1\n")
    found = sources_now("bench_user")
    assert found.code.keys() == {"bench_user", "bench_near"}
    assert found.libraries.keys() == {"numpy"}


@pytest.mark.parametrize("place", ["sched.py", "sched/__init__.py", "site-packages/sched.py"])
@pytest.mark.parametrize("is_loaded", [False, True])
def test_a_module_of_ones_own_with_the_name_of_one_of_python_counts(
    is_loaded, place, beside, tmp_path, monkeypatch
):
    monkeypatch.delitem(sys.modules, "sched", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    beside("bench_user.py", "import sched\n")
    assert code_of("bench_user").keys() == {"bench_user"}
    beside(place, "x = 1\n")
    importlib.invalidate_caches()
    if is_loaded:
        assert importlib.import_module("sched").x == 1
    before = code_of("bench_user")
    beside(place, "x = 2\n")
    assert code_of("bench_user")["sched"] != before["sched"]


def test_a_program_may_make_a_module_with_the_name_of_one_of_python(beside, monkeypatch):
    beside("bench_user.py", "import sched\n")
    monkeypatch.setitem(sys.modules, "sched", ModuleType("sched"))
    assert not sources_now("bench_user").known


def test_every_module_of_python_is_one(beside):
    """Also those that are not there on this system, or not loaded yet."""
    names = sorted(sys.stdlib_module_names)
    beside("bench_user.py", "".join(f"import {name}\n" for name in names))
    found = sources_now("bench_user")
    replaced = {"distutils"} if "_distutils_hack" in sys.modules else set()  # by setuptools
    assert {name for name in found.code if name.split(".")[0] not in replaced} == {"bench_user"}
    assert found.known
    assert not found.libraries


@pytest.mark.parametrize("folder", ["", "site-packages/"])
@pytest.mark.parametrize("ending", [".pyc", EXTENSION_SUFFIXES[0]])
def test_what_is_compiled_and_has_no_version_makes_the_code_unknown(
    ending, folder, beside, tmp_path, monkeypatch
):
    """It may import anything."""
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    beside("bench_user.py", "import bench_helper\n")
    beside(f"{folder}x.py", "import bench_far\n")
    made = tmp_path / f"{folder}bench_helper{ending}"
    if ending == ".pyc":
        py_compile.compile(str(tmp_path / f"{folder}x.py"), cfile=str(made))
    else:
        made.write_bytes(b"\x7fELF\x02\x01\x01\x00")
    importlib.invalidate_caches()
    found = sources_now("bench_user")
    assert found.code.keys() == {"bench_user", "bench_helper"}
    assert not found.known


def test_source_that_python_runs_old_bytecode_of_is_unknown(beside, tmp_path):
    """Python compares date and size, which an archive may give to two states of a file."""
    source = tmp_path / "bench_helper.py"

    def write(text):
        beside("bench_helper.py", text)
        os.utime(source, (1_600_000_000, 1_600_000_000))

    beside("bench_user.py", "import bench_helper\n")
    write("x = 3\n")
    timestamp = py_compile.PycInvalidationMode.TIMESTAMP
    bytecode = Path(py_compile.compile(str(source), invalidation_mode=timestamp))
    write("x = 3\n")
    assert sources_now("bench_user").known  # newer than its bytecode, and the same
    write("x = 1\n")
    assert importlib.import_module("bench_helper").x == 3
    assert not sources_now("bench_user").known
    bytecode.write_bytes(bytecode.read_bytes()[:20])  # cut off: Python can not import it
    os.utime(bytecode, (1, 1))
    assert not sources_now("bench_user").known
    write("return\n")  # is read, but can not be compiled
    assert not sources_now("bench_user").known
    write("x = 1\n")
    bytecode.unlink()
    assert sources_now("bench_user").known


def test_of_a_file_with_a_date_to_come_it_is_said_why_its_index_is_not_kept(
    collection, beside, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sources, "_STARTED_NS", time.time_ns() + 10**9)
    beside("bench_user.py", "class FromTheFuture:\n    pass\n")
    one = importlib.import_module("bench_user").FromTheFuture()
    assert fingerprint(one).is_known
    os.utime(tmp_path / "bench_user.py", (1 << 32, 1 << 32))
    forget_sources()
    IndexStore().folder(one, collection, lambda to: (to / "x").write_text("1"))
    assert "is dated in the future" in capsys.readouterr().err


def test_the_command_line_gives_two_factories_of_one_name_their_own_answers(beir, beside, capsys):
    beside(
        "bench_factory.py",
        "from bench.retrievers.rerank import PairScorer\n"
        "def make(sign):\n"
        "    class Signed(PairScorer):\n"
        "        def score_pairs(self, pairs):\n"
        "            return [float(sign * len(set(q.split()) & set(t.split()))) for q, t in pairs]\n"
        "    return Signed()\n",
    )
    for name, sign in (("plus", 1), ("minus", -1)):
        beside(
            f"my_conf/retriever/{name}.yaml",
            f"# @package retrievers.{name}\ndefaults:\n  - /retriever/bm25@first\n"
            "_target_: bench.retrievers.rerank.Reranked\n"
            f"scorer:\n  _target_: bench_factory.make\n  sign: {sign}\n",
        )
    folder = Path(beir).parent
    app.app(
        args=["run", "--config-dir", str(folder / "my_conf"), "--allow", "bench_factory",
              "retriever=[plus,minus]", "collection=beir", f"collection.path={beir}",
              "measures=[nDCG@5]", "depth=5", f"output={folder / 'out'}"],
        standalone_mode=False,
    )  # fmt: skip
    (run,) = (folder / "out").glob("*/plus.trec")
    strip = [line.split()[:5] for line in run.read_text().splitlines()]
    other = [line.split()[:5] for line in run.with_name("minus.trec").read_text().splitlines()]
    assert strip != other
    assert capsys.readouterr().out
