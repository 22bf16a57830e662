#!/bin/sh
# Takes the README's picture of the overview anew, with a day of sample data.
set -eu
cd "$(dirname "$0")/.."

missing=$(.venv/bin/python -m tests.servers)
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086  # one word is one package
  scripts/apt.sh $missing
fi

DATA_DIR=$(mktemp -d)
trap 'rm -rf "$DATA_DIR"' EXIT
export DATA_DIR DATABASE_URL="sqlite:///$DATA_DIR/callboard.sqlite"
export SECRET_KEY="a-key-that-is-only-good-for-a-picture"
.venv/bin/python -m tests.picture "${1:-docs/overview.png}"
