# `make` lists the targets. Everything they install or write is in .venv/ and var/.

PORT ?= 8000
PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
PACKAGES := kit accounts projects sla tickets events notifications analytics contracts demo ticketing

# A whole run is shared among the cores; one that ARGS narrows starts sooner in a single process.
WORKERS := $(if $(ARGS),,-n auto)

.DEFAULT_GOAL := help
.PHONY: help run test e2e lint bench format requirements

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

# `exec`, so that a signal for make reaches the server itself and not a shell around it.
run: export DEMO = on
run: .venv/requirements.txt ## Serve the demo at http://127.0.0.1:8000 (PORT=8001 for another)
	@exec $(PY) manage.py serve --demo --port $(PORT)

test: .venv/requirements-dev.txt ## Run the tests (ARGS="-k assign" for some)
	@$(PY) -m pytest $(WORKERS) $(ARGS)

e2e: .venv/requirements-dev.txt ## Spend people's days in a real browser (pictures in var/e2e/)
	@command -v chromium chromium-browser google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing Chromium …" && apt-get update -qq && apt-get install -qq --no-install-recommends chromium >/dev/null; } || \
	    { echo "Chromium is missing. On Debian and Ubuntu: apt install chromium"; exit 1; }
	@$(PY) -m pytest e2e $(ARGS)

# The first few need no database, so they are given one that they never ask. The second check is of production.
lint: export DEMO = on
lint: export DEBUG = off
lint: .venv/requirements-dev.txt ## Check style, types, migrations, settings and the API's schema
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	DATABASE_URL=postgres://unused/unused $(PY) -m mypy $(PACKAGES) benchmarks
	DATABASE_URL=postgres://unused/unused $(PY) manage.py check --fail-level WARNING
	@echo manage.py check --deploy
	@DEMO=off DATABASE_URL=postgres://unused/unused ALLOWED_HOSTS=tickets.example.com STAFF_SIGNUP=off RATE_LIMITS=on \
	    EMAIL_URL=smtp://mail.example.com MAIL_FROM=tickets@example.com SITE_URL=https://tickets.example.com \
	    SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	    $(PY) manage.py check --deploy --fail-level WARNING
	DATABASE_URL=postgres://unused/unused $(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(PY) manage.py makemigrations --check --dry-run

bench: .venv/requirements-dev.txt ## Measure how fast the box office sells (a few minutes; a storm: ARGS=storm)
	@$(PY) -m benchmarks.$(or $(ARGS),bookings)

format: .venv/requirements-dev.txt ## Format the code and sort its imports
	$(PY) -m ruff check --select I --fix .
	$(PY) -m ruff format .

requirements: $(PY) ## Pin the newest versions that requirements*.in allow
	@$(PIP) uv
	@for name in requirements requirements-dev; do \
	    UV_CUSTOM_COMPILE_COMMAND="make requirements" $(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	        --fork-strategy fewest --no-emit-index-url --no-emit-find-links $$name.in --output-file $$name.txt || exit 1; \
	done

$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "Ticketing needs $(PYTHON), 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Ticketing needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv --clear .venv >/dev/null || { rm -rf .venv; \
	    echo "$(PYTHON) has no complete venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }

# Each of these is a copy of what was installed last: a checkout that only touches the file installs nothing.
.venv/requirements.txt: requirements.txt $(PY)
	@cmp -s $< $@ || { echo "Installing what Ticketing needs into .venv (about a minute) …"; $(PIP) -r $<; }
	@cp $< $@

.venv/requirements-dev.txt: requirements-dev.txt .venv/requirements.txt
	@cmp -s $< $@ || { echo "Installing what working on it needs …"; $(PIP) -r $<; }
	@cp $< $@
