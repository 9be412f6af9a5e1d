# Every target makes .venv if need be. `make run` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ASYNC := .venv-ib-async

.PHONY: run test test-ib-async soak check lint lab bench lock clean

run: $(STAMP)  ## the weekly pipeline and the next morning's plan on the embedded market
	$(BIN)/python -m alphalib.pipeline weekly weekday

test: lint  ## everything CI runs
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests

test-ib-async: $(ASYNC)/.installed  ## what speaks with IB, in an environment that has ib_async instead of ib_insync
	$(ASYNC)/bin/python -m pytest -p no:cacheprovider -n 2 --dist loadgroup -m "not slow" tests/gateway tests/execute

soak: $(STAMP)  ## the executor for hours: every crash point, twenty sessions in a row, 10,000 random schedules
	$(BIN)/python -m tests.execute.soak

check: lint  ## its fast half, for the inner loop
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow" tests

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/nbstripout --verify notebooks/*.ipynb

lab: $(STAMP)  ## JupyterLab on notebooks/
	$(BIN)/jupyter lab --notebook-dir=. notebooks

bench: $(STAMP)  ## speed, as ratios measured side by side in one run
	$(BIN)/python -m benchmarks

COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11.7 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade
lock: $(STAMP)  ## requirements.lock and requirements-ib-async.lock from pyproject.toml: hashes, no address
	$(COMPILE) --extra all --extra dev -o requirements.lock
	$(COMPILE) --extra ib-async --extra test -o requirements-ib-async.lock

clean:  ## remove what was made; data and reports stay
	rm -rf $(VENV) $(ASYNC) .mypy_cache .ruff_cache .pytest_cache

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --python $(BIN)/python --quiet --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps -e .
	touch $@

$(ASYNC)/.installed: $(STAMP) requirements-ib-async.lock pyproject.toml
	$(PYTHON) -m venv $(ASYNC)
	$(BIN)/uv pip install --python $(ASYNC)/bin/python --quiet --compile-bytecode --require-hashes -r requirements-ib-async.lock
	$(BIN)/uv pip install --python $(ASYNC)/bin/python --quiet --no-deps -e .
	touch $@
