# Podium's verbs. They need Python 3.11 or newer and make; whatever else they need comes into .venv.

UV_VERSION := 0.13.8
BIN := .venv/bin
READY := .venv/ready
SDKS := .venv-sdks
SDKS_READY := $(SDKS)/ready
JS := .venv-js
JS_READY := $(JS)/ready
WORKER := .venv-worker
WORKER_READY := $(WORKER)/ready
CONFIG := deploy/ray/worker.yaml
BROWSER_READY := .venv/browser

.PHONY: demo test up install check cards bench worker test-worker

demo: $(READY)
	@$(BIN)/podium demo

# A file's tests stay together, or both processes would start what a whole file shares.
test: install
	@$(BIN)/pytest -n 2 --dist loadfile

up: $(READY)
	@$(BIN)/podium up

install: $(READY) $(SDKS_READY) $(JS_READY) $(BROWSER_READY)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && set -ex \
		&& export PODIUM_DATABASE_URL="sqlite+aiosqlite:///$$folder/podium.db" \
		&& $(BIN)/alembic upgrade head && $(BIN)/alembic check && $(BIN)/alembic downgrade -1
	$(BIN)/pytest -q tests/adapters/test_cards.py

# After a change of ProviderCard: the schema by which editors check cards.
cards: $(READY)
	$(BIN)/python -c "from adapters.registry import CATALOG_DIR, card_schema; (CATALOG_DIR / 'schema.json').write_text(card_schema())"

bench: $(READY)
	@$(BIN)/python -m benchmarks

# The worker of deploy/ray on this machine, until it is interrupted; another configuration: make worker CONFIG=mine.yaml
worker: $(WORKER_READY)
	@cd deploy/ray && RAY_USAGE_STATS_ENABLED=0 $(CURDIR)/$(WORKER)/bin/serve run $(abspath $(CONFIG))

# Not a part of `make test`: torch and Ray are gigabytes, with CUDA several more.
test-worker: $(READY) $(WORKER_READY)
	@cd deploy/ray && $(CURDIR)/$(WORKER)/bin/python -m pytest

# uv is quicker, but it does not read pip's configuration (a mirror, a folder of wheels): where it finds no package, pip
# installs the same pins by the same hashes.
$(READY): requirements.lock pyproject.toml
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then $(FIND_PYTHON); "$$python" -m venv --clear .venv; fi
	@echo "Installing what requirements.lock pins into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The vendors' libraries judge our simulated providers. They are apart: what they pin is theirs, and we run on none.
$(SDKS_READY): requirements-sdks.lock | $(READY)
	@echo "Installing what requirements-sdks.lock pins into $(SDKS) …"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(SDKS)
	@$(BIN)/uv pip install --quiet --python $(SDKS)/bin/python --require-hashes -r requirements-sdks.lock \
		|| $(BIN)/python -m pip --python $(SDKS)/bin/python install --quiet --disable-pip-version-check \
			--require-hashes -r requirements-sdks.lock
	@touch $@

# Where there is no GPU and pip is configured to find torch's build for the CPU, that one is taken; else the index's own,
# which for Linux brings CUDA along.
$(WORKER_READY): requirements-worker.lock requirements-worker-torch.lock requirements-worker-torch-cpu.lock | $(READY)
	@echo "Installing what requirements-worker.lock pins into $(WORKER) …"
	@$(BIN)/uv venv --quiet --clear --seed --python $(BIN)/python $(WORKER)
	@$(BIN)/uv pip install --quiet --no-deps --python $(WORKER)/bin/python --require-hashes -r requirements-worker.lock \
		|| $(WORKER)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
			-r requirements-worker.lock
	@{ ! command -v nvidia-smi && $(WORKER)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
			--require-hashes -r requirements-worker-torch-cpu.lock; } >/dev/null 2>&1 \
		|| $(BIN)/uv pip install --quiet --python $(WORKER)/bin/python --require-hashes -r requirements-worker-torch.lock \
		|| $(WORKER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
			-r requirements-worker-torch.lock
	@touch $@

# fal's JavaScript client judges our fal door. Where there is no npm, or it reaches nothing, its test is skipped.
$(JS_READY): tests/sdks_doors/package-lock.json
	@mkdir -p $(JS) && cp tests/sdks_doors/package.json tests/sdks_doors/package-lock.json $(JS)
	@if command -v npm >/dev/null; then \
		echo "Installing what tests/sdks_doors/package-lock.json pins into $(JS) …"; \
		npm ci --prefix $(JS) --silent --no-audit --no-fund && touch $@ || echo "npm could not install it" >&2; \
	else echo "There is no npm: the test with fal's JavaScript client is skipped" >&2; fi

# The dashboard is tested in Chromium: one that is here, else Playwright's own, else Debian's. Where none can be had those
# tests are skipped, and say why; with CI set they fail instead.
$(BROWSER_READY): | $(READY)
	@if [ -n "$$PODIUM_CHROMIUM" ] || $(BIN)/python -c 'import sys; from benchmarks.browser import is_here; sys.exit(not is_here())'; \
	then touch $@; \
	else echo "Fetching Chromium for the dashboard's tests …"; \
		if [ "$$(id -u)" = 0 ]; then with="--with-deps"; fi; \
		if timeout 600 $(BIN)/playwright install $$with chromium >/dev/null 2>&1 \
			|| { [ "$$(id -u)" = 0 ] && apt-get install -y -qq chromium >/dev/null 2>&1; }; then touch $@; \
		else echo "No Chromium could be had: the dashboard's tests in a browser are skipped" >&2; fi; fi

# The first Python that is new enough and can make a virtual environment; pyenv's names exist without working, so each
# is tried.
define FIND_PYTHON
python=; bare=; \
for name in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		if "$$name" -c 'import ensurepip, venv' 2>/dev/null; then python=$$name; break; fi; bare=$$name; \
	fi; \
done; \
if [ -z "$$python" ] && [ -n "$$bare" ]; then \
	echo "$$bare cannot make a virtual environment: install its venv package (on Debian or Ubuntu: apt install python3-venv)" >&2; exit 1; \
fi; \
if [ -z "$$python" ]; then echo "Podium needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python" >&2; exit 1; fi
endef
