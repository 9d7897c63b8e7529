#!/usr/bin/env bash
# Groups over a restart: after SIGTERM, after SIGKILL, from a damaged file, and after --unmount.
# Usage: test-state.sh CGEMUD
set -u
cgemud=$1
here=$(dirname "$0")
. "$here/common.sh"

serve_kept() { serving --set cgroup.state-file=/run/cgemud/state "$@"; }
state_file() { find /run/cgemud -name 'state.*' ! -name '*.bad' ! -name '*.new'; }
saved() { grep -a -q "$1" "$(state_file)"; }
wait_until_saved() { until saved "$1"; do sleep 0.05; done; }
now() { cat "$dir/$1"; }

# A process that has used CPU time, and sleeps.
start_member() {
	bash -c 'for ((i = 0; i < 200000; i++)); do :; done; exec sleep 1000' &
	member=$!
}
end_member() {
	kill "$member"
	wait "$member"
} 2>/dev/null

case_of() {
	case $1 in
	v1) cpu=cpu,cpuacct limit=cpu.shares value=77 time=cpuacct.usage ;;
	v2) cpu=. limit=memory.max value=1073741824 time=cpu.stat ;;
	hybrid) cpu=unified limit=cgroup.max.depth value=5 time=cpu.stat ;;
	esac
}
time_of() { now "$cpu/a/$time" | sed -n 's/usage_usec //; 1p'; }

# What must hold after a restart of any kind; $1 names it, $2 is the CPU time before.
comes_back() {
	check "$1: the setting" test "$(now "$cpu/a/$limit")" = $value
	check "$1: the owner" test "$(stat -c %u:%a "$dir/$cpu/a/cgroup.procs")" = 1234:600
	check "$1: the member" grep -qx "$member" "$dir/$cpu/a/cgroup.procs"
	check "$1: the nested group" test -d "$dir/$cpu/a/b"
	check "$1: the inode" test "$(stat -c %i "$dir/$cpu/a")" = "$inode"
	check "$1: time goes on" test "$(time_of)" -ge "$2"
}

for tree in v1 v2 hybrid; do
	case_of $tree
	serve_kept --tree $tree
	[ $tree = v2 ] && echo +memory +cpu >"$dir/cgroup.subtree_control"
	mkdir -p "$dir/$cpu/a/b"
	echo $value >"$dir/$cpu/a/$limit"
	chown 1234 "$dir/$cpu/a/cgroup.procs"
	chmod 600 "$dir/$cpu/a/cgroup.procs"
	start_member
	echo "$member" >"$dir/$cpu/a/cgroup.procs"
	inode=$(stat -c %i "$dir/$cpu/a") before=$(time_of)
	check "$tree: one file" test "$(wait_until_saved /a/b; state_file | wc -l)" = 1
	check "$tree: nobody else reads it" test "$(stat -c %a "$(state_file)")" = 600
	check "$tree: SIGTERM" cgemud_stop
	serve_kept --tree $tree
	comes_back "$tree, after SIGTERM" "$before"
	mkdir "$dir/$cpu/a/late"
	check "$tree: it is saved" wait_until_saved /a/late
	before=$(time_of)
	kill -KILL "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null
	check "$tree: nothing answers" test ! -e "$dir/$cpu/a"
	serve_kept --tree $tree
	comes_back "$tree, after SIGKILL" "$before"
	check "$tree: what was made last" test -d "$dir/$cpu/a/late"
	end_member
	check "$tree: an ended member is none" test -z "$(now "$cpu/a/cgroup.procs")"
	check "$tree: --unmount" timeout 60 "$cgemud" --unmount "$dir"
	wait "$daemon_pid"
	daemon_pid=
	check "$tree: it forgets" nothing_is_left
done

# Whatever is wrong with the file, nothing of it is used, and it is kept to be looked at.
damaged() {
	local name=$1
	shift
	serve_kept --tree v1
	mkdir "$dir/pids/damaged"
	cgemud_stop || return 1
	"$@" "$(state_file)" || return 1
	: >"$daemon_log"
	serve_kept --tree v1
	check "$name: refused" grep -q 'not restored' "$daemon_log"
	check "$name: set aside" test -e "$(echo /run/cgemud/state.*.bad)" -o -L "$(echo /run/cgemud/state.*.bad)"
	check "$name: no group" test ! -e "$dir/pids/damaged"
	cgemud_stop
	rm -f /run/cgemud/state.*
}
flip() { printf '\377' | dd of="$1" bs=1 seek=300 conv=notrunc status=none; }
link() { mv "$1" "$work/elsewhere" && ln -s "$work/elsewhere" "$1"; }
damaged "cut" truncate -s -1
damaged "changed" flip
damaged "a link" link
damaged "writable by others" chmod 666
damaged "empty" truncate -s 0

# Two mounts with one configuration.
serve_kept --tree v1
first=$daemon_pid
mkdir "$dir/pids/first" "$work/second"
check "a second mount" cgemud_start "$cgemud" --mount "$work/second" --tree v1
mkdir "$work/second/pids/second"
cgemud_stop
kill "$first"
wait "$first"
check "a file of its own for each" test "$(state_file | wc -l)" = 2
serve_kept --tree v1
check "each has its own groups" test -d "$dir/pids/first" -a ! -e "$dir/pids/second"
check "ends well" cgemud_stop
finish
