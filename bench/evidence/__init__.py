"""How far numbers can be trusted: intervals, tests, families, power, equivalence, agreement of orders.

Numbers in, numbers out: nothing here reads or writes a file, or knows what a record looks like.
"""
