# Everything a person or CI runs. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SITE ?=
ARCHIVE ?= ./archive
STORE ?= directory
JOBS ?= 3
ROOMS := newsark crawler reading pipelines storage
# what the image of deploy/Containerfile can do beside the crawl
IMAGE_EXTRAS := alerts parquet postgresql replay serve timestamps

.DEFAULT_GOAL := help
.PHONY: help setup browser postgresql demo crawl test check bench lock docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# as pip does with what it installs: where Python may not write bytecode each start would compile 250 modules anew
setup: $(VENV)/.installed ## Make the environment in .venv, with all extras the tests need
	@$(BIN)/python -m compileall -q $(ROOMS)

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Newsark needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Crawl a sample newsroom on loopback into ./archive, or with STORE=s3 into a bucket, and show what came of it
	@$(BIN)/python -m tests.newsroom.demo --archive $(ARCHIVE) --store $(STORE)

crawl: setup ## Crawl a real newsroom: make crawl SITE=https://…
	@test -n "$(SITE)" || { echo 'Which newsroom? make crawl SITE=https://…'; exit 2; }
	@$(BIN)/newsark crawl "$(SITE)" --archive $(ARCHIVE)

browser: ## Install Debian's Chromium for the tests that look at pages
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } >/dev/null 2>&1 \
		|| echo 'NO BROWSER: Chromium cannot be installed here; tests of what people see will be skipped' >&2

postgresql: ## Install Debian's PostgreSQL for the tests of catalogues in it; they start a server of their own
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update -qq && apt-get install -qq -y --no-install-recommends postgresql; } >/dev/null 2>&1 \
		|| echo 'NO POSTGRESQL: it cannot be installed here; tests of catalogues in it will be skipped' >&2

test: setup browser postgresql ## Run the tests
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

check: setup ## Style, types, generated documents
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pipelines.schema --check docs

docs: setup ## Write the generated documents
	@$(BIN)/python -m pipelines.schema --write docs

bench: setup ## Measure; CORPUS=DIR measures on real pages too
	@$(BIN)/python benchmarks/crawl.py $(if $(CORPUS),--corpus $(CORPUS))
	@$(if $(CORPUS),$(BIN)/python benchmarks/extraction.py --corpus $(CORPUS),true)

lock: ## Pin the dependencies anew, with hashes
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --extra dev --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(addprefix --extra ,$(IMAGE_EXTRAS)) --constraint requirements.lock --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --output-file deploy/requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --constraint requirements.lock --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --output-file deploy/build.lock deploy/build.in

clean: ## Remove the environment and caches, never an archive
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build *.egg-info
