# Two commands are all a newcomer needs: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
RUN := .venv/.runtime
DEV := .venv/.dev
GETH := build/geth-1.13.15/geth
ETHERS := build/ethers/.installed
CLIENTS := $(GETH) $(ETHERS)
# Some environments forbid compiled modules to be kept: then each of the hundreds of processes the tests start, and each
# of their workers, compiles all of them again.
unexport PYTHONDONTWRITEBYTECODE
DEMO_FLAGS := $(if $(KEEP),--keep) $(if $(SERVE),--serve)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test quick lint serve bench mutants clients lock sbom audit-dependencies clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(RUN) ## one invoice's whole life on a fresh local chain, checked offline at the end (KEEP=1, SERVE=1)
	$(BIN)/einvoice demo $(DEMO_FLAGS)

serve: $(RUN) ## run node and API on the data directory (EINVOICE_DATA_DIR, default data/), made when it is missing
	$(BIN)/einvoice serve --init

test: $(DEV) clients ## the whole test suite
	$(BIN)/python -m pytest -n 3 --dist loadfile

quick: $(DEV) ## unit tests, under a minute
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(UNITS)
# what is tested without a process, a chain or an API of its own
UNITS := $(wildcard $(addprefix tests/,docs documents domain formats identity verifier))

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

clients: $(CLIENTS) ## geth (needs go), ethers and a sign-in provider (need npm), which some tests run; without them these skip, or fail where CI is set

lock: $(DEV) ## resolve the requirements again and record their hashes
	$(BIN)/uv pip compile pyproject.toml --group build $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group contracts --group test --group lint --group build --group lock --group supply $(LOCK) -o requirements-dev.txt
LOCK := --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet

sbom: $(DEV) ## list what an installation runs, as CycloneDX with hashes, into build/sbom.cdx.json
	mkdir -p build
	$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements requirements.txt --pyproject pyproject.toml --mc-type application \
		--output-reproducible --spec-version 1.6 --output-format JSON --output-file build/sbom.cdx.json

audit-dependencies: $(DEV) ## hold every pinned version against the published advisories (needs the network)
	$(BIN)/pip-audit --require-hashes --disable-pip --strict --progress-spinner off -r requirements.txt -r requirements-dev.txt

clean: ## remove the environment, the demo's data and what was built
	rm -rf .venv demo-data build

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

# Other people's programs, at fixed versions. One that cannot be installed stops a build of CI and nobody else's.
$(GETH):
	mkdir -p $(@D)
	GOBIN=$(CURDIR)/$(@D) go install -trimpath -ldflags=-checklinkname=0 \
		github.com/ethereum/go-ethereum/cmd/geth@v1.13.15 || $(CLIENT_MISSING)

$(ETHERS): tests/js/package.json
	mkdir -p $(@D)
	cp tests/js/package.json $(@D)/
	(cd $(@D) && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --silent && touch $(@F)) || $(CLIENT_MISSING)
CLIENT_MISSING = { echo "$(@D) could not be installed: its tests will skip" >&2; test -z "$$CI"; }
