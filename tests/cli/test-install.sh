#!/usr/bin/env bash
# meson install into an empty directory, and again over what an administrator has changed.
# Usage: test-install.sh SOURCE BUILD PREFIX
set -u
source=$1 build=$2 prefix=$3
. "$source/tests/lib/check.sh"

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

install_all() { DESTDIR=$scratch meson install -C "$build" --no-rebuild --quiet; }
# there NAME…: below the prefix, and not empty.
there() {
	for name; do
		[ -s "$scratch$prefix/$name" ] || { echo "no $name"; return 1; }
	done
}

check "install" install_all
check "the program" "$scratch$prefix/bin/cgemud" --version
check "man pages" there share/man/man8/cgemud.8 share/man/man5/cgemud.conf.5
check "completions" there share/bash-completion/completions/cgemud share/zsh/site-functions/_cgemud
check "configuration" cmp "$source/config/cgemud.conf" "$scratch/etc/cgemud/cgemud.conf"
check "its example" there share/doc/cgemud/examples/cgemud.conf

echo '[fuse]' >"$scratch/etc/cgemud/cgemud.conf"
check "install again" install_all
check "a changed configuration stays" grep -qx '\[fuse\]' "$scratch/etc/cgemud/cgemud.conf"
finish
