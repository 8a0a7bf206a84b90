# The doors of the project. `make run` and `make test` are all most people need; both prepare
# everything on first use (setup.sh) and take no time to do so afterwards.
.DEFAULT_GOAL := help
SHELL := /bin/bash -eu -o pipefail
BIN := .venv/bin
# One more than the smallest machine we test on has cores: stories in windows and browsers wait much of their
# time. `make test WORKERS=0` runs in one process.
WORKERS ?= 3
PYTEST_ARGS ?=
COVERED := app/domain/*,app/wire/*,offline_store/*,app/sync/*

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 16

.PHONY: setup setup-run setup-test
setup: setup-test  ## everything for running and testing
setup-run:  ## only what the till and its demo shop need; CAMERA=1 with camera support
	@CAMERA=$(CAMERA) ./setup.sh run
setup-test:  ## the same, plus Chromium, PostgreSQL and the checking tools
	@./setup.sh test

.PHONY: run
run: setup-run  ## open the demo shop; LAN=1 for real phones (without a display: play one sale, save its screens)
	@$(BIN)/guidepos demo $(if $(LAN),--lan) $(ARGS)

.PHONY: test lint types pytest coverage
test: setup-test lint types pytest coverage  ## every check
lint: setup-test  ## ruff: rules and format
	@echo "· ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
types: setup-test  ## mypy, strict
	@echo "· mypy"
	@$(BIN)/mypy
pytest: setup-test lint types
	@echo "· pytest"
	@rm -f .coverage .coverage.*
	@QT_QPA_PLATFORM=offscreen QT_QUICK_BACKEND=software \
	  $(BIN)/pytest -n $(WORKERS) --dist loadgroup --cov --cov-report= $(PYTEST_ARGS)
coverage: pytest
	@echo "· branch coverage of the parts that hold money"
	@$(BIN)/coverage report --fail-under=95 --include='$(COVERED)'

.PHONY: test-core
test-core: setup-test  ## unit, store, sync and cloud tests with PySide6 made unimportable
	@$(BIN)/pytest -p no:pytest-qt -p tests.architecture.without_qt -n $(WORKERS) \
	  -o addopts="--strict-markers --import-mode=importlib" -W ignore::pytest.PytestConfigWarning \
	  $(wildcard tests/unit tests/store tests/sync tests/cloud) $(PYTEST_ARGS)

.PHONY: torture reliability
torture: setup-test  ## every fault harness in its long profile, at most an hour; PUBLISH=1 keeps the counts for the docs
	@$(BIN)/python -m tests.torture $(if $(PUBLISH),--publish) $(ARGS)
	@$(if $(PUBLISH),$(BIN)/python -m tests.torture.reliability)
reliability: setup-test  ## write docs/RELIABILITY.md from the tests that inject faults
	@$(BIN)/python -m tests.torture.reliability

.PHONY: bench
bench: setup-run  ## the figures of the README, on this machine
	@$(BIN)/guidepos bench $(ARGS)
.PHONY: bench-cloud
bench-cloud: setup-test  ## the cloud on a private PostgreSQL: many tills at once, and one with 100,000 sales
	@$(BIN)/guidepos bench --cloud $(ARGS)

.PHONY: freeze
freeze: setup-test  ## build the one-folder till into dist/guidepos
	@$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath dist --workpath build/freeze build.spec
	@du -sh dist/guidepos

# picture: screen, language, theme
PICTURES := sell_zh_light:cart:zh_CN:light pay_zh_dark:pay:zh_CN:dark matrix_zh_light:matrix:zh_CN:light \
  camera_zh_light:camera:zh_CN:light done_en_light:done:en:light my_sales_zh_light:my_sales:zh_CN:light network_en_dark:network:en:dark
.PHONY: screenshots
screenshots: setup-run  ## the pictures of the documentation, into docs/pictures
	@for picture in $(PICTURES); do IFS=: read -r name screen lang theme <<<"$$picture"; \
	  echo "· $$name"; \
	  $(BIN)/guidepos screenshot $$screen --lang $$lang --theme $$theme --out docs/pictures/$$name.png; done

.PHONY: constraints
constraints: setup-test  ## write constraints.txt from the virtual environment as it stands
	@{ echo "# Every package the checks last passed with. Written by make constraints; names no source."; \
	  $(BIN)/python -m pip list --format=freeze --exclude-editable \
	    --exclude pip --exclude setuptools --exclude wheel | LC_ALL=C sort -f; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt
	@$(BIN)/python -m pip check

.PHONY: clean
clean:  ## remove what was built; keeps .venv
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
