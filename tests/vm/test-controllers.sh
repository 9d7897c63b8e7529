#!/usr/bin/env bash
# Boots the kernel whose cgroup v2 was recorded, with nothing else on it, and compares its groups with cgemud's there:
# tests/vm/controllers.sh.
# Usage: test-controllers.sh SOURCE BUILD PREFIX
set -u -o pipefail
source=$1 build=$2 prefix=$3
. "$source/tests/lib/runsc.sh"
. "$source/tests/vm/root.sh"
vm_begin "$@"
reason=$(vm_fetch_kernel 6.12) || skip "no kernel for the machine: $reason"
layer=$vm_cache/kernel-6.12
vm_mount "$work" "$layer" || exit 1
release=$(ls "$layer/usr/lib/modules")
chroot "$root" depmod "$release" || exit 1
DESTDIR=$root meson install -C "$build" --no-rebuild --quiet || exit 1
mkdir -p "$root/test"
cp "$source/tests/vm/controllers.sh" "$source/tests/differential/exceptions.txt" "$source/tests/lib/check.sh" \
	"$build/tests/differential/differential" "$root/test/"
cat >"$root/test/init" <<-EOF
	#!/bin/bash
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev
	ln -s /proc/self/fd /dev/fd
	mount -t tmpfs tmp /tmp
	mount -t tmpfs run /run
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	modprobe fuse
	bash /test/controllers.sh $prefix >/test/output 2>&1
	sync
	echo o >/proc/sysrq-trigger
	sleep 1000
EOF
chmod 755 "$root/test/init"
vm_make_initrd "$root" "$release" /test/init "$work/initrd" || exit 1
vm_boot "$root" "$layer/boot/vmlinuz-$release" "$work/initrd" "$work/console"
vm_report "$root" $? "$work/console"
