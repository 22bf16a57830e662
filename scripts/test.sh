#!/bin/sh
# The whole suite on SQLite and on PostgreSQL; arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."

missing=$(.venv/bin/python -m tests.servers)
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086  # one word is one package
  scripts/apt.sh $missing
fi

failed=
for engine in sqlite postgres; do
  echo "== $engine"
  TEST_ENGINE=$engine .venv/bin/python -m pytest "$@" </dev/null || failed="$failed $engine"
done
if [ -n "$failed" ]; then
  echo "Failed on:$failed" >&2
  exit 1
fi
