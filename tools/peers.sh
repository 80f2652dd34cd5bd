#!/usr/bin/env bash
# Drives the release preset with other people's clients and writes what came of it to
# docs/evidence.md. usage: tools/peers.sh FOLDER (with the packages that `dev` fetched)
set -euo pipefail
cd "$(dirname "$0")/.."
peers=$1
read -r version _ <tests/peers/openai.pin
modules=$(mktemp -d)
trap 'rm -rf "$modules"' EXIT
mkdir -p "$modules/node_modules/openai"
tar -xzf "$peers/openai-$version.tgz" -C "$modules/node_modules/openai" --strip-components=1
[ -n "${CASEMATE_NO_BUILD:-}" ] || tools/build.sh release
CASEMATE_PEER_MODULES=$modules CASEMATE_PEER_OPENAI=$version CASEMATE_BIN=$PWD/build/release/bin \
  PYTHONPATH=tests/end_to_end PYTHONDONTWRITEBYTECODE=1 python3 tests/peers/peers_test.py
CASEMATE_BIN=$PWD/build/release/bin PYTHONPATH=tests/end_to_end PYTHONDONTWRITEBYTECODE=1 \
  python3 tests/peers/tls_peers_test.py
