"""What `bench judge` and `bench adjudicate` draw on, if there is a terminal."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from bench.errors import BenchError, require


def screens() -> ModuleType:
    """Return the module with the screens. Raises `BenchError` without a terminal, or without textual."""
    # What textual reads keys from and draws on.
    terminal = all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__))
    require(terminal, "judging needs a terminal for keys and screen; run it in one, without < and 2>")
    try:
        return importlib.import_module("bench.labelling.screen")
    except ModuleNotFoundError as error:
        raise BenchError(
            f"the terminal screen needs '{error.name}'; install it with pip install 'bench[judge]'"
        ) from error
