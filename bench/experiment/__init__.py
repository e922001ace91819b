"""From settings to a saved run; tuning, and the rule of the gate.

`build` makes objects of settings, `run` runs and saves them, `gate` holds a run against a baseline.
"""
