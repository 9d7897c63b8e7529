#!/usr/bin/env bash
# Reading small files from the kernel, from cgemud and from lxcfs, side by side in one run, and what an idle cgemud costs.
# Usage: compare.sh [BUILD-DIRECTORY [BENCH-OPTION…]]; needs root; lxcfs only if it is installed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build}
build=$(cd "$build" && pwd) || exit 1
shift $(($# > 0))
if [ -z "${CGEMUD_BENCH_NAMESPACE:-}" ]; then
	CGEMUD_BENCH_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$build" "$@"
fi
. "$here/../lib/daemon.sh"
private_run_directory
mkdir "$work/cgroup" "$work/sys" "$work/lxcfs"

lxcfs_pid= sys_pid=
end_all() {
	[ -z "$lxcfs_pid" ] || kill "$lxcfs_pid"
	[ -z "$sys_pid" ] || kill "$sys_pid"
	cgemud_end
}
trap end_all EXIT

cgemud_start "$build/daemon/cgemud" --mount "$work/sys" --tree procsys --set cgroup.state-file= || exit 1
sys_pid=$daemon_pid
cgemud_start "$build/daemon/cgemud" --mount "$work/cgroup" --tree v1 --set cgroup.state-file= || exit 1

if command -v lxcfs >/dev/null; then
	lxcfs -f -p "$work/lxcfs.pid" "$work/lxcfs" >"$work/lxcfs.log" 2>&1 &
	lxcfs_pid=$!
	for ((i = 0; i < 600; i++)); do
		[ -e "$work/lxcfs/proc/uptime" ] && break
		sleep 0.1
	done
fi

# files KERNEL-FILE CGEMUD-FILE LXCFS-FILE: the bench arguments for those that there are.
files() {
	[ ! -e "$1" ] || echo "kernel=$1"
	echo "cgemud=$2"
	[ ! -e "$work/lxcfs/proc/$3" ] || echo "lxcfs=$work/lxcfs/proc/$3"
}

# table TITLE KERNEL-FILE CGEMUD-FILE LXCFS-FILE
table() {
	local title=$1 arguments
	shift
	mapfile -t arguments < <(files "$@")
	printf '\n%s, microseconds\n' "$title"
	"$build/tests/bench/bench" "${options[@]}" "${arguments[@]}" | awk -F'\t' '
		NR == 1 { for (i = 3; i <= NF; i++) { name[i] = $i; if ($i == "cgemud") own = i; if ($i == "lxcfs") other = i }
			printf "%-18s%8s", $1, $2; for (i = 3; i <= NF; i++) printf "%10s", $i
			print other ? "   lxcfs/cgemud" : ""; next }
		{ printf "%-18s%8s", $1, $2; for (i = 3; i <= NF; i++) printf "%10s", $i
			if (other) printf "%15.2f", $other / $own; print "" }'
}

options=("$@")
kernel=/sys/fs/cgroup
table "cpuacct.usage (lxcfs: /proc/uptime)" "$kernel/cpuacct/cpuacct.usage" "$work/cgroup/cpuacct/cpuacct.usage" uptime
table "memory.stat (lxcfs: /proc/meminfo)" "$kernel/memory/memory.stat" "$work/cgroup/memory/memory.stat" meminfo
table "vm/overcommit_memory" /proc/sys/vm/overcommit_memory "$work/sys/vm/overcommit_memory" none

# ticks PID: user and system time of a process, in clock ticks.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

seconds=${CGEMUD_BENCH_IDLE:-30}
before=$(ticks "$daemon_pid")
sleep "$seconds"
printf '\nidle for %s s: %s ticks of CPU time; resident: %s kB\n' "$seconds" $(($(ticks "$daemon_pid") - before)) \
	"$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon_pid/status")"
