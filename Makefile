# gradesync. `make` lists what can be done. Needs GNU make and Python 3.11 or newer, nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DRILL := $(VENV)/drill
PEERS := $(VENV)/peers
UV := $(shell command -v uv 2>/dev/null)
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# Test processes at once: two a core, since a test waits for its servers about half of its time
WORKERS ?= $(shell echo $$((2 * $(CORES))))
PARALLEL = -n $(WORKERS) --dist worksteal
# Tests that take every branch of core and sync. Measured ones take twice as long, so `make test` does not measure
GATED := tests/core tests/engine tests/worker \
	$(filter-out tests/api/test_api_fuzz.py,$(wildcard tests/api/test_*.py))
ARGS ?=
N ?= 200
T ?= tests
# Tests start hundreds of processes, and each would compile the code anew
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv demo test fuzz coverage check format openapi plugin bench bench-plots screenshots shape protocol sanity soak drill lock clean

help:  ## list what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(READY)  ## build the environment: every dependency pinned by hash

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gradesync needs Python 3.11 or newer; set PYTHON=…")'
	@echo "Building $(VENV): a minute or two, once."
ifdef UV
	@$(UV) venv -q --allow-existing --python $(PYTHON) $(VENV)
	@$(UV) pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@touch $@

demo: $(READY)  ## watch a district sync, from nothing (ARGS=--once ends by itself)
	@$(BIN)/gradesync demo $(ARGS)

test: $(READY)  ## tests on real servers (T=tests/core: a part; ARGS=--all: the long ones too)
	@$(BIN)/pytest $(PARALLEL) $(ARGS) $(T)

fuzz: $(READY)  ## many more strange requests to the service than `make test` sends (N=200 an operation and caller)
	@FUZZ_EXAMPLES=$(N) $(BIN)/pytest --all --timeout 0 -n $(WORKERS) tests/api/test_api_fuzz.py

coverage: $(READY)  ## the gate: every branch of core and sync, by the tests that measure them
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest $(PARALLEL) $(ARGS) $(GATED)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

check: $(READY)  ## format, lint, types, layers, the drift of generated files, manifests, known vulnerabilities
	$(BIN)/ruff format --check -q
	$(BIN)/ruff check -q
	$(BIN)/mypy --strict src tests
	$(BIN)/lint-imports --no-logo
	$(BIN)/gradesync openapi --check openapi/gradesync.yaml
	$(BIN)/pytest tests/project
	$(BIN)/python .ci/audit

format: $(READY)  ## put the code in its form
	$(BIN)/ruff format -q
	$(BIN)/ruff check -q --fix

openapi: $(READY)  ## write the API's description anew
	$(BIN)/gradesync openapi --write openapi/gradesync.yaml

plugin:  ## zip the PowerSchool plugin, ready to upload
	@mkdir -p dist && rm -f dist/gradesync-powerschool-plugin.zip
	@$(PYTHON) -m zipfile -c dist/gradesync-powerschool-plugin.zip deploy/powerschool-plugin/plugin.xml
	@echo "dist/gradesync-powerschool-plugin.zip"

bench: $(READY) $(if $(filter peers,$(ARGS)),$(PEERS)/.ready)  ## measure, and compare with the targets (ARGS="planning memory" for parts, ARGS=--quick)
	@PEERS_PYTHON=$(wildcard $(abspath $(PEERS))/bin/python) PYTHONPATH=tests $(BIN)/python -m bench $(ARGS)

$(PEERS)/.ready: tests/bench/requirements.lock
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

bench-plots: $(READY)  ## measure how cost grows with size and with workers, and draw it (docs/plots)
	@PYTHONPATH=tests $(BIN)/python -m bench.plots $(ARGS)

screenshots: $(READY)  ## take the pictures of docs/images anew; ARGS=folder: every state of the teacher's page there
	@PYTHONPATH=tests $(BIN)/python -m screenshots $(ARGS)

shape: $(READY)  ## print structure, sizes and words of the code, and the files and functions that a sync calls
	@PYTHONPATH=tests $(BIN)/python -m shape

sanity: $(READY)  ## print how well the advice before sending finds what is mistaken (docs/reliability.md)
	@PYTHONPATH=tests $(BIN)/python -m bench.sanity

protocol: $(READY)  ## search the model of the sync's protocol, whole and without each guard (needs spin and gcc)
	@PYTHONPATH=tests $(BIN)/python -m protocol

soak: $(READY)  ## break everything on purpose, for minutes to an hour (ARGS=burst for a part)
	@PYTHONPATH=tests $(BIN)/python -m soak $(ARGS)

drill: $(READY) $(DRILL)/.ready  ## fail PostgreSQL and Valkey over under load, with a pooler too (ARGS=pooler: a part)
	@PATRONI_PYTHON=$(abspath $(DRILL))/bin/python PYTHONPATH=tests $(BIN)/python -m engines $(ARGS)

$(DRILL)/.ready: tests/engines/requirements.lock
	@$(PYTHON) -m venv $(DRILL)
	@$(DRILL)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

lock:  ## pin every dependency anew, by hash (needs uv)
	$(UV) pip compile -q --no-header --universal --generate-hashes --all-extras -o requirements.lock pyproject.toml
	$(UV) pip compile -q --no-header --universal --generate-hashes --extra traces -o deploy/requirements.lock pyproject.toml
	$(UV) pip compile -q --no-header --universal --generate-hashes -o tests/engines/requirements.lock tests/engines/requirements.in
	$(UV) pip compile -q --no-header --universal --generate-hashes -o tests/bench/requirements.lock tests/bench/requirements.in
	echo hatchling | $(UV) pip compile -q --no-header --universal --generate-hashes -o deploy/build.lock -

clean:  ## remove what was built and measured
	rm -rf .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .import_linter_cache build dist
