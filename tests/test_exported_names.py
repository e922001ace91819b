"""What is public: whoever adds, renames or removes a name here says so to those who import it."""

from __future__ import annotations

import ast
import importlib
import inspect

import pytest
from conftest import ROOT

PUBLIC = {
    "bench": ["Evaluation", "evaluate"],
    "bench.testing": ["check_collection", "check_retriever", "small_collection", "small_queries"],
}
ROOMS = sorted(file.parent.name for file in (ROOT / "bench").glob("*/__init__.py"))
SIGNATURES = {
    "bench.evaluate": "(collection, retrievers, *, measures, depth, seed)",
    "bench.Evaluation.save": "(self, output)",
    "bench.testing.check_collection": "(source)",
    "bench.testing.check_retriever": "(retriever, collection, queries)",
    "bench.testing.small_collection": "()",
    "bench.testing.small_queries": "()",
}


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_these_and_each_says_what_it_is(module):
    found = importlib.import_module(module)
    assert sorted(found.__all__) == PUBLIC[module]
    assert found.__doc__
    for name in found.__all__:
        assert name in dir(found)
        public = getattr(found, name)
        assert inspect.getdoc(public), name
        members = inspect.getmembers(public, inspect.isroutine) if inspect.isclass(public) else []
        for member, value in members:
            assert member.startswith("_") or inspect.getdoc(value), f"{name}.{member}"


@pytest.mark.parametrize("name", SIGNATURES)
def test_arguments_keep_their_names(name):
    module = max((one for one in PUBLIC if name.startswith(f"{one}.")), key=len)
    found = importlib.import_module(module)
    for part in name.removeprefix(f"{module}.").split("."):
        found = getattr(found, part)
    signature = inspect.signature(found)
    plain = [
        one.replace(annotation=one.empty, default=one.empty) for one in signature.parameters.values()
    ]
    assert (
        str(signature.replace(parameters=plain, return_annotation=signature.empty)) == SIGNATURES[name]
    )


def test_the_stub_that_type_checkers_read_says_the_same():
    tree = ast.parse((ROOT / "bench" / "__init__.pyi").read_text(encoding="utf-8"))
    names = [
        alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    (exported,) = (ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign))
    assert sorted(names) == sorted(exported) == PUBLIC["bench"]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_exports_nothing_but_its_modules(room):
    tree = ast.parse((ROOT / "bench" / room / "__init__.py").read_text(encoding="utf-8"))
    assert len(tree.body) == 1
    assert ast.get_docstring(tree)
