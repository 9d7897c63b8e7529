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
	local name
	for name; do
		[ -s "$scratch$prefix/$name" ] || { echo "no $name"; return 1; }
	done
}

# Building from them takes the network; that they can be read does not.
wraps_are_well_formed() {
	python3 - "$source"/subprojects/*.wrap <<-'EOF'
		import configparser, os, sys
		for path in sys.argv[1:]:
		    wrap = configparser.ConfigParser(interpolation=None)
		    wrap.read(path)
		    git, provided = wrap["wrap-git"], wrap["provide"]
		    assert git["directory"] + ".wrap" == os.path.basename(path), path
		    assert git["url"].startswith("https://") and git["revision"], path
		    assert any(provided.values()), path
		    patch = git.get("patch_directory")
		    assert not patch or os.path.isdir(f"{os.path.dirname(path)}/packagefiles/{patch}"), path
	EOF
}
check "wraps are well formed" wraps_are_well_formed
check "install" install_all
check "the program" "$scratch$prefix/bin/cgemud" --version
check "the preload library" bash -c '[ -s "$(find "$1" -name libcgemud-preload.so)" ]' _ "$scratch$prefix"
check "units" there lib/systemd/system/cgemud.service lib/systemd/system/cgemud@.service
check "man pages" there share/man/man8/cgemud.8 share/man/man5/cgemud.conf.5
check "completions" there share/bash-completion/completions/cgemud share/zsh/site-functions/_cgemud
check "configuration" cmp "$source/config/cgemud.conf" "$scratch/etc/cgemud/cgemud.conf"
check "its example" there share/doc/cgemud/examples/cgemud.conf

# The tests of the command line, with the installed program and a DESTDIR: as in meson test --setup installed.
installed_tests() { DESTDIR=$scratch CGEMUD_INSTALLED=$prefix/bin/cgemud "$source/tests/cli/test-cli.sh" /bin/false "$source"; }
check "the installed program passes the command line's tests" installed_tests

for shell in bash zsh; do
	if ! command -v $shell >/dev/null; then
		skip "completion in $shell" "no $shell here"
	elif [ $shell = bash ] && [ ! -e /usr/share/bash-completion/bash_completion ]; then
		skip "completion in bash" "bash-completion is not installed"
	else
		check "completion in $shell" python3 "$source/tests/cli/complete.py" $shell "$scratch$prefix/share"
	fi
done

# Pages as man finds them, for what it says about them.
page_is_clean() {
	local said
	said=$(LC_ALL=C.UTF-8 MANPATH=$scratch$prefix/share/man MANWIDTH=100 man --warnings "$1" "$2" 2>&1 >"$scratch/page")
	echo "$said"
	[ -z "$said" ] && grep -q '^NAME' "$scratch/page"
}
page_has_no_lint() {
	# Long lines are this project's style.
	! mandoc -Tlint -W style "$1" | grep -v 'input text line longer than 80 bytes'
}
for page in 8/cgemud 5/cgemud.conf; do
	if man --version 2>/dev/null | grep -q '^man 2'; then
		check "man ${page/\// } has no warnings" page_is_clean "${page%%/*}" "${page#*/}"
	else
		skip "man pages" "no man-db here"
	fi
	if command -v mandoc >/dev/null; then
		check "mandoc finds nothing in ${page#*/}" page_has_no_lint "$scratch$prefix/share/man/man${page%%/*}/${page#*/}.${page%%/*}"
	else
		skip "mandoc" "not installed"
	fi
done

echo '[fuse]' >"$scratch/etc/cgemud/cgemud.conf"
check "install again" install_all
check "a changed configuration stays" grep -qx '\[fuse\]' "$scratch/etc/cgemud/cgemud.conf"
finish
