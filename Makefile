# One developer interface; .ci/run calls the same verbs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMPILED := $(VENV)/.compiled
# Tests and figures start hundreds of processes: none of them shall compile what another one has compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo loop check test test-long test-real test-long-real bench testbed testbed-down testbed-build docs

install: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@echo "Installing into $(VENV), once; this takes one to three minutes."
	$(PYTHON) -m venv $(VENV)
	@# What is used is compiled when it is first used; compiling all of it takes a third of the whole installation.
	$(BIN)/pip install --quiet --no-compile --require-hashes --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# One process compiles what is collected; four side by side would each compile all of it, three times for nothing.
$(COMPILED): $(STAMP)
	$(BIN)/pytest --collect-only -qq >/dev/null || true # what is wrong is told by the run itself
	touch $@

demo: install  ## the whole loop in the terminal, with nothing but Python
	$(BIN)/reconciler demo

loop: install  ## the whole loop on the real components, told by the product's own commands
	$(BIN)/python -m tests.scenarios.tour

docs: install  ## write the reference pages, the lifecycle's table and the picture of the demonstration anew
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python -m tests.lifecycle.table
	$(BIN)/python docs/generate_demo.py

check: install  ## format, lint, types, rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict reconciler tests docs
	$(BIN)/lint-imports

test: install $(COMPILED)  ## everything that needs neither Go nor Node
	TMPDIR=$$($(BIN)/python -m tests.memory) $(BIN)/pytest -n 4 --dist worksteal -m "not real and not github and not long"

test-long: install  ## whole stories by the hundred: a pull request's life, storms, the GitHub action as a runner starts it
	$(BIN)/pytest -n auto -m "long and not real and not github"

test-real: install  ## on the real components, two sets of them side by side, as tests mostly wait for them; builds them once
	$(BIN)/pytest -n 2 --dist worksteal -m "(real or github) and not long"

test-long-real: install  ## the lifecycle's whole table on Gitea
	$(BIN)/pytest -n 2 --dist worksteal -m "long and (real or github)"

bench: install
	$(BIN)/python -m tests.bench $(if $(JSON),--json $(JSON))

testbed-build: install
	$(BIN)/python -m tests.testbed build

testbed: install
	$(BIN)/python -m tests.testbed up

testbed-down: install
	$(BIN)/python -m tests.testbed down
