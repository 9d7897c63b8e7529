#!/usr/bin/env bash
# A user without privileges mounts on a directory of their own: fusermount3 does it for them.
# Usage: test-user.sh CGEMUD
set -u
cgemud=$1
here=$(dirname "$0")
. "$here/common.sh"
helper=$(command -v fusermount3) && [ -u "$helper" ] || { skip "everything" "there is no setuid fusermount3"; finish; }

# Where the user can reach all they need; the device as distributions have it.
home=/run/cgemud/user
user=$(id -u daemon) || { skip "everything" "there is no user named daemon"; finish; }
dir=$home/tree
mkdir "$home" "$home"/{tmp,tree,others} && cp "$cgemud" "$home/cgemud" && chown "$user" "$home"/{tmp,tree} &&
	mknod -m 666 "$home/fuse" c 10 229 && mount --bind "$home/fuse" /dev/fuse || exit 1
user_command=(setpriv --reuid "$user" --regid "$user" --clear-groups env -u XDG_RUNTIME_DIR TMPDIR="$home/tmp")
as_user() { "${user_command[@]}" "$@"; }
serve_as_user() { cgemud_start "${user_command[@]}" "$home/cgemud" --mount "$dir" --set cgroup.state-file= "$@"; }
unmount() { as_user timeout 900 "$home/cgemud" --unmount "$dir"; }
nothing_is_left() { ! grep -F " $dir" /proc/self/mountinfo && ! find "$home/tmp" -mindepth 2 | grep .; }
in_group() { as_user sh -c 'mkdir "$1" && echo $$ >"$1/cgroup.procs" && grep -qx $$ "$1/cgroup.procs"' sh "$1"; }

check "it starts" serve_as_user
check "one line says who can see it" [ "$(grep -c "can be seen by user $user alone" "$daemon_log")" = 1 ]
check "and fusermount3 says nothing" bash -c '! grep fusermount "$1"' _ "$daemon_log"
check "numbers" as_user grep -q '^[1-9]' "$dir/cpuacct/cpuacct.usage"
check "the tree is the user's" [ "$(as_user stat -c %u "$dir/memory/cgroup.procs")" = "$user" ]
check "others cannot see it" bash -c '! cat "$1"' _ "$dir/memory/cgroup.procs"
check "a group of the user's own" in_group "$dir/memory/mine"
check "their process' memory" as_user grep -qx '[0-9]*' "$dir/memory/mine/memory.usage_in_bytes"
check "the group goes" as_user rmdir "$dir/memory/mine"
check "--unmount" unmount
check "--unmount ends the daemon" wait "$daemon_pid"
daemon_pid=
check "--unmount: nothing is left" nothing_is_left

check "v2" serve_as_user --tree v2
check "v2: a group of the user's own" in_group "$dir/mine"
kill -KILL "$daemon_pid"
wait "$daemon_pid"
daemon_pid=
check "SIGKILL, and the next --mount replaces what is left" serve_as_user
check "it answers" as_user cat "$dir/cpu/cpu.shares"
check "it ends well" cgemud_stop
check "nothing is left" nothing_is_left

is_refused() {
	local output status
	output=$(as_user timeout 900 "$home/cgemud" --mount "$home/others" 2>&1)
	status=$?
	echo "status $status: $output"
	[ $status = 69 ] && [[ $output == *"cannot mount FUSE on $home/others"* ]]
}
check "a directory of someone else's is refused" is_refused
check "and nothing is left" nothing_is_left
finish
