# Everything a user types: make install, make run, make stop, make test. Quiet, and at once when nothing changed.
SHELL := /bin/bash
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: install run stop test lint fmt types imports bench docs lock clean

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "pankou: 需要 Python 3.11–3.13；请安装后再试，或用 make PYTHON=路径 指定 / needs Python 3.11-3.13; install one or name it: make PYTHON=path" >&2; exit 2; }
	@echo "pankou: 安装依赖，约一分钟 / installing what the lock file lists, about a minute"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock 2> .venv/pip.log || { cat .venv/pip.log >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . 2>> .venv/pip.log || { cat .venv/pip.log >&2; exit 1; }
	@touch $(STAMP)

run: install
	@$(BIN)/pankou run $(RUN_ARGS)

stop:
	@if test -x $(BIN)/pankou; then $(BIN)/pankou stop; else echo "pankou: 未安装，没有可停止的进程 / not installed, nothing to stop"; fi

test: install
	@$(BIN)/python -m pytest $(TEST_ARGS)

lint fmt types imports bench docs: install
	@$(BIN)/python -m nox -s $@ -- $(NOX_ARGS)

# The lock holds hashes for Linux and Windows and every supported Python, and names no index.
lock: install
	@$(BIN)/python -m nox -s lock

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
