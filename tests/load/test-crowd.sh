#!/usr/bin/env bash
# Many groups and processes: what a look at all of them costs, and that the daemon's memory stays below 64 MB.
# Usage: test-crowd.sh CROWD CGEMUD GROUPS PROCESSES
set -u
crowd=$1 cgemud=$2 groups=$3 processes=$4
. "$(dirname "$0")/../lib/check.sh"
[ "$(id -u)" = 0 ] || { skip crowd "mounting takes root"; finish; }
[ -c /dev/fuse ] || { skip crowd "there is no /dev/fuse"; finish; }
. "$(dirname "$0")/../lib/daemon.sh"
private_run_directory
mkdir "$work/tree"
cgemud_start setpriv --pdeathsig KILL -- "$cgemud" --mount "$work/tree" --tree v1 --set cgroup.state-file= ||
	{ check "cgemud starts" false; finish; }
timeout 1800 "$crowd" "$daemon_pid" "$work/tree" "$groups" "$processes" | tee "$work/output"
resident=$(sed -n "s/^the daemon's memory: \([0-9]*\) kB$/\1/p" "$work/output")
check "all groups were read" [ -n "$resident" ]
check "the daemon's memory is below 64 MB" [ "${resident:-99999}" -lt 65536 ]
check "cgemud ends well" cgemud_stop
finish
