#!/usr/bin/env bash
# Builds the dev preset (unit tests under ASan and UBSan) and the release preset (end to end, sandbox,
# kill and residue tests: ASan replaces malloc and breaks seccomp), then runs both in one ctest.
# usage: tools/test.sh [FILTER] [--long]
set -euo pipefail
cd "$(dirname "$0")/.."
filter=
export CASEMATE_LONG=
for argument in "$@"; do
  case $argument in
    --long) CASEMATE_LONG=1 ;;
    -*) echo "test: expected a filter or --long, found '$argument'" >&2; exit 2 ;;
    *) filter=$argument ;;
  esac
done
tools/versions.sh
tools/build.sh dev
tools/build.sh release
# One run over both trees, so that it ends with one summary.
mkdir -p build/all
printf 'subdirs("../dev" "../release")\n' >build/all/CTestTestfile.cmake
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1
exec ctest --test-dir build/all --output-on-failure -j "$(nproc)" ${filter:+-R "$filter"}
