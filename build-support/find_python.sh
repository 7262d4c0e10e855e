#!/usr/bin/env bash
# Prints the path of a CPython of the version asked for (3.9, 3.12 …) that really runs.
# Looks at $BARTIZAN_PYTHON_<MAJOR>_<MINOR>, PATH, pyenv and uv, in this order; at last asks uv to install one.
set -euo pipefail
version=${1:?usage: find_python.sh MAJOR.MINOR}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# A pyenv shim exists for versions that are not active, so a candidate counts only once it has answered.
answer() {
  "$1" -c 'import sys, platform
if platform.python_implementation() == "CPython" and "%d.%d" % sys.version_info[:2] == sys.argv[1]:
    print(sys.executable)' "$version" 2>/dev/null
}

try() { local found; found=$(answer "$1") && [ -n "$found" ] && { echo "$found"; exit 0; }; return 0; }

override=BARTIZAN_PYTHON_${version/./_}
if [ -n "${!override:-}" ]; then
  try "${!override}"
  echo "$override=${!override} is not a working CPython $version." >&2
  exit 1
fi
while read -r candidate; do try "$candidate"; done < <(type -ap "python$version" python3 || true)
for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python"$version"; do try "$candidate"; done

uv=$("$root/build-support/find_uv.sh") || exit 1
try "$("$uv" python find --no-config --no-project "$version" 2>/dev/null || true)"
echo "No CPython $version here: asking uv to install one." >&2
"$uv" python install --no-config "$version" >&2 || true
try "$("$uv" python find --no-config --no-project "$version" 2>/dev/null || true)"
cat >&2 <<TEXT
CPython $version is needed, was not found on PATH, in pyenv or by uv, and uv could not download it.
Install it (for example "pyenv install $version"), or point $override at one.
TEXT
exit 1
