#!/usr/bin/env bash
# Many groups and processes: what a look at all of them costs, that it is shared by those who read, and that the daemon's
# memory stays below 64 MB.
# Usage: test-crowd.sh CROWD CGEMUD GROUPS PROCESSES
set -u
crowd=$1 cgemud=$2 groups=$3 processes=$4
. "$(dirname "$0")/../lib/check.sh"
[ "$(id -u)" = 0 ] || { skip crowd "mounting takes root"; finish; }
[ -c /dev/fuse ] || { skip crowd "there is no /dev/fuse"; finish; }
. "$(dirname "$0")/../lib/daemon.sh"
private_run_directory
mkdir "$work/tree"
cgemud_start setpriv --pdeathsig KILL -- "$cgemud" --mount "$work/tree" --tree v1 --set cgroup.state-file= \
	--set log.level=debug --set log.rate-limit=0 ||
	{ check "cgemud starts" false; finish; }
timeout 1800 "$crowd" "$daemon_pid" "$work/tree" "$groups" "$processes" | tee "$work/output"
resident=$(sed -n "s/^the daemon's memory: \([0-9]*\) kB$/\1/p" "$work/output")
check "all groups were read" [ -n "$resident" ]
check "the daemon's memory is below 64 MB" [ "${resident:-99999}" -lt 65536 ]
check "cgemud ends well" cgemud_stop
wait # until its log is complete

# Each group is read four times.
samples=$(grep -c 'a sample of .* processes took' "$daemon_log")
sed -n 's/.*a sample of \([0-9]*\) processes took \([0-9]*\) us.*/\1 \2/p' "$daemon_log" | awk '
	{ n++; us += $2; processes += $1 }
	END { if (n) printf "%d samples, %.1f ms each, %.2f us a process\n", n, us / n / 1000, us / processes }'
if [ "$(stat -L -c %i /proc/self/ns/pid)" = $((0xEFFFFFFC)) ]; then
	check "$((4 * groups)) reads share samples" [ "$samples" -le $((groups < 100 ? 2 * groups : 8)) ]
else
	skip "shared samples" "the kernel tells of forks and ends only in the first PID namespace"
fi
finish
