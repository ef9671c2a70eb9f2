# Everything a user types: make install, make run, make stop, make test. Quiet, and at once when nothing changed.
# A failed command makes make exit with 2, whatever its own exit code was; make prints that code, and
# .venv/bin/pankou, called without make, passes it on.
SHELL := /bin/bash
BIN := .venv/bin
STAMP := .venv/.installed
EXTRAS := .venv/.extras
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
VERSION := import sys; print(*sys.version_info[:2])
CHECKS := fmt lint types imports tests simulate bench docs long_run fuzz roles crashpoints kills frames pauses bugs farm

.PHONY: install run stop test lock clean $(CHECKS)

install: $(STAMP)

# Scripts in a virtual environment name its folder: after the checkout was moved, everything is made again.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif
# So it is when PYTHON names another version than the one in use.
ifneq ($(PYTHON),)
ifneq ($(shell $(PYTHON) -c '$(VERSION)' 2>/dev/null),$(shell $(BIN)/python -c '$(VERSION)' 2>/dev/null))
.PHONY: $(STAMP)
endif
endif

$(STAMP): requirements.lock pyproject.toml
	@for name in $${PYTHON:-python3 python3.13 python3.12 python3.11}; do \
	  if "$$name" -c '$(SUPPORTED)' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if test -z "$${python:-}"; then \
	  echo "pankou: 需要 Python 3.11–3.13；请安装后再试，或用 make PYTHON=路径 指定 / needs Python 3.11-3.13; install one, or name it: make PYTHON=path" >&2; exit 2; \
	fi; \
	echo "pankou: 安装锁定的依赖，约一分钟 / installing what the lock file lists, about a minute"; \
	have=$$($(BIN)/python -m pip --version >/dev/null 2>&1 && $(BIN)/python -c '$(VERSION)'); \
	want=$$have; if test -n "$${PYTHON:-}"; then want=$$("$$python" -c '$(VERSION)'); fi; \
	made_in=$$(cat $(STAMP) 2>/dev/null || echo "$(CURDIR)"); \
	if test -z "$$have" || test "$$have" != "$$want" || test "$$made_in" != "$(CURDIR)"; then \
	  "$$python" -m venv --clear .venv || exit 1; \
	fi
	@{ $(PIP) install --no-compile --require-hashes -r requirements.lock && $(PIP) install --no-deps --no-build-isolation --no-index -e . ; } > .venv/pip.log 2>&1 || { cat .venv/pip.log >&2; exit 1; }
	@echo "$(CURDIR)" > $(STAMP)

run: install
	@$(BIN)/pankou run $(RUN_ARGS)

stop:
	@if test -x $(BIN)/pankou; then $(BIN)/pankou stop; else echo "pankou: 未安装，没有可停止的进程 / not installed, nothing to stop"; fi

# What starts no process runs on several cores, the rest alone: it measures silence and lives by the clock.
# TEST_ARGS chooses tests and is run as it is.
test: install $(EXTRAS)
ifneq ($(TEST_ARGS),)
	@$(BIN)/python -m pytest $(TEST_ARGS)
else
	@failed=0; \
	$(BIN)/python -m pytest -m "not process" -n auto --maxprocesses 4 --dist loadfile || failed=1; \
	$(BIN)/python -m pytest -m process || failed=1; \
	exit $$failed
endif

# The optional extras, the vendor's library among them: only tests want them all. Where they are not to be had, those skip.
$(EXTRAS): $(STAMP) requirements-extras.lock
	@echo "pankou: 安装测试用的可选依赖 / installing the optional extras that tests use"
	@if $(PIP) install --no-compile --require-hashes --retries 1 -r requirements-extras.lock > .venv/pip-extras.log 2>&1; then touch $@; \
	else echo "pankou: 可选依赖装不上，用到它们的测试会跳过；原因见 .venv/pip-extras.log / the extras cannot be installed, tests that use them are skipped; why: .venv/pip-extras.log" >&2; fi

$(CHECKS): install
	@$(BIN)/python -m nox -s $@ -- $(NOX_ARGS)

# Resolves anew what the lock files do not pin yet; all of it with: make lock NOX_ARGS=--upgrade
lock: install
	@$(BIN)/python -m nox -s lock -- $(NOX_ARGS)

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
