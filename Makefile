# make run   a demo with a working dashboard        make test   every test
# Steps whose inputs did not change are skipped; .stamps/ remembers them.

PYTHON ?= python3
ARGS ?=
STAMPS := .stamps
BIN := .venv/bin
FIGURES := bench/check_track.py bench/aggregate.py
PROGRAMS := examples/quickstart_node tests/clients/atmn
RULES := src/sumac/billing/rules/*
NPM := $(BIN)/python -m tools.npm
SERVER := $(shell find src/sumac -name '*.py')
SCREENS := $(shell find dashboard -type f -not -path '*/node_modules/*' -not -name openapi.json -not -name schema.d.ts)

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench pictures clean

help: ## this list
	@echo "Sumac: customers, plans, usage and invoices"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(STAMPS)/dashboard ## install everything the demo needs and build the dashboard

run: setup ## start a demo; options go in ARGS="--port 9000"
	@exec $(BIN)/sumac demo $(ARGS)

test: setup $(STAMPS)/machine $(STAMPS)/examples ## run every test, on SQLite and PostgreSQL, with a browser
	@$(NPM) test
	@$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term $(ARGS)
	@$(BIN)/python -m coverage report --include='$(RULES)' --skip-covered --fail-under=100

check: $(STAMPS)/python $(STAMPS)/client ## style, types, contracts, spelling
	@$(BIN)/python -m tools.check

bench: setup ## measure, each figure against a ceiling of this machine
	@for script in $(FIGURES); do $(BIN)/python $$script $(ARGS) || exit 1; done

pictures: setup $(STAMPS)/machine ## take the documents' pictures of the dashboard anew
	@$(BIN)/python -m tools.pictures

clean: ## forget what was installed and built
	rm -rf .venv $(STAMPS) dashboard/node_modules src/sumac/pages/dashboard

$(STAMPS):
	@mkdir -p $@

$(STAMPS)/python: requirements-dev.lock pyproject.toml | $(STAMPS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Sumac needs Python 3.11 or later: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing Python packages (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/node: dashboard/package.json dashboard/package-lock.json $(STAMPS)/python
	@echo "Installing the dashboard's packages (once, about half a minute)"
	@$(NPM) ci --loglevel=error
	@touch $@

$(STAMPS)/openapi: $(SERVER) $(STAMPS)/python
	@$(BIN)/sumac openapi > dashboard/openapi.json.new
	@cmp -s dashboard/openapi.json.new dashboard/openapi.json \
		&& rm dashboard/openapi.json.new || mv dashboard/openapi.json.new dashboard/openapi.json
	@touch $@

dashboard/openapi.json: $(STAMPS)/openapi ;

$(STAMPS)/client: dashboard/openapi.json $(STAMPS)/node
	@$(NPM) run --silent generate > /dev/null
	@touch $@

$(STAMPS)/dashboard: $(SCREENS) $(STAMPS)/client
	@echo "Building the dashboard"
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@

$(STAMPS)/examples: $(PROGRAMS:%=%/package.json) $(PROGRAMS:%=%/package-lock.json) $(STAMPS)/python
	@for program in $(PROGRAMS); do $(NPM) ci --loglevel=error --prefix ../$$program || exit 1; done
	@touch $@

$(STAMPS)/machine: tools/machine.py $(STAMPS)/python
	@$(BIN)/python -m tools.machine
	@touch $@
