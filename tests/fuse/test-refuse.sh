#!/usr/bin/env bash
# What is live stays: the kernel's own tree is not covered without --force. And failed starts leave nothing.
# Usage: test-refuse.sh CGEMUD
set -u
cgemud=$1
here=$(dirname "$0")
. "$here/common.sh"

refuses() {
	local output status
	output=$(timeout 900 "$cgemud" --mount "$1" --set cgroup.state-file= 2>&1)
	status=$?
	echo "status $status: $output"
	[ $status = 69 ] && [[ $output == *"--force"* ]]
}

no_fuse_on() { [ "$(findmnt --noheadings --output FSTYPE --target "$1" | tail -n 1)" != fuse.cgemud ]; }

fails_cleanly() {
	timeout 900 "$@"
	[ $? = 69 ] && nothing_is_left
}

live=$(findmnt --noheadings --raw --types cgroup --output TARGET | head -n 1)
if [ -n "$live" ]; then
	check "a live hierarchy is refused" refuses "$live"
	check "the directory above it, too" refuses "${live%/*}"
	check "nothing was mounted" no_fuse_on "$live"
	check "nothing is left" nothing_is_left
	dir=${live%/*}
	check "--force covers it" serve --force
	check "--force: ours answers" test "$(stat -f -c %T "$dir")" = tmpfs -a -f "$dir/pids/cgroup.procs"
	check "--force: ends well" cgemud_stop
	check "the live one is there again" test "$(stat -f -c %T "$live")" = cgroupfs
	dir=$work/tree
else
	skip "live trees" "no cgroup v1 hierarchy is mounted here"
fi

# A hierarchy whose name is taken fails in the middle of the layout: the link "cpu" is there already.
if unshare --mount true 2>/dev/null; then
	check "without /dev/fuse" unshare --mount bash -c 'mount --bind /dev/null /dev/fuse; "$@"; [ $? = 69 ]' bash \
		"$cgemud" --mount "$dir"
	check "without /dev/fuse: nothing is left" nothing_is_left
fi
check "a read-only place" bash -c 'mount -t tmpfs -o ro none "$1" && "$2" --mount "$1/absent"; s=$?; umount "$1"; [ $s = 69 ]' \
	bash "$dir" "$cgemud"
check "a read-only place: nothing is left" nothing_is_left
finish
