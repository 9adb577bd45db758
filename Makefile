# `make` lists the targets. They install and write only in .venv/ and var/.

PORT ?= 8000
PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
PACKAGES := kit accounts projects sla tickets events changes notifications webhooks analytics contracts demo ticketing

# Run the tests on all cores, except single files and -k, which start faster in one process. A core without work takes
# over some of another's, because a few tests take minutes.
WORKERS := $(if $(filter -k %.py,$(ARGS))$(findstring ::,$(ARGS)),,-n auto --dist worksteal)
# Each process of the browser tests serves a site and runs a browser, so two are enough.
BROWSER_WORKERS := $(if $(filter -k %.py,$(ARGS))$(findstring ::,$(ARGS)),,-n 2 --dist worksteal)
# CI's log lists the slowest tests.
DURATIONS := $(if $(CI),--durations=25)

.DEFAULT_GOAL := help
.PHONY: help run test e2e clients lint bench deploy cluster-test dist audit sbom format requirements npm

help: ## List the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

# `exec` replaces the shell, so that signals sent to make reach the server.
run: export DEMO = on
run: .venv/requirements.txt ## Serve the demo at http://127.0.0.1:8000 (PORT=8001 for another port)
	@exec $(PY) manage.py serve --demo --port $(PORT)

test: .venv/requirements-dev.txt ## Run the tests (ARGS="-m 'not slow'" leaves out the slow ones)
	@$(PY) -m pytest $(WORKERS) $(DURATIONS) $(ARGS)

e2e: .venv/requirements-dev.txt ## Run the browser tests (screenshots in var/e2e/)
	@command -v chromium chromium-browser google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing Chromium …" && apt-get update -qq && apt-get install -qq --no-install-recommends chromium >/dev/null; } || \
	    { echo "Chromium is missing. On Debian and Ubuntu: apt install chromium"; exit 1; }
	@$(PY) -m pytest e2e --ignore=e2e/clients $(BROWSER_WORKERS) $(DURATIONS) $(ARGS)

DEPLOYED := nginx-light caddy pgbouncer prometheus postgresql postgresql-client pgbackrest python3-venv curl openssl iproute2
deploy: .venv/requirements-dev.txt ## Try the files in deploy/ with Debian's servers, and run every command of docs/operations.md
	@dpkg-query --show $(DEPLOYED) >/dev/null 2>&1 || \
	    { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing $(DEPLOYED) …" && \
	    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && apt-get update -qq && \
	    apt-get install -qq --no-install-recommends $(DEPLOYED) >/dev/null; \
	    status=$$?; rm -f /usr/sbin/policy-rc.d; exit $$status; } || \
	    { echo "Packages are missing. On Debian: apt install $(DEPLOYED)"; exit 1; }
	@$(PY) -m pytest deploy $(ARGS)

# The last commit. A commit that is no release is named in the version.
dist: ## Pack a release for deploy/install.sh (in dist/)
	@version=$$(cat VERSION); commit=$$(git rev-parse --short HEAD); \
	    [ "$$(git tag --points-at HEAD --list "v$$version")" ] || version=$$version+$$commit; \
	    mkdir -p dist && echo "$$version" > dist/VERSION && \
	    git archive --prefix="ticketing-$$version/" --add-file=dist/VERSION --output="dist/ticketing-$$version.tar.gz" HEAD && \
	    rm dist/VERSION && echo "dist/ticketing-$$version.tar.gz"

cluster-test: .venv/requirements-dev.txt ## Send 20,000 requests to several servers while one after another fails
	@$(PY) -m deploy.cluster --requests 20000 $(ARGS)

clients: .venv/requirements-dev.txt npm ## Generate API clients in Python and TypeScript, and try them (in var/clients/)
	@$(PY) -m pytest e2e/clients $(ARGS)

# Most of these need no database and get a URL that is never used. `check --deploy` uses production settings.
lint: export DEMO = on
lint: export DEBUG = off
lint: .venv/requirements-dev.txt ## Check style, types, imports, migrations, settings and the API's schema
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	.venv/bin/lint-imports --no-logo
	DATABASE_URL=postgres://unused/unused $(PY) -m mypy $(PACKAGES) benchmarks
	DATABASE_URL=postgres://unused/unused $(PY) manage.py check --fail-level WARNING
	@echo manage.py check --deploy
	@DEMO=off DATABASE_URL=postgres://unused/unused ALLOWED_HOSTS=tickets.example.com STAFF_SIGNUP=off RATE_LIMITS=on \
	    EMAIL_URL=smtp://mail.example.com MAIL_FROM=tickets@example.com SITE_URL=https://tickets.example.com \
	    SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	    ENCRYPTION_KEYS="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	    $(PY) manage.py check --deploy --fail-level WARNING
	DATABASE_URL=postgres://unused/unused $(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(PY) manage.py makemigrations --check --dry-run

bench: .venv/requirements-dev.txt $(if $(ARGS),,npm) ## Compare the speed with a bare Express service (8 minutes; ARGS=million for a million tickets, batch, worker, webhooks, storm, hostile)
	@$(PY) -m benchmarks.$(or $(ARGS),ratios)

audit: .venv/requirements-dev.txt ## Look for known vulnerabilities and unwanted licences in the dependencies
	@.ci/audit

sbom: .venv/requirements.txt ## List the dependencies in CycloneDX format (var/sbom.json)
	@.ci/audit sbom

format: .venv/requirements-dev.txt ## Format the code and sort its imports
	$(PY) -m ruff check --select I --fix .
	$(PY) -m ruff format .

requirements: $(PY) ## Pin the latest versions that requirements*.in allow
	@$(PIP) uv
	@for name in requirements requirements-telemetry requirements-dev requirements-audit; do \
	    UV_CUSTOM_COMPILE_COMMAND="make requirements" $(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	        --fork-strategy fewest --no-emit-index-url --no-emit-find-links $$name.in --output-file $$name.txt || exit 1; \
	done

npm:
	@command -v npm >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing npm …" && apt-get update -qq && apt-get install -qq --no-install-recommends npm >/dev/null; } || \
	    { echo "npm is missing. On Debian and Ubuntu: apt install npm"; exit 1; }

$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "Ticketing needs $(PYTHON), 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Ticketing needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv --clear .venv >/dev/null || { rm -rf .venv; \
	    echo "$(PYTHON) has no complete venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }

# Copies of the requirements last installed. If only a file's timestamp changed, nothing is installed.
.venv/requirements.txt: requirements.txt $(PY)
	@cmp -s $< $@ || { echo "Installing dependencies into .venv (about a minute) …"; $(PIP) -r $<; }
	@cp $< $@

.venv/requirements-dev.txt: requirements-dev.txt .venv/requirements.txt
	@cmp -s $< $@ || { echo "Installing development dependencies …"; $(PIP) -r $<; }
	@cp $< $@
