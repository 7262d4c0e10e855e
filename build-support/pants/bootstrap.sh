#!/usr/bin/env bash
# Installs Pants from the package index, and builds the one file that Pants would fetch from GitHub: the `pex` PEX.
# Both are pinned by hash; the second is byte-reproducible.
#
# They are in the user's cache, and .tools points there: the path of Pants' own Python is part of every process that
# Pants caches, so that a clone can use what another has built and tested only where they share it.
set -euo pipefail
umask 022
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools="$root/.tools"
pex_version=2.60.2
pex_sha256=436df58dc29242d17ef000973d3c2d503029bb59b626e364b6a00137819bbbff
requirements="$root/build-support/pants/requirements.txt"
python=$("$root/build-support/find_python.sh" 3.9)
key=$({ echo "$python $pex_sha256" && cat "$requirements"; } | sha256sum | cut -c 1-16)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/bartizan/pants"
installed="$cache/$key"

mkdir -p "$tools" "$cache"
# Two terminals may start Pants at the same time.
exec 9>"$cache/lock"
command -v flock >/dev/null && flock 9

install_pants() {
  local uv
  uv=$("$root/build-support/find_uv.sh")
  rm -rf "$installed"
  "$uv" venv -q --no-config --python "$python" "$installed/venv"
  "$uv" pip install -q --no-config --compile-bytecode --require-hashes \
    --python "$installed/venv/bin/python" -r "$requirements"
}

build_pex() {
  local temporary
  temporary=$(mktemp -d)
  trap 'rm -rf "$temporary"' RETURN
  # An empty PEX_ROOT, umask 022, no compression and no bytecode make the file the same everywhere.
  mapfile -t network < <(env | grep -iE '^(PIP_(INDEX_URL|EXTRA_INDEX_URL|CERT|TRUSTED_HOST|DEFAULT_TIMEOUT)|https?_proxy|no_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE)=' || true)
  env -i "${network[@]}" PATH=/usr/bin:/bin HOME="$temporary" PEX_ROOT="$temporary/root" SOURCE_DATE_EPOCH=315532800 \
    "$installed/venv/bin/python" -m pex "pex==$pex_version" -c pex -o "$temporary/pex" \
    --no-build --no-compile --no-compress --no-use-system-time --no-strip-pex-env \
    --python-shebang '/usr/bin/env python3' --interpreter-constraint 'CPython>=3.7' >&2
  echo "$pex_sha256  $temporary/pex" | sha256sum -c --status || {
    echo "The pex $pex_version built here is not the one that is pinned in build-support/pants/bootstrap.sh." >&2
    return 1
  }
  mv "$temporary/pex" "$installed/pex"
}

if [ ! -f "$installed/ready" ]; then
  echo "Installing Pants into $installed (once)." >&2
  install_pants
  build_pex
  touch "$installed/ready"
fi

rm -rf "$tools/venv"
ln -s "$installed/venv" "$tools/venv"
cp "$installed/pex" "$tools/pex-v$pex_version"
touch "$tools/ready"
