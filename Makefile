# Everything is installed by these targets into .venv; only Python 3.11, pip, make and git are needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two torch threads beside another busy process can be far slower than one.
export OMP_NUM_THREADS := 1

.PHONY: demo test lint bench bench-peers fuzz crosscheck clean

demo: $(VENV)/.core ## the main job, with nothing but typer and rich
	$(BIN)/convcalc compare 7x7 7x1+1x7

test: $(VENV)/.dev ## every test
	$(BIN)/python -m pytest

lint: $(VENV)/.dev ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev ## the figures of the README, as ratios within one run
	$(BIN)/python -m tests.bench

bench-peers: $(VENV)/.dev ## other counters on torchvision's models, in an environment of their own
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]' pytest
	.venv-peers/bin/python -m tests.bench.peers

fuzz: $(VENV)/.dev ## 100,000 strings, 40,000 damaged files, 200 killed runs
	$(BIN)/python -m tests.fuzz
	$(BIN)/python -m tests.networks.mutated
	$(BIN)/python -m tests.checking.damaged
	$(BIN)/python -m tests.checking.killed

crosscheck: $(VENV)/.dev ## 5,000 random layers against torch
	$(BIN)/python -m tests.torch.crosscheck

$(VENV)/.core: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.dev: $(VENV)/.core constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist
