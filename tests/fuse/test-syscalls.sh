#!/usr/bin/env bash
# Every system call that reaches a file system answers what it answers on the kernel's own hierarchy.
# Usage: test-syscalls.sh CGEMUD SYSCALLS
set -u
cgemud=$1 syscalls=$2
here=$(dirname "$0")
. "$here/common.sh"

# What differs, and why. Calls that are none of a file system's business are not among them.
#   xattrs: not stored; the kernel keeps user.* of cgroup files
#   poll: news until the first read; the kernel takes an empty list of processes for never read
#   openat: FUSE marks the inode of a directory that was made again as bad, so its old descriptor gives EIO
is_known() {
	case $1 in
	getxattr* | setxattr* | removexattr* | poll_fd.revents* | 'openat(dir, "cgroup.procs", O_RDONLY)'*) return 0 ;;
	esac
	return 1
}

same_answers() {
	local line fail=0
	while read -r line; do
		is_known "${line#? }" || { echo "$line"; fail=1; }
	done < <(diff "$work/theirs" "$work/ours" | grep '^[<>]')
	return $fail
}

serving --tree v1
check "every call returns" timeout 900 "$syscalls" "$dir/pids" >"$work/messages.txt"
timeout 900 "$syscalls" "$dir/pids" >"$work/ours"
check "no ENOSYS" bash -c '! grep ENOSYS "$1"' bash "$work/ours"
theirs=$(findmnt --noheadings --raw --types cgroup --output TARGET | grep -v "^$work" | grep /pids$ | head -n 1)
if [ -n "$theirs" ] && timeout 900 "$syscalls" "$theirs" >"$work/theirs"; then
	check "the same answers as on $theirs" same_answers
else
	skip "the kernel's own answers" "no v1 hierarchy of pids is mounted that groups can be made in"
fi
check "ends well" cgemud_stop
finish
