#!/usr/bin/env bash
# `cgemud --exec`: the command sees one story, and otherwise runs as it would without. Arguments: cgemud.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
. "$top/tests/lib/check.sh"
cgemud=$1
limit=${LIMIT:-120}

run() { timeout --kill-after 10 "$limit" "$cgemud" --exec "$@"; }

reason=$(run -- true 2>&1) || { skip "--exec" "it does not work here: $reason"; finish; }

ends_with() {
	local expected=$1
	shift
	run "$@"
	local status=$?
	[ $status = "$expected" ] || { echo "status $status, not $expected"; return 1; }
}

says() {
	local expected=$1 output
	shift
	output=$("$@") || return 1
	[ "$output" = "$expected" ] || { echo "said '$output', not '$expected'"; return 1; }
}

dies_by_signal() {
	python3 - "$cgemud" <<-'END'
		import signal, subprocess, sys
		for number in (signal.SIGTERM, signal.SIGKILL):
		    ended = subprocess.run([sys.argv[1], "--exec", "--", "sh", "-c", f"kill -{int(number)} $$"], timeout=100)
		    assert ended.returncode == -number, ended.returncode
	END
}

passes_descriptors() {
	says hello run -- sh -c 'cat <&7' 7<<<hello
}

mount_points() { cut -d' ' -f5 /proc/self/mountinfo; }

leaves_nothing() {
	local before after
	before=$(mount_points; echo "${TMPDIR:-/tmp}"/cgemud-exec*)
	run -- true || return 1
	after=$(mount_points; echo "${TMPDIR:-/tmp}"/cgemud-exec*)
	[ "$before" = "$after" ] || { diff <(echo "$before") <(echo "$after"); return 1; }
}

makes_groups() {
	run -- sh -ec 'cd /sys/fs/cgroup/memory; mkdir -p a/b; echo 1 >a/b/notify_on_release
		read value <a/b/notify_on_release; [ $value = 1 ]; rmdir a/b a; ! [ -e a ]'
}

check "the answers agree" run -- python3 "$top/tests/exec/story.py"
check "exit status" ends_with 5 -- sh -c 'exit 5'
check "exit status without tracing" ends_with 5 --view=namespace -- sh -c 'exit 5'
check "end by a signal" dies_by_signal
check "no such command" ends_with 127 -- /nonexistent/command
check "not executable" ends_with 126 -- /etc/passwd
check "working directory" says "$PWD" run -- pwd
check "environment" says value env NAME=value "$cgemud" --exec -- printenv NAME
check "standard input" says text run -- cat <<<text
check "descriptors" passes_descriptors
check "groups" makes_groups
check "nothing is left mounted" leaves_nothing
finish
