# Everything needs Python 3.10 or later and make, nothing else; what it installs goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := constraints.txt
SCRIPTS := 300
KILLS := 20

.PHONY: demo streaming test law test-engines check format bench bench-isolation wheel-test lock clean

demo: $(VENV)/.demo  ## delivers 200,000 generated events to three customers on a real S3 server
	$(BIN)/python -m examples.demo $(ARGS)

streaming: $(VENV)/.demo  ## live events through Kafka and Prism into S3; needs java, mvn and go
	$(BIN)/python -m examples.streaming $(ARGS)

test: $(VENV)/.test  ## all tests
	$(BIN)/python -m pytest $(ARGS)

law: $(VENV)/.test  ## the law of delivery under 300 random fault scripts and 20 kills; 20 minutes
	LAW_SCRIPTS=$(SCRIPTS) LAW_KILLS=$(KILLS) $(BIN)/python -m pytest tests/end_to_end/test_law.py $(ARGS)

test-engines: $(VENV)/.engines  ## Kafka, Prism, Flink, all real; Dataflow, dry; what lacks java, maven or go is skipped
	$(BIN)/python -m pytest tests/engines $(ARGS)

check: $(VENV)/.dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev  ## mends what can be mended by machine
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test  ## the reference loop, this pipeline and Beam's own file sink, in one run
	$(BIN)/python -m benchmarks $(ARGS)

bench-isolation: $(VENV)/.test  ## what one hanging and one refusing bucket cost 48 others
	$(BIN)/python -m benchmarks.isolation $(ARGS)

wheel-test: $(VENV)/.dev  ## builds the wheel, installs it into a clean environment, runs its command
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist .
	$(PYTHON) -m venv --clear $(VENV)/wheel
	$(VENV)/wheel/bin/pip install --quiet --constraint $(LOCK) dist/*.whl
	cd $(VENV)/wheel && bin/s3-event-logs --version && bin/s3-event-logs schema > schema.json
	cd $(VENV)/wheel && bin/python -c "import transforms; transforms.WriteToS3Destinations"

deploy/dataflow/metadata.json: $(VENV)/.dev pipeline/options.py pipeline/stream_options.py deploy/dataflow/metadata.py  ## the flex template's parameters
	$(BIN)/python -m deploy.dataflow.metadata > $@

lock: $(VENV)/.dev  ## writes the newest versions that fit together into constraints.txt
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --no-python-downloads --universal --python-version 3.10 --all-extras --upgrade --no-header \
		--no-annotate --no-emit-index-url pyproject.toml --output-file $(LOCK)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10) and 'Python 3.10 or later is needed: make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=24'

$(VENV)/.demo $(VENV)/.test $(VENV)/.engines $(VENV)/.dev: $(VENV)/.%: $(BIN)/python pyproject.toml $(LOCK)
	$(BIN)/pip install --quiet --constraint $(LOCK) --editable '.[$*]'
	touch $@
