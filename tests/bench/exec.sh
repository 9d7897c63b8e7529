#!/usr/bin/env bash
# What --exec costs: commands natively, under each view, and under proot if it is installed, in turn, and the ratios of the
# least of all rounds. CPU time is that of the command, its children and the tracer, without what a start costs.
# Usage: exec.sh [BUILD-DIRECTORY [ROUNDS]]
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build}" && pwd) || exit 1
rounds=${2:-5}
cgemud=$build/daemon/cgemud

ways=(native namespace trace)
! command -v proot >/dev/null || ways+=(proot)

in_way() {
	local way=$1
	shift
	case $way in
	native) "$@" ;;
	namespace) "$cgemud" --exec -- "$@" ;;
	trace) "$cgemud" --exec --view=trace -- "$@" ;;
	proot) proot "$@" ;;
	esac >/dev/null 2>&1
}

# cost WAY CMD…: milliseconds of CPU time and of the clock.
cost() {
	local times TIMEFORMAT='%U %S %R'
	times=$({ time in_way "$@"; } 2>&1)
	awk '{ printf "%d %d\n", ($1 + $2) * 1000, $3 * 1000 }' <<<"$times"
}

# least WAY CMD…: the least of both over all rounds so far.
declare -A cpu wall
note() {
	local key=$1 c w
	shift
	read -r c w < <(cost "$@")
	[ "${cpu[$key]:-$c}" -lt "$c" ] || cpu[$key]=$c
	[ "${wall[$key]:-$w}" -lt "$w" ] || wall[$key]=$w
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }'; }

# table NAME CMD…
table() {
	local name=$1 way round
	shift
	for ((round = 0; round < rounds; round++)); do
		for way in "${ways[@]}"; do
			note "$way start" "$way" true
			note "$way $name" "$way" "$@"
		done
	done
	for way in "${ways[@]}"; do
		local c=$((${cpu[$way $name]} - ${cpu[$way start]})) w=$((${wall[$way $name]} - ${wall[$way start]}))
		local native_c=$((${cpu[native $name]} - ${cpu[native start]}))
		local native_w=$((${wall[native $name]} - ${wall[native start]}))
		printf '%-18s %-10s CPU %6d ms, %6s native   clock %6d ms, %6s native   start %d ms\n' "$name" "$way" "$c" \
			"$(ratio "$c" "$native_c")" "$w" "$(ratio "$w" "$native_w")" "${cpu[$way start]}"
	done
}

table "find /usr/share" find /usr/share
table "tar /usr/include" tar cf /dev/null /usr/include
table "300 forks" bash -c 'for i in {1..300}; do /bin/true; done'
table "getppid" "$build/tests/bench/calls" 1000000
for way in "${ways[@]}"; do
	echo "$way, ns a call:" $(case $way in
		native) "$build/tests/bench/calls" ;;
		namespace) "$cgemud" --exec -- "$build/tests/bench/calls" ;;
		trace) "$cgemud" --exec --view=trace -- "$build/tests/bench/calls" ;;
		proot) proot "$build/tests/bench/calls" ;;
	esac)
done
