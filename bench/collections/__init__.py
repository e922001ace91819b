"""Readers of test collections: saved digest pages, BEIR folders, TREC run files."""
