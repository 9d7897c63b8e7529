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

# An initrd that mounts the root from virtio-9p and hands over to systemd. $1: where to write it.
vm_make_initrd() {
	local tree release module
	tree=$(mktemp -d) || return 1
	release=$(ls "$vm_root/usr/lib/modules") || return 1
	mkdir -p "$tree"/{bin,dev,proc,sys,root,modules}
	cp "$vm_root/bin/busybox" "$tree/bin/" || return 1
	# In the order in which they need each other.
	for module in $(for name in virtio_pci 9pnet_virtio 9p; do
		chroot "$vm_root" modprobe --set-version "$release" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
		cp "$vm_root$module" "$tree/modules/" && echo "insmod /modules/${module##*/}" >>"$tree/modules/load"
	done
	cat >"$tree/init" <<-'INIT'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		. /modules/load
		mount -t proc proc /proc
		mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none root /root ||
			{ echo "cannot mount the root"; poweroff -f; }
		umount /proc
		exec switch_root /root /sbin/init
	INIT
	chmod 755 "$tree/init"
	(cd "$tree" && find . | "$vm_root/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$1"
	rm -rf "$tree"
}

vm_kernel() { echo "$vm_root"/boot/vmlinuz-*; }
