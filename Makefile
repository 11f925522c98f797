# Everything happens in .venv; `make` without a target tells what there is.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= auto
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help train lab test test-long lint lint-page bench guard clean

help:            ## show this list
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 10

# Where there is no Numba for this Python or machine, handmade does without it.
$(BIN)/handmade: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("handmade needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --only-binary numba,llvmlite --editable '.[compiled]' || $(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(BIN)/pytest: $(BIN)/handmade
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

train: $(BIN)/handmade   ## train on all of MNIST by finite differences, in about a minute
	$(BIN)/handmade train

lab: $(BIN)/uvicorn      ## open the lab in the browser
	$(BIN)/handmade lab

$(BIN)/uvicorn: $(BIN)/handmade
	$(BIN)/python -m pip install --quiet --editable '.[lab]'
	@touch $@

# Tests start some hundred processes: without files of bytecode each of them compiles the package again. The tests of a file
# stay together, for they share fixtures, until a worker has none left and takes half of those of another.
test test-long: export PYTHONDONTWRITEBYTECODE :=

test: $(BIN)/pytest      ## run the default tests, on up to four cores
	$(BIN)/pytest -n $(WORKERS) --maxprocesses 4 --dist worksteal

test-long: $(BIN)/pytest ## run the proofs that take minutes
	$(BIN)/pytest -m long

lint: $(BIN)/pytest      ## ruff and mypy --strict; tsc and eslint for the page, where Node is installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-page; else echo 'Node is not installed: tsc and eslint did not check the page.'; fi

# The page needs no package and no build step; its linters do.
NODE := tools/page/node_modules
$(NODE)/.package-lock.json: tools/page/package.json tools/page/package-lock.json
	npm ci --prefix tools/page --no-audit --no-fund --silent
	@touch $@

lint-page: $(NODE)/.package-lock.json
	$(NODE)/.bin/tsc --project tools/page/jsconfig.json
	$(NODE)/.bin/eslint --config tools/page/eslint.config.mjs src/handmade/lab/static/js

bench: $(BIN)/pytest     ## measure: the README's numbers, every operation beside plain NumPy and the frameworks, an epoch, the lab
	$(BIN)/python benchmarks/readme.py
	$(BIN)/python benchmarks/ladder.py
	$(BIN)/python benchmarks/epoch.py
	$(BIN)/python benchmarks/lab.py

guard: $(BIN)/pytest     ## check in seconds that no speed has slipped
	$(BIN)/python benchmarks/guard.py

clean:                   ## remove what make made; runs/ stays
	rm -rf .venv $(NODE) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
