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
  # A target that cannot start, or ends badly without writing an input, has failed too.
  "build/fuzz/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/$name-" "$work/$name" "tests/fuzz/corpus/$name" >"$work/$name.log" 2>&1 || {
    tail -n 30 "$work/$name.log"; echo "fuzz: $name failed; log: $work/$name.log"; exit 1; }
  grep 'stat::number_of_executed_units' "$work/$name.log"
  ! compgen -G "$work/$name-*" >/dev/null || { echo "fuzz: $name found: $(ls "$work/$name"-*)"; exit 1; }
done
echo "fuzz: ${#targets[@]} targets, nothing found"
