"""What a run leaves, and reading it back: record, run files, what may be compared."""
