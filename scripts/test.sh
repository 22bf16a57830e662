#!/bin/sh
# Installs what the tests need, and runs them; arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."

missing=$(.venv/bin/python -m tests.servers)
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086  # one word is one package
  scripts/apt.sh $missing
fi

# Code for receivers is run in the languages that are there; the summary names the rest.
languages=$(.venv/bin/python -m tests.servers languages)
if [ -n "$languages" ]; then
  # shellcheck disable=SC2086
  scripts/apt.sh $languages || true
fi
exec .venv/bin/python -m tests "$@"
