# shellcheck shell=bash
# What every test of a mounted tree starts with: root, FUSE, a /run/cgemud of its own, an empty directory $dir.
. "$here/../lib/check.sh"
[ "$(id -u)" = 0 ] || { skip "everything" "mounting takes root"; finish; }
[ -c /dev/fuse ] || { skip "everything" "there is no /dev/fuse"; finish; }
. "$here/../lib/daemon.sh"
private_run_directory
dir=$work/tree
mkdir "$dir"

serve() { cgemud_start "$cgemud" --mount "$dir" --set cgroup.state-file= "$@"; }

# serving ARG…: starts, or ends the script.
serving() {
	serve "$@" && return
	check "cgemud starts" false
	finish
}

# Everything that a mount leaves behind would be in one of these. A mount's private directory is named after its place.
leavings() {
	local name=${work#/}
	grep -F -e "$work" -e "/run/cgemud/${name//\//-}" /proc/self/mountinfo
	find /run/cgemud -mindepth 1
	find "$dir" -mindepth 1
}

nothing_is_left() { [ -z "$(leavings)" ] || { leavings; return 1; }; }
