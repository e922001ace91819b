"""The printers under their former address, until the commands name each by its own."""

from bench.report.latex import latex
from bench.report.markdown import markdown
from bench.report.table import Table as Grid

__all__ = ["Grid", "latex", "markdown"]
