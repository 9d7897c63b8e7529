#!/usr/bin/env bash
# Replays the recorded kernel answers against a tree that cgemud serves.
# Usage: test-cgemud.sh TREE CGEMUD CONFORMANCE REFERENCE, TREE one of v1, v2, procsys
set -u
tree=$1 cgemud=$2 conformance=$3 reference=$4
here=$(dirname "$0")
. "$here/../lib/check.sh"

[ "$(id -u)" = 0 ] || { skip "$tree" "mounting takes root"; finish; }
[ -c /dev/fuse ] || { skip "$tree" "there is no /dev/fuse"; finish; }
. "$here/../lib/daemon.sh"
private_run_directory

dir=$work/tree
mkdir "$dir"

# replay NAME ARG…: with the exceptions of that name, if there are any.
replay() {
	local output exceptions=$here/exceptions/$1.txt
	shift
	[ ! -e "$exceptions" ] || set -- --exceptions "$exceptions" "$@"
	output=$(timeout 900 "$conformance" --complete "$@" 2>&1)
	echo "$output"
	grep -q ' passed, ' <<<"$output" || check "the program ran to its end" false
	add_counts "$output"
}

replay_v1() {
	local table controller group
	for table in "$reference"/*-v1-*.tsv; do
		controller=${table##*-v1-}
		controller=${controller%.tsv}
		group=$dir/${controller/+/,}/conformance
		check "$controller: mkdir" mkdir "$group"
		replay "v1-$controller" --root "${group%/*}" --child "$group" "$table"
		check "$controller: rmdir" rmdir "$group"
	done
}

replay_v2() {
	local controller
	replay v2-root --root "$dir" "$reference"/*-v2.tsv
	for controller in $(cat "$dir/cgroup.controllers"); do
		echo "+$controller" >"$dir/cgroup.subtree_control" || check "enable $controller" false
	done
	check "mkdir" mkdir "$dir/conformance"
	replay v2-child --child "$dir/conformance" "$reference"/*-v2.tsv
	check "rmdir" rmdir "$dir/conformance"
}

replay_procsys() { replay procsys --root "$dir" --writes 0.95 "$reference"/*-procsys.tsv; }

serve=("$cgemud" --mount "$dir" --tree "$tree" --set cgroup.state-file=)
[ "$tree" != procsys ] || serve+=(--set procsys.native=false)
if cgemud_start "${serve[@]}"; then
	"replay_$tree"
	check "cgemud ends well" cgemud_stop
else
	check "cgemud starts" false
fi
finish
