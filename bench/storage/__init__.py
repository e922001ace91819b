"""What is kept on the disk: files that are whole or not there, the caches, and indexes.

`files` writes, `cache` and `indexes` keep, `identity` says what is the same (fingerprints).
"""
