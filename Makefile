# Two commands are all a newcomer needs: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
RUN := .venv/.runtime
DEV := .venv/.dev
DEMO_FLAGS := $(if $(KEEP),--keep) $(if $(SERVE),--serve)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test quick lint serve bench mutants lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(RUN) ## one invoice's whole life on a fresh local chain, checked offline at the end (KEEP=1, SERVE=1)
	$(BIN)/einvoice demo $(DEMO_FLAGS)

serve: $(RUN) ## run node and API on the data directory (EINVOICE_DATA_DIR, default data/), made when it is missing
	$(BIN)/einvoice serve --init

test: $(DEV) ## the whole test suite
	$(BIN)/python -m pytest -n 2 --dist loadfile

quick: $(DEV) ## unit tests, under a minute
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

lint: $(DEV) ## ruff, mypy, import rules, current contract artifact
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m contracts.build --check

bench: $(DEV) ## rates and latencies as ratios within one run; writes bench/report.json
	$(BIN)/python -m bench

mutants: $(DEV) ## remove each guard of the contract in turn; the contract suite must fail for each
	$(BIN)/python -m contracts.mutants

lock: $(DEV) ## resolve the requirements again and record their hashes
	$(BIN)/uv pip compile pyproject.toml --group build $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group contracts --group test --group lint --group build --group lock $(LOCK) -o requirements-dev.txt
LOCK := --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet

clean: ## remove the environment and the demo's data
	rm -rf .venv demo-data

.venv/pyvenv.cfg:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 is needed" if sys.version_info[:2] != (3, 11) else 0)'
	$(PYTHON) -m venv .venv

$(RUN): requirements.txt pyproject.toml | .venv/pyvenv.cfg
	$(PIP) --require-hashes -r requirements.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(DEV): requirements-dev.txt $(RUN)
	$(PIP) --require-hashes -r requirements-dev.txt
	touch $@
