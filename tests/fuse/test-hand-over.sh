#!/usr/bin/env bash
# SIGUSR2: a new process goes on with the session; mounts and open files of clients live on.
# Usage: test-hand-over.sh CGEMUD HELD
set -u
cgemud=$1 held=$2
here=$(dirname "$0")
. "$here/common.sh"

mounts() { grep -F "$dir" /proc/self/mountinfo | cut -d ' ' -f 1,5; }
started() { head -n 1 <(grep -c ': serving ' "$daemon_log"); }

# Waits for the line that the successor prints.
hands_over() {
	local before
	before=$(started)
	kill -USR2 "$daemon_pid"
	until [ "$(started)" -gt "$before" ]; do
		kill -0 "$daemon_pid" || { tail -n 5 "$daemon_log"; return 1; }
		sleep 0.05
	done
}

fails_with() {
	local wanted=$1
	shift
	"$@"
	[ $? = "$wanted" ]
}

serving --tree v1
before=$(mounts)
exec 5<"$dir/cpu/cpu.shares" 6<"$dir/memory/cgroup.procs" 7<"$dir"
read -r -u 5 shares
check "a successor goes on" hands_over
check "the same process" kill -0 "$daemon_pid"
check "the same mounts" test "$(mounts)" = "$before"
check "an open file that was read to its end" test "$shares" = 1024 -a -z "$(cat <&5)"
check "an open file that was not read yet" test -n "$(cat <&6)"
check "a file opened anew" test "$(cat "$dir/cpu/cpu.shares")" = 1024
check "names" test -d "$dir/pids" -a ! -e "$dir/pids/absent"
check "mkdir" mkdir "$dir/pids/group"
check "a held descriptor is fresh" timeout 900 "$held" fresh "$dir/pids/group"
check "rmdir" rmdir "$dir/pids/group"

# Groups, also renamed ones, and what is held open of them.
groups_stay() {
	check "$1: a setting" test "$(cat "$dir/memory/b/memory.limit_in_bytes")" = 4096000
	check "$1: a member" grep -qx $member "$dir/memory/b/cgroup.procs"
	check "$1: the inodes" test "$(stat -c %i "$dir/memory/b" "$dir/memory/b/memory.stat")" = "$inodes"
	check "$1: a held file of a group" grep -q ^ <&$held_fd
	check "$1: a held directory" test -e /proc/self/fd/9/memory.stat
}
mkdir -p "$dir/memory/a/deep"
mv "$dir/memory/a" "$dir/memory/b"
mkdir "$dir/memory/a"
echo 4096000 >"$dir/memory/b/memory.limit_in_bytes"
sleep 1000 &
member=$!
echo $member >"$dir/memory/b/cgroup.procs"
inodes=$(stat -c %i "$dir/memory/b" "$dir/memory/b/memory.stat")
exec 8<"$dir/memory/b/memory.stat" 9<"$dir/memory/b" 3<"$dir/memory/b/cgroup.procs" 4<"$dir/memory/b/deep/tasks"
mkfifo "$work/asleep"
timeout 300 "$held" asleep "$dir/memory/b/memory.oom_control" >"$work/asleep" &
sleeper=$!
read -r _ <"$work/asleep"
held_fd=8
check "a successor with groups" hands_over
groups_stay "first"
check "a sleeper in poll is woken" wait $sleeper
held_fd=3
check "--reexec" timeout 300 "$cgemud" --reexec "$dir"
groups_stay "second"
kill $member
wait $member 2>/dev/null
check "rmdir of a held group" rmdir "$dir/memory/b/deep"
check "what is held of it is gone" test "$(cat <&4 2>&1 | grep -c 'No such device')" = 1
check "rmdir of the group" rmdir "$dir/memory/b" "$dir/memory/a"
exec 3<&- 4<&- 8<&- 9<&-

# Readers all the while: none may fail.
timeout 900 "$held" readers 4 "$dir"/{cpu,memory,cpuset}/notify_on_release &
readers=$!
for round in 1 2 3 4 5; do
	check "hand-over $round under load" hands_over
done
check "no reader failed" wait $readers
exec 5<&- 6<&- 7<&-
check "ends well" cgemud_stop
check "nothing is left" nothing_is_left

check "--daemonize" timeout 900 "$cgemud" --mount "$dir" --daemonize --set cgroup.state-file=
pid=$(awk '/^process / { pid = $2 } END { print pid }' /run/cgemud/*.record)
check "SIGUSR2 to it" kill -USR2 "$pid"
check "it answers afterwards" test "$(cat "$dir/cpu/cpu.shares")" = 1024
check "--unmount" timeout 900 "$cgemud" --unmount "$dir"
check "nothing is left" nothing_is_left
check "--reexec where nothing is" fails_with 69 timeout 60 "$cgemud" --reexec "$dir"
finish
