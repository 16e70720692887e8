# Every target sets itself up: a virtual environment in .venv with the versions that are tested.
PYTHON ?= python3
BIN := .venv/bin
# With it each process that a test starts would compile the package anew, and each run all tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-quick check lint types contract format notebook docs package bench clean

demo: .venv/installed
	$(BIN)/flarescope demo --out demo-run

test: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-quick: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

check: lint types contract test

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

contract: .venv/installed
	$(BIN)/lint-imports

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Runs the notebook in a folder of its own and keeps what it prints and draws in the file.
notebook: .venv/installed
	$(BIN)/python notebooks/run.py

# The documentation site, in build/site; a warning is an error.
docs: .venv/installed
	$(BIN)/python docs/site/make.py

# sdist and wheel in build/dist; the wheel is tried where nothing but it and what it declares is installed.
package: .venv/installed
	rm -rf build/dist
	$(BIN)/python -m build --no-isolation --outdir build/dist .
	$(BIN)/python tests/wheel_alone.py build/dist/*.whl

# About an hour on 2 cores, best on a machine that does nothing else; 30 GB in bench-work/.
bench: .venv/bench-installed
	$(BIN)/python benchmarks/run.py --json bench.json

.venv/bench-installed: .venv/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,bench]'
	@touch $@

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "flarescope needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv build demo-run bench-work bench.json .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
