# shellcheck shell=bash
# Real gVisor in two versions, side by side and beside whatever the system has installed: Debian 12's own package and
# the one of its backports, fetched with apt and unpacked into a cache. Nothing is installed.

runsc_versions=(20221219 20240729)
runsc_cache=${CGEMUD_TESTS_CACHE:-/var/cache/cgemud-tests}

runsc_suite() {
	case $1 in
	20221219) echo bookworm ;;
	20240729) echo bookworm-backports ;;
	*) return 1 ;;
	esac
}

runsc_path() { echo "$runsc_cache/runsc-$1/usr/bin/runsc"; }

# The first Debian archive that this system's apt already uses, narrowed to one suite. Its host stays the system's choice.
runsc_sources() {
	local suite=$1 file
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -f "$file" ] || continue
		awk -v suite="$suite" -v RS= -F'\n' '
			/(^|\n)Types:[^\n]*deb/ && /(^|\n)URIs:[^\n]*debian\/?(\n|$)/ {
				for (i = 1; i <= NF; i++)
					print $i ~ /^Suites:/ ? "Suites: " suite : $i ~ /^Components:/ ? "Components: main" : $i
				exit
			}' "$file"
	done | awk '/^Types:/ && seen++ { exit } { print }'
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$file" ] || continue
		awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:.*debian\/?$/) { print $i; exit } }' "$file"
	done | head -n 1 | sed "s|.*|\nTypes: deb\nURIs: &\nSuites: $suite\nComponents: main|"
}

# Fetches one version. Prints why when it cannot.
runsc_fetch() {
	local version=$1 target work options
	target=$(runsc_path "$version")
	[ -x "$target" ] && return 0
	command -v apt-get >/dev/null || { echo "runsc $version comes as a Debian package, and there is no apt-get"; return 1; }
	work=$(mktemp -d) || return 1
	chmod 755 "$work"
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/parts"
	runsc_sources "$(runsc_suite "$version")" >"$work/debian.sources"
	if ! grep -q . "$work/debian.sources"; then
		echo "runsc $version comes from Debian's archive, and this system's apt does not use it"
		rm -rf "$work"
		return 1
	fi
	options=(-q -o "Dir::Etc::SourceList=$work/debian.sources" -o "Dir::Etc::SourceParts=$work/parts"
		-o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o Acquire::Retries=3
		-o "APT::Sandbox::User=root")
	if ! (cd "$work" && apt-get "${options[@]}" update && apt-get "${options[@]}" download runsc) >"$work/log" 2>&1 ||
		! ls "$work"/runsc_*"$version"*.deb >/dev/null 2>&1; then
		echo "runsc $version could not be fetched: $(tail -n 1 "$work/log")"
		rm -rf "$work"
		return 1
	fi
	mkdir -p "$runsc_cache" && dpkg-deb -x "$work"/runsc_*"$version"*.deb "$work/unpacked" &&
		mkdir -p "$runsc_cache/runsc-$version" && cp -a "$work/unpacked/." "$runsc_cache/runsc-$version/"
	rm -rf "$work"
	[ -x "$target" ] || { echo "runsc $version could not be unpacked into $runsc_cache"; return 1; }
}
