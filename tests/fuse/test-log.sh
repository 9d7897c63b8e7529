#!/usr/bin/env bash
# What the daemon says: one readable line each on a terminal or in a file, and never more than it may.
# Usage: test-log.sh CGEMUD
set -u
cgemud=$1
here=$(dirname "$0")
. "$here/common.sh"
. "$here/keeper.sh"

conf=$work/cgemud.conf
touch "$conf"
check "it starts" keep --config "$conf" --set log.rate-limit=1
echo '[nonsense]' >"$conf"
for ((i = 0; i < 20; i++)); do
	kill -HUP "$pid"
	next ready >/dev/null || break
done
kill -TERM "$pid"
check "it ends well" wait "$keeper"

said() { grep -c "^cgemud: warning: the configuration stays as it was: $conf:1: " "$daemon_log"; }
left_out() {
	sed -n 's/^cgemud: warning: \([0-9]*\) similar messages left out (daemon.*)$/\1/p' "$daemon_log" |
		awk "{ sum += \$1 } END { print sum + 0 }"
}
all_are_accounted_for() {
	cat "$daemon_log"
	[ $i = 20 ] && [ "$(said)" -lt 20 ] && [ $(($(said) + $(left_out))) = 20 ]
}
check "of 20 messages in a loop few are written, and the rest counted" all_are_accounted_for
check "no line is anything else" bash -c '! grep -vE "^cgemud: " "$1"' _ "$daemon_log"
check "nothing is left" nothing_is_left
finish
