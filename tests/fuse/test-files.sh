#!/usr/bin/env bash
# Open files: freshness, many readers, permissions, removed groups, events.
# Usage: test-files.sh CGEMUD HELD
set -u
cgemud=$1 held=$2
here=$(dirname "$0")
. "$here/common.sh"

as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

serving --tree v1
chmod 755 "$work"
check "mkdir" mkdir "$dir/pids/group"
check "a held descriptor is fresh" timeout 900 "$held" fresh "$dir/pids/group"
check "8 readers" timeout 900 "$held" readers 8 "$dir"/{pids,memory,cpuset,cpu,devices}/cgroup.{procs,clone_children}
check "anyone can read" as_nobody cat "$dir/pids/group/cgroup.procs"
check "nobody cannot write" bash -c '! "$@"' bash setpriv --reuid 65534 --regid 65534 --clear-groups \
	bash -c "echo 1 >'$dir/pids/group/notify_on_release'"
check "nobody cannot make groups" bash -c '! "$@"' bash setpriv --reuid 65534 --regid 65534 --clear-groups \
	mkdir "$dir/pids/group/child"
check "chown delegates" chown 65534 "$dir/pids/group" "$dir/pids/group/cgroup.procs"
check "the owner can make groups" as_nobody mkdir "$dir/pids/group/child"
check "and remove them" as_nobody rmdir "$dir/pids/group/child"
check "a removed group cannot be read" bash -c \
	'exec 3<"$1/cgroup.procs" && rmdir "$1" && ! cat <&3 2>"$2" && grep "No such device" "$2"' \
	bash "$dir/pids/group" "$work/message"
check "v1 ends well" cgemud_stop

serving --tree v2
check "poll reports events" timeout 900 "$held" poll "$dir"
check "v2 ends well" cgemud_stop
finish
