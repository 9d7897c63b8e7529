#!/usr/bin/env bash
# Starting, ending, crashing, starting again.
# Usage: test-life.sh CGEMUD
set -u
cgemud=$1
here=$(dirname "$0")
. "$here/common.sh"

kill_daemon() {
	kill -KILL "$daemon_pid"
	wait "$daemon_pid"
	daemon_pid=
	! cat "$dir/pids/cgroup.procs"
}

answers() { [ -n "$(cat "$dir/pids/cgroup.procs")" ]; }
unmount() { timeout 900 "$cgemud" --unmount "$dir"; }

# is_refused CODE PATTERN CMD…: exits so, and says so in one line.
is_refused() {
	local code=$1 pattern=$2 output status
	shift 2
	output=$(timeout 900 "$@" 2>&1)
	status=$?
	echo "status $status: $output"
	[ $status = "$code" ] && [[ $output == *$pattern* ]] && [ "$(wc -l <<<"$output")" = 1 ]
}

for signal in TERM INT; do
	serving
	check "SIG$signal: answers before" answers
	kill -$signal "$daemon_pid"
	check "SIG$signal: exit status 0" wait "$daemon_pid"
	daemon_pid=
	check "SIG$signal: nothing is left" nothing_is_left
done

serving
check "--unmount" unmount
check "--unmount ends the daemon" wait "$daemon_pid"
daemon_pid=
check "--unmount: nothing is left" nothing_is_left
check "--unmount again is refused" is_refused 69 "serves nothing at" "$cgemud" --unmount "$dir"

serving
check "SIGKILL" kill_daemon
check "--unmount after SIGKILL" unmount
check "--unmount after SIGKILL: nothing is left" nothing_is_left

serving
check "SIGKILL" kill_daemon
check "the next --mount replaces what is left" serve
check "it answers" answers
check "a second one is refused" is_refused 69 "already served by process $daemon_pid" "$cgemud" --mount "$dir"
check "the first still answers" answers
check "it ends well" cgemud_stop
check "nothing is left" nothing_is_left

serving
check "SIGKILL" kill_daemon
rm -f /run/cgemud/*.record
check "a start without a record replaces what is left, too" serve
check "it ends well" cgemud_stop
check "nothing is left" nothing_is_left

check "--daemonize returns 0" timeout 900 "$cgemud" --mount "$dir" --daemonize --set cgroup.state-file=
check "--daemonize: the tree answers at once" answers
check "--daemonize: --unmount" unmount
check "--daemonize: nothing is left" nothing_is_left
check "--daemonize passes an error on" is_refused 69 "No such file or directory" "$cgemud" --daemonize --mount "$dir/absent"

check "a file is refused" is_refused 69 "not a directory" "$cgemud" --mount /etc/passwd
check "a file: nothing is left" nothing_is_left
finish
