"""The installed distributions that a module comes in, with their versions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version

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
    """Return distribution → version of those that a module may come in, by its top-level name."""
    top = name.split(".")[0]
    known = [one for one in LIBRARIES.get(top, ()) if installed(one)]
    found = known or _distributions().get(top, [])
    return {one: number for one in found if (number := installed(one))}


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
