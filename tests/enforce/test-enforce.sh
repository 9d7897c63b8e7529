#!/usr/bin/env bash
# What limits do to real processes, and who hears of it: through a mounted tree.
# Usage: test-enforce.sh CGEMUD
set -u
cgemud=$1
here=$(dirname "$0")
. "$here/../fuse/common.sh"

cat >"$work/cgemud.conf" <<-EOF
	[enforce]
	cpu-weight=true
	cpu-max=true
	memory=kill
	memory-interval-ms=20
EOF

serving --tree v1 --config "$work/cgemud.conf"
check "limits and events of v1" timeout 250 python3 "$here/enforce.py" v1 "$dir"
check "a reload" timeout 100 python3 "$here/enforce.py" reload "$dir" "$daemon_pid" "$work/cgemud.conf"
check "v1 ends well, and nobody stays stopped" timeout 100 python3 "$here/enforce.py" end "$dir" "$daemon_pid"
daemon_pid=
serving --tree v2 --config "$work/cgemud.conf"
check "limits and events of v2" timeout 250 python3 "$here/enforce.py" v2 "$dir"
check "v2 ends well" cgemud_stop
finish
