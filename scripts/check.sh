#!/bin/sh
# Style, types and who imports whom.
set -eu
cd "$(dirname "$0")/../"
.venv/bin/ruff format --check
.venv/bin/ruff check
.venv/bin/mypy
.venv/bin/lint-imports
