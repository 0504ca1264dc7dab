# make demo and make test are all that most people need; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
# Most of these tests wait for servers and processes; each worker has servers of its own.
PARALLEL := -q -n 4 --dist loadfile
export UV_LINK_MODE := copy

.PHONY: help demo up down status check lint types generated test unit integration e2e bench lock

help: ## what there is
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: up ## a cluster, Tailrace on it, and two Runs to look at
	@$(PYTHON) hack/demo

up: $(VENV)/ready ## a cluster with Tailrace installed
	@$(PYTHON) hack/install up

down: ## remove every trace of what `make up` made
	@$(PYTHON) hack/install down

status: ## what is there
	@$(PYTHON) hack/install status

$(VENV)/ready: requirements-dev.lock pyproject.toml
	@echo "installing the Python packages of requirements-dev.lock into $(VENV)"
	@test -x $(RUN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(RUN)/uv || $(RUN)/pip install --quiet --disable-pip-version-check uv
	@$(RUN)/uv pip install --quiet --python $(RUN)/python --require-hashes --requirement requirements-dev.lock
	@$(RUN)/uv pip install --quiet --python $(RUN)/python --no-deps --no-build-isolation --editable .
	@touch $@

check: $(VENV)/ready lint types generated ## style, types, import contracts, drift of generated files

lint: $(VENV)/ready
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check --quiet .
	@$(RUN)/lint-imports

types: $(VENV)/ready
	@$(RUN)/mypy
	@cd hack && ../$(RUN)/mypy --config-file ../pyproject.toml cluster image demo install common test_servers.py

generated: $(VENV)/ready
	@$(RUN)/python -m tailrace_crds.definitions --check
	@$(RUN)/python -m tailrace_plugins.docs --check
	@$(RUN)/python -m tailrace_api.openapi --check

test: check ## everything that CI runs: checks, unit, integration and end-to-end tests
	@$(PYTHON) hack/test_servers.py
	@$(PYTHON) hack/cluster build
	@$(RUN)/python -m pytest tests/unit tests/contract tests/integration $(PARALLEL)
	@$(RUN)/python -m pytest tests/e2e

unit: $(VENV)/ready ## the tests that need nothing
	@$(RUN)/python -m pytest tests/unit -q

integration: $(VENV)/ready ## the tests against a real API server and real databases
	@$(PYTHON) hack/test_servers.py
	@$(RUN)/python -m pytest tests/integration tests/contract $(PARALLEL)

e2e: $(VENV)/ready ## the tests on a real cluster
	@$(RUN)/python -m pytest tests/e2e -q

bench: up ## submit to user code, submit to terminal, drain, writes; next to a bare Job
	@eval "$$($(PYTHON) hack/cluster find)" && $(RUN)/python tests/bench \
	  --kubeconfig "$$KUBECONFIG" --context "$$CONTEXT" --kubectl "$$($(PYTHON) hack/cluster tools)/kubectl" $(BENCH)

lock: ## resolve the dependencies anew
	@$(RUN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --python-platform x86_64-manylinux_2_28 pyproject.toml -o requirements.lock
	@$(RUN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
