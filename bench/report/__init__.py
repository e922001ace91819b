"""A saved record → tables and plots; no statistics are computed here.

`tables` and its neighbours fill a `table`; `terminal`, `markdown`, `latex`, `html` print one.
"""
