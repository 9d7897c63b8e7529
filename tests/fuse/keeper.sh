# shellcheck shell=bash
# A daemon under keeper.py, as under a service manager. Source it after common.sh.

# next WORD [WORD…]: reads what the keeper says up to such a line; the rest of that line is in $said.
next() {
	local line
	while read -r -t 300 -u "$keeper_says" line; do
		[ -z "${line##"$*"*}" ] && { said=${line#"$*"}; return 0; }
	done
	echo "the keeper did not say \"$*\""
	tail -n 5 "$daemon_log"
	return 1
}

# keep ARG…: a keeper with a daemon; returns when that is ready.
keep() {
	mkfifo "$work/keeper"
	python3 "$here/keeper.py" "$work/notify" "$cgemud" --mount "$dir" --set cgroup.state-file= "$@" >"$work/keeper" 2>>"$daemon_log" &
	keeper=$!
	exec {keeper_says}<"$work/keeper"
	rm "$work/keeper"
	next_daemon
}
# The hour between two signs of life has never passed: what is said is said at the start.
next_daemon() { next started && pid=${said# } && next alive && next ready; }
