"""What a run leaves, and reading it back.

`folder` writes it, `record` and `values` are its content, `resume` goes on after a kill.
"""
