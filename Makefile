# Everything a developer does is one command; `make` alone lists them.
# Needed on the machine: Python 3.13, make, and a way to PyPI. Everything else is installed below the repository.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# Tests start processes by the hundred: each would compile its libraries anew where bytecode may not be kept.
export PYTHONDONTWRITEBYTECODE :=
.PHONY: help up down demo mails test test-stack test-description \
	check check-style check-types check-description check-template openapi bench bench-documents bench-export bench-liability bench-refusals planted-bugs costs sam-local deploy tenant access verify-ledger lock environments

# Any name under which a Python 3.13 may be found; `make PYTHON=/path/to/python3.13 up` settles it.
PYTHON ?= $(shell for each in python3.13 python3 python "$$(pyenv prefix 3.13 2>/dev/null)/bin/python" \
	"$$(uv python find 3.13 2>/dev/null)"; do \
	if "$$each" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then echo "$$each"; break; fi; done)

# An environment is current when it was filled from this very file: the stamp's name carries its checksum.
checksum = $(shell cksum < $(1) | tr ' ' '-')
TOOLS := .till/venvs/tools
TOOLS_STAMP = $(TOOLS)/.filled-$(call checksum,requirements/tools.txt)
DEV_STAMP = .venv/.filled-$(call checksum,requirements/dev.txt)
SAM_STAMP = .till/venvs/sam/.filled-$(call checksum,requirements/sam.txt)
EMULATOR_STAMP = .till/venvs/emulator/.filled-$(call checksum,requirements/emulator.txt)

PY := .venv/bin/python
SAM := .till/venvs/sam/bin/sam
# `sam build` finds Python 3.13 and uv here; it reports nothing about us.
ON_PATH = PATH="$(CURDIR)/.venv/bin:$(CURDIR)/$(TOOLS)/bin:$$PATH" SAM_CLI_TELEMETRY=0

TENANT ?= ten_main
NAME ?= Main Shop
FUNCTION ?= V2GetHealth

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

up: environments ## start the whole shop on this machine; Ctrl-C stops it, its data stays
	@$(PY) -m local.up

down: $(DEV_STAMP) ## stop a running `make up`; FRESH=1 also forgets its data
	@$(PY) -m local.down $(if $(filter 1 yes true,$(FRESH)),--fresh)

demo: $(DEV_STAMP) ## buy something in the running shop, step by step
	@$(PY) -m local.demo

mails: $(DEV_STAMP) ## show the newest mails that the running shop sent
	@$(PY) -m local.mails $(OPTIONS)

test: check environments ## everything: checks, unit tests, then tests against the local stack
	@echo "== rules, endpoints, the wire, and the Stripe stand-in: moto, each process in one thread"
	@$(PY) -m pytest -n 2 tests/unit tests/endpoints tests/contract tests/standin
	@echo "== every route, and deaths and lost answers at every call: an emulator to each process"
	@$(PY) -m pytest -n 2 --dist loadfile tests/faults tests/matrix
	@echo "== the deployed template over HTTP: two whole local stacks, which start by themselves and report at their end"
	@$(MAKE) --no-print-directory --jobs 2 --keep-going $(IN_BLOCKS) test-stack test-description

test-stack:
	@$(PY) -m pytest -v tests/integration --ignore tests/integration/test_schema.py

test-description:
	@$(PY) -m pytest -v tests/integration/test_schema.py

check: environments ## lint, format, types, template, API description
	@$(MAKE) --no-print-directory --jobs 4 --keep-going $(IN_BLOCKS) check-style check-types check-description check-template

# At the same time, and where make can do so the output of one after that of another.
IN_BLOCKS = $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

check-style:
	@echo "== ruff" && $(PY) -m ruff check .
	@$(PY) -m ruff format --check .

check-types:
	@echo "== mypy" && $(PY) -m mypy layers/common/commerce functions local tests benchmarks

check-description:
	@echo "== API description" && $(PY) local/generate_openapi.py --check

check-template:
	@echo "== template" && .venv/bin/cfn-lint template.yaml
	@$(ON_PATH) AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint

openapi: $(DEV_STAMP) ## write openapi.yaml, the API reference, docs/events.md and the picture in docs/returns.md from the code
	@$(PY) local/generate_openapi.py
	@$(PY) local/generate_events.py
	@$(PY) local/draw_returns.py

bench: environments ## measure calls, units, milliseconds and memory per endpoint
	@$(PY) -m benchmarks

bench-refusals: $(DEV_STAMP) ## can a stranger tell by the clock why a gift card was refused? medians of 1,000 calls
	@$(PY) -m benchmarks.refusal_timing

planted-bugs: $(DEV_STAMP) ## do the tests bite? plant bugs in a copy, one at a time, and run the tests that know
	@$(PY) -m benchmarks.planted_bugs

bench-export: $(DEV_STAMP) ## measure the export of 100,000 products: rows a second, peak memory; both files are read back
	@$(PY) -m benchmarks.exports

bench-documents: $(DEV_STAMP) ## measure the PDFs of a 300-line invoice and a 200-order pick list: seconds, peak memory
	@$(PY) -m benchmarks.documents $(OPTIONS)

bench-liability: $(DEV_STAMP) ## measure the daily export of 100,000 gift cards: rows a second, peak memory
	@$(PY) -m benchmarks.liability

costs: $(DEV_STAMP) ## what each endpoint and one whole order cost on AWS, from counted calls and a dated price list
	@$(PY) -m benchmarks --costs

sam-local: environments ## run one function under `sam local invoke` (needs Docker): FUNCTION=V2GetHealth
	@$(PY) -m local.sam_local $(FUNCTION) $(OPTIONS)

deploy: environments ## deploy to your AWS account, with questions
	@$(ON_PATH) $(SAM) build
	@$(ON_PATH) $(SAM) deploy --guided

tenant: $(DEV_STAMP) ## create a tenant with its first owner key on AWS: TABLE=… TENANT=ten_main NAME="Main Shop"
	@test -n "$(TABLE)" || { echo 'Say which table: make tenant TABLE=… (the stack output TableName)'; exit 2; }
	@$(PY) -m local.create_tenant --table "$(TABLE)" --tenant "$(TENANT)" --name "$(NAME)" $(OPTIONS)

access: $(DEV_STAMP) ## say which app clients and staff a tenant has: TABLE=… POOL=… TENANT=… OPTIONS="…"
	@$(PY) -m local.manage_access --table "$(TABLE)" --user-pool "$(POOL)" --tenant "$(TENANT)" $(OPTIONS)

verify-ledger: $(DEV_STAMP) ## derive every balance from the ledger and compare: TABLE=… TENANT=… MODE=live (none: local shop)
	@$(PY) -m local.verify_ledger $(if $(TABLE),--table "$(TABLE)") $(if $(MODE),--mode "$(MODE)") \
		$(if $(filter command environment,$(origin TENANT)),--tenant "$(TENANT)") $(OPTIONS)

lock: $(TOOLS_STAMP) ## pin the newest versions that the requirement files allow
	@for each in layers/common/requirements layers/documents/requirements requirements/dev requirements/sam requirements/emulator requirements/tools; do \
		echo "$$each.txt" && (cd "$$(dirname "$$each")" && "$(CURDIR)/$(TOOLS)/bin/uv" pip compile --quiet --upgrade \
		--universal --python-version 3.13 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
		--no-annotate "$$(basename "$$each").in" --output-file "$$(basename "$$each").txt"); done

environments: $(DEV_STAMP) $(SAM_STAMP) $(EMULATOR_STAMP)

define fill
	@began=$$SECONDS; echo "Installing $(1) …"; \
	if [ ! -x $(1)/bin/python ]; then $(TOOLS)/bin/uv venv --quiet --python "$(PYTHON)" $(1); fi; \
	$(TOOLS)/bin/uv pip sync --quiet --require-hashes --python $(1)/bin/python $(2); \
	rm -f $(1)/.filled-*; touch $@; echo "  $(1): $$((SECONDS - began)) s"
endef

$(DEV_STAMP): $(TOOLS_STAMP)
	$(call fill,.venv,requirements/dev.txt)

$(SAM_STAMP): $(TOOLS_STAMP)
	$(call fill,.till/venvs/sam,requirements/sam.txt)

$(EMULATOR_STAMP): $(TOOLS_STAMP)
	$(call fill,.till/venvs/emulator,requirements/emulator.txt)

$(TOOLS_STAMP):
	@if [ -z "$(PYTHON)" ]; then \
		echo "Till needs Python 3.13, and no command here is one (tried python3.13, python3, python, pyenv, uv)."; \
		echo "Install it from https://www.python.org/downloads/ or your system's packages, then try again,"; \
		echo "or name it: make PYTHON=/path/to/python3.13 …"; exit 2; fi
	@mkdir -p .till
	@"$(PYTHON)" -m venv --clear $(TOOLS) || { \
		echo "This Python cannot make virtual environments; some systems package that apart (python3.13-venv)."; exit 2; }
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@touch $@
