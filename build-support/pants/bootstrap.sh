#!/usr/bin/env bash
# Installs Pants from the package index, and builds the one file that Pants would fetch from GitHub: the `pex` PEX.
# Both are pinned by hash; the second is byte-reproducible.
set -euo pipefail
umask 022
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools="$root/.tools"
pex_version=2.60.2
pex_sha256=436df58dc29242d17ef000973d3c2d503029bb59b626e364b6a00137819bbbff
requirements="$root/build-support/pants/requirements.txt"
stamp="$tools/pants.stamp"

mkdir -p "$tools"
# Two terminals may start Pants at the same time in a fresh clone.
exec 9>"$tools/bootstrap.lock"
command -v flock >/dev/null && flock 9

if [ "$(cat "$stamp" 2>/dev/null)" != "$(sha256sum <"$requirements")" ]; then
  echo "Installing Pants into .tools (once)." >&2
  python=$("$root/build-support/find_python.sh" 3.9)
  uv=$("$root/build-support/find_uv.sh")
  rm -rf "$tools/venv"
  "$uv" venv -q --no-config --python "$python" "$tools/venv"
  "$uv" pip install -q --no-config --compile-bytecode --require-hashes \
    --python "$tools/venv/bin/python" -r "$requirements"
  sha256sum <"$requirements" >"$stamp"
fi

out="$tools/pex-v$pex_version"
if ! echo "$pex_sha256  $out" | sha256sum -c --status 2>/dev/null; then
  temporary=$(mktemp -d)
  trap 'rm -rf "$temporary"' EXIT
  # An empty PEX_ROOT, umask 022, no compression and no bytecode make the file the same everywhere.
  mapfile -t network < <(env | grep -iE '^(PIP_(INDEX_URL|EXTRA_INDEX_URL|CERT|TRUSTED_HOST|DEFAULT_TIMEOUT)|https?_proxy|no_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE)=' || true)
  env -i "${network[@]}" PATH=/usr/bin:/bin HOME="$temporary" PEX_ROOT="$temporary/root" SOURCE_DATE_EPOCH=315532800 \
    "$tools/venv/bin/python" -m pex "pex==$pex_version" -c pex -o "$temporary/pex" \
    --no-build --no-compile --no-compress --no-use-system-time --no-strip-pex-env \
    --python-shebang '/usr/bin/env python3' --interpreter-constraint 'CPython>=3.7' >&2
  echo "$pex_sha256  $temporary/pex" | sha256sum -c --status || {
    echo "The pex $pex_version built here is not the one that is pinned in $0." >&2
    exit 1
  }
  mv "$temporary/pex" "$out"
fi
touch "$tools/ready"
