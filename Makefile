# What a contributor runs. Each target takes the tools of the virtual environment that is active.

.PHONY: check test-unit test coverage-floor coverage audit lock

check:  ## Everything that needs no server: format, lint, types, templates, scripts, migrations, settings.
	.ci/check

test-unit:  ## The tests that need no server.
	pytest tests/unit tests/docs

test:  ## All tests, with PostgreSQL, Redis, workers and Chromium.
	pytest

coverage-floor:  ## The floor of what unit tests run of blocks, expressions and the engine.
	.ci/coverage-floor

coverage:  ## All tests, and which lines they run.
	pytest --cov --cov-report=term:skip-covered

audit:  ## Known vulnerabilities of the locked packages.
	.ci/audit

lock:  ## Renews constraints.txt: the newest versions that pyproject.toml allows.
	uv pip compile pyproject.toml --extra test --extra ldap --universal --python-version 3.11 --upgrade \
	    --no-emit-index-url --no-annotate --custom-compile-command "make lock" \
	    --output-file constraints.txt
