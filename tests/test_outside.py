"""A retriever of one's own: what fails in it is told as its failure, and any annotation is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Optional

import numpy as np
import pytest

from bench.collections.beir import BeirFolder
from bench.errors import BenchError
from bench.evaluation.measures import Measure
from bench.evaluation.systems import run_systems
from bench.experiment.build import build, fits
from bench.outside import calling
from bench.ranking import empty
from bench.retrievers.bm25 import BM25
from bench.retrievers.dense import Dense
from bench.retrievers.fuse import Fused
from bench.runs import provenance, record
from bench.types import Run

if TYPE_CHECKING:
    from nowhere import Something


@dataclass(frozen=True)
class Mine:
    """Fails where it is told to, and answers nothing otherwise."""

    fails: str = ""
    gives: str = ""

    def index(self, collection, store):
        if self.fails == "index":
            raise KeyError("no such term")
        return _Searcher(self.fails, self.gives)


@dataclass(frozen=True, eq=False)
class _Searcher:
    fails: str
    gives: str = ""
    exact: None = None

    @property
    def nbytes(self):
        return "many" if self.gives == "nbytes" else 0

    @property
    def facts(self):
        if self.fails == "facts":
            raise ValueError("no facts\nat all")
        return {"loss": np.ones(3)} if self.gives == "array" else {}

    def search(self, queries, k):
        if self.fails == "search":
            return Run([[0]], [[1.0]])
        if self.gives == "none":
            return None
        return empty(len(queries), k + 1 if self.gives == "more" else k)


@dataclass(frozen=True)
class NoArgument:
    """Its index takes no collection."""

    def index(self):
        return None


def run(beir, retriever):
    return run_systems(BeirFolder(str(beir)).load(), {"mine": retriever}, [Measure.parse("P@1")], 10)


@pytest.mark.parametrize(
    ("retriever", "said"),
    [
        (Mine(fails="index"), r"'mine': Mine\.index failed at test_outside\.py:\d+ with KeyError: 'no such"),
        (Mine(fails="facts"), r"'mine': _Searcher\.facts failed at .* with ValueError: no facts at all"),
        (Mine(fails="search"), r"'mine': _Searcher\.search failed at .* with AttributeError"),
        (NoArgument(), r"'mine': NoArgument\.index failed with TypeError"),
        (Mine(gives="none"), r"'mine': search returned NoneType, not a bench\.types\.Run"),
        (Mine(gives="more"), r"'mine' returned 11 documents a query, where 10 were asked for"),
        (Mine(gives="array"), r"'mine': facts\.loss must be text"),
        (Mine(gives="nbytes"), r"'mine': nbytes must be a number"),
        (Fused({"a": BM25(), "b": Mine(fails="index")}), r"test_outside\.py:\d+ with KeyError"),
    ],
)  # fmt: skip
def test_what_fails_in_a_retriever_of_ones_own_is_told_as_its_failure(beir, retriever, said):
    with pytest.raises(BenchError, match=said) as refused:
        run(beir, retriever)
    assert "\n" not in str(refused.value)


def test_one_that_does_not_fail_runs(beir):
    assert run(beir, Mine()).systems["mine"].measures.values.tolist() == [[0, 0, 0, 0]]


def test_what_fails_in_bench_stays_an_error_of_our_own(beir):
    with pytest.raises(AttributeError):
        run(beir, Dense(None))
    with pytest.raises(MemoryError), calling(Mine(), "mine", "search"):
        raise MemoryError


@dataclass(frozen=True)
class Annotated:
    anything: Any = None
    plain: dict = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    mapped: Mapping[str, int] = field(default_factory=dict)
    listed: list = field(default_factory=list)
    maybe: Optional[int] = None  # noqa: UP045
    way: Literal["one", "two"] = "one"
    other: object = None


@dataclass(frozen=True)
class TypingOnly:
    part: Something | None = None
    count: int = 1


@dataclass(frozen=True)
class Refuses:
    size: int = 1

    def __post_init__(self):
        raise ValueError(f"size {self.size} is too small")


@pytest.mark.parametrize(
    "settings",
    [
        {"anything": 3},
        {"anything": {"a": {"b": 1}}},
        {"plain": {"a": 1}},
        {"numbers": {"a": 1, "b": 0.5}},
        {"mapped": {"a": 1}},
        {"listed": [1, "a"]},
        {"maybe": 3},
        {"maybe": None},
        {"way": "two"},
        {"other": 3},
    ],
)
def test_settings_of_any_annotation_are_taken(settings):
    ((name, value),) = settings.items()
    made = build({"_target_": "test_outside.Annotated", **settings}, "retrievers.mine")
    assert getattr(made, name) == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"plain": 3}, r"mine\.plain must be settings of dict, got 3"),
        ({"numbers": {"a": "x"}}, r"mine\.numbers must be"),
        ({"mapped": [1]}, r"mine\.mapped must be"),
        ({"listed": 3}, r"mine\.listed must be a list, got 3"),
        ({"maybe": "x"}, r"mine\.maybe must be a whole number or null, got 'x'"),
        ({"way": "three"}, r"mine\.way must be one of 'one', 'two', got 'three'"),
    ],
)
def test_settings_of_another_type_are_refused_by_name(settings, said):
    with pytest.raises(BenchError, match=said):
        build({"_target_": "test_outside.Annotated", **settings}, "retrievers.mine")


def test_a_class_whose_annotations_are_imported_for_typing_only_is_built():
    made = build({"_target_": "test_outside.TypingOnly", "count": 2}, "retrievers.mine")
    assert made == TypingOnly(None, 2)
    with pytest.raises(BenchError, match=r"unknown setting 'retrievers\.mine\.cuont'"):
        build({"_target_": "test_outside.TypingOnly", "cuont": 2}, "retrievers.mine")


def test_a_class_that_refuses_its_settings_is_told():
    with pytest.raises(BenchError, match=r"mine: Refuses\.__init__ failed .*ValueError: size 3 is too"):
        build({"_target_": "test_outside.Refuses", "size": 3}, "retrievers.mine")


def test_a_bool_is_no_number_and_none_only_where_it_may_be():
    assert not fits(True, float)
    assert not fits(None, int)
    assert fits(None, Optional[float])  # noqa: UP045


def test_the_command_line_says_it_in_one_line_and_leaves_with_2(bench, beir, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Mine:\n"
        "    def index(self, collection, store):\n        return 1 / 0\n"
    )
    command = (
        "run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out",
        "+retrievers.mine._target_=mine.Mine", "--allow", "mine",
    )  # fmt: skip
    done = bench(*command)
    assert done.returncode == 2
    others, line = done.stderr.splitlines()
    assert others.startswith("mine failed; the other systems stand in out/")
    assert line.startswith("bench: retriever 'mine': Mine.index failed at mine.py:5 with ZeroDiv")
    done = bench(*command, "--debug")
    assert done.returncode == 2
    assert "return 1 / 0" in done.stderr


@dataclass(frozen=True)
class Placed:
    """Tells paths in its facts, one of a part of it."""

    folder: str

    def index(self, collection, store):
        return _Placed(self.folder)


@dataclass(frozen=True, eq=False)
class _Placed(_Searcher):
    @property
    def facts(self):
        return {"model": self.fails, "lexical.path": self.fails, "prompt": "/imagine "}


def test_no_absolute_path_of_a_model_stands_in_a_record(beir):
    test = BeirFolder(str(beir)).load()
    folder = str(beir.absolute() / "mine")
    results = run_systems(test, {"mine": Placed(folder)}, [Measure.parse("P@1")], 10)
    settings = {"mine": {"_target_": "test_outside.Placed", "folder": folder}}
    config = {"retrievers": settings, "seed": 0, "depth": 10, "measures": ["P@1"]}
    saved = record.build(results, test, config, {}, {}, provenance.git())
    assert folder not in json.dumps(saved.content)
    facts = saved.content["systems"]["mine"]["facts"]
    assert facts == {"model": "mine", "lexical.path": "mine", "prompt": "/imagine "}
