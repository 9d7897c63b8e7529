#!/usr/bin/env bash
# Which mounts each layout makes, and that they all go.
# Usage: test-layouts.sh CGEMUD
set -u
cgemud=$1
here=$(dirname "$0")
. "$here/common.sh"

mounts_on() { findmnt --noheadings --raw --output FSTYPE --kernel "$1" | sort -u | paste -sd' '; }
type_on_top() { findmnt --noheadings --raw --output FSTYPE --kernel "$1" | tail -n 1; }

v1_is_complete() {
	local hierarchy
	[ "$(stat -f -c %T "$dir")" = tmpfs ] || { echo "no tmpfs on $dir"; return 1; }
	for hierarchy in cpu,cpuacct cpuset memory devices freezer pids blkio hugetlb net_cls,net_prio perf_event systemd; do
		[ "$(type_on_top "$dir/$hierarchy")" = fuse.cgemud ] || { echo "no FUSE on $hierarchy"; return 1; }
		[ -f "$dir/$hierarchy/cgroup.procs" ] || { echo "no $hierarchy/cgroup.procs"; return 1; }
	done
	for hierarchy in cpu cpuacct net_cls net_prio; do
		[ -L "$dir/$hierarchy" ] && [ -f "$dir/$hierarchy/tasks" ] || { echo "no link $hierarchy"; return 1; }
	done
}

# A kernel with cgroup2 lends only hierarchies that exist already: those with a number.
native_below() {
	local controller number fail=0
	while read -r controller number _; do
		[ -d "$dir/$controller" ] || continue
		case $(mounts_on "$(readlink -f "$dir/$controller")") in
		*'cgroup'' fuse'*) [ "$number" != 0 ] || { echo "$controller was taken"; fail=1; } ;;
		*) [ "$number" = 0 ] || { echo "no cgroup mount below $controller"; fail=1; } ;;
		esac
	done < <(grep -v '^#' /proc/cgroups)
	return $fail
}

no_native() { ! grep -F "$dir" /proc/self/mountinfo | grep -F -e '- cgroup '; }
numbers() { cut -f 1,2 /proc/cgroups; }
same_root() { [ "$(stat -c %d:%i "$dir/pids/cgroup.procs")" = "$(stat -c %d:%i /run/cgemud/*/v1/pids/cgroup.procs)" ]; }

before=$(numbers)
serving --tree v1
check "v1: complete" v1_is_complete
check "v1: no controller was taken from anyone" [ "$(numbers)" = "$before" ]
grep -q cgroup2 /proc/filesystems && check "v1: native mounts below" native_below
check "v1: one session, bound" same_root
check "v1: ends well" cgemud_stop
check "v1: nothing is left" nothing_is_left

serving --tree v1 --set mount.native-cgroup=false
check "without native mounts: complete" v1_is_complete
check "without native mounts: none" no_native
check "without native mounts: ends well" cgemud_stop

serving --tree v1 --set 'cgroup.hierarchies=pids;memory'
check "two hierarchies" [ "$(ls "$dir" | paste -sd' ')" = "memory pids" ]
check "two hierarchies: ends well" cgemud_stop

serving --tree v2
check "v2: one mount" [ "$(type_on_top "$dir")" = fuse.cgemud ]
check "v2: cgroup.controllers" test -f "$dir/cgroup.controllers"
check "v2: mkdir" mkdir "$dir/group"
check "v2: the group has files" test -f "$dir/group/cgroup.events"
check "v2: ends well" cgemud_stop
check "v2: nothing is left" nothing_is_left

serving --tree hybrid
check "hybrid: v1 is complete" v1_is_complete
check "hybrid: unified" test -f "$dir/unified/cgroup.controllers"
check "hybrid: ends well" cgemud_stop
check "hybrid: nothing is left" nothing_is_left

mkdir -p "$work/proc/sys"
check "procsys: starts" cgemud_start "$cgemud" --mount "$work/proc/sys"
check "procsys: chosen for a directory that ends in /proc/sys" test -f "$work/proc/sys/vm/overcommit_memory"
check "procsys: ends well" cgemud_stop
check "procsys: nothing is left" nothing_is_left
finish
