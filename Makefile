# make bench   set everything up, run the main job        make test   set everything up, run the tests
# make gate    hold retrieval against results/baseline   make test-long   the tests that take long
# make lint    format, lint and types                      make perf   time and memory, medians of 5
# make format  mend format and lint                      make baseline  renew results/baseline and README
# make planted  what the gate catches                     make simulate  do intervals and tests keep their word
# make docs    renew docs/cli.md from the commands' help
# Overridable: PYTHON (3.11 or newer), VENV (where the environment goes), ARGS (for bench run).
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check install
INSTALLED = $(VENV)/.installed

.PHONY: bench test test-long gate lint format perf planted simulate baseline docs clean

bench: $(INSTALLED)
	@$(VENV)/bin/bench run $(ARGS)

test: $(INSTALLED)
	@$(VENV)/bin/python -m pytest -m "not long" --numprocesses=auto --maxprocesses=4 --dist=worksteal

test-long: $(INSTALLED)
	@$(VENV)/bin/python -m pytest -m long --numprocesses=auto --maxprocesses=4

gate: $(INSTALLED)
	@$(VENV)/bin/bench gate $(ARGS)

lint: $(INSTALLED)
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy

format: $(INSTALLED)
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

perf: $(INSTALLED)
	@$(VENV)/bin/python tests/studies/measure.py

planted: $(INSTALLED)
	@$(VENV)/bin/python tests/studies/planted.py

simulate: $(INSTALLED)
	@$(VENV)/bin/python tests/studies/simulate.py

baseline: $(INSTALLED)
	@$(VENV)/bin/python tests/studies/baseline.py

docs: $(INSTALLED)
	@$(VENV)/bin/python tests/studies/reference.py

clean:
	rm -rf $(VENV) build dist results/runs

# torch goes first and alone: asked for by another package it may come with gigabytes of CUDA.
$(INSTALLED): requirements.lock pyproject.toml
	@echo "Installing into $(VENV): once, some minutes."
	$(PYTHON) -m venv $(VENV)
	$(PIP) $$(grep '^torch==' requirements.lock)
	$(PIP) --requirement requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
