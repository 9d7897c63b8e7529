#!/usr/bin/env bash
# `cgemud --exec --view=trace`: everything is shown without any right to mount, to root and to an ordinary user.
# Usage: test-trace-view.sh [--short] CGEMUD [BUSY], where BUSY is the program made from busy.go. --short: as an ordinary
# user only, and less of the same. ROUNDS (1): how often what might hang is run; FORKS: how many forks that makes.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
. "$top/tests/lib/check.sh"
short=
[ "$1" != --short ] || { short=1 FORKS=${FORKS:-50}; shift; }
cgemud=$1 busy=${2:-}
limit=${LIMIT:-1500} rounds=${ROUNDS:-1} forks=${FORKS:-300}
work=$(mktemp -d) || exit 1
chmod 777 "$work"
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work
# The system's own: not a script that starts another, nor one in somebody's home.
python3=$(PATH=/usr/bin:/bin:$PATH command -v python3) || exit 1

user=()
run() { "${user[@]}" timeout --kill-after 10 "$limit" "$cgemud" --exec --view=trace "$@"; }

reason=$(run -- true 2>&1) || { skip "the trace view" "it does not work here: $reason"; finish; }

agree() {
	local size=$((256 << 20))
	run --tree="$1" -- "$python3" "$top/tests/exec/coherence.py" &&
		run --tree="$1" --cpus=1 --memory=$size -- "$python3" "$top/tests/exec/coherence.py" --cpus 1 --memory $size
}

ends_with() {
	local expected=$1
	shift
	run "$@"
	local status=$?
	[ $status = "$expected" ] || { echo "status $status, not $expected"; return 1; }
}

leaves_nothing() {
	local own
	run -- sh -c "mkdir /sys/fs/cgroup/memory/left$$ && cat /proc/self/mountinfo" >/dev/null || return 1
	own=$(ls -d {/dev/shm,/tmp,"$work"}/cgemud-exec.*/sys/fs/cgroup/memory/left$$ 2>/dev/null)
	[ -z "$own" ] || { echo "$own"; return 1; }
}

# What a tracer cannot do inside another is told, and nothing waits for it.
says_no_to_tracers() {
	local output
	if command -v strace >/dev/null; then
		output=$(run -- strace -f true 2>&1) && { echo "strace worked"; return 1; }
		grep -q "not permitted" <<<"$output" || { echo "$output"; return 1; }
	fi
	if command -v gdb >/dev/null; then
		output=$(run -- gdb -batch -nx -ex run -ex quit true 2>&1 </dev/null)
		grep -q "not permitted" <<<"$output" || { echo "$output"; return 1; }
	fi
}

makes_in_parallel() {
	mkdir -p "$work/make" && chmod 777 "$work/make" || return 1
	{
		echo "all: $(seq -s ' ' -f 'o%g' 20)"
		echo 'o%: ; @cat /proc/sys/kernel/ostype >$@; [ -s $@ ] && sh -c "exit 0" && true'
	} >"$work/make/Makefile"
	rm -f "$work"/make/o*
	run -- make -s -C "$work/make" -j8 all && [ "$(echo "$work"/make/o* | wc -w)" = 20 ]
}

forks_often() {
	run -- "$python3" - <<-END
		import os
		for i in range($forks):
		    pid = os.fork()
		    if pid == 0:
		        os._exit(i % 100)
		    assert os.waitpid(pid, 0)[1] == i % 100 << 8
	END
}

stays_alive() {
	for ((round = 0; round < rounds; round++)); do
		if [ -n "$busy" ]; then [ "$(run -- "$busy")" = done ] || return 1; fi
		forks_often || return 1
		if command -v make >/dev/null; then makes_in_parallel || return 1; fi
	done
}

as_user() {
	check "$1: v1 agrees with itself" agree v1
	check "$1: v2 agrees with itself" agree v2
	[ -n "$short" ] || check "$1: hybrid agrees with itself" agree hybrid
	check "$1: what else v1 clients look at" run -- "$python3" "$top/tests/exec/story.py"
	check "$1: every kind of path" run -- "$python3" "$top/tests/exec/paths.py"
	# In gVisor of 2022 these waits do not end.
	[ -n "$short" ] || check "$1: waiting for event files" run --tree=v2 -- "$python3" "$top/tests/exec/waits.py"
	check "$1: exit status" ends_with 5 -- sh -c 'exit 5'
	check "$1: no such command" ends_with 127 -- /nonexistent/command
	check "$1: nothing is left" leaves_nothing
	check "$1: forks beyond --pids are refused" run --pids=3 -- "$python3" "$top/tests/exec/forks.py"
	check "$1: other tracers are refused" says_no_to_tracers
	check "$1: busy programs end" stays_alive
}

if [ "$(id -u)" = 0 ]; then
	[ -n "$short" ] || as_user root
	user=(setpriv --reuid=1000 --regid=1000 --clear-groups)
	reason=$(run -- true 2>&1) || { skip "as an ordinary user" "$reason"; finish; }
fi
as_user user
finish
