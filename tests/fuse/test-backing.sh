#!/usr/bin/env bash
# [cgroup] backing=native: members are moved into groups of the kernel's own, too, below a group of our own that is gone
# afterwards. Usage: test-backing.sh CGEMUD
set -u
cgemud=$1
here=$(dirname "$0")
. "$here/common.sh"

# What this kernel offers, seen without touching what is mounted already.
native=$work/native
for controller in cpuacct memory pids; do
	mkdir -p "$native/$controller"
	grep -qE "^$controller	[1-9]" /proc/cgroups &&
		mount -t cgroup -o $controller none "$native/$controller" ||
		{ skip "everything" "the kernel has no v1 hierarchy of $controller alone"; finish; }
done
own_groups() { find "$native" -maxdepth 8 -type d -name "cgemud.*${work##*/}*"; }
in_kernel() { grep -E ":($1):" "/proc/$2/cgroup"; }
in_group() { in_kernel cpuacct "$1" | grep -q "cgemud.*/pod/one$"; }

before=$(cat /proc/self/cgroup)
serving --tree v1
mkdir "$dir/pids/plain"
sleep 1000 &
member=$!
echo $member >"$dir/pids/plain/cgroup.procs"
check "nothing is touched unless asked for" test "$(cat /proc/$member/cgroup)" = "$before" -a -z "$(own_groups)"
check "ends well" cgemud_stop

serving --tree v1 --set cgroup.backing=native --set cgroup.state-file=/run/cgemud/state
mkdir -p "$dir"/{cpuacct,memory,pids}/pod/one
check "numbers and limits are the kernel's" timeout 300 python3 "$here/../lib/backed.py" "$dir"/{cpuacct,memory,pids}/pod/one /pod/one
echo $member >"$dir/cpuacct/pod/one/cgroup.procs"
check "a member is in the kernel's group" in_group $member
usage=$(cat "$dir/cpuacct/pod/one/cpuacct.usage")
kill -KILL "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
serving --tree v1 --set cgroup.backing=native --set cgroup.state-file=/run/cgemud/state
check "after a crash: still there" in_group $member
check "after a crash: time goes on" test "$(cat "$dir/cpuacct/pod/one/cpuacct.usage")" -ge "$usage"
check "a hand-over" timeout 300 "$cgemud" --reexec "$dir"
check "after it: still there" in_group $member
check "after it: time goes on" test "$(cat "$dir/cpuacct/pod/one/cpuacct.usage")" -ge "$usage"
echo $member >"$dir/cpuacct/pod/cgroup.procs"
check "rmdir" rmdir "$dir/cpuacct/pod/one"
check "the parent keeps its time" test "$(cat "$dir/cpuacct/pod/cpuacct.usage")" -ge "$usage"
check "ends well" cgemud_stop
check "members go back" test "$(cat /proc/$member/cgroup)" = "$before"
check "no group of the kernel's is left" test -z "$(own_groups)"

serving --tree v1 --set cgroup.backing=native --set cgroup.state-file=/run/cgemud/state
check "after a restart: time goes on" test "$(cat "$dir/cpuacct/pod/cpuacct.usage")" -ge "$usage"
check "--unmount" timeout 60 "$cgemud" --unmount "$dir"
wait "$daemon_pid"
daemon_pid=
check "no group of the kernel's is left" test -z "$(own_groups)"
kill $member
umount "$native"/*
rmdir "$native"/* "$native"
finish
