"""How far numbers can be trusted: intervals, p values, families, power. Numbers in, numbers out.

p values come from `randomisation`, verdicts from `comparison`; `findings` is what a record keeps.
"""
