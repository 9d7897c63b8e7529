# shellcheck shell=bash
# A cgemud of one's own for a test script: source this, then cgemud_start. Everything ends with the script.

work=$(mktemp -d "${CGEMUD_TESTS_SCRATCH:-${TMPDIR:-/tmp}}/cgemud.XXXXXX") || exit 1
daemon_pid= daemon_log=$work/daemon.log

# What the daemon remembers between runs lives here; a test must not meet another's, or the system's.
private_run_directory() {
	mkdir -p /run/cgemud && mount -t tmpfs -o mode=755 cgemud-test /run/cgemud
}

# cgemud_start PROGRAM ARG…: returns when it says that it is ready; 1, with its log on stdout, when it ends before.
cgemud_start() {
	local line
	rm -f "$work/messages"
	mkfifo "$work/messages" || return 1
	"$@" 2>"$work/messages" >&2 &
	daemon_pid=$!
	exec {messages}<"$work/messages"
	while read -r -t 300 -u "$messages" line; do
		echo "$line" >>"$daemon_log"
		case $line in
		*"serving "*)
			cat <&"$messages" >>"$daemon_log" &
			exec {messages}<&-
			return 0
			;;
		esac
	done
	exec {messages}<&-
	kill -KILL "$daemon_pid" 2>/dev/null
	wait "$daemon_pid"
	echo "cgemud did not get ready: status $?"
	tail -n 20 "$daemon_log"
	daemon_pid=
	return 1
}

# Ends it as an init system would, and returns its exit status.
cgemud_stop() {
	local pid=$daemon_pid
	[ -n "$pid" ] || return 0
	daemon_pid=
	kill -TERM "$pid"
	wait "$pid"
}

cgemud_end() {
	[ -z "$daemon_pid" ] || kill -KILL "$daemon_pid" 2>/dev/null
	# The mounts are of this script's own namespace, and end with it.
	rm -rf --one-file-system "$work" 2>/dev/null
}
trap cgemud_end EXIT
trap 'exit 143' TERM INT
