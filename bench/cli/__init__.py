"""The command line: the one room that knows Hydra and typer."""
