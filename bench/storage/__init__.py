"""What is kept: files that are whole or not there, the cache, and what things are (fingerprints)."""
