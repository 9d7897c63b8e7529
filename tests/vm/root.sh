# shellcheck shell=bash
# Debian 12 with systemd 252 and its kernel, unpacked into a cache: what a virtual machine boots from.

vm_cache=${CGEMUD_TESTS_CACHE:-/var/cache/cgemud-tests}/vm
vm_root=$vm_cache/root
vm_packages=systemd,systemd-sysv,kmod,busybox-static,fuse3,libglib2.0-0,libmount1,libjson-glib-1.0-0,libseccomp2,libsystemd0,procps,util-linux,mount,python3

# The kernel's package is unpacked, not installed: an initrd of Debian's own is of no use for a root on 9p.
vm_unpack_kernel='
	set -e
	cd /tmp
	name=$(apt-cache depends linux-image-amd64 | sed -n "s/.*Depends: \(linux-image-[0-9].*\)/\1/p" | head -n 1)
	apt-get download "$name"
	dpkg-deb -x linux-image-*.deb kernel
	mv kernel/boot/vmlinuz-* /boot/
	mv kernel/lib/modules /usr/lib/modules
	rm -r linux-image-*.deb kernel
	depmod "$(ls /usr/lib/modules)"
'

# Prints why when it cannot.
vm_make_root() {
	local work log
	[ -e "$vm_cache/complete" ] && return 0
	command -v mmdebstrap >/dev/null || { echo "mmdebstrap is not installed"; return 1; }
	rm -rf "$vm_cache"
	mkdir -p "$vm_cache"
	work=$(mktemp -d) log=$vm_cache/log
	runsc_sources bookworm >"$work/debian.sources"
	if ! grep -q . "$work/debian.sources"; then
		echo "this system's apt does not use Debian's archive"
		return 1
	fi
	mmdebstrap --mode=root --variant=minbase --include="$vm_packages" \
		--aptopt='Acquire::Retries "3"' --customize-hook="chroot \"\$1\" sh -c '$vm_unpack_kernel'" \
		bookworm "$vm_root" "$work/debian.sources" >"$log" 2>&1 </dev/null || {
		echo "mmdebstrap: $(tail -n 1 "$log")"
		rm -rf "$work"
		return 1
	}
	rm -rf "$work"
	touch "$vm_cache/complete"
}

# The newest kernel of a series (6.12) from the backports of Debian 12, unpacked into a layer to put over the root.
# Prints why when it cannot.
vm_fetch_kernel() {
	local layer=$vm_cache/kernel-$1 work options name
	[ -e "$layer/complete" ] && return 0
	work=$(mktemp -d) || return 1
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/parts"
	runsc_sources bookworm-backports >"$work/debian.sources"
	options=(-q -o "Dir::Etc::SourceList=$work/debian.sources" -o "Dir::Etc::SourceParts=$work/parts"
		-o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o Acquire::Retries=3 -o "APT::Sandbox::User=root")
	name=$(cd "$work" && apt-get "${options[@]}" update >log 2>&1 && apt-cache "${options[@]}" pkgnames "linux-image-$1." |
		grep -E '^linux-image-[0-9.]+\+deb[0-9.]+-amd64$' | sort -V | tail -n 1)
	if [ -z "$name" ] || ! (cd "$work" && apt-get "${options[@]}" download "$name" >log 2>&1 && dpkg-deb -x "$name"_*.deb unpacked); then
		echo "a kernel $1 could not be fetched: $(tail -n 1 "$work/log")"
		rm -rf "$work"
		return 1
	fi
	rm -rf "$layer" && mkdir -p "$layer/usr/lib" && mv "$work/unpacked/boot" "$layer/" &&
		mv "$work/unpacked/lib/modules" "$layer/usr/lib/" && touch "$layer/complete"
	rm -rf "$work"
}

skip() {
	echo "skip: $*"
	exit 77
}

vm_end() {
	umount -l "$root" "$work" 2>/dev/null
	rmdir "$work"
}

# vm_begin ARGUMENT…: what a script that boots a machine does first, with its own arguments: sees that it can be done,
# and continues in a mount namespace of its own, with $work and $root for vm_mount.
vm_begin() {
	local reason
	[ "$(id -u)" = 0 ] || skip "the machine's root is made as root"
	command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86 is not installed"
	reason=$(vm_make_root) || skip "no root for the machine: $reason"
	[ -n "${CGEMUD_VM_NAMESPACE:-}" ] || CGEMUD_VM_NAMESPACE=1 exec unshare --mount --propagation private -- "$0" "$@"
	work=$(mktemp -d "${TMPDIR:-/tmp}/cgemud-vm.XXXXXX") || exit 1
	root=$work/root
	trap vm_end EXIT
	trap 'exit 143' TERM INT
}

# vm_mount DIRECTORY [LAYER]: a root that may be written to in DIRECTORY/root; what the machine writes is lost, and the
# cache stays as it was. LAYER is put over the cached root.
vm_mount() {
	mount -t tmpfs cgemud-vm "$1" && mkdir "$1"/{upper,work,root} &&
		mount -t overlay -o "lowerdir=${2:+$2:}$vm_root,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
}

# vm_make_initrd ROOT RELEASE INIT FILE: writes an initrd that mounts the root from virtio-9p and hands over to INIT there.
vm_make_initrd() {
	local root=$1 release=$2 tree module
	tree=$(mktemp -d) || return 1
	mkdir -p "$tree"/{bin,dev,proc,sys,root,modules}
	cp "$root/bin/busybox" "$tree/bin/" || return 1
	# In the order in which they need each other.
	for module in $(for name in virtio_pci 9pnet_virtio 9p; do
		chroot "$root" modprobe --set-version "$release" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
		cp "$root$module" "$tree/modules/" || return 1
		case $module in *.xz) xz -d "$tree/modules/${module##*/}" || return 1 ;; esac
		module=${module%.xz}
		echo "insmod /modules/${module##*/}" >>"$tree/modules/load"
	done
	cat >"$tree/init" <<-INIT
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		. /modules/load
		mount -t proc proc /proc
		mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none root /root ||
			{ echo "cannot mount the root"; poweroff -f; }
		umount /proc
		exec switch_root /root $3
	INIT
	chmod 755 "$tree/init"
	(cd "$tree" && find . | ./bin/busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$4"
	rm -rf "$tree"
}

# vm_boot ROOT KERNEL INITRD CONSOLE [ARGUMENT…]: runs the machine until it powers itself off. CONSOLE gets what it says.
vm_boot() {
	local root=$1 kernel=$2 initrd=$3 console=$4
	shift 4
	timeout --foreground 3000 qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu max -smp 2 -m 1024 -nographic \
		-no-reboot -nodefaults -serial file:"$console" -kernel "$kernel" -initrd "$initrd" \
		-append "console=ttyS0 quiet systemd.show_status=no panic=-1" \
		-fsdev local,id=root,path="$root",security_model=none,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root "$@" </dev/null
}

# vm_report ROOT STATUS CONSOLE: prints what the tests in the machine said; 1 if they failed, or said nothing.
vm_report() {
	if [ -s "$1/test/output" ]; then
		cat "$1/test/output"
		grep -q ' passed, 0 failed' <(tail -n 1 "$1/test/output")
		return
	fi
	echo "the machine did not run the tests (qemu: status $2); its console ends with"
	tail -n 40 "$3"
	return 1
}
