#!/usr/bin/env bash
# Boots Debian 12 under qemu's software emulation, with cgemud installed by `meson install` and the root on virtio-9p,
# and runs tests/vm/inside.sh there as root.
# Usage: test-systemd.sh SOURCE BUILD PREFIX
set -u -o pipefail
source=$1 build=$2 prefix=$3
. "$source/tests/lib/runsc.sh"
. "$source/tests/vm/root.sh"

vm_begin "$@"
vm_mount "$work" || exit 1
DESTDIR=$root meson install -C "$build" --no-rebuild --quiet || exit 1
mkdir -p "$root/test"
cp -r "$source/tests/vm/inside.sh" "$source/tests/lib/check.sh" "$source/tests/probe" "$source/tests/reference/scenarios" \
	"$build/tests/scenarios/cgscen" "$root/test/"
chroot "$root" "$prefix/bin/cgemud" --version || skip "this build does not run on Debian 12"

cat >"$root/etc/systemd/system/cgemud-test.service" <<-EOF
	[Unit]
	Description=The tests in this machine
	After=multi-user.target
	SuccessAction=poweroff
	FailureAction=poweroff
	[Service]
	Type=oneshot
	ExecStart=/bin/bash /test/inside.sh $prefix
	StandardOutput=append:/test/output
	StandardError=append:/test/output
	TimeoutStartSec=infinity
	[Install]
	WantedBy=graphical.target
EOF
ln -sf /lib/systemd/system/graphical.target "$root/etc/systemd/system/default.target"
mkdir -p "$root/etc/systemd/system/graphical.target.wants"
ln -sf ../cgemud-test.service "$root/etc/systemd/system/graphical.target.wants/"
# Nothing that only delays: no console, no clock from the network, no waiting for devices.
for unit in getty@tty1.service serial-getty@ttyS0.service systemd-timesyncd.service systemd-udev-settle.service \
	apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
: >"$root/etc/fstab"
echo vm >"$root/etc/hostname"
: >"$root/etc/machine-id"

release=$(ls "$vm_root/usr/lib/modules")
vm_make_initrd "$root" "$release" /sbin/init "$work/initrd" || exit 1
vm_boot "$root" "$vm_root/boot/vmlinuz-$release" "$work/initrd" "$work/console" \
	-fsdev local,id=old,path="$root",security_model=none,multidevs=remap \
	-device virtio-9p-pci,fsdev=old,mount_tag=old
vm_report "$root" $? "$work/console"
