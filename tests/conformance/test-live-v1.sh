#!/usr/bin/env bash
# Proves the conformance program: it must find that the kernel which was recorded agrees with its own record.
# Usage: test-live-v1.sh CONFORMANCE REFERENCE
set -u
conformance=$1 reference=$2
. "$(dirname "$0")/../lib/check.sh"

recorded=6.18
case $(uname -r) in
"$recorded".*) ;;
*) skip "the live kernel" "the v1 tables were recorded on $recorded, this is $(uname -r)"; finish ;;
esac
[ "$(id -u)" = 0 ] || { skip "the live kernel" "making groups takes root"; finish; }

# Where a controller's v1 hierarchy is mounted.
mount_of() { awk -v c="$1" '$3 == "cgroup" && index("," $4 ",", "," c ",") { print $2; exit }' /proc/mounts; }

group=
remove_groups() {
	[ -n "$group" ] || return
	rmdir "$group/sub/subsub" "$group/sub" "$group/sub2" "$group-w" "$group" 2>/dev/null
}
trap remove_groups EXIT
trap 'exit 143' TERM INT

for table in "$reference"/kernel-$recorded-v1-*.tsv; do
	controller=${table##*-v1-}
	controller=${controller%.tsv}
	root=$(mount_of "${controller%%+*}")
	group=$root/cgemud-conformance-$$
	if [ -z "$root" ]; then
		skip "$controller" "this machine has no v1 hierarchy of it"
		group=
	elif ! mkdir "$group" 2>/dev/null; then
		skip "$controller" "$root takes no new group"
		group=
	else
		output=$("$conformance" --root "$root" --child "$group" "$table" 2>&1)
		echo "$output"
		grep -q ' passed, ' <<<"$output" || check "$controller" false
		add_counts "$output"
		remove_groups
	fi
done
finish
