# Every target makes .venv if need be. `make run` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test check lint lab bench lock clean

run: $(STAMP)  ## the weekly pipeline and the next morning's plan on the embedded market
	$(BIN)/python -m alphalib.pipeline weekly weekday

test: lint  ## everything CI runs
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests

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

lock: $(STAMP)  ## requirements.lock from pyproject.toml: hashes, no address
	$(BIN)/uv pip compile pyproject.toml --extra all --extra dev --universal --python-version 3.11.7 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade -o requirements.lock

clean:  ## remove what was made; data and reports stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --python $(BIN)/python --quiet --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps -e .
	touch $@
