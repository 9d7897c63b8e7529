#!/usr/bin/env bash
# Plays one recorded scenario and compares what each step answers with what a kernel answered.
# Usage: test-scenario.sh NAME CGSCEN REFERENCE live | test-scenario.sh NAME CGSCEN REFERENCE CGEMUD [traced | VERSION]
# traced: under --exec --view=trace instead of on a mounted tree. VERSION: of gVisor, in which this runs; what differs
# there is left out (gvisor.tsv).
set -u
group=
name=$1 cgscen=$2 scenarios=$3/scenarios where=$4 gvisor=
. "$(dirname "$0")/../lib/check.sh"
[ "$(id -u)" = 0 ] || { skip "$name" "making groups takes root"; finish; }

# Which hierarchy a scenario is about.
case $name in
v1-accounting) controller=cpuacct ;;
v1-hierarchy) controller=pids ;;
v1-charges) controller=memory ;;
v1-*) controller=${name#v1-} ;;
*) controller= ;;
esac

# Again, as the command of --exec.
if [ "${5:-}" = traced ]; then
	reason=$("$where" --exec --view=trace -- true 2>&1) || { skip "$name" "no trace view here: $reason"; finish; }
	exec timeout 1500 "$where" --exec --view=trace --tree "${name%%-*}" -- "$0" "$name" "$cgscen" "$3" inside
fi

case ${5:-} in [0-9]*) gvisor=$5 ;; esac

on_live_kernel() {
	top=$(awk -v c="$controller" '$3 == "cgroup" && index("," $4 ",", "," c ",") { print $2; exit }' /proc/mounts)
	[ -n "$top" ] || { skip "$name" "this machine has no v1 hierarchy of $controller"; finish; }
	case $(uname -r) in
	6.18.*) ;;
	*) skip "$name" "recorded on a 6.18 kernel, this is $(uname -r)"; finish ;;
	esac
	steps=.
}

# Controllers of the root group: what the scenarios of v2 need.
enable_controllers() {
	[ -n "$controller" ] || for c in $(cat "$top/cgroup.controllers"); do echo "+$c" >"$top/cgroup.subtree_control"; done
}

in_trace_view() {
	top=/sys/fs/cgroup/$controller
	enable_controllers
	# A descriptor of a group that is gone cannot be made to fail.
	steps='^hread '
}

on_cgemud() {
	reason=$(awk -F'\t' -v n="$name" '$1 == n { print $2 }' "$(dirname "$0")/pending.txt")
	[ -z "$reason" ] || { skip "$name" "$reason"; finish; }
	[ -c /dev/fuse ] || { skip "$name" "there is no /dev/fuse"; finish; }
	. "$(dirname "$0")/../lib/daemon.sh"
	[ -n "$gvisor" ] || private_run_directory
	mkdir "$work/tree"
	cgemud_start "$where" --mount "$work/tree" --tree "${name%%-*}" --set cgroup.state-file= ||
		{ check "cgemud starts" false; finish; }
	top=$work/tree/$controller
	enable_controllers
	# /proc/PID/cgroup is the kernel's own for whoever is not under --exec.
	steps='^cgroup '
	[ -z "$gvisor" ] || steps+=$(awk -F'\t' -v v="$gvisor" -v n="$name" '$1 == v && $2 == n { printf "|%s", $3 }' \
		"$(dirname "$0")/gvisor.tsv")
}

# The groups that a scenario that went wrong may have left, deepest first.
remove_groups() {
	[ -n "$group" ] || return
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	rmdir "$group" 2>/dev/null
}

play() {
	mkdir "$group" || return 1
	if [ "$controller" = cpuset ]; then
		cat "$top/cpuset.cpus" >"$group/cpuset.cpus"
		cat "$top/cpuset.mems" >"$group/cpuset.mems"
	fi
	CGSCEN_SLOW=5 timeout 600 "$cgscen" "$group" <"$scenarios/$name.scn" >"$played" 2>&1
	remove_groups
	diff -U 1 --label recorded --label here <(without_steps "$scenarios/$name.out") <(without_steps "$played")
}

# gVisor 20240729 shows every write that fails as EIO.
blur_errors() {
	if [ "$gvisor" = 20240729 ]; then
		sed -E '/^(write|hwrite|attach|self) /s/=> E[A-Z0-9]+$/=> EIO/'
	else
		cat
	fi
}

without_steps() { if [ "$steps" = . ]; then cat "$1"; else grep -vE "$steps" "$1" | blur_errors; fi; }

# A step that depends on time can go wrong on a machine that is busy enough; three times in a row it does not.
play_patiently() { play || play || play; }

if [ "$where" = live ] || [ "$where" = inside ]; then
	played=$(mktemp)
	trap 'rm -f "$played"; remove_groups' EXIT
	if [ "$where" = live ]; then on_live_kernel; else in_trace_view; fi
else
	on_cgemud
	played=$work/played
fi
group=$top/cgemud-scenario-$$
check "$name" play_patiently
if [ "$where" != live ] && [ "$where" != inside ]; then check "cgemud ends well" cgemud_stop; fi
finish
