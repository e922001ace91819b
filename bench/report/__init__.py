"""From a saved record to tables and plots."""
