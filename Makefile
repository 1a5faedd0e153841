# Everything is installed by these targets into .venv; only Python 3.11, pip, make and git are needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Tests run in as many processes as there are cores, in eight at most: each loads torch.
JOBS ?= $(shell $(PYTHON) -c 'import os; print(min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8))')
# COVERAGE=yes: as `make coverage` runs it. The plugin would import convcalc before coverage starts; its
# own tests run it in processes of theirs.
PYTEST := $(BIN)/python $(if $(COVERAGE),-m coverage run) -m pytest -n $(JOBS) --dist worksteal \
	$(if $(COVERAGE),-p no:convcalc)
# Two torch threads beside another busy process can be far slower than one.
export OMP_NUM_THREADS := 1
# Containers often forbid .pyc files; the tests start hundreds of interpreters, which need them.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test quick test-core lint coverage test-lowest test-pythons mutants docs test-browser bench-browser bench bench-time bench-peers fuzz crosscheck crosscheck-timm recipes wheel clean crosscheck-export

demo: $(VENV)/.core ## the main job, with nothing but typer and rich
	$(BIN)/convcalc compare 7x7 7x1+1x7

help: ## the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

test: $(VENV)/.dev ## every test
	$(PYTEST)

quick: $(VENV)/.test ## the tests that need no torch and no patience
	$(PYTEST) --without-torch --quick

test-core: $(VENV)/.test ## every test that needs no torch
	$(PYTEST) --without-torch

lint: $(VENV)/.dev ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

coverage: $(VENV)/.dev ## every test, and how much of the package they run
	rm -f .coverage .coverage.*
	$(MAKE) --no-print-directory test COVERAGE=yes
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --fail-under=97
	$(BIN)/python -m coverage report --fail-under=100 \
		--include='convcalc/layers/*,convcalc/analysis/*,convcalc/conventions/*,convcalc/spec/*'

# With torch as well: make test-lowest EXTRAS='test torch' (old releases of torch bring CUDA along).
EXTRAS ?= test
LOWEST := .venv-lowest
test-lowest: ## the tests on the lowest versions that pyproject.toml allows, without torch
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python $(INSTALL) uv
	$(LOWEST)/bin/uv pip compile --quiet --resolution lowest-direct --python $(LOWEST)/bin/python \
		$(addprefix --extra ,$(EXTRAS)) --output-file $(LOWEST)/lowest.txt pyproject.toml
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -r $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	$(LOWEST)/bin/python -m pytest -n $(JOBS) --dist worksteal -W ignore::DeprecationWarning # of old matplotlib

PYTHONS ?= 3.12 3.13
test-pythons: ## the tests without torch, on every other Python that is found
	@for version in $(PYTHONS); do \
		python=$$($(PYTHON) tests/find_python.py $$version) || continue; \
		$$python -m venv .venv-$$version && \
		.venv-$$version/bin/python $(INSTALL) -e '.[test]' && \
		.venv-$$version/bin/python -m pytest -n $(JOBS) --dist worksteal || exit 1; \
	done

mutants: $(VENV)/.dev ## small faults put into the code: which of them no test notices
	$(BIN)/python -m tests.mutants

docs: $(VENV)/.docs ## the site, into build/site; any warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

test-browser: $(VENV)/.browser ## the pages of explore in Chromium (apt-get install chromium chromium-driver)
	$(BIN)/python -m pytest tests/browser

bench-browser: $(VENV)/.browser ## how fast those pages are
	$(BIN)/python -m tests.bench.explore

bench: $(VENV)/.dev ## the figures of the README, as ratios within one run
	$(BIN)/python -m tests.bench

bench-time: $(VENV)/.dev ## measured and predicted times beside their bars; about half an hour
	$(BIN)/python -m tests.bench.times

bench-peers: $(VENV)/.dev ## other counters on torchvision's models, in an environment of their own
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python $(INSTALL) -e '.[bench]' pytest
	.venv-peers/bin/python -m tests.bench.peers

fuzz: $(VENV)/.dev ## 100,000 strings, 40,000 damaged files, 200 killed runs, 600 updates at once, with limits in seconds; laws
	CONVCALC_EXAMPLES=60 $(PYTEST) tests/laws --hypothesis-profile=explore
	$(BIN)/python -m tests.fuzz
	$(BIN)/python -m tests.networks.mutated
	$(BIN)/python -m tests.checking.damaged
	$(BIN)/python -m tests.checking.killed
	$(BIN)/python -m tests.checking.concurrent

crosscheck: $(VENV)/.dev ## 5,000 random layers, 2,000 networks, 2,000 modules and the whole zoo against torch
	$(BIN)/python -m tests.torch.crosscheck
	$(BIN)/python -m tests.torch.crosscheck_zoo

crosscheck-timm: ## every model of timm against torch's FlopCounterMode, on the meta device
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python $(INSTALL) -e '.[bench]' pytest
	.venv-peers/bin/python -m tests.torch.crosscheck_timm --jobs $(JOBS)

recipes: $(VENV)/.dev ## the CI recipes for torch models, against a wheel; pip, git, pre-commit
	$(BIN)/python -m tests.recipes

crosscheck-export: ## models of torchvision and timm written as network files and read back
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python $(INSTALL) -e '.[bench]' pytest
	.venv-peers/bin/python -m tests.torch.crosscheck_export 'torchvision:*' --jobs $(JOBS)
	.venv-peers/bin/python -m tests.torch.crosscheck_export --jobs $(JOBS)

wheel: ## the package, built, installed in a fresh environment and tried
	sh tests/wheel.sh

$(VENV)/.core: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) -e .
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(BIN)/python $(INSTALL) -e '.[test]'
	touch $@

$(VENV)/.browser: $(VENV)/.core
	$(BIN)/python $(INSTALL) -e '.[browser]'
	touch $@ $(VENV)/.test

$(VENV)/.docs: $(VENV)/.core
	$(BIN)/python $(INSTALL) -e '.[docs]'
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python $(INSTALL) -e '.[dev]'
	touch $@ $(VENV)/.test

clean:
	rm -rf $(VENV) .venv-* build dist .coverage .coverage.*
