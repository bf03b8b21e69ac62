# `make help` lists the targets. Each does all the set-up it needs; all are safe to repeat and to interrupt.
.DEFAULT_GOAL := help
SHELL := /bin/bash
UV_VERSION := 0.13.9
PYTHON ?= python3
CACHE := $(HOME)/.cache/shopsphere
# make takes a blank for the end of a name, and a recipe would delete the folder before it
ifneq ($(words $(CACHE)),1)
$(error the cache cannot stand in "$(CACHE)": its name has a blank. Next: make CACHE=/path/without/blanks …)
endif
UV_HOME := $(CACHE)/uv-$(UV_VERSION)
UV := $(UV_HOME)/bin/uv
BIN := .venv/bin
RUN := $(BIN)/shopsphere
export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
export DO_NOT_TRACK := 1
# `make demo PROFILE=stack` chooses for one command; `make up` for good
ifdef PROFILE
export SHOPSPHERE_PROFILE := $(PROFILE)
endif

.PHONY: help setup up demo dashboards superset-lock dev test test-stack test-browser check soak bench docs down reset

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV):
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else "Python 3.11 or 3.12 is needed and $(PYTHON) is %d.%d. Next: make PYTHON=/path/to/python3.12 …" % v)'
	@echo "setting up: fetching uv $(UV_VERSION)" >&2
	@rm -rf "$(UV_HOME)" && mkdir -p "$(CACHE)" && $(PYTHON) -m venv "$(UV_HOME)" || { echo "python3 has no venv module. Next: install it (Debian: apt-get install python3-venv), then run make again" >&2; rm -rf "$(UV_HOME)"; exit 1; }
	@"$(UV_HOME)/bin/pip" install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The stamp stands in the environment, so that a deleted .venv is made again; it is written last, so that Ctrl-C is safe.
.venv/.synced: pyproject.toml uv.lock $(wildcard meltano/plugins/*/pyproject.toml) | $(UV)
	@echo "setting up: the environment in .venv" >&2
	@"$(UV)" sync --frozen --python $(PYTHON)
	@touch $@

setup: .venv/.synced ## make the environment in .venv

up: setup ## the real servers, for good: MinIO, PostgreSQL, MariaDB, Valkey, Trino, Superset (WORKERS=n)
	@$(RUN) stack up $(if $(WORKERS),--workers $(WORKERS))

demo: setup ## from nothing to the marts, then what to try next
	@$(RUN) demo

dashboards: setup ## Superset on the marts, with the dashboards of superset/assets
	@$(RUN) dashboards up

superset-lock: $(UV) ## pin superset/requirements.in anew
	@"$(UV)" pip compile --quiet --generate-hashes --universal --python-version 3.11 superset/requirements.in \
		--output-file superset/requirements.txt --custom-compile-command "make superset-lock"

dev: setup ## the Dagster UI on the demo's data
	@$(RUN) dev

test: setup ## every test but the slow ones
	@# MySQL comes in no wheel: root installs Debian's, elsewhere its tests are skipped and say so
	@$(BIN)/python -c 'from ecommerce_pipeline.operations.stack import debian; debian.server(["mariadbd"], "mariadb-server")'
	@$(BIN)/pytest -m "not soak and not stack and not browser" -n 2 --no-loadscope-reorder

test-stack: setup ## the tests on the real servers, started natively
	@$(BIN)/pytest -m "stack and not soak" -n 2 --no-loadscope-reorder tests

test-browser: setup ## the dashboards in a real browser, embedded profile
	@$(BIN)/pytest -m "browser and not soak" tests/browser

check: setup ## lint, types, SQL style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/sqlfluff lint --disable-progress-bar dbt

soak: setup ## the slow and randomised suites; results go to docs/
	@$(BIN)/pytest -m soak
	@TESTS_DAYS_LIVED=7 $(BIN)/pytest tests/embedded

bench: setup ## the benchmarks; results go to docs/benchmarks/
	@$(BIN)/python -m benchmarks

docs: setup ## the data dictionary, docs/data-dictionary.md
	@$(RUN) docs

down: ## stop the servers and services (Ctrl-C stops make dev)
	@if [ -x $(RUN) ]; then $(RUN) down; fi

reset: ## delete the lake and the demo's sources (asks first)
	@if [ -x $(RUN) ]; then $(RUN) reset; fi
