# make demo    the whole pipeline on a bundled clip; needs no hardware
# make test    linters, types and tests, as CI runs them
# make lint    linters, types and the import rules, without the tests
# make documents  generates the JSON Schemas, docs/asyncapi.json, the list of settings and the architecture drawing
# make bench   milliseconds per stage on this machine
# make scenes  scripted scenes at a gate: expected and produced passages
# make api-bench  requests per second and latency of the API while frames are read
# make idle-bench  processor use of an idle and of a busy gate
# make page-test  the page in a real browser: log in, draw a lane, see a passage; screenshots in build/page
# make page-bench  frame rate and reading latency with 0, 1 and 5 viewers of the page
# make api-fuzz   50,000 generated requests to the API; takes about six minutes
# make mqtt-fuzz  100,000 generated messages to the gate's request topics
# make config-fuzz  10,000 generated settings files
# make fault-table  each fault between gate and broker: lost passages, seconds to recover
# make kill-test  kill -9: 200 times a producer, 20 times the whole program; lost passages
# make server-kill-test  200 times kill -9 of the server's process while vehicles drive by: lost and late passages
# make broker-test  50 kills and restarts of the broker, without and with its persistence; lost passages
# make offline-day  2,000 passages without a broker; then the broker returns
# make soak    45 minutes at full frame rate with all kinds of faults: lost passages, growth of memory and files.
#              ARGS="--minutes 2" is shorter
# make disk-writes  bytes that a passage writes to the disk
# make peers-bench  time and accuracy compared with other plate readers, each in its own environment
# make constraints  writes constraints.txt: the newest versions of all packages of a gate, with their hashes
# make sbom    the software bill of materials of a gate, in CycloneDX: build/sbom.cdx.json
# make train-smoke  every training command for a few steps; installs an environment of 2.3 GB first
# make system-test  a gate in a virtual machine, with power cuts; needs root, takes an hour.
#              ARGS="--cuts 3 --only power" is shorter
# make stranger-test  follows docs/install.md on clean, emulated arm64 Debian systems to the first passage; needs root,
#              takes an hour
#
# Everything is installed into .venv. PYTHON=python3.12 selects another Python. Packages that pip does not have are
# installed with apt by .ci/packages. Without the rights to install, it prints their names.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
VENV := .venv
TFLITE_VENV := .venv-tflite-runtime
TRAINING_VENV := .venv-training
GATE_VENV := .venv-gate
PIP_FLAGS := -qq --disable-pip-version-check

RUNS = "$$p" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do if $(RUNS); then echo $$p; break; fi; done)
PYTHON_3_11 ?= $(shell for p in python3.11; do if $(RUNS); then echo $$p; fi; done)

.PHONY: demo test lint documents bench scenes api-bench idle-bench peers-bench train-smoke api-fuzz mqtt-fuzz config-fuzz \
	fault-table kill-test server-kill-test broker-test offline-day soak disk-writes page-test page-bench system-test stranger-test resolve \
	vision-tests-tflite-runtime constraints sbom clean python test-packages

demo: $(VENV)/.demo
	$(VENV)/bin/edge-lpr demo

# Half of the suite waits for processes to start and for recovery from faults. Two workers take little more than half the
# time of one.
test: test-packages lint
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/pytest -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

documents: $(VENV)/.dev
	$(VENV)/bin/python -m edge_lpr.messages.generate
	$(VENV)/bin/python -m edge_lpr.mqtt.asyncapi > docs/asyncapi.json
	$(VENV)/bin/python -m edge_lpr.config.documentation
	$(VENV)/bin/python docs/architecture_drawing.py

bench: $(VENV)/.demo
	$(VENV)/bin/edge-lpr bench

scenes: $(VENV)/.dev
	$(VENV)/bin/python -m tests.tracking.scenes

api-bench: $(VENV)/.dev
	$(VENV)/bin/python -m tests.benchmarks.bench_api

idle-bench: $(VENV)/.dev
	$(VENV)/bin/python -m tests.benchmarks.bench_idle

peers-bench: $(VENV)/.dev
	$(VENV)/bin/python -m tests.benchmarks.bench_peers

page-test: test-packages $(VENV)/.page
	@.ci/packages browser
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/python -m tests.page.browser --picture build/page/page.png

page-bench: $(VENV)/.dev
	$(VENV)/bin/python -m tests.benchmarks.bench_page

api-fuzz: $(VENV)/.dev
	$(VENV)/bin/python -m tests.fuzz.long_api

mqtt-fuzz: test-packages $(VENV)/.dev
	$(VENV)/bin/python -m tests.fuzz.long_mqtt

config-fuzz: $(VENV)/.dev
	$(VENV)/bin/python -m tests.fuzz.long_config

fault-table: test-packages $(VENV)/.dev
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/python -m tests.faults.table

kill-test: test-packages $(VENV)/.dev
	$(VENV)/bin/python -m tests.faults.kills

server-kill-test: test-packages $(VENV)/.dev
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/python -m tests.faults.server_kills $(ARGS)

broker-test: test-packages $(VENV)/.dev
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/python -m tests.faults.broker_kills
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/python -m tests.faults.broker_kills --persistence

offline-day: test-packages $(VENV)/.dev
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/python -m tests.faults.offline_day

soak: test-packages $(VENV)/.dev
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/python -m tests.faults.soak $(ARGS)

disk-writes: $(VENV)/.dev
	$(VENV)/bin/python -m tests.benchmarks.disk_writes

system-test: $(VENV)/.dev
	@.ci/packages system
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/python -m tests.system.run $(ARGS)

stranger-test: $(VENV)/.dev
	@.ci/packages stranger
	PATH="$$PATH:/usr/sbin" $(VENV)/bin/python -m tests.system.stranger $(ARGS)

resolve: $(VENV)/.dev
	$(VENV)/bin/python .ci/resolve.py

constraints: $(VENV)/.dev
	$(VENV)/bin/python .ci/constraints.py

sbom: $(GATE_VENV)/.done
	$(PYTHON) -m venv --clear .venv-sbom
	.venv-sbom/bin/python -m pip install $(PIP_FLAGS) 'cyclonedx-python-lib[json-validation]>=11,<12' packaging
	.venv-sbom/bin/python .ci/sbom.py $(GATE_VENV)/lib/python3*/site-packages

# As docs/install.md installs a gate.
$(GATE_VENV)/.done: constraints.txt pyproject.toml
	$(PYTHON) -m venv --clear $(GATE_VENV)
	$(GATE_VENV)/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r constraints.txt
	$(GATE_VENV)/bin/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation .
	@touch $@

vision-tests-tflite-runtime: $(TFLITE_VENV)/.done
	$(TFLITE_VENV)/bin/python -c 'from edge_lpr.vision.interpreter import runtime_name as n; assert n() == "tflite_runtime", n()'
	$(TFLITE_VENV)/bin/pytest tests/vision tests/cameras

train-smoke: test-packages $(VENV)/.dev $(TRAINING_VENV)/.done
	EDGE_LPR_TRAINING_PYTHON=$(TRAINING_VENV)/bin/python $(VENV)/bin/pytest tests/training/test_smoke.py

clean:
	rm -rf $(VENV) $(TFLITE_VENV) $(TRAINING_VENV) $(GATE_VENV) .venv-sbom .venv-peers build dist .mypy_cache .pytest_cache .ruff_cache

python:
	@test -x $(VENV)/bin/python -o -n "$(PYTHON)" || .ci/packages python

test-packages:
	@.ci/packages tests

$(VENV)/bin/python: | python
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 with venv found; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	@echo "Installing edge-lpr into $(VENV); the first time takes a minute or two."
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) -e '.[dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.page: $(VENV)/.dev
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) -e '.[browser]'
	@touch $@

$(TFLITE_VENV)/.done: pyproject.toml
	@test -n "$(PYTHON_3_11)" || { echo "tflite-runtime has wheels for Python 3.11 only; install Python 3.11" >&2; exit 1; }
	$(PYTHON_3_11) -m venv --clear $(TFLITE_VENV)
	$(TFLITE_VENV)/bin/python -m pip install $(PIP_FLAGS) -e '.[test,tflite-runtime]'
	@touch $@

$(TRAINING_VENV)/.done: models/training/requirements.txt
	@test -n "$(PYTHON_3_11)" || { echo "The training environment needs Python 3.11; install it" >&2; exit 1; }
	$(PYTHON_3_11) -m venv --clear $(TRAINING_VENV)
	$(TRAINING_VENV)/bin/python -m pip install $(PIP_FLAGS) $$(grep '^torch==' $<)
	$(TRAINING_VENV)/bin/python -m pip install $(PIP_FLAGS) -r $<
	@touch $@
