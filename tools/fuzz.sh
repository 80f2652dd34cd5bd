#!/usr/bin/env bash
# Builds the fuzz preset and runs one target, or every target, for some seconds each.
# usage: tools/fuzz.sh [TARGET] [SECONDS]    (default: all, 20)
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-}
seconds=${2:-20}
case $target in ''|*[!0-9]*) ;; *) seconds=$target; target= ;; esac
if [ -n "$target" ]; then
  tools/build.sh fuzz "$target"
  targets=("$target")
else
  mapfile -t targets < <(sed -n 's/^ *casemate_fuzz(\([a-z0-9_]*\).*/\1/p' tests/fuzz/CMakeLists.txt)
  tools/build.sh fuzz "${targets[@]}"
fi
work=build/fuzz/found
mkdir -p "$work"
for name in "${targets[@]}"; do
  mkdir -p "$work/$name"
  echo "fuzz: $name for $seconds s"
  # New inputs go to the build folder; the committed corpus is read only.
  "build/fuzz/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/$name-" "$work/$name" "tests/fuzz/corpus/$name" 2>&1 |
    grep -E 'stat::number_of_executed_units|ERROR|SUMMARY|Test unit written' || true
  ! compgen -G "$work/$name-*" >/dev/null || { echo "fuzz: $name found: $(ls "$work/$name"-*)"; exit 1; }
done
echo "fuzz: ${#targets[@]} targets, nothing found"
