"""Evaluates retrieval methods on labelled queries, and says how far to trust the answer."""

__version__ = "0.2.0"
