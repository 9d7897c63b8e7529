# shellcheck shell=bash
# What building and testing take, as Debian and Ubuntu name it.

packages_needed=(
	# build
	gcc libc6-dev meson ninja-build pkg-config libglib2.0-dev libfuse3-dev libmount-dev libjson-glib-dev
	libseccomp-dev libsystemd-dev
	# tests
	libcmocka-dev fuse3 python3 python3-jsonschema perl gawk procps util-linux mount coreutils findutils grep sed diffutils less xxd
	man-db mandoc bash-completion zsh ca-certificates make golang-go strace gdb
)

# What suite clients runs.
packages_of_clients=(
	default-jre-headless nodejs golang-go golang-github-opencontainers-runc-dev cgroup-tools crun podman
	prometheus-node-exporter systemd
)

packages_missing() {
	local name
	for name in "${packages_needed[@]}"; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || echo "$name"
	done
}

# Installs what is missing. Says on stderr what it could not do.
packages_install() {
	local missing
	if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
		echo "tests/run: no apt-get here; install by hand: ${packages_needed[*]}" >&2
		return 0
	fi
	mapfile -t missing < <(packages_missing)
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "tests/run: not root, so these packages are not installed: ${missing[*]}" >&2
		return 1
	fi
	echo "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"
}

# The network may fail for a moment, and another apt may hold the lock.
apt_get() {
	local attempt log
	log=$(mktemp)
	for attempt in 1 2 3; do
		if apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >"$log" 2>&1 </dev/null; then
			rm -f "$log"
			return 0
		fi
		echo "apt-get $1 failed (attempt $attempt)" >&2
	done
	tail -n 20 "$log" >&2
	rm -f "$log"
	return 1
}
