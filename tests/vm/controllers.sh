#!/bin/bash
# In the virtual machine: random sequences on the kernel's cgroup v2 with all its controllers, and on cgemud's.
# Usage: controllers.sh PREFIX
set -u
. /test/check.sh
cgemud=$1/bin/cgemud live=/sys/fs/cgroup here=/tmp/tree
controllers="+cpu +cpuset +memory +pids +io +hugetlb"

check "the kernel is the one that was recorded" grep ^6.12. /proc/sys/kernel/osrelease
mkdir $here
check "cgemud starts" "$cgemud" --mount $here --tree v2 --daemonize --set cgroup.state-file= --set sampler.interval-ms=0 \
	--set enforce.cpuset=false
for tree in $live $here; do
	check "controllers of $tree" bash -c 'echo "$1" >"$2/cgroup.subtree_control"' _ "$controllers" $tree
done
check "the same controllers" cmp $live/cgroup.controllers $here/cgroup.controllers
output=$(/test/differential --group differential --seed 1 --sequences 200 --exceptions /test/exceptions.txt \
	v2-controllers:$live:$here 2>&1)
echo "$output"
grep -q ' passed, ' <<<"$output" || check "the program ran to its end" false
add_counts "$output"
check "cgemud ends" "$cgemud" --unmount $here
finish
