"""Who judges what, and how far assessors agree.

`passes` and `pass_file` hold grades, `session` and `screen` ask for them, `settling` makes labels.
"""
