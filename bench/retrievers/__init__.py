"""Retrieval methods, one a file; a yaml in conf/retriever/ names the class, nothing registers it.

`fuse`, `rerank`, `expand` and `cascade` are made of other methods, of scorers and of expanders.
"""
