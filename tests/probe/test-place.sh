#!/usr/bin/env bash
# The probe's verdicts against the truth in one place.
# Usage: test-place.sh CGEMUD SOURCE PLACE
set -u
cgemud=$1 source=$2 place=$3
check=("$source/tests/probe/check-probe.py" "$cgemud" "$source/daemon/probe/probe.schema.json")
# A version manager's python3 may be another user's.
python=$(PATH=/usr/bin:/bin:$PATH command -v python3)
# Python's bytecode must not end up in the source tree, nor owned by somebody else.
export PYTHONDONTWRITEBYTECODE=1

skip() {
	echo "skip: $1"
	exit 77
}
need_root() { [ "$(id -u)" = 0 ] || skip "$place needs root"; }

case $place in
linux-root)
	need_root
	exec "$python" "${check[@]}" linux
	;;
linux-user)
	need_root
	exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		"$python" "${check[@]}" linux
	;;
user-namespace)
	unshare --user --map-root-user true 2>/dev/null || skip "no user namespaces here"
	exec unshare --user --map-root-user "$python" "${check[@]}" linux
	;;
no-fuse)
	# As a container engine makes it: a /dev with the usual few devices, and not the capabilities to mount.
	need_root
	# shellcheck disable=SC2016 # expanded by the inner shell
	exec unshare --mount bash -c '
		mkdir -p "$1" && mount -t tmpfs -o mode=755 dev "$1" || exit 1
		for name in null zero full random urandom tty; do
			: >"$1/$name" && mount --bind "/dev/$name" "$1/$name" || exit 1
		done
		mkdir "$1/shm" && mount --rbind "$1" /dev && umount -l "$1" && rmdir "$1" || exit 1
		shift
		exec setpriv --bounding-set=-sys_admin --inh-caps=-all --no-new-privs "$@"' \
		no-fuse "${CGEMUD_TESTS_SCRATCH:-/tmp}/probe-dev.$$" "$python" "${check[@]}" linux
	;;
gvisor-*)
	exec "$source/tests/gvisor/run-in" "${place#gvisor-}" env PYTHONDONTWRITEBYTECODE=1 "$python" "${check[@]}" "$place" 0
	;;
*)
	echo "no place '$place'" >&2
	exit 64
	;;
esac
