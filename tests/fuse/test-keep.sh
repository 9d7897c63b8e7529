#!/usr/bin/env bash
# A daemon that crashes or hangs, where a service manager keeps its session: mounts and open files of clients live on,
# and nobody waits for an answer that never comes.
# Usage: test-keep.sh CGEMUD HELD
set -u
cgemud=$1 held=$2
here=$(dirname "$0")
. "$here/common.sh"
. "$here/keeper.sh"

mounts() { grep -F "$dir" /proc/self/mountinfo | cut -d ' ' -f 1,5; }

# Four clients that read until $work/enough exists. Returns when all have begun.
clients_start() {
	local i
	rm -f "$work/enough"
	clients=()
	for i in 1 2 3 4; do
		"$held" until "$work/enough" "$dir/memory/memory.stat" >&"$begun" &
		clients+=($!)
		read -r -t 300 -u "$begun" || return 1
	done
}

mkfifo "$work/begun"
exec {begun}<>"$work/begun"
check "a keeper's daemon starts" keep --tree v1 --set fuse.threads=2
before=$(mounts)
exec 5<"$dir/cpu/cpu.shares" 6<"$dir/cpuacct/cpuacct.usage" 7<"$dir"
read -r -u 5 shares
kill -KILL "$pid"
check "a crash: another one starts" next_daemon
check "the same mounts" test "$(mounts)" = "$before"
check "an open file that was read to its end" test "$shares" = 1024 -a -z "$(cat <&5)"
check "an open file that was not read yet" grep -q '^[0-9]' <&6
check "a file opened anew" test "$(cat "$dir/cpu/cpu.shares")" = 1024
check "names" test -d "$dir/pids" -a ! -e "$dir/pids/absent"
check "a group can be made" mkdir "$dir/pids/group"
check "a held descriptor is fresh" timeout 900 "$held" fresh "$dir/pids/group"

upgrade() { kill -USR2 "$pid" && next alive && next alive && next ready; }
check "an upgrade: a sign of life before and after" upgrade
check "an upgrade: a file opened anew" test "$(cat "$dir/cpu/cpu.shares")" = 1024

# Readers all the while: none may fail, but one whose request was being answered, which has to try again.
timeout 900 "$held" readers 4 "$dir"/{cpu,memory,cpuset}/notify_on_release &
readers=$!
for round in 1 2 3; do
	kill -KILL "$pid"
	check "crash $round under load" next_daemon
done
check "no reader failed" wait $readers

# Those whose request a hanging daemon has taken must not wait for ever.
for round in 1 2; do
	check "clients $round read" clients_start
	kill -STOP "$pid"
	kill -KILL "$pid"
	check "a hanging daemon $round: another one starts" next_daemon
	touch "$work/enough"
	for client in "${clients[@]}"; do
		check "a hanging daemon $round: its client goes on" wait "$client"
	done
done

kill -TERM "$pid"
check "the end: nothing is kept" next removed cgemud-session
check "the end: exit status 0" wait "$keeper"
exec 5<&- 6<&- 7<&-
check "nothing is left" nothing_is_left

rm -f "$work/notify"
check "again" keep --tree v1
# What cannot be gone on with is replaced.
sed -i '/^session /d' /run/cgemud/*.record
kill -KILL "$pid"
check "no session in the record: another one starts" next_daemon
check "no session in the record: it answers" test "$(cat "$dir/cpu/cpu.shares")" = 1024
kill -TERM "$pid"
check "exit status 0" wait "$keeper"
check "nothing is left" nothing_is_left
finish
