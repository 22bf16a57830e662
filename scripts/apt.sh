#!/bin/sh
# Installs Debian packages as root, or says which ones are missing.
set -eu
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  {
    echo "This machine lacks: $*"
    echo "Install it first; on Debian, as root:"
    echo "  apt-get install --no-install-recommends $*"
  } >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "Installing $* …" >&2
apt-get update -qq
apt-get -o DPkg::Lock::Timeout=120 install -qq -y --no-install-recommends "$@" \
  </dev/null >/dev/null
