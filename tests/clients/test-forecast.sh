#!/usr/bin/env bash
# What `cgemud --probe` says of clients, against what they do: as this machine is, and where it has no cgroup tree.
# Arguments: cgemud, a directory for programs that are built here, and "here" to leave out the second place (which takes a
# mount namespace).
set -u

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
. "$top/tests/lib/check.sh"
. "$top/tests/lib/daemon.sh"
cgemud=$(realpath "$1") built=$2
[ "$(id -u)" = 0 ] || { skip forecast "mounting takes root"; finish; }
[ "${3:-}" = here ] || [ -n "${CGEMUD_FORECAST_NAMESPACE:-}" ] ||
	CGEMUD_FORECAST_NAMESPACE=1 exec unshare --mount --propagation private -- "$0" "$@"
private_run_directory
real_tree=/sys/fs/cgroup

# Each of these ends well only if the client finds what it needs.
jvm() { java -XX:-UsePerfData -XshowSettings:system -version 2>&1 | grep "Provider: cgroup"; }
cgls() { systemd-cgls --no-pager && systemd-cgtop -n1 -b; }
libcontainer() { "$built/libcontainer"; }
exporter() { "$top/tests/clients/exporter" "$work"; }
crun_runs() { "$top/tests/clients/crun-container" "$work/container"; }
podman_runs() { "$top/tests/clients/podman-container" "$work/container"; }
export -f jvm cgls libcontainer exporter crun_runs podman_runs
export built top work

# What the probe says of the client, and with which command it is right: nothing, a mount, --exec.
forecast_of() {
	python3 -c '
import json, sys
with open(sys.argv[1]) as file:
    print(next(row["verdict"] for row in json.load(file)["forecast"] if row["client"] == sys.argv[2]))' "$work/probe" "$1"
}

found() {
	if bash -c "$1"; then echo works; return; fi
	if cgemud_start "$cgemud" --mount $real_tree; then
		bash -c "$1"
		local status=$?
		cgemud_stop || return 1
		[ $status != 0 ] || { echo works-with-mount; return; }
	fi
	if "$cgemud" --exec -- bash -c "$1"; then echo works-with-exec; else echo fails; fi
}

agrees() {
	local forecast truth
	forecast=$(forecast_of "$1")
	truth=$(found "$2" 2>"$work/log" | tail -n 1)
	[ "$forecast" = "$truth" ] || { echo "forecast: $forecast; truth: $truth"; tail -n 20 "$work/log"; return 1; }
}

compare() {
	local place=$1
	timeout 120 "$cgemud" --probe --json >"$work/probe"
	client "$place" java JVM jvm
	client "$place" systemd-cgls "systemd (cgtop, cgls)" cgls
	client "$place" crun crun crun_runs
	client "$place" podman podman podman_runs
	client "$place" prometheus-node-exporter node_exporter exporter
	client "$place" "$built/libcontainer" "runc from 1.0.0-rc93" libcontainer
}

client() {
	if command -v "$2" >/dev/null; then
		check "$3, $1" agrees "$3" "$4"
	else
		skip "$3, $1" "$2 is not there"
	fi
}

compare "as this machine is"
[ "${3:-}" != here ] || finish
umount -R $real_tree
compare "without a cgroup tree"
finish
