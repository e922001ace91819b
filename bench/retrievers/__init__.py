"""Retrieval methods, one a file; a yaml in conf/retriever/ names the class, nothing registers it.

`fuse` and `rerank` are made of other methods: a new reranker is a scorer for `rerank`.
"""
