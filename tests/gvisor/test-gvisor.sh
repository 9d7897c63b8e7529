#!/usr/bin/env bash
# Runs inside.sh in one version of gVisor.
# Usage: test-gvisor.sh VERSION CGEMUD
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/run-in" --timeout 3000 "$1" "$here/inside.sh" "$1" "$2"
