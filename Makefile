# smart-compound: `make help` says what there is.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# uv installs four times as fast as pip (7 s against 29 on two cores); where it can't fetch or run, pip does the same.
UV := UV_SYSTEM_CERTS=1 $(BIN)/uv pip install --quiet --python $(BIN)/python
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Without compiled modules every start of every process takes seconds longer.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install dev up services lint format types test chaos bench docs lock clean
.DELETE_ON_ERROR:

help:  ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

install: $(VENV)/.runtime  ## make the environment from the lock file, with the command .venv/bin/compound

dev: $(VENV)/.dev  ## the same, with what tests, checks and benchmarks need

up: install  ## start the whole compound on this machine; Ctrl-C ends it (ARGS="--history 7" passes options)
	@$(BIN)/compound up $(ARGS)

services: dev  ## fetch what the tests run against: Mosquitto, Java, Apache Kafka, TimescaleDB
	@$(BIN)/python -m tests.services.fetch

lint: dev  ## ruff: rules and format; import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

format: dev  ## put the code into its format and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: dev  ## mypy, strict
	$(BIN)/mypy

test: lint types services  ## every check and the whole suite, with real services (ARGS="-k name" passes options)
	$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

chaos: services  ## kill and pause everything a hundred times while it runs, and compare (ARGS="--seed 2 --log kafka")
	$(BIN)/python -m tests.chaos $(ARGS)

bench: services  ## measure, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

docs: dev  ## rewrite the parts of the documents that are made from the code
	$(BIN)/python -m ops.docs
	$(BIN)/python -m api.docs
	$(BIN)/python -m ingest.asyncapi
	$(BIN)/python -m dashboards.grafana

lock: $(VENV)/.build  ## compute the lock files anew (hashes, no addresses)
	$(BIN)/python -m ops.lock $(ARGS)

clean:  ## remove the environment and caches; data folders stay
	rm -rf $(VENV) build *.egg-info tests/services/.cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.build: requirements-build.lock
	@test -n "$(PYTHON)" || { echo "smart-compound needs Python 3.11 or newer with its venv module." >&2; exit 1; }
	@echo "Making the environment in $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements-build.lock
	@touch $@

$(VENV)/.runtime: requirements.lock pyproject.toml $(VENV)/.build
	@echo "Installing what smart-compound needs …"
	@$(UV) --require-hashes -r requirements.lock || $(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c "import asyncpg, confluent_kafka, fastapi, httpx, paho.mqtt.client, psycopg, pvlib, rich, typer, uvicorn, yoyo"
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing what tests and checks need …"
	@$(UV) --require-hashes -r requirements-dev.lock || $(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
