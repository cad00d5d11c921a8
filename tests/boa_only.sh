#!/usr/bin/env bash
# A gateway built without C answers: its demo, whose scripts then run on Boa in processes of their own.
# Usage: tests/boa_only.sh GATEHOUSE
set -euo pipefail

log="$(mktemp)"
"$1" demo --port 0 >/dev/null 2>"$log" &
gateway=$!
trap 'kill "$gateway" 2>/dev/null; rm -f "$log"' EXIT

address=""
for _ in $(seq 200); do
    address="$(sed -n 's/.*listening.* address=\([0-9.]*:[0-9]*\).*/\1/p' "$log" | head -n 1)"
    [ -n "$address" ] && break
    sleep 0.1
done
if [ -z "$address" ]; then
    echo "the gateway does not listen:"
    cat "$log"
    exit 1
fi
python3 - "$address" <<'PYTHON'
import sys, urllib.request
with urllib.request.urlopen(f"http://{sys.argv[1]}/hello-api/greet?name=CI", timeout=10) as answer:
    text = answer.read().decode()
    assert "Hello, CI!" in text, text
PYTHON
[ -n "$(pgrep --full --parent "$gateway" js-worker)" ] || { echo "no process of scripts"; exit 1; }
echo "a build without C answers"
