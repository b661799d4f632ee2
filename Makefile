# `make check` is what .ci/run checks, in the virtual environment that README sets up.
BIN ?= .venv/bin

.PHONY: check test slow format lint types imports reference bench package clean

check: lint types imports test

.venv/bin:
	python3 -m venv .venv
	.venv/bin/pip install -e '.[dev]'

test: | $(BIN)
	$(BIN)/pytest

slow: | $(BIN)
	$(BIN)/pytest -m slow

format: | $(BIN)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lint: | $(BIN)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: | $(BIN)
	$(BIN)/mypy

imports: | $(BIN)
	$(BIN)/lint-imports

# The table of keys in docs/configuration.md.
reference: | $(BIN)
	$(BIN)/python -m tests.reference

bench: | $(BIN)
	$(BIN)/python bench

# sdist and wheel into dist/; the wheel is built from the sdist.
package: | $(BIN)
	rm -rf build dist
	$(BIN)/python -m build

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
