#!/usr/bin/env bash
# Boots Debian 12 under qemu's software emulation, with cgemud installed by `meson install` and the root on virtio-9p,
# and runs tests/vm/inside.sh there as root.
# Usage: test-systemd.sh SOURCE BUILD PREFIX
set -u -o pipefail
source=$1 build=$2 prefix=$3
. "$source/tests/lib/runsc.sh"
. "$source/tests/vm/root.sh"

skip() {
	echo "skip: $*"
	exit 77
}
[ "$(id -u)" = 0 ] || skip "the machine's root is made as root"
command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86 is not installed"
reason=$(vm_make_root) || skip "no root for the machine: $reason"

# Mounts are this process' own.
[ -n "${CGEMUD_VM_NAMESPACE:-}" ] || CGEMUD_VM_NAMESPACE=1 exec unshare --mount --propagation private -- "$0" "$@"
work=$(mktemp -d "${TMPDIR:-/tmp}/cgemud-vm.XXXXXX") || exit 1
root=$work/root
cleanup() {
	umount -l "$root" "$work" 2>/dev/null
	rmdir "$work"
}
trap cleanup EXIT
trap 'exit 143' TERM INT

# What the machine writes is lost, and the cache stays as it was.
mount -t tmpfs cgemud-vm "$work" && mkdir "$work"/{upper,work,root} &&
	mount -t overlay -o "lowerdir=$vm_root,upperdir=$work/upper,workdir=$work/work" overlay "$root" || exit 1
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

vm_make_initrd "$work/initrd" || exit 1
timeout --foreground 3000 qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu max -smp 2 -m 1024 -nographic -no-reboot \
	-nodefaults -serial file:"$work/console" -kernel "$(vm_kernel)" -initrd "$work/initrd" \
	-append "console=ttyS0 quiet systemd.show_status=no panic=-1" \
	-fsdev local,id=root,path="$root",security_model=none,multidevs=remap \
	-device virtio-9p-pci,fsdev=root,mount_tag=root \
	-fsdev local,id=old,path="$root",security_model=none,multidevs=remap \
	-device virtio-9p-pci,fsdev=old,mount_tag=old </dev/null
status=$?
if [ -s "$root/test/output" ]; then
	cat "$root/test/output"
else
	echo "the machine did not run the tests (qemu: status $status); its console ends with"
	tail -n 40 "$work/console"
	exit 1
fi
grep -qE '^[0-9]+ passed, 0 failed, [0-9]+ skipped$' "$root/test/output"
