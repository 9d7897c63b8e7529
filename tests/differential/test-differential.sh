#!/usr/bin/env bash
# Plays random sequences of group operations on this machine's own v1 hierarchies and on cgemud's, and compares all answers.
# Usage: test-differential.sh DIFFERENTIAL CGEMUD SEED SEQUENCES [OPTION…]
# CGEMUD_DIFFERENTIAL_SEED=N begins with this sequence instead of SEED; "random" chooses one.
set -u -o pipefail
differential=$1 cgemud=$2 seed=${CGEMUD_DIFFERENTIAL_SEED:-$3} sequences=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/check.sh"
[ "$(id -u)" = 0 ] || { skip differential "making groups takes root"; finish; }
[ -c /dev/fuse ] || { skip differential "there is no /dev/fuse"; finish; }
. "$here/../lib/daemon.sh"
private_run_directory

# What both have, as NAME:LIVE:HERE; and our hierarchies are made like this machine's.
places=() hierarchies=
mkdir "$work/tree"
chmod 755 "$work"
while read -r _ live type options _; do
	case $type in
	cgroup)
		name=$(tr ',' '\n' <<<"$options" | grep -xE 'cpu|cpuacct|cpuset|memory|devices|freezer|blkio|pids|name=.*' | paste -sd,)
		[ -n "$name" ] && [ -w "$live" ] || continue
		hierarchies+="${hierarchies:+;}$name"
		places+=("$(sed 's/^name=//; s/,.*//' <<<"$name"):$live:$work/tree/${name#name=}")
		;;
	esac
done </proc/mounts
[ ${#places[@]} -gt 0 ] || { skip differential "this machine has no v1 hierarchy"; finish; }

# Only in the first PID namespace does the kernel tell of forks and ends (PROC_PID_INIT_INO).
[ "$(stat -L -c %i /proc/self/ns/pid)" = $((0xEFFFFFFC)) ] || set -- --look "$@"

cgemud_start setpriv --pdeathsig KILL -- "$cgemud" --mount "$work/tree" --tree v1 --set cgroup.state-file= --set "cgroup.hierarchies=$hierarchies" \
	--set sampler.interval-ms=0 --set enforce.cpuset=false ||
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
