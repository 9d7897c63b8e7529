#!/usr/bin/env bash
# Short-lived processes in 20 groups: the sum of their CPU time against the kernel's own account of the same processes.
# Usage: test-accounting.sh PROGRAM CGEMUD MOST, MOST in percent (0: report only)
# In the first PID namespace the kernel tells of forks and ends (PROC_PID_INIT_INO); in any other nothing does.
# CGEMUD_LOAD_SECONDS=N: how long (15).
set -u
program=$1 cgemud=$2 most=$3
. "$(dirname "$0")/../lib/check.sh"
[ "$(id -u)" = 0 ] || { skip accounting "making groups takes root"; finish; }
[ -c /dev/fuse ] || { skip accounting "there is no /dev/fuse"; finish; }
live=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpuacct(,|$)/ { print $2; exit }' /proc/mounts)
[ -n "$live" ] || { skip accounting "this machine has no v1 hierarchy of cpuacct"; finish; }
. "$(dirname "$0")/../lib/daemon.sh"
private_run_directory

group=$live/cgemud-accounting-$$-$EPOCHREALTIME
remove_group() {
	rmdir "$group" 2>/dev/null
	cgemud_end
}
trap remove_group EXIT
mkdir "$group" "$work/tree" || { check "a group in $live" false; finish; }

cgemud_start setpriv --pdeathsig KILL -- "$cgemud" --mount "$work/tree" --tree v1 --set cgroup.state-file= ||
	{ check "cgemud starts" false; finish; }

timeout 1800 "$program" "$group" "$work/tree/cpuacct" "${CGEMUD_LOAD_SECONDS:-15}" "$most"
check "accounting" [ $? = 0 ]
check "cgemud ends well" cgemud_stop
finish
