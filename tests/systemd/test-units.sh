#!/usr/bin/env bash
# The units as they are installed: where they go, that systemd understands them, and what they must say.
# Usage: test-units.sh SOURCE BUILD PREFIX
set -u
source=$1 build=$2 prefix=$3
. "$source/tests/lib/check.sh"

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root units=$scratch/root$prefix/lib/systemd/system

install_all() { DESTDIR=$root meson install -C "$build" --no-rebuild --quiet; }

# The last value of KEY in section SECTION of FILE.
value() {
	awk -v section="[$2]" -v key="$3" '
		/^\[/ { inside = $0 == section }
		inside && index($0, key "=") == 1 { found = substr($0, length(key) + 2) }
		END { print found }' "$1"
}

# says FILE SECTION KEY VALUE
says() {
	local found
	found=$(value "$1" "$2" "$3")
	[ "$found" = "$4" ] || { echo "$3 is \"$found\", not \"$4\""; return 1; }
}

# The program and the pages are looked for where DESTDIR has them.
verify() {
	local copy=$scratch/$2
	sed "s|$prefix/bin/|$root$prefix/bin/|" "$1" >"$copy"
	local output status
	output=$(MANPATH=$root$prefix/share/man systemd-analyze verify --man=yes "$copy" 2>&1)
	status=$?
	# What else is wrong with this machine's units is not about ours.
	output=$(grep -F "${2%.service}" <<<"$output")
	echo "$output"
	[ $status = 0 ] && [ -z "$output" ]
}

# Options that give a service a mount namespace: its mounts would be seen by nobody.
stays_in_mount_namespace() {
	! grep -E '^(ProtectSystem|ProtectHome|ProtectProc|ProcSubset|ProtectControlGroups|ProtectKernel[A-Z]|PrivateTmp|PrivateDevices|PrivateMounts|PrivateIPC|MountFlags|RootDirectory|RootImage|BindPaths|ReadOnlyPaths|ReadWritePaths|InaccessiblePaths|ExecPaths|NoExecPaths|TemporaryFileSystem|DynamicUser|LoadCredential)[A-Za-z]*=' "$1"
}

stated_exposure() { grep -oE 'says [0-9]+\.[0-9]' "$source/systemd/README.md" | cut -d' ' -f2; }
exposure_is_as_stated() {
	local measured
	measured=$(systemd-analyze security --offline=true --no-pager "$units/cgemud.service" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
	# Each version of systemd weighs a little differently.
	awk -v measured="$measured" -v stated="$(stated_exposure)" 'BEGIN { exit !(measured > 0 && measured - stated < 0.5 && stated - measured < 0.5) }' || { echo "measured $measured, the README says $(stated_exposure)"; return 1; }
}

check "install" install_all
for unit in cgemud.service cgemud@.service; do
	file=$units/$unit
	check "$unit is installed" [ -s "$file" ]
	check "$unit has nothing left to replace" bash -c '! grep -E "@[A-Z]+@" "$1"' _ "$file"
	check "$unit: ready when it says so" says "$file" Service Type notify
	check "$unit: watchdog" says "$file" Service WatchdogSec 30
	check "$unit: restarted after a crash" says "$file" Service Restart on-failure
	check "$unit: reload by SIGHUP" says "$file" Service ExecReload 'kill -HUP $MAINPID'
	check "$unit: can be enabled" says "$file" Install WantedBy multi-user.target
	check "$unit: mounts where all can see them" stays_in_mount_namespace "$file"
done
check "the service runs the installed program" bash -c '[[ $1 == "$2/bin/cgemud --mkdir --mount "* ]]' _ \
	"$(value "$units/cgemud.service" Service ExecStart)" "$prefix"
check "an instance has a configuration of its own" bash -c '[[ $1 == *"--config /etc/cgemud/%i.conf"* ]]' _ \
	"$(value "$units/cgemud@.service" Service ExecStart)"
check "preset off" grep -qx 'disable cgemud.service' "$root$prefix/lib/systemd/system-preset/50-cgemud.preset"
check "preset off for instances" grep -qx 'disable cgemud@.service' "$root$prefix/lib/systemd/system-preset/50-cgemud.preset"

# The options that the units give are options of the program.
check "an instance's command line is understood" "$root$prefix/bin/cgemud" --config "$root/etc/cgemud/cgemud.conf" \
	--set cgroup.state-file=/run/cgemud/srv-cgroup.state --check-config

if command -v systemd-analyze >/dev/null; then
	check "systemd understands cgemud.service" verify "$units/cgemud.service" cgemud.service
	check "systemd understands an instance" verify "$units/cgemud@.service" cgemud@srv-cgroup.service
	if systemd-analyze --help | grep -q -- --offline; then
		check "exposure is as the README states" exposure_is_as_stated
	else
		skip "exposure" "this systemd-analyze cannot look at files"
	fi
else
	skip "systemd-analyze" "not installed"
fi
finish
