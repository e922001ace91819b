"""From settings to a result: build, run, tune, and the rule of the gate."""
