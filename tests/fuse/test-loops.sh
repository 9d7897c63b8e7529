#!/usr/bin/env bash
# Many reloads, hand-overs and restarts with readers all the while. CGEMUD_TEST_ROUNDS: how many of each, by default few
# (see below). Nothing may leak, and no read may fail except between two services.
# Usage: test-loops.sh CGEMUD WATCHERS
set -u
cgemud=$1 watchers=$2
rounds=${CGEMUD_TEST_ROUNDS:-15}
restarts=${CGEMUD_TEST_ROUNDS:-4}
here=$(dirname "$0")
. "$here/common.sh"

group=$dir/memory/kept
files=("$group/memory.limit_in_bytes" "$group/cgroup.clone_children" "$dir/cpu/cpu.shares" "$dir/memory/memory.swappiness")
start() { serving --tree v1 --set log.rate-limit=0 --config "$work/conf" --set cgroup.state-file=/run/cgemud/state; }
configure() { printf '[sampler]\ninterval-ms=%d\n' "$1" >"$work/conf"; }

# What must not grow: descriptors of the daemon, mounts, processes of the program, what is in /run.
holdings() {
	find "/proc/$daemon_pid/fd" -mindepth 1 | wc -l
	wc -l </proc/self/mountinfo
	grep -lxs "${cgemud##*/}" /proc/[0-9]*/comm | wc -l
	find /run/cgemud -mindepth 1 ! -name '*.new' | wc -l
}
has_grown() { paste <(echo "$before") <(holdings) | awk '$2 == "" || $2 > $1 { grown = 1 } END { exit !grown }'; }
# A request or a save that is under way has something open for a moment; a leak stays.
same_holdings() {
	local try
	for ((try = 0; try < 100; try++)); do
		has_grown || return 0
		sleep 0.1
	done
	echo "descriptors, mounts, processes and files in /run were, and are:"
	paste <(echo "$before") <(holdings)
	return 1
}
log_lines() { grep -c -- "$1" "$daemon_log"; }
wait_for_line() { # PATTERN COUNT
	until [ "$(log_lines "$1")" -ge "$2" ]; do
		kill -0 "$daemon_pid" || return 1
		sleep 0.01
	done
}
watchers_start() {
	rm -f "$work/end" "$work/watched"
	timeout 7200 "$watchers" 4 "$work/end" "$1" "${files[@]}" >"$work/watched" 2>&1 &
	watching=$!
	until grep -qs "^watching" "$work/watched"; do sleep 0.02; done
}
watchers_end() {
	touch "$work/end"
	wait $watching
	local status=$?
	cat "$work/watched"
	return $status
}

reloads() {
	local round before
	for ((round = 1; round <= rounds; round++)); do
		configure $((round % 2 ? 40 : 50))
		before=$(log_lines 'configuration read again: sampler.interval-ms')
		kill -HUP "$daemon_pid"
		wait_for_line 'configuration read again: sampler.interval-ms' $((before + 1)) || return 1
	done
}
hand_overs() {
	local round
	for ((round = 1; round <= rounds; round++)); do
		timeout 300 "$cgemud" --reexec "$dir" || return 1
	done
}
# By turns crashed and ended. What is set in between must be there again.
restarts() {
	local round
	for ((round = 1; round <= restarts; round++)); do
		mkdir "$dir/pids/round$round" || return 1
		if ((round % 2)); then
			until grep -a -q "/round$round" /run/cgemud/state.*[!w]; do sleep 0.02; done
			kill -KILL "$daemon_pid"
			wait "$daemon_pid" 2>/dev/null
		else
			cgemud_stop || { tail -n 40 "$daemon_log"; return 1; }
		fi
		start
		rmdir "$dir/pids/round$round" || return 1
		grep -qx $member "$group/cgroup.procs" || { echo "round $round: the member is gone"; return 1; }
	done
}

# libfuse frees its name for a mount only while it unmounts, which must not be done while clients have files open.
echo "leak:fuse_session_mount" >"$work/lsan"
export LSAN_OPTIONS=suppressions=$work/lsan:print_suppressions=0
configure 50
start
mkdir "$group"
echo 40960000 >"$group/memory.limit_in_bytes"
sleep 7200 &
member=$!
echo $member >"$group/cgroup.procs"

watchers_start steady
before=$(holdings)
check "$rounds reloads" reloads
check "$rounds hand-overs" hand_overs
check "nothing leaks" same_holdings
check "no read failed" watchers_end
tail -n 1 "$work/watched"
watchers_start gaps
before=$(holdings)
check "$restarts restarts" restarts
check "nothing leaks" same_holdings
check "no read failed but in between" watchers_end
tail -n 1 "$work/watched"
kill $member
check "--unmount" timeout 60 "$cgemud" --unmount "$dir"
wait "$daemon_pid"
daemon_pid=
check "nothing is left" nothing_is_left

# A reload says by name what it cannot take over.
: >"$daemon_log"
start
printf '[sampler]\ninterval-ms=0\n[fuse]\nthreads=7\n' >"$work/conf"
kill -HUP "$daemon_pid"
check "a reload answers" wait_for_line 'configuration read again' 1
check "what is taken over" grep -q 'configuration read again: sampler.interval-ms$' "$daemon_log"
check "what is refused" grep -q 'reload: fuse.threads cannot change' "$daemon_log"
echo nonsense >"$work/conf"
kill -HUP "$daemon_pid"
check "a bad file" wait_for_line 'the configuration stays as it was' 1
check "ends well" cgemud_stop
finish
