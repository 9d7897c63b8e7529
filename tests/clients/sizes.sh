#!/bin/bash
# sizes.sh GO-PROGRAM: everyday programs agree that this is a machine of one CPU and 128 MiB. Run under cgemud --exec.
# A program named - is left out.
failed=
is() {
	[ "$2" = "$3" ] && return
	echo "$1: $2, not $3"
	failed=1
}
contains() {
	[[ $2 == *"$3"* ]] && return
	echo "$1: no '$3' in: $2"
	failed=1
}
is nproc "$(nproc)" 1
[ "${KERNEL_SEEKS:-yes}" = no ] || is free "$(free -m | awk '/^Mem:/ { print $2 }')" 128
contains df "$(df -T / | tail -n 1)" /
contains findmnt "$(findmnt -n -o FSTYPE /sys/fs/cgroup)" "$FSTYPE"
contains sysctl "$(sysctl -a 2>/dev/null)" kernel.panic_on_oops
[ "$1" = - ] || contains "a static Go program" "$("$1")" "cpus 1 gomaxprocs 1 meminfo 131072"
[ -z "$failed" ]
