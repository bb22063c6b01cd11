# Everything one does with a clone. Needs Python 3.11 or later, and nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
CONFIG ?= config.yaml
# More arguments for pytest, the demo or the benchmark, such as ARGS="-k patch".
ARGS ?=
# Test processes: one more than processors, because tests wait too, for servers, browsers and clocks.
WORKERS ?= $(shell python3 -c "import os; print((os.cpu_count() or 1) + 1)")

# The tests that hypothesis draws examples for, and random stories of writes and faults.
DRAWING = $(shell grep -rl hypothesis tests --include='test_*.py')

STAMP = $(VENV)/.installed
DEV_STAMP = $(VENV)/.installed-dev
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test explore check bench run format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## Start the connector in front of a simulated DocuSign, with commands to try
	$(BIN)/docusign-iga demo $(ARGS)

test: $(DEV_STAMP) ## Run every test, on all processors
	$(BIN)/pytest -n $(WORKERS) $(ARGS)

explore: $(DEV_STAMP) ## Draw new examples, and more, in the tests that draw theirs; ARGS names fewer tests
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest -n $(WORKERS) --hypothesis-profile=exploring $(if $(filter tests/%,$(ARGS)),,$(DRAWING)) $(ARGS)

check: $(DEV_STAMP) ## Lint, format, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV_STAMP) ## Measure over HTTP at 1,000, 10,000 and 100,000 users, and workers on PostgreSQL
	$(BIN)/python -m tests.bench $(ARGS)
	$(BIN)/python -m tests.bench.workers

run: $(STAMP) ## Serve the organization of CONFIG (config.yaml)
	$(BIN)/docusign-iga serve --config $(CONFIG) $(ARGS)

format: $(DEV_STAMP) ## Put imports and layout in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the virtual environment and everything that was built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# Made anew when a dependency changes; an interrupted installation leaves no stamp. The demo needs
# neither the tests' nor the checks' tools, and starts sooner without them.
$(STAMP): setup.cfg pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing into $(VENV) ..."
	@$(PIP) --upgrade "setuptools>=75" wheel
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): $(STAMP)
	@$(PIP) --no-build-isolation --editable ".[postgresql,otel,test,check]"
	@touch $@
