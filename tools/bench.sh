#!/usr/bin/env bash
# Builds what is measured and measures it: tools/bench.sh [NAME...] [--quick] [--json] [--write]. Runs inside the
# build root.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*|*" -h "*) exec python3 bench/bench.py --help ;; esac
tools/build.sh release all casemate_bench_micro casemate_bench_custody >&2
CASEMATE_BIN=$PWD/build/release/bin PYTHONDONTWRITEBYTECODE=1 exec python3 bench/bench.py "$@"
