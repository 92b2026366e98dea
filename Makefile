# One vocabulary for people, hooks and CI. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Byte code is worth keeping, whatever the caller's shell says: imports dominate the time of a task,
# and the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

# The Python to build on, and where the environment goes.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# What `make run` trains, and further settings of the run.
PIPELINE ?= digits
SOURCE ?=
ARGS ?=

.PHONY: help install run up down status check format test test-quick test-journeys test-slow test-lock bench docs lock clean stale

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# The programs of an environment name its place: one that was moved, copied, or made by a user
# whose Python is not here is made anew.
ifneq ($(wildcard $(VENV)/pyvenv.cfg),)
MADE_AT := $(shell sed -n 's/^command = .* //p' $(VENV)/pyvenv.cfg)
WORKS := $(shell $(BIN)/python -c 'print("works")' 2>/dev/null)
ifneq ($(or $(MADE_AT),$(abspath $(VENV))) $(WORKS),$(abspath $(VENV)) works)
STALE := stale
endif
endif

install: $(VENV)/.installed ## Set up the environment from the lock

$(VENV)/.installed: $(STALE) requirements.txt requirements-dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11, 3.12 or 3.13 must be installed. Received: no '$(PYTHON)'. Name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v[:2] <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed. Received: %d.%d. Name one: make $(MAKECMDGOALS) PYTHON=python3.12" % v[:2])'
	@echo "installing the locked environment into $(VENV) (a minute or two)"
	@$(PYTHON) -m venv $(if $(STALE),--clear) $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements-dev.txt | cut -d' ' -f1)"
	@$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --compile-bytecode -r requirements.txt -r requirements-dev.txt
	@$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --no-deps --editable .
	@touch $@

run: install ## Train PIPELINE (default: digits), optionally from SOURCE=file, and show how it went
	@$(BIN)/gatehouse run $(PIPELINE) $(if $(SOURCE),--source "$(SOURCE)") $(ARGS)

up: install ## Start the local stack: Airflow and MLflow, in the background
	@$(BIN)/gatehouse up

# Without a new environment first: one that was moved still stops what runs.
GATEHOUSE := $(wildcard $(BIN)/gatehouse)

down: $(if $(GATEHOUSE),$(if $(WORKS),,install)) ## Stop the local stack
	@$(if $(GATEHOUSE),$(BIN)/python -m include.cli down,echo "nothing is installed, so nothing is up")

status: install ## Tell what is up
	@$(BIN)/gatehouse status

check: install ## Lint, types, layers, pipeline files, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/gatehouse check
	$(BIN)/python -m include.specs.reference --check
	$(BIN)/python -m include.orchestration.dag_pages --check

format: install ## Fix what can be fixed by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: install ## Run the tests: the quick ones on both cores, with their coverage, then the journeys
	BRANCH_COVERAGE=1 $(MAKE) test-quick
	$(MAKE) test-journeys

test-quick: install ## Tests of libraries, steps and DAGs
	$(BIN)/pytest -m "not journey and not slow" -n 2 --dist loadgroup -q

test-journeys: install ## Tests through the real scheduler, REST API and MLflow server
	$(BIN)/pytest tests/journeys -m "not slow" -n 2 --dist loadgroup -q

test-slow: install ## Run what takes minutes more: faults on the real stack, drafts and forecasts on real files
	$(BIN)/pytest -m slow -n 2 --dist loadgroup -q

test-lock: ## Check that plain pip, too, resolves the lock as written
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check --dry-run -r requirements.txt
	rm -rf .venv-lock

bench: install ## Measure, print ratios, write JSON to benchmarks/results
	$(BIN)/python -m benchmarks $(ARGS)

docs: install ## Write the generated pages of docs/
	$(BIN)/python -m include.specs.reference
	$(BIN)/python -m include.orchestration.dag_pages

lock: install ## Resolve requirements*.in anew
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links requirements-dev.in -o requirements-dev.txt

clean: down ## Remove the local stack's state: tables, runs, models, logs
	rm -rf var
