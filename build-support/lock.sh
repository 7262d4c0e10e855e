#!/usr/bin/env bash
# Locks: every version and hash that a service or a tool runs on, without the address of any registry.
#
#   build-support/lock.sh NAME…        write 3rdparty/python/NAME/requirements.lock from its requirements.txt
#   build-support/lock.sh --all        all of them
#   build-support/lock.sh --upgrade …  take newer versions where requirements.txt allows them
#   build-support/lock.sh --check      fail if one is stale, incomplete or names an address (asks no registry)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root/3rdparty/python"

usage() { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
stamp() { echo "# From requirements.txt with sha256 $(sha256sum <"$1/requirements.txt" | cut -d' ' -f1)"; }

write() {
  local name=$1 python=3.12
  [ "$name" = uv ] && python=3.8 # it is installed with whatever Python the machine has
  [ -f "$name/requirements.txt" ] || { echo "There is no 3rdparty/python/$name/requirements.txt." >&2; exit 2; }
  (cd "$name" && "$uv" pip compile -q --universal --python-version "$python" --generate-hashes \
    --no-annotate --no-header --no-emit-index-url "${upgrade[@]}" -o requirements.lock requirements.txt)
  { stamp "$name"; grep -v '^# From requirements.txt' "$name/requirements.lock"; } >"$name/requirements.lock.new"
  mv "$name/requirements.lock.new" "$name/requirements.lock"
  echo "Locked $name: $(grep -c '==' "$name/requirements.lock") packages."
}

check() {
  local name failed=0
  for name in *; do
    [ -d "$name" ] || continue
    if [ "$(head -n 1 "$name/requirements.lock" 2>/dev/null)" != "$(stamp "$name")" ]; then
      echo "3rdparty/python/$name/requirements.lock is stale: run build-support/lock.sh $name" >&2
      failed=1
    fi
    if grep -nE '://|--(extra-)?index-url|--find-links' "$name/requirements.lock" >&2; then
      echo "3rdparty/python/$name/requirements.lock names an address." >&2
      failed=1
    fi
    if ! awk '/^[A-Za-z0-9]/ {if (open && !hashed) exit 1; open = 1; hashed = 0} /--hash=sha256:/ {hashed = 1} END {if (open && !hashed) exit 1}' "$name/requirements.lock"; then
      echo "3rdparty/python/$name/requirements.lock has a package without a hash." >&2
      failed=1
    fi
  done
  return $failed
}

upgrade=()
names=()
for argument in "$@"; do
  case $argument in
  --check) check; exit ;;
  --upgrade) upgrade=(--upgrade) ;;
  --all) for name in */; do names+=("${name%/}"); done ;;
  -h | --help) usage; exit ;;
  -*) usage >&2; exit 2 ;;
  *) names+=("${argument%/}") ;;
  esac
done
[ ${#names[@]} -gt 0 ] || { usage >&2; exit 2; }
uv=$("$root/build-support/find_uv.sh")
for name in "${names[@]}"; do write "$name"; done
