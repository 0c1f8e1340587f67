# Thin on purpose: every target is one command in the project's own environment, made on first use.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
READY := $(VENV)/.ready
LOCK := .github/actions/repairbot/requirements.txt
GITHUB := .cache/github/.ready

.PHONY: demo test lint format lock bench clean

demo: $(READY)
	@$(BIN)/python -m tests.demo

test: lint $(GITHUB)
	$(BIN)/python -m pytest -n auto --dist loadgroup

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/zizmor --offline --persona=pedantic --no-progress --quiet .github
	$(BIN)/python -m tests.github.actionlint .github/workflows/*.yml

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# What the Action installs, to the hash; after a change of the dependencies in pyproject.toml.
lock: $(READY)
	echo "hatchling>=1.27" | $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
		--no-header --no-annotate --no-emit-index-url --output-file $(LOCK) pyproject.toml -

# make bench TREE=path/to/an/unpacked/wheel ZIG=path/to/a/tree/of/zig; without TREE a large wheel is fetched with pip.
bench: $(READY)
	$(BIN)/python -m tests.benchmarks $(TREE) $(if $(TREE),$(ZIG))

$(READY): pyproject.toml
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "repairbot needs Python 3.11 or later; name one: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

# GitHub's descriptions of its API, against which the tests hold every request, and Prism, which judges once more.
# npm comes with the environment.
$(GITHUB): $(READY) tests/github/rig/descriptions.py tests/github/rig/prism.py
	@$(BIN)/python -m tests.github.rig
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .cache
