# Everything here works on a machine that has only Python (3.11 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench chaos mutants lock clean

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

# Stale means: the lock or the project's own description is newer than the environment, or its Python is gone.
ifeq ($(wildcard $(BIN)/python),)
.PHONY: $(READY)
endif
$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Paperround needs Python 3.11 or newer; found %s. Try: make PYTHON=python3.12" % sys.version.split()[0])'
	@echo "Setting up $(VENV) (once; about a minute) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY) ## Today's digest from the bundled papers; on a terminal, then type commands
	@$(BIN)/paperround demo

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -n 4 --dist loadfile

check: $(READY) ## Formatting, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@if [ -f Dockerfile ]; then $(BIN)/hadolint Dockerfile; fi

format: $(READY) ## Put the code into its format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## Measure, as ratios to a floor in the same run
	@$(BIN)/python -m tests.benchmarks

RUNS ?= 1
chaos: $(READY) ## Kill, stop and cut it off everywhere, and count what came out (RUNS=10: ten times)
	@$(BIN)/python -m tests.chaos --runs $(RUNS)
	@PAPERROUND_CHAOS=1 $(BIN)/python -m pytest -q -n 4 --dist loadfile tests/digests

mutants: $(READY) ## Bring faults in by hand, one at a time, and see that a test catches each
	@$(BIN)/python -m tests.mutants

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate
lock: $(READY) ## Renew the locked requirements
	@$(LOCK) --upgrade --all-extras pyproject.toml -o requirements/run.txt
	@$(LOCK) --upgrade --group pyproject.toml:build -o requirements/build.txt
	@$(LOCK) --upgrade --all-extras pyproject.toml --group pyproject.toml:dev -o requirements/dev.txt

clean: ## Remove what was made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
