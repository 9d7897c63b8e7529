#!/usr/bin/env bash
# Everything that is tested inside a gVisor sandbox. Runs there; tests/gvisor/test-gvisor.sh starts it.
# Usage: inside.sh VERSION CGEMUD
set -u
version=$1 cgemud=$2
here=$(dirname "$0")
. "$here/../lib/check.sh"
. "$here/../lib/daemon.sh"
tree=/sys/fs/cgroup

start_v1() { cgemud_start "$cgemud" --mount $tree --tree v1 --set cgroup.state-file=; }

everyday() {
	local output
	output=$("$here/everyday.sh" "$1" "$2" "$3" "$here/everyday-exceptions-$version.tsv" 2>&1)
	echo "$output"
	grep -q ' passed, ' <<<"$output" || check "the everyday commands ran to their end" false
	add_counts "$output"
}

complete_tree() {
	local file
	for file in cpu/cpu.shares cpuacct/cpuacct.usage_percpu cpuset/cpuset.cpus memory/memory.stat devices/devices.list \
		freezer/tasks pids/cgroup.procs blkio/blkio.throttle.io_serviced systemd/cgroup.procs; do
		[ -f "$tree/$file" ] || { echo "no $file"; return 1; }
		cat "$tree/$file" >/dev/null || return 1
	done
}

# A descriptor that is kept must show new numbers. The loop is bounded by the CPU time that it burns itself.
fresh_pread() {
	python3 - $tree/cpuacct/cpuacct.usage <<-'EOF'
	import os, sys, time
	fd = os.open(sys.argv[1], os.O_RDONLY)
	first = int(os.pread(fd, 100, 0))
	while int(os.pread(fd, 100, 0)) <= first:
	    if time.process_time() > 60:
	        sys.exit("pread never moved from %d" % first)
	    sum(range(100000))
	EOF
}

# Eight readers at once; each content must be whole.
readers() {
	local i pids=() failed=0
	for i in 1 2 3 4 5 6 7 8; do
		python3 - $tree "$i" <<-'EOF' &
		import sys
		tree, seed = sys.argv[1], int(sys.argv[2])
		files = ["cpuacct/cpuacct.usage", "memory/memory.stat", "memory/memory.usage_in_bytes", "cpuset/cpuset.cpus",
		         "cpuacct/cpuacct.usage_percpu", "cpu/cpu.shares", "pids/tasks", "devices/devices.list"]
		lines = {name: len(open(f"{tree}/{name}").readlines()) for name in files[:1] + files[1:6]}
		for i in range(150):
		    name = files[(i + seed) % len(files)]
		    text = open(f"{tree}/{name}").read()
		    assert text.endswith("\n"), (name, text)
		    assert name not in lines or len(text.splitlines()) == lines[name], (name, text)
		EOF
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || failed=1; done
	return $failed
}

# usage must grow by what the process itself says that it used; the system around it uses some, too.
cpu_usage_moves() {
	python3 - $tree/cpuacct/cpuacct.usage <<-'EOF'
	import sys, time
	def usage():
	    return int(open(sys.argv[1]).read())
	for attempt in range(5):
	    start, used_before = usage(), time.process_time()
	    while time.process_time() - used_before < 1:
	        sum(range(10000))
	    time.sleep(0.2)
	    used, grown = time.process_time() - used_before, (usage() - start) / 1e9
	    print(f"used {used:.2f} s, cpuacct.usage grew by {grown:.2f} s")
	    if 0.9 * used <= grown <= 1.3 * used:
	        sys.exit(0)
	sys.exit(1)
	EOF
}

memory_usage_moves() {
	python3 - $tree/memory/memory.usage_in_bytes <<-'EOF'
	import sys, time
	def usage():
	    time.sleep(0.2)
	    return int(open(sys.argv[1]).read())
	for attempt in range(5):
	    before = usage()
	    block = bytearray(100 << 20)
	    for i in range(0, len(block), 4096):
	        block[i] = 1
	    grown = usage() - before
	    del block
	    print(f"took 100 MiB, usage grew by {grown >> 20} MiB")
	    if 80 << 20 <= grown <= 150 << 20:
	        sys.exit(0)
	sys.exit(1)
	EOF
}

kill_daemon() {
	kill -KILL "$daemon_pid" && wait "$daemon_pid"
	daemon_pid=
	! cat $tree/cpu/cpu.shares
}

# Every FUSE mount has its own inode cache; ask for something that was not read before, too.
answers() { [ "$(cat $tree/cpu/cpu.shares)" = 1024 ] && [ "$(cat $tree/cpu/cpu.cfs_quota_us)" = -1 ]; }

sysctls() {
	local file
	for file in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys \
		kernel/keys/root_maxbytes net/ipv4/conf/all/forwarding; do
		[[ $(cat /proc/sys/$file) =~ ^-?[0-9]+$ ]] || { echo "$file: $(cat /proc/sys/$file)"; return 1; }
	done
	echo 1 >/proc/sys/vm/overcommit_memory && [ "$(cat /proc/sys/vm/overcommit_memory)" = 1 ]
}

start() {
	"$@" && return
	check "start on $tree" false
	finish
}

start start_v1
check "the tree is complete" complete_tree
check "mkdir" mkdir $tree/memory/everyday
everyday $tree/memory/everyday memory.stat memory.swappiness
check "rmdir" rmdir $tree/memory/everyday
check "pread on a held descriptor" fresh_pread
check "eight readers" readers
check "CPU usage" cpu_usage_moves
check "memory usage" memory_usage_moves
check "the daemon is killed" kill_daemon
check "the dead mount is replaced" start_v1
check "the new one answers" answers
check "cgemud ends well" cgemud_stop

start cgemud_start "$cgemud" --mount /proc/sys --set cgroup.state-file=
check "sysctls" sysctls
everyday /proc/sys/vm lowmem_reserve_ratio swappiness
check "cgemud ends well" cgemud_stop
finish
