# What a person types. Needs nothing but make and Python 3.11 or newer with pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := demo
export GX_ANALYTICS_ENABLED = false
export AWS_EC2_METADATA_DISABLED = true

.DEFAULT_GOAL := help
.PHONY: help install demo dev test wheel crashes lint types fmt bench docs lock clean

help:  ## show these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "everycent needs Python 3.11 or newer; try: make PYTHON=python3.12"'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# imports dominate the wait otherwise
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true
	@touch $@

install: $(INSTALLED)  ## install the locked packages into .venv

demo: $(INSTALLED)  ## the whole pipeline on the sample company: see the tie-out
	@rm -rf $(DEMO)
	@$(BIN)/everycent demo $(DEMO)

dev: $(INSTALLED)  ## Dagster's UI on the demo workspace, http on port 3000
	@test -f $(DEMO)/.env || $(MAKE) --no-print-directory demo
	EVERYCENT_WORKSPACE=$(CURDIR)/$(DEMO) $(BIN)/dagster dev

wheel: $(INSTALLED)  ## build a wheel, install it into a fresh environment, run the demo from there
	rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w build/wheel .
	$(PYTHON) -m venv build/wheel/env
	build/wheel/env/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	build/wheel/env/bin/python -m pip install --quiet --disable-pip-version-check --no-deps build/wheel/everycent-*.whl
	cd build/wheel && env/bin/everycent demo company

test: $(INSTALLED)  ## every test
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup

crashes: $(INSTALLED)  ## kill -9 at every write of the demo and run again: half an hour
	$(BIN)/python -m tests.end_to_end.crash_sweep

lint: $(INSTALLED)  ## style of Python and SQL
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar sql

types: $(INSTALLED)  ## types, and that Dagster can load the definitions
	$(BIN)/mypy
	$(BIN)/dagster definitions validate

fmt: $(INSTALLED)  ## format Python and SQL
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix --processes 2 --disable-progress-bar sql

bench: $(INSTALLED)  ## how fast and how large, beside yardsticks measured in the same run
	$(BIN)/python -m benchmarks $(BENCH)

docs: $(INSTALLED)  ## rewrite the generated pages
	$(BIN)/python -m pipelines.publishing.table_docs
	$(BIN)/python -m pipelines.publishing.source_docs

lock:  ## resolve the ranges of pyproject.toml again (needs uv)
	uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url \
		--no-annotate --group dev pyproject.toml -o requirements.lock

clean:  ## remove everything that was made here, .venv aside
	rm -rf $(DEMO) dev build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/work
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
