# Two commands: `make run` and `make test`. `make help` lists the rest.
#
# PYTHON    interpreter that makes the environment (3.11 or newer)
# VENV      folder of the environment
# CORES     processor cores the workflow may use
# CONFIG    configuration file of the run
# PIP_ARGS  passed to pip: a mirror, a proxy, a wheel folder
# ARGS      passed to the scripts of test-cluster, test-faults and test-wheel
# TORCH     the build of torch: by default the tested one, for CPUs. For an NVIDIA GPU: `make run TORCH=torch` takes
#           the newest build that pip finds (with CUDA on Linux); any other requirement works as well.
PYTHON ?= python3
VENV ?= .venv
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
CONFIG ?= workflows/config/demo.yaml
PIP_ARGS ?=
ARGS ?=
TESTED_TORCH := $(shell grep "^torch==" constraints.txt)
TORCH ?= $(TESTED_TORCH)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)
SNAKEMAKE := PATH="$(abspath $(BIN)):$$PATH" $(BIN)/snakemake

.DELETE_ON_ERROR:
.PHONY: run test test-cluster test-docs test-faults test-fuzz test-wheel audit lint help clean docs site install

run: $(VENV)/.run-ready ## make the environment and run the workflow of CONFIG; ends in results/demo/report.html
	$(SNAKEMAKE) --profile workflows/profiles/local --cores $(CORES) --configfile $(CONFIG)

test: $(VENV)/.test-ready lint ## make the environment, run the linters and all tests: exactly what CI runs
	OMP_NUM_THREADS=1 PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-cluster: $(VENV)/.test-ready ## run the workflow on a real Slurm that is installed and started here (Debian, as root)
	MOLDIFF_TEST_RESULTS=results OMP_NUM_THREADS=1 PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.cluster $(ARGS)

test-docs: $(VENV)/.test-ready ## run every moldiff command and Python block of the documents, with fewer molecules
	OMP_NUM_THREADS=1 PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.docs $(ARGS)

test-faults: $(VENV)/.test-ready ## kill the workflow at 30 random moments and its commands at 60, rerun and compare (an hour)
	OMP_NUM_THREADS=1 PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.faults.kill $(or $(ARGS),30)
	OMP_NUM_THREADS=1 PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.faults.kill_commands 60

test-fuzz: $(VENV)/.test-ready ## read ten thousand broken files of each kind (ten minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults.fuzz $(or $(ARGS),10000)

test-wheel: $(VENV)/.test-ready ## build the wheel and try it in an environment of its own, outside the clone
	$(BIN)/python -m tests.wheel --python $(PYTHON) --torch '$(TORCH)' $(ARGS) -- $(PIP_ARGS)

audit: $(VENV)/audit/.ready ## ask the advisory database about the tested set and the lower bounds (needs a network)
	$(BIN)/python -m tests.audit $(VENV)/audit/bin/pip-audit

lint: $(VENV)/.test-ready ## run the linters and the type checker
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflows workflow
	$(SNAKEMAKE) --lint --configfile workflows/config/demo.yaml

docs: $(VENV)/.run-ready ## write the configuration reference and the JSON schema again
	$(BIN)/moldiff config docs > docs/configuration.md
	$(BIN)/python docs/write_metrics.py
	$(BIN)/moldiff config schema > workflows/config/schema.json

site: $(VENV)/.site-ready ## build the documentation site into site/, links checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

install: $(VENV)/.run-ready ## make the environment only

clean: ## remove the environment and caches; results/ stays
	rm -rf $(VENV) .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'error: moldiff needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The tested torch is a constraint like the others; another build lifts it.
$(VENV)/constraints.txt: $(BIN)/python constraints.txt
	if [ '$(TORCH)' = '$(TESTED_TORCH)' ]; then cat constraints.txt; else grep -v '^torch==' constraints.txt; fi > $@

$(VENV)/audit/.ready: $(BIN)/python
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) pip-audit
	touch $@

$(VENV)/.run-ready: $(VENV)/constraints.txt pyproject.toml
	$(PIP) --constraint $(VENV)/constraints.txt '$(TORCH)'
	$(PIP) --constraint $(VENV)/constraints.txt --editable .
	touch $@

$(VENV)/.test-ready: $(VENV)/.run-ready
	$(PIP) --constraint $(VENV)/constraints.txt --editable '.[test,xtb,slurm,posebusters,tensorboard]'
	touch $@

$(VENV)/.site-ready: $(VENV)/.run-ready
	$(PIP) --constraint $(VENV)/constraints.txt --editable '.[docs]'
	touch $@
