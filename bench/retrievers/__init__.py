"""Retrieval methods, one a file. A yaml in conf/retriever/ names the class; nothing registers it."""
