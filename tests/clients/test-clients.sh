#!/usr/bin/env bash
# Real programs, unmodified, under `cgemud --exec`, each through every view that can carry it. Arguments: cgemud, and a
# directory for programs that are built here.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
. "$top/tests/lib/check.sh"
cgemud=$(realpath "$1") built=$2
here=$top/tests/clients
work=$(mktemp -d) || exit 1
trap 'rm -rf --one-file-system "$work"' EXIT

view= tree=
run() {
	timeout --kill-after 10 "${LIMIT:-600}" "$cgemud" --exec ${view:+--view=$view} ${tree:+--tree=$tree} "$@"
}
small() { run --cpus=1 --memory=128M --pids=200 "$@"; }

# has NAME…: this machine has the program; else the check is skipped, once.
missing=
has() {
	command -v "$1" >/dev/null && return
	[[ $missing == *" $1 "* ]] || skip "$1" "is not installed"
	missing+=" $1 "
	return 1
}

# said TEXT… -- CMD…: the command ends well and says all the texts.
said() {
	local texts=() output text
	while [ "$1" != -- ]; do texts+=("$1"); shift; done
	shift
	output=$("$@" 2>&1) || { echo "status $?: $output"; return 1; }
	for text in "${texts[@]}"; do
		[[ $output == *"$text"* ]] || { echo "no '$text' in: $output"; return 1; }
	done
}

sizes() {
	local go=$built/sizes
	[ -x "$go" ] && [ "$view" != preload ] || go=-
	# A kernel that has nothing but v2 has a mount of its own below; elsewhere the mount table is the tracer's.
	FSTYPE=$([ $tree = v1 ] && echo tmpfs || { [ -z "$view" ] && ! grep -qv ^0:: /proc/self/cgroup && echo fuse || echo cgroup2; }) \
		small -- bash "$here/sizes.sh" "$go"
}

jvm() {
	said "cgroup$tree" "Effective CPU Count: 1" "CPU Quota: 100000us" "Memory Limit: 128.00M" -- \
		small -- java -XX:-UsePerfData -XshowSettings:system -version
}

node_sizes() {
	local memory=134217728
	said "constrained $memory parallelism 1 cpus 1 total 134217728" -- small -- node -e \
		'const os = require("os"); console.log("constrained", process.constrainedMemory(), "parallelism",
			(os.availableParallelism ?? (() => os.cpus().length))(), "cpus", os.cpus().length, "total", os.totalmem())'
}

node_can() {
	has node || return 1
	node -e 'process.exit(process.constrainedMemory ? 0 : 1)' || {
		[[ $missing == *" old-node "* ]] || skip "node" "this one has no process.constrainedMemory()"
		missing+=" old-node "
		return 1
	}
}

libcgroup() {
	local file=$([ $tree = v1 ] && echo memory.limit_in_bytes || echo memory.max)
	FILE=$file run -- bash -ec 'lscgroup >/dev/null; cgcreate -g memory:/clients; echo 64M >$(
			[ -d /sys/fs/cgroup/memory ] && echo /sys/fs/cgroup/memory || echo /sys/fs/cgroup)/clients/$FILE
		[ "$(cgget -n -v -r $FILE clients)" = 67108864 ]
		cgexec -g memory:/clients true; lscgroup | grep -q /clients; cgdelete memory:/clients'
}

programs_of_groups() {
	! has systemd-cgls || check "systemd-cgls, $tree" said "Control group /" -- run -- systemd-cgls --no-pager
	! has systemd-cgtop || check "systemd-cgtop, $tree" said / -- run -- systemd-cgtop -n2 -b
	! has cgget || check "libcgroup, $tree" libcgroup
	! has podman || check "podman, $tree" said "cgroupVersion: $tree" -- run -- podman --root "$work/podman" --runroot "$work/run" info
	! has crun || check "crun, $tree" run -- "$here/crun-container" "$work/container"
	[ ! -x "$built/libcontainer" ] || check "libcontainer, $tree" run -- "$built/libcontainer"
}

for program in sizes libcontainer; do
	reason=$("$here/go-program" $program "$built") && continue
	[ $? = 77 ] && skip "$program.go" "$reason" || check "$program.go can be built" false
done

for tree in v1 v2; do
	for view in '' trace preload; do
		check "small programs, ${view:-auto}, $tree" sizes
		! has java || check "java, ${view:-auto}, $tree" jvm
		! node_can || check "node, ${view:-auto}, $tree" node_sizes
	done
	view=
	[ "$(id -u)" != 0 ] || programs_of_groups
	view=trace
	[ ! -x "$built/libcontainer" ] || check "libcontainer, trace, $tree" run -- "$built/libcontainer"
	view=
done
tree=
! has prometheus-node-exporter || check "prometheus-node-exporter" run -- "$here/exporter" "$work"
finish
