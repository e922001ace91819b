"""The installed distributions that a module comes in, with their versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, version

# What bench imports that can change a result, and the distributions that it comes in. What else it
# imports (rich, hydra, matplotlib, …) only shows results.
LIBRARIES = {
    "bm25s": ("bm25s",),
    "faiss": ("faiss-cpu",),
    "ir_measures": ("ir-measures", "cwl-eval"),
    "numpy": ("numpy",),
    "pyarrow": ("pyarrow",),
    "pytrec_eval": ("pytrec_eval-terrier",),
    "rank_bm25": ("rank-bm25",),
    "sentence_transformers": ("sentence-transformers",),
    "Stemmer": ("PyStemmer",),
    "torch": ("torch",),
    "transformers": ("transformers", "tokenizers"),
}


def versions_of(name: str) -> dict[str, str]:
    """Return distribution → version of those that a module may come in, by its top-level name.

    Only of a published library does the version say which code it is. Who installs a package of their
    own again, with other code, seldom raises it: there a hash of the modules is behind the version.
    """
    top = name.split(".")[0]
    if known := {one: number for one in LIBRARIES.get(top, ()) if (number := installed(one))}:
        return known
    found = {one: installed(one) for one in _distributions().get(top, [])}
    return {one: f"{number}{_modules(one)}" for one, number in found.items() if number}


@cache
def _modules(name: str) -> str:
    """Return a hash of a distribution's modules as its RECORD lists them, with a "+" before it. Empty
    where none are listed, as by some packagers. What is compiled is another on each platform."""
    listed = [
        f"{file.as_posix()} {file.hash.value}\n"
        for file in distribution(name).files or ()
        if file.suffix == ".py" and file.hash is not None and ".." not in file.parts
    ]
    return "+" + hashlib.sha256("".join(sorted(listed)).encode()).hexdigest()[:16] if listed else ""


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Return top-level name → distributions. This looks through everything installed, 0.15 s."""
    return packages_distributions()


@cache
def installed(distribution: str) -> str | None:
    """Return the version of a distribution, None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
