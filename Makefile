# Everything here works on a machine that has only Python (3.11 or newer) and make. The first run needs the
# network, for the packages of the lock.
PYTHON ?= python3
VENV := .venv
DEMO_VENV := .venv-demo
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO_READY := $(DEMO_VENV)/.ready

# The tests start hundreds of processes: without compiled modules each of them would compile its own.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast check format bench bench-all chaos mutants lock sbom audit clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# An environment is stale if its lock or the project's description is newer than it, or if its Python is gone.
ifeq ($(wildcard $(BIN)/python),)
.PHONY: $(READY)
endif
ifeq ($(wildcard $(DEMO_VENV)/bin/python),)
.PHONY: $(DEMO_READY)
endif

# $(1): directory of the environment, $(2): its lock.
define make_environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Paperround needs Python 3.11 or newer; found %s. Try: make PYTHON=python3.12" % sys.version.split()[0])'
	@echo "Setting up $(1) (once) ..."
	@rm -rf $(1)
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $(2)
endef

$(READY): requirements/dev.txt pyproject.toml
	$(call make_environment,$(VENV),requirements/dev.txt)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The product's core alone, run from the checkout: neither platforms' libraries nor developers' tools.
$(DEMO_READY): requirements/core.txt pyproject.toml
	$(call make_environment,$(DEMO_VENV),requirements/core.txt)
	@touch $@

demo: $(DEMO_READY) ## Today's digest from the bundled papers; on a terminal, then type commands
	@$(DEMO_VENV)/bin/python -m bot demo

test: $(READY) ## Run all tests
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test-fast: $(READY) ## Run the tests without processes, PostgreSQL and browser
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not chaos and not e2e and not slow and not postgres"

check: $(READY) ## Formatting, lint, types and style
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.style
	@if [ -f Dockerfile ]; then $(BIN)/hadolint Dockerfile; fi
	@if [ -f compose.yaml ]; then $(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml; fi

format: $(READY) ## Put the code into its format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## Measure in five minutes, as ratios to a floor in the same run
	@$(BIN)/python -m tests.benchmarks

bench-all: $(READY) ## Measure with a million papers, kept in .benchmarks between runs, and 10,000 channels
	@$(BIN)/python -m tests.benchmarks --all
	@$(BIN)/python -m tests.benchmarks.scale --all

RUNS ?= 1
chaos: $(READY) ## Kill, stop and cut off its processes, and count what was posted (RUNS=10: ten times)
	@$(BIN)/python -m tests.chaos --runs $(RUNS)
	@PAPERROUND_CHAOS=1 $(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder tests/digests

mutants: $(READY) ## Put faults into the code, one at a time, and see that a test catches each
	@$(BIN)/python -m tests.mutants

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate
# The image has no plotting library: only `paperround evaluate --plot` needs it.
RUN_EXTRAS := slack discord postgresql reviewer web
lock: $(READY) ## Renew the locked requirements
	@$(LOCK) --upgrade --all-extras pyproject.toml --group pyproject.toml:dev -o requirements/dev.txt
	@$(LOCK) $(RUN_EXTRAS:%=--extra %) pyproject.toml -c requirements/dev.txt -o requirements/run.txt
	@$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/core.txt
	@$(LOCK) --group pyproject.toml:build -c requirements/dev.txt -o requirements/build.txt

SBOM := dist/sbom.cdx.json
sbom: $(READY) ## Write the bill of materials of the product's locked requirements (CycloneDX, JSON)
	@mkdir -p $(dir $(SBOM))
	@$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements requirements/run.txt \
		--pyproject pyproject.toml --output-reproducible --output-format JSON --output-file $(SBOM)
	@echo "$(SBOM): every package that the locked requirements may install, with version and hashes"

OSV_URL ?=
audit: $(READY) ## Check the locked versions against published advisories (OSV_URL=...: a mirror)
	@$(BIN)/python -m tests.audit $(if $(OSV_URL),--osv-url $(OSV_URL))

clean: ## Remove what was made
	rm -rf $(VENV) $(DEMO_VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
