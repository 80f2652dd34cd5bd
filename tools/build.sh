#!/usr/bin/env bash
# Configures and builds one preset: tools/build.sh PRESET [NINJA TARGETS]. Runs inside the build root.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
[ $# -gt 0 ] && shift
# One cache for every checkout of this machine: paths are made relative and the working folder is
# not part of the key.
export CCACHE_DIR=${CCACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/casemate/ccache}
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-4G}
export CCACHE_SLOPPINESS=time_macros CCACHE_COMPILERCHECK=content  # a remade root has new dates, not a new compiler
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >"/tmp/casemate-cmake-$$.log" || {
  cat "/tmp/casemate-cmake-$$.log"; exit 1; }
rm -f "/tmp/casemate-cmake-$$.log"
exec cmake --build --preset "$preset" ${1:+--target "$@"}
