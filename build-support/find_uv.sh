#!/usr/bin/env bash
# Prints the path of uv: the one on PATH, or one installed into .tools/uv from the package index with pinned hashes.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

for candidate in "$(type -P uv || true)" "$root/.tools/uv/bin/uv"; do
  if [ -n "$candidate" ] && "$candidate" --version >/dev/null 2>&1; then echo "$candidate"; exit 0; fi
done
for python in python3 python; do
  "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 8))' 2>/dev/null || continue
  rm -rf "$root/.tools/uv"
  if "$python" -m venv "$root/.tools/uv" >&2 &&
    "$root/.tools/uv/bin/pip" install -q --disable-pip-version-check --require-hashes \
      -r "$root/3rdparty/python/uv/requirements.lock" >&2; then
    echo "$root/.tools/uv/bin/uv"
    exit 0
  fi
done
echo "uv could not be installed: a Python 3.8 or newer with the venv module, and a reachable package index, are needed." >&2
exit 1
