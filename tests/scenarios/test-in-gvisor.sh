#!/usr/bin/env bash
# Plays the recorded scenarios in one version of gVisor.
# Usage: test-in-gvisor.sh VERSION CGSCEN REFERENCE CGEMUD NAME…
set -u
version=$1 cgscen=$2 reference=$3 cgemud=$4
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${CGEMUD_SCENARIOS_INSIDE:-}" ]; then
	CGEMUD_SCENARIOS_INSIDE=1 exec "$here/../gvisor/run-in" --timeout 3000 "$version" "$here/test-in-gvisor.sh" "$@"
fi
shift 4
. "$here/../lib/check.sh"
work=$(mktemp -d) || exit 1

# One after the other; those of v1 and those of v2, which mostly wait, at the same time.
play_those_of() {
	local name
	for name in "${@:2}"; do
		[ "${name%%-*}" != "$1" ] ||
			"$here/test-scenario.sh" "$name" "$cgscen" "$reference" "$cgemud" "$version" >"$work/$name" 2>&1
	done
}

play_those_of v1 "$@" &
play_those_of v2 "$@"
wait
for name in "$@"; do
	cat "$work/$name"
	grep -qE '^[0-9]+ passed, ' "$work/$name" || check "$name was played to its end" false
	add_counts "$(<"$work/$name")"
done
finish
