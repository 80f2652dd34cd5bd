#!/usr/bin/env bash
# The versions of the parts that matter: forky moves, and a report needs them.
set -euo pipefail
dpkg-query -W -f '  ${Package} ${Version}\n' g++ clang cmake libllama-dev libggml-dev libssl-dev softhsm2 \
  libsqlite3-dev libboost-dev libyyjson-dev liblexbor-dev libminja-dev libseccomp-dev python3-openai
uname -sr
