#!/usr/bin/env bash
# Format check, arrow check and clang-tidy on what changed against a base (default: the commit before
# the last one that CI saw, else origin/main, else HEAD~1). usage: tools/lint.sh [--all | --base REF]
set -euo pipefail
cd "$(dirname "$0")/.."
base=${CASEMATE_LINT_BASE:-}
all=
while [ $# -gt 0 ]; do
  case $1 in
    --all) all=1 ;;
    --base) base=$2; shift ;;
    *) echo "lint: expected --all or --base REF, found '$1'" >&2; exit 2 ;;
  esac
  shift
done
mapfile -t files < <(git ls-files '*.h' '*.cc')
echo "lint: format of ${#files[@]} files"
clang-format --dry-run -Werror "${files[@]}"

echo "lint: arrows"
for preset in release dev; do
  [ -f "build/$preset/.ninja_deps" ] && built=build/$preset && break
done
python3 tools/check_arrows.py ${built:+"$built"}

[ -n "$base" ] || base=$(git rev-parse -q --verify origin/main || true)
# A fresh clone is its own origin: there the last commit is what changed.
[ -n "$base" ] && [ "$base" != "$(git rev-parse HEAD)" ] || base=$(git rev-parse -q --verify HEAD~1 || true)
if [ -n "$all" ] || [ -z "$base" ]; then
  mapfile -t changed < <(git ls-files 'src/*.cc')
else
  mapfile -t changed < <({ git diff --name-only --diff-filter=d "$base" -- 'src/*.cc'; } | sort -u)
fi
if [ "${#changed[@]}" -gt 0 ] && [ -f build/dev/compile_commands.json ]; then
  # Only what the dev build compiles; the umbrella units of Asio and Beast are not our code.
  mapfile -t changed < <(printf '%s\n' "${changed[@]}" | while read -r f; do
    grep -q "\"file\": \".*/$f\"" build/dev/compile_commands.json && echo "$f"; done | grep -v '_impl.cc$' || true)
  echo "lint: clang-tidy on ${#changed[@]} changed files"
  [ "${#changed[@]}" = 0 ] || printf '%s\n' "${changed[@]}" | xargs -P "$(nproc)" -n 4 \
    clang-tidy -p build/dev --quiet --extra-arg=-Wno-unknown-warning-option 2>&1 |
    { grep -E 'error|warning: ' && exit 1 || exit 0; }
fi
echo "lint: ok"
