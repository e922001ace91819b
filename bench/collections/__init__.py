"""Readers of what is evaluated on: BEIR folders, digest pages, tables, TREC runs and qrels.

`beir` reads a folder, `importing` makes one of CSV, `splits` divides its queries into dev and test.
"""
