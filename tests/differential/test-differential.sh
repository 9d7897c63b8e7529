#!/usr/bin/env bash
# Plays random sequences of group operations on this machine's own hierarchies and on cgemud's, and compares all answers.
# Usage: test-differential.sh DIFFERENTIAL CGEMUD v1|v2 SEED SEQUENCES [OPTION…]
# CGEMUD_DIFFERENTIAL_SEED=N begins with this sequence instead of SEED; "random" chooses one.
set -u -o pipefail
differential=$1 cgemud=$2 version=$3 seed=${CGEMUD_DIFFERENTIAL_SEED:-$4} sequences=$5
shift 5
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/check.sh"
[ "$(id -u)" = 0 ] || { skip differential "making groups takes root"; finish; }
[ -c /dev/fuse ] || { skip differential "there is no /dev/fuse"; finish; }
. "$here/../lib/daemon.sh"
private_run_directory

# What both have, as NAME:LIVE:HERE; and our hierarchies are made like this machine's.
places=() hierarchies= tree=v1 v2_controllers=
mkdir "$work/tree"
chmod 755 "$work"
while read -r _ live type options _; do
	case $type in
	cgroup)
		name=$(tr ',' '\n' <<<"$options" | grep -xE 'cpu|cpuacct|cpuset|memory|devices|freezer|blkio|pids|name=.*' | paste -sd,)
		[ -n "$name" ] && [ -w "$live" ] || continue
		hierarchies+="${hierarchies:+;}$name"
		[ "$version" != v1 ] || places+=("$(sed 's/^name=//; s/,.*//' <<<"$name"):$live:$work/tree/${name#name=}")
		;;
	cgroup2)
		[ "$version" = v2 ] && [ -w "$live" ] && [ ${#places[@]} = 0 ] || continue
		v2_controllers=$(tr ' ' ';' <"$live/cgroup.controllers")
		places=("v2:$live:$work/tree/unified")
		tree=hybrid
		;;
	esac
done </proc/mounts
[ ${#places[@]} -gt 0 ] || { skip differential "this machine has no $version hierarchy that can be written to"; finish; }
# What is in a v1 hierarchy here is known to v2, and not to be had there.
[ $tree = v1 ] || [ -n "$hierarchies" ] || { tree=v2 places=("${places[0]/%\/unified/}"); }

# Only in the first PID namespace does the kernel tell of forks and ends (PROC_PID_INIT_INO).
[ "$(stat -L -c %i /proc/self/ns/pid)" = $((0xEFFFFFFC)) ] || set -- --look "$@"

cgemud_start setpriv --pdeathsig KILL -- "$cgemud" --mount "$work/tree" --tree $tree --set cgroup.state-file= --set "cgroup.hierarchies=$hierarchies" \
	--set "cgroup.v2-controllers=$v2_controllers" --set sampler.interval-ms=0 --set enforce.cpuset=false ||
	{ check "cgemud starts" false; finish; }
[ "$seed" != random ] || seed=$((RANDOM * 32768 + RANDOM))
group=cgemud-differential-$$-$EPOCHREALTIME

# What a run that was ended has left.
remove_groups() {
	local place live
	for place in "${places[@]}"; do
		live=${place#*:}
		[ ! -d "${live%%:*}/$group" ] || find "${live%%:*}/$group" -depth -type d -exec rmdir {} \; 2>/dev/null
	done
	cgemud_end
}
trap remove_groups EXIT

"$differential" --group "$group" --seed "$seed" --sequences "$sequences" --exceptions "$here/exceptions.txt" "$@" "${places[@]}" 2>&1 | tee "$work/output"
output=$(<"$work/output")
grep -q ' passed, ' <<<"$output" || check "the program ran to its end" false
add_counts "$output"
check "cgemud ends well" cgemud_stop
finish
