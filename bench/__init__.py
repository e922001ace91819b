"""Evaluates retrieval methods on labelled queries, and says how far to trust the answer.

In Python: bench.evaluate, which returns a record that shows itself as a table.
"""

import importlib

__version__ = "0.2.0"
__all__ = ["Evaluation", "evaluate"]


def __getattr__(name: str) -> object:
    # Late, so that `import bench` is instant. By importlib, because import statements are what the code
    # fingerprint of a retriever follows, and every retriever lies in this package.
    if name in __all__:
        return getattr(importlib.import_module("bench.api"), name)
    raise AttributeError(f"module 'bench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
