"""A retriever and labelled queries → measures, query by query, with their range over ties.

`systems` searches and times, `measures` has ours, `ir_measures_provider` all others.
"""
