#!/usr/bin/env bash
# Shows the whole path on real input: a deployment is made, documents are read and sealed, questions
# are answered from them with citations, the log is verified. Keeps its deployment in build/demo, so
# that a second run finds every document unchanged. usage: tools/demo.sh [--keep] [--fresh]
set -euo pipefail
cd "$(dirname "$0")/.."
keep=
fresh=
for argument in "$@"; do
  case $argument in
    --keep) keep=1 ;;
    --fresh) fresh=1 ;;
    *) echo "demo: expected --keep or --fresh, found '$argument'" >&2; exit 2 ;;
  esac
done
started=$SECONDS
bold=$(tput bold 2>/dev/null || :) plain=$(tput sgr0 2>/dev/null || :)
step() { printf '\n%s[%3d s] %s%s\n' "$bold" "$((SECONDS - started))" "$*" "$plain"; }

work=$PWD/build/demo
deployment=$work/deployment
casemate=$PWD/build/release/bin/casemate
run() { printf '$ casemate %s\n' "${*//$deployment/D}"; "$casemate" "$@"; }

step "Building (the first time takes some minutes; ccache makes the next short)"
tools/build.sh release

mkdir -p "$work"
chmod 700 "$work"
[ -z "$fresh" ] || rm -rf "$deployment" "$work/mirror"
if [ ! -d "$deployment" ]; then
  step "Making a deployment: token, key trees, certificates, log (D = $deployment)"
  # The demo's passphrase is random and lies beside the deployment: a demo, not a practice.
  (umask 077 && head -c 24 /dev/urandom | base64 >"$work/passphrase")
  run init --dir "$deployment" --passphrase-file "$work/passphrase" --mirror "$work/mirror"
fi

step "Collecting documents: Debian's python3-doc and this project's own pages"
rm -rf "$work/documents"
mkdir -p "$work/documents/python" "$work/documents/casemate"
source=$(find /usr/share/doc -maxdepth 2 -path '*/python3.*-doc/html' | sort | tail -n 1)
[ -n "$source" ] || { echo "demo: no HTML of python3-doc under /usr/share/doc" >&2; exit 1; }
# Pages of up to 60 kB: more than 300 of them, and below 1.5 million tokens together.
(cd -L "$source" && find -L . -name '*.html' -size -60k ! -name 'genindex*' ! -name 'search*' ! -name '*contents*' \
  ! -path './whatsnew/*' -print0 | xargs -0 cp -L --parents -t "$work/documents/python")
cp -L "$source/glossary.html" "$work/documents/python/" 2>/dev/null
cp README.md "$work/documents/casemate/"
cp -r docs/*.md docs/formats docs/decisions "$work/documents/casemate/" 2>/dev/null
echo "$(find "$work/documents" -type f | wc -l) documents, $(du -sh "$work/documents" | cut -f1)"

step "Starting the server (hybrid TLS 1.3 only)"
rm -f "$work/ready"
"$casemate" serve --dir "$deployment" --passphrase-file "$work/passphrase" --listen 127.0.0.1:0 \
  --ready-file "$work/ready" >"$work/server.log" 2>&1 &
server=$!
finish() { kill -TERM "$server" 2>/dev/null && wait "$server" || :; }
trap finish EXIT
for _ in $(seq 600); do
  [ -s "$work/ready" ] && break
  kill -0 "$server" 2>/dev/null || { tail -n 20 "$work/server.log" >&2; exit 1; }
  sleep 0.1
done
address=$(cat "$work/ready")
echo "serving on https://$address, CA in D/tls/ca.pem"

step "Reading, sealing and indexing the documents"
run ingest "$work/documents" --dir "$deployment" --collection docs

step "Asking"
for question in "What is a docstring?" "What is bisect?" "What is heapq?" "What is a mapping?"; do
  echo
  run ask "$question" --dir "$deployment" --collection docs
done

step "From outside: TLS as openssl sees it"
for group in X25519 X25519MLKEM768; do
  if openssl s_client -connect "$address" -groups "$group" -CAfile "$deployment/tls/ca.pem" </dev/null 2>&1 |
    grep -q 'Verify return code: 0'; then echo "$group: accepted"; else echo "$group: refused"; fi
done

step "For clients without hybrid TLS: connect, on loopback, verifies receipts with the log's keys"
"$casemate" key create --dir "$deployment" --name demo --json | sed 's/.*"key": *"\([^"]*\)".*/\1/' >"$work/key"
chmod 600 "$work/key"
rm -f "$work/connect.ready"
"$casemate" connect --dir "$deployment" --server "$address" --key-file "$work/key" --listen 127.0.0.1:0 \
  --token-file "$work/connect.token" --ready-file "$work/connect.ready" >"$work/connect.log" 2>&1 &
connect=$!
finish() {
  kill -TERM "$connect" 2>/dev/null && wait "$connect" || :
  kill -TERM "$server" 2>/dev/null && wait "$server" || :
}
for _ in $(seq 300); do
  [ -s "$work/connect.ready" ] && break
  kill -0 "$connect" 2>/dev/null || { cat "$work/connect.log" >&2; exit 1; }
  sleep 0.1
done
near=$(cat "$work/connect.ready")
curl -sS -D - -o /dev/null -H @<(echo "Authorization: Bearer $(cat "$work/connect.token")") \
  -H 'Content-Type: application/json' "http://$near/v1/chat/completions" \
  -d '{"model":"casemate-answer","max_tokens":16,"messages":[{"role":"user","content":"What is a docstring?"}]}' |
  grep -iE '^(HTTP|x-casemate-(receipt|verified):)' | tr -d '\r'

step "Verifying the log: every release above is in it, nothing of what was asked or read"
run audit verify --dir "$deployment"
run status --dir "$deployment"

step "Done"
cat <<TEXT
Shown: $(find "$work/documents" -type f | wc -l) documents were parsed in processes without network and files, sealed under keys of their own
from the token, found again by keyword and vector, and quoted in answers with their place; every key
release was written to the log before it happened; a classical TLS client was refused, and served through connect.
The whole path took $((SECONDS - started)) s.
TEXT
if [ -n "$keep" ]; then
  trap - EXIT
  cat <<TEXT

Server and connect go on (processes $server and $connect; end them with: kill $connect $server). Try:

  ./dev run -- ask "What is a coroutine?" --dir $deployment --collection docs
  ./dev run -- file list --dir $deployment --collection docs
  ./dev run -- audit show --dir $deployment

Any client on this machine, whatever its TLS, over connect (http://$near/v1):

  curl -H @<(echo "Authorization: Bearer \$(cat $work/connect.token)") http://$near/v1/models

python3 - <<'PYTHON'
import json, urllib.request
token = open("$work/connect.token").read().strip()
body = {"model": "casemate-answer", "max_tokens": 32, "messages": [{"role": "user", "content": "What is a docstring?"}]}
request = urllib.request.Request("http://$near/v1/chat/completions", json.dumps(body).encode(),
                                 {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
with urllib.request.urlopen(request) as answer:
    print(answer.headers["x-casemate-verified"], json.load(answer)["choices"][0]["message"]["content"])
PYTHON

With OpenAI's client: OpenAI(base_url="http://$near/v1", api_key=TOKEN). Directly, with an OpenSSL of 3.5 or later:

  ./dev exec -- curl --cacert $deployment/tls/ca.pem https://$address/v1/models \\
    -H @<(echo "Authorization: Bearer \$(cat $work/key)")
TEXT
else
  cat <<TEXT

Try next:
  ./dev demo --keep        leaves server and connect running and prints commands for both
  ./dev run -- --help      every command, each with an example
  docs/architecture.md     one request followed from socket to token
TEXT
fi
