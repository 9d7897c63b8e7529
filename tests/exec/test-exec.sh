#!/usr/bin/env bash
# `cgemud --exec`: the command sees one story, and otherwise runs as it would without. Arguments: cgemud, the program
# made from coherent.c, and `brief` where starting a program takes long.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
. "$top/tests/lib/check.sh"
cgemud=$1 coherent=$2 brief=${3:-}
limit=${LIMIT:-120}

view=
run() { timeout --kill-after 10 "$limit" "$cgemud" --exec ${view:+--view=$view} "$@"; }

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
		    ended = subprocess.run([sys.argv[1], "--exec", "--", "sh", "-c", f"kill -{int(number)} $$"], timeout=900)
		    assert ended.returncode == -number, ended.returncode
	END
}

passes_descriptors() {
	says hello run -- sh -c 'cat <&7' 7<<<hello
}

mount_points() { cut -d' ' -f5 /proc/self/mountinfo; }

places() {
	mount_points
	compgen -G "${TMPDIR:-/tmp}/cgemud-exec*"
}

leaves_nothing() {
	local before after
	before=$(places)
	run -- true || return 1
	after=$(places)
	# What others have left may go, but nothing may come.
	[ -z "$(comm -13 <(sort <<<"$before") <(sort <<<"$after"))" ] || { diff <(echo "$before") <(echo "$after"); return 1; }
}

makes_groups() {
	run -- sh -ec 'cd /sys/fs/cgroup/memory; mkdir -p a/b; echo 1 >a/b/notify_on_release
		read value <a/b/notify_on_release; [ $value = 1 ]; rmdir a/b a; ! [ -e a ]'
}

here=$top/tests/exec
# The system's own: not a script that starts another.
python3=$(PATH=/usr/bin:/bin:$PATH command -v python3) || exit 1
# agree RUN TREE: with limits and without, to a static program and to a dynamic one.
agree() {
	local size=$((256 << 20))
	"$1" --tree="$2" --cpus=1 --memory=$size -- "$coherent" 1 $size && "$1" --tree="$2" -- "$coherent" &&
		{ [ -n "$brief" ] || "$1" --tree="$2" -- python3 "$here/coherence.py"; }
}

# The same to a dynamic program alone.
agree_dynamic() {
	local size=$((256 << 20))
	$1 --tree="$2" --cpus=1 --memory=$size -- python3 "$here/coherence.py" --cpus 1 --memory $size &&
		$1 --tree="$2" -- python3 "$here/coherence.py"
}

# Some kernels lack some of them, and have no place to mount them on.
shows_files_of_proc() {
	run -- python3 - <<-'END'
		import os
		for name, text in (("vmstat", "nr_free_pages"), ("diskstats", ""), ("swaps", "Filename"), ("stat", "cpu ")):
		    path = f"/proc/{name}"
		    assert os.access(path, os.R_OK) and os.stat(path).st_mode & 0o444 == 0o444, path
		    with open(path) as file:
		        assert text in file.read(), path
	END
}

check "the answers agree" run -- python3 "$here/story.py"
# With v1 a kernel of one's own leaves those hierarchies that it lacks without lines in mountinfo.
if [ -n "$brief" ]; then
	check "all answers agree, v1" agree run v1
else
	check "all answers agree to a static program, v1" run --tree=v1 -- "$coherent"
fi
check "all answers agree, v2" agree run v2
[ -n "$brief" ] || check "all answers agree, hybrid" agree run hybrid
check "files of /proc" shows_files_of_proc
check "forks beyond --pids are refused" run --pids=3 -- "$python3" "$here/forks.py"
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

# limited TREE: what is asked for with limits, in the words of that tree.
limited() {
	run --tree="$1" --cpus=0.5 --memory=64M --pids=40 -- bash -ec '
		is() { [ "$2" = "$3" ] || { echo "$1: $2, not $3"; exit 1; }; }
		cd /sys/fs/cgroup
		if [ $0 = v1 ]; then
			is quota "$(<cpu/cpu.cfs_quota_us)" 50000
			is memory "$(<memory/memory.limit_in_bytes)" 67108864
			is pids "$(<pids/pids.max)" 40
			cpus=$(<cpuset/cpuset.cpus) procs=memory/cgroup.procs
		else
			is quota "$(<cpu.max)" "50000 100000"
			is memory "$(<memory.max)" 67108864
			is pids "$(<pids.max)" 40
			cpus=$(<cpuset.cpus) procs=cgroup.procs
		fi
		is MemTotal "$(awk "/^MemTotal:/ { print \$2 }" /proc/meminfo)" 65536
		is processors "$(grep -c ^processor /proc/cpuinfo)" 1
		is "lines of /proc/stat" "$(grep -c "^cpu[0-9]" /proc/stat)" 1
		is nproc "$(nproc)" 1
		is "nproc --all" "$(nproc --all)" 1
		is "online CPUs" "$(cat /sys/devices/system/cpu/online)" "$cpus"
		is affinity "$(python3 -c "import os; print(*os.sched_getaffinity(0))")" "$cpus"
		grep -qx $$ $procs || { echo "not in its group"; exit 1; }
		mapfile -t members <$procs
		[ ${#members[@]} -le 2 ] || { echo "others are in its group: ${members[*]}"; exit 1; }' "$1"
}

cpus_named() {
	says 0 run --cpuset=0 -- cat /sys/fs/cgroup/cpuset/cpuset.cpus && says 1 run --cpuset=0 -- nproc
}

# refuses TEXT ARGUMENT…: status 69, with TEXT in the message.
refuses() {
	local text=$1 output
	shift
	output=$(run "$@" -- true 2>&1)
	[ $? = 69 ] || { echo "status is not 69: $output"; return 1; }
	[[ $output == *"$text"* ]] || { echo "said $output"; return 1; }
}

check "limits, v1" limited v1
check "limits, v2" limited v2

# What is written with an error in it, and read again.
refuses_nonsense() {
	run -- python3 - <<-'END'
		import errno, os
		fd = os.open("/sys/fs/cgroup/memory/memory.limit_in_bytes", os.O_WRONLY)
		try:
		    os.write(fd, b"nonsense")
		    raise SystemExit("nonsense was taken")
		except OSError as error:
		    assert error.errno == errno.EINVAL, error
		fd = os.open("/sys/fs/cgroup/cpuacct/cpuacct.usage", os.O_RDONLY)
		first, again = os.pread(fd, 64, 0), os.pread(fd, 64, 0)
		assert first.endswith(b"\n") and int(again) >= int(first), (first, again)
	END
}

# By programs that write through streams, through descriptors that they have inherited, or both.
hears_of_errors() {
	run -- bash -c '
		cd /sys/fs/cgroup/memory
		refused() { "$@" 2>/dev/null && { echo "taken: $*"; exit 1; }; return 0; }
		direct() { echo nonsense >memory.limit_in_bytes; }
		refused direct
		[[ $(direct 2>&1) == *"Invalid argument"* ]] || { echo "$(direct 2>&1)"; exit 1; }
		refused sh -c "echo nonsense >memory.limit_in_bytes"
		refused sh -c "echo nonsense | cat >memory.limit_in_bytes"
		refused sh -c "printf nonsense >memory.limit_in_bytes"
		refused sh -c "{ echo 1G; echo nonsense; } >memory.limit_in_bytes"
		refused awk "BEGIN { print \"nonsense\" >\"memory.limit_in_bytes\"; exit close(\"memory.limit_in_bytes\") != 0 }"
		refused env printf nonsense >memory.limit_in_bytes
		refused dd if=/dev/zero of=memory.limit_in_bytes bs=1 count=1
		mkdir taken
		for value in 10M 20M; do
			for shell in bash sh; do
				$shell -c "echo $value >taken/memory.limit_in_bytes" || exit 1
			done
			echo $value | cat >taken/memory.limit_in_bytes || exit 1
			[ $(<taken/memory.limit_in_bytes) = $((${value%M} << 20)) ] || exit 1
		done
		rmdir taken'
}

# They want the sanitizer's library to be loaded first.
sanitized_programs() {
	cat >"$work/sanitized.c" <<-'END'
		#include <errno.h>
		#include <stdio.h>
		int main(void) {
			char line[100];
			FILE *file = fopen("/sys/fs/cgroup/memory/memory.limit_in_bytes", "r");
			if (!file || !fgets(line, sizeof line, file) || fclose(file) != 0) return 1;
			file = fopen("/sys/fs/cgroup/memory/memory.limit_in_bytes", "w");
			if (!file || fputs("nonsense", file) == EOF) return 2;
			return fclose(file) == EOF && errno == EINVAL ? 0 : 3;
		}
	END
	cc -o "$work/sanitized" "$work/sanitized.c" && run -- "$work/sanitized" || return 1
	cc -fsanitize=address -o "$work/sanitized" "$work/sanitized.c" && run -- "$work/sanitized"
}

warns_of_static_programs() {
	local program=$work/static output
	cat >"$work/static.c" <<<'int main(void) { return 0; }'
	cc -static -o "$program" "$work/static.c" || return 1
	output=$(run -- "$program" 2>&1) || return 1
	[[ $output == *"static program"*"--view=trace"* ]] || { echo "said '$output'"; return 1; }
}

work=$(mktemp -d) || exit 1
trap 'rm -rf --one-file-system "$work"' EXIT
# directories_of PID: those that this cgemud has locked.
directories_of() {
	local fd
	for fd in "/proc/$1"/fd/*; do readlink "$fd"; done | grep -x '.*/cgemud-exec\.[^/]*' | sort -u
}

# Starts one in the background, and waits until its command runs; sets pid.
start() {
	exec {output}< <(exec "$cgemud" --exec --view="$1" -- sh -c 'echo; exec sleep 3600')
	pid=$!
	read -r -u "$output"
}

is_there() {
	local directory
	for directory; do [ -d "$directory" ] || { echo "$directory is gone"; return 1; }; done
}

# What was killed leaves its directories; the next run removes them, and those of no one else.
removes_what_is_left() {
	local pid output dead living lost
	start trace
	dead=$(directories_of $pid)
	kill -KILL $pid
	[ -n "$dead" ] && is_there $dead || return 1
	start trace
	living=$(directories_of $pid) lost=0
	for directory in $dead; do [ ! -e "$directory" ] || { echo "$directory is still there"; lost=1; }; done
	run -- true && run --view=trace -- true && is_there $living || lost=1
	kill $pid
	read -r -u "$output"
	return $lost
}

# With a /dev of its own, as containers have, if this one has it.
waits_for_the_log() {
	[ -e /dev/kmsg ] || { run -- "$python3" "$here/kmsg.py"; return; }
	unshare --mount --propagation private bash -ec 'mkdir -p "$0/dev" && mount -t tmpfs dev "$0/dev"
		for node in null zero urandom fuse; do
			: >"$0/dev/$node" && mount --bind /dev/$node "$0/dev/$node"
		done
		mkdir "$0/dev/shm" && chmod 1777 "$0/dev/shm" && mount --rbind "$0/dev" /dev && "$@"' "$work" \
		timeout --kill-after 10 "$limit" "$cgemud" --exec --set exec.kmsg=true ${view:+--view=$view} -- \
		"$python3" "$here/kmsg.py"
}

for view in trace preload; do
	reason=$(run -- true 2>&1) || { skip "--view=$view" "it does not work here: $reason"; continue; }
	check "the answers agree ($view)" run -- python3 "$top/tests/exec/story.py"
	check "limits, v1 ($view)" limited v1
	[ "$view" = preload ] || check "waiting for the kernel's log ($view)" waits_for_the_log
	[ "$view" = preload ] || check "all answers agree, v2 ($view)" agree run v2
	[ -z "$brief" ] || continue
	check "limits, v2 ($view)" limited v2
	check "groups ($view)" makes_groups
	check "exit status ($view)" ends_with 5 -- sh -c 'exit 5'
	check "no such command ($view)" ends_with 127 -- /nonexistent/command
	check "errors and new numbers ($view)" refuses_nonsense
	check "errors of all kinds of writing ($view)" hears_of_errors
	[ "$view" = preload ] || continue
	check "v1 agrees with itself (preload)" agree_dynamic run v1
	check "v2 agrees with itself (preload)" agree_dynamic run v2
	check "programs with a sanitizer (preload)" sanitized_programs
done
[ "$view" != preload ] || check "a static program is warned of" warns_of_static_programs
view=
check "errors and new numbers" refuses_nonsense
check "waiting for the kernel's log" waits_for_the_log
[ -n "$brief" ] || check "errors of all kinds of writing" hears_of_errors
explains() {
	local plan
	plan=$(run --explain --cpus=1 --memory=1G -- /nonexistent/command) || return 1
	echo "$plan"
	[[ $plan == *"view: namespace"* && $plan == *"statfs"* && $plan == *"1073741824 bytes"* ]] || return 1
	[[ $plan != *"of fork and clone"* && $plan == *"of sysinfo"* ]] || return 1
	plan=$(run --explain --pids=10 -- /nonexistent/command) || return 1
	[[ $plan == *"trace, of fork and clone"* && $plan != *sysinfo* ]] || return 1
	plan=$(run --explain --pids=10 --view=namespace -- /nonexistent/command) || return 1
	[[ $plan == *"not shown: fork and clone"* && $plan != *"view: trace"* ]] || return 1
	plan=$(run --explain --set exec.view=trace -- /nonexistent/command) || return 1
	[[ $plan == "view: trace"* ]]
}

# Nothing of the places where cgemud worked, nor of what was mounted before.
mountinfo_is_clean() {
	run -- python3 - <<-'END'
		import sys
		lines = [line.split() for line in open("/proc/self/mountinfo")]
		points = [line[4] for line in lines]
		assert not [point for point in points if "cgemud-exec" in point], points
		kinds = [line[line.index("-") + 1] for line in lines if line[4] == "/sys/fs/cgroup"]
		assert kinds == ["tmpfs"], kinds
	END
}

check "--cpuset" cpus_named
check "--cpuset with a CPU that is not there" refuses "not 100-200" --cpuset=100-200
[ -n "$brief" ] || check "--explain" explains
namespace=$(readlink /proc/self/ns/mnt)
if [ "$(unshare -m readlink /proc/self/ns/mnt)" != "$namespace" ]; then
	check "the mount table has nothing to hide" mountinfo_is_clean
else
	skip "a clean mount table" "this kernel has one mount namespace only"
fi

# What an ordinary user needs: the program, a place to write, and /dev/fuse, which distributions give to everybody.
user=(setpriv --reuid 1000 --regid 1000 --clear-groups)
open_to_user() {
	chmod 1777 "$work" && cp "$cgemud" "$work/cgemud" && chmod 755 "$work/cgemud" &&
		cp "$here"/{story,coherence,answers}.py "$work/" && chmod 644 "$work"/*.py || return 1
	cp "$coherent" "$work/coherent" && chmod 755 "$work/coherent" || return 1
	"${user[@]}" test -w /dev/fuse && return
	mknod "$work/fuse" c 10 229 && chmod 666 "$work/fuse" && mount --bind "$work/fuse" /dev/fuse
}
as_user() {
	(cd / && TMPDIR=$work exec timeout --kill-after 10 "$limit" "${user[@]}" "$work/cgemud" --exec "$@")
}
# Beside the program, where it is looked for first.
user_preloads() {
	mkdir -p "$work/view/preload" && cp "${cgemud%/*}/view/preload/libcgemud-preload.so" "$work/view/preload/" &&
		chmod -R a+rX "$work/view" || return 1
	here=$work agree_dynamic "as_user --view=preload" v1
}
user_makes_groups() {
	as_user -- sh -ec 'cd /sys/fs/cgroup/memory; mkdir a; echo $$ >a/cgroup.procs; grep -qx $$ a/cgroup.procs'
}

if [ "$(id -u)" != 0 ]; then
	skip "an ordinary user" "not root, so this is one"
elif ! "${user[@]}" unshare --user --map-root-user --mount mount -t tmpfs none /mnt 2>/dev/null; then
	skip "an ordinary user's namespace" "users cannot mount in namespaces of theirs here"
else
	check "an ordinary user can be given all that it takes" open_to_user
	check "an ordinary user gets one story" as_user -- python3 "$work/story.py"
	# What was mounted before is locked in a user namespace, and stays in the kernel's mount table.
	here=$work coherent=$work/coherent check "an ordinary user gets the same answers everywhere" agree as_user v1
	check "an ordinary user gets them by preloading" user_preloads
	check "an ordinary user makes groups" user_makes_groups
	check "an ordinary user's limits" says 1 as_user --cpus=1 --memory=64M -- nproc
fi
check "limits without groups" refuses "no hierarchy has" --tree=procsys --memory=1G
check "nothing is left mounted" leaves_nothing
[ -n "$brief" ] || check "what the killed have left is removed" removes_what_is_left
finish
