#!/usr/bin/env bash
# Makes and judges the shipped models, inside the root of `./dev model`.
#   model.sh train [--quick] [answerer|embedder]   corpus, training, GGUF files under build/models
#   model.sh eval [ARGS]                           judge the shipped files on held-out texts
#   model.sh exec -- COMMAND                       a command in this root
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
usage: ./dev model VERB [ARGS]

  train [--quick] [answerer|embedder]
          builds the corpus from Debian's packages, trains, and writes GGUF files to build/models/;
          --quick: minutes on two cores, a test of the recipe and not a model to ship.
          Without a name: both. A GPU is used where PyTorch finds one.
  eval [--quick] [ARGS]
          judges models/*.gguf on texts that no training step saw and writes models/EVALUATION.md;
          --quick: some of each kind, printed only
  exec -- COMMAND
          runs COMMAND in the root that has PyTorch and the texts

Example: ./dev model train --quick && ./dev model eval --quick
TEXT
}

verb=${1:-help}
[ $# -gt 0 ] && shift
case $verb in
  train)
    quick=() names=()
    for argument in "$@"; do
      case $argument in
        --quick) quick=(--quick) ;;
        answerer|embedder) names+=("$argument") ;;
        *) usage >&2; echo "model: expected --quick, answerer or embedder, found '$argument'" >&2; exit 2 ;;
      esac
    done
    [ ${#names[@]} -gt 0 ] || names=(embedder answerer)
    mkdir -p build/models
    python3 models/corpus/build.py build/models/corpus
    for name in "${names[@]}"; do
      python3 "models/$name/train.py" --corpus build/models/corpus --out "build/models/$name" "${quick[@]}"
    done ;;
  eval)
    tools/build.sh release
    exec python3 models/evaluation/evaluate.py "$@" ;;
  exec) [ "${1:-}" = -- ] && shift; exec "$@" ;;
  help|-h|--help) usage ;;
  *) usage >&2; echo "model: no verb '$verb'" >&2; exit 2 ;;
esac
