#!/bin/bash
# In the virtual machine, as root under systemd: the service from enabling it to stopping it, and what --exec shows.
# Usage: inside.sh PREFIX
set -u
prefix=$1
. /test/check.sh
cgemud=$prefix/bin/cgemud tree=/run/cgemud/cgroup
export PATH=$PATH:$prefix/bin PYTHONDONTWRITEBYTECODE=1

main_pid() { systemctl show -P MainPID cgemud; }
restarts() { systemctl show -P NRestarts cgemud; }
is_active() { [ "$(systemctl is-active cgemud)" = active ] || { systemctl status --no-pager cgemud; return 1; }; }
answers() { read -r number <"$tree/cpuacct/cpuacct.usage" 2>&1 && [ "$number" -ge 0 ]; }
is_mounted() { findmnt -rn -o TARGET | grep -q "^$tree"; }
journal() { journalctl -u cgemud --no-pager -o cat; }

# until_true CMD…: waits for it, at most as long as anything here can take on a very slow machine.
until_true() {
	local end=$((SECONDS + 300))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { "$@"; return 1; }
		sleep 0.5
	done
}
started_again() { [ "$(restarts)" -gt "$1" ] && is_active && answers; }

check "systemd runs this machine" [ "$(readlink /proc/1/exe)" = /usr/lib/systemd/systemd ]
check "the root is 9p" [ "$(findmnt -n -o FSTYPE /)" = 9p ]
check "installed, not enabled" [ "$(systemctl is-enabled cgemud)" = disabled ]
probe_tells_the_truth() {
	python3 /test/probe/check-probe.py "$cgemud" "$prefix/share/cgemud/probe.schema.json" linux >/test/probe.out 2>&1 && return
	grep -v '^ok: ' /test/probe.out
	return 1
}
check "the probe tells the truth" probe_tells_the_truth

check "exposure is as the README says" systemd-analyze security --no-pager --threshold=48 cgemud.service

systemctl preset cgemud
check "a preset leaves it off" [ "$(systemctl is-enabled cgemud)" = disabled ]
check "enable and start" systemctl enable --now cgemud
check "active" is_active
check "the tree answers" answers
check "its mounts are the machine's" is_mounted
check "status says what is served" grep -q serving <<<"$(systemctl show -P StatusText cgemud)"
check "messages are in the journal" grep -q . <<<"$(journal)"
check "a group is made" mkdir "$tree/memory/kept"
sleep 100000 &
member=$!
check "and has a limit and a member" bash -c 'echo 64M >"$1/memory.limit_in_bytes" && echo $2 >"$1/cgroup.procs"' _ "$tree/memory/kept" $member

# 30 processes of 20 ms each, which nobody looked at while they ran: only the kernel's own records tell of them.
mkdir "$tree/cpuacct/short"
python3 - "$tree/cpuacct/short/cgroup.procs" <<-'EOF'
	import os, sys, time
	for _ in range(30):
	    if os.fork() == 0:
	        with open(sys.argv[1], "w") as procs:
	            procs.write("0")
	        end = time.process_time() + 0.02
	        while time.process_time() < end:
	            pass
	        os._exit(0)
	    os.wait()
EOF
short_ones_are_counted() { read -r number <"$tree/cpuacct/short/cpuacct.usage" && echo "$number ns" && [ "$number" -ge 540000000 ]; }
check "processes that were short are counted" until_true short_ones_are_counted

pid=$(main_pid)
printf '[sampler]\ninterval-ms=20\n[fuse]\nthreads=2\n' >/etc/cgemud/cgemud.conf
check "reload" systemctl reload cgemud
check "the process stays" [ "$(main_pid)" = "$pid" ]
check "what changed is in the journal" until_true bash -c 'journalctl -u cgemud -o cat | grep -q "sampler.interval-ms"'
check "what cannot change is named" until_true bash -c 'journalctl -u cgemud -o cat | grep "cannot change" | grep -q fuse.threads'
check "the tree still answers" answers
journal_has() { journalctl -u cgemud -o cat "${@:2}" | grep -q "$1"; }
check "messages carry their fields" until_true journal_has "cannot change" PRIORITY=4 GLIB_DOMAIN=cgemud CODE_FUNC=apply
echo '[nonsense]' >>/etc/cgemud/cgemud.conf
systemctl reload cgemud
check "a wrong configuration ends nothing" is_active
check "and drops no mount" answers
: >/etc/cgemud/cgemud.conf

mount_ids() { grep -F " $tree" /proc/self/mountinfo | cut -d ' ' -f 1,5; }
kept() { systemctl show -P NFileDescriptorStore cgemud; }

# What clients hold over a crash, a hang and an upgrade: open files, a directory, mounts, and a bind mount of a container's.
mkdir -p /srv/container
mount --rbind "$tree" /srv/container
check "systemd keeps the session" [ "$(kept)" = 2 ]
ids=$(mount_ids)
exec 6<"$tree/cpuacct/cpuacct.usage" 7<"$tree/memory/memory.usage_in_bytes" 8<"$tree"
lives_on() {
	python3 - <<-'EOF' || return
		import os, time
		before = int(os.pread(6, 100, 0))
		while int(os.pread(6, 100, 0)) <= before:
		    time.sleep(0.05)
		assert int(os.pread(7, 100, 0)) > 0
		assert "memory" in os.listdir(8)
	EOF
	[ "$(mount_ids)" = "$ids" ] || { mount_ids; return 1; }
	[ -e /srv/container/cpu/cpu.shares ] && answers && group_is_kept
}
group_is_kept() { [ "$(cat "$tree/memory/kept/"{memory.limit_in_bytes,cgroup.procs})" = "67108864"$'\n'"$member" ]; }
check "what is held is live" lives_on

before=$(restarts)
kill -KILL "$(main_pid)"
check "restarted after a crash" until_true started_again "$before"
check "what was held lives on" lives_on
check "the session is still kept" [ "$(kept)" = 2 ]

before=$(restarts) pid=$(main_pid)
check "upgrade" cgemud --reexec "$tree"
check "it is active" until_true is_active
check "the process stays" [ "$(main_pid) $(restarts)" = "$pid $before" ]
check "what was held lives on" lives_on
check "the session is still kept" [ "$(kept)" = 2 ]

# A daemon that hangs is noticed.
mkdir -p /run/systemd/system/cgemud.service.d
printf '[Service]\nWatchdogSec=5\nTimeoutAbortSec=5\n' >/run/systemd/system/cgemud.service.d/watchdog.conf
systemctl daemon-reload
before=$(restarts)
check "another crash" systemctl kill --kill-who=main --signal=KILL cgemud
check "restarted" until_true started_again "$before"
before=$(restarts)
# A request that is taken and not answered: its client must not wait for ever.
python3 -c 'import os
while True:
    os.pread(6, 100, 0)' &
reader=$!
ended_by_term() { wait "$1"; [ $? = 143 ]; }
kill -STOP "$(main_pid)"
check "restarted by the watchdog" until_true started_again "$before"
check "what was held lives on" lives_on
kill "$reader"
check "a reader goes on" ended_by_term "$reader"
check "because of the watchdog" grep -qi watchdog <<<"$(journalctl -u cgemud --no-pager)"

exec 6<&- 7<&- 8<&-
umount -R /srv/container
check "restart" systemctl restart cgemud
check "a group and its member are there again" group_is_kept
kill "$member"
check "stop" systemctl stop cgemud
check "nothing is kept" [ "$(kept)" = 0 ]
check "nothing stays mounted" bash -c '! findmnt -rn -o TARGET | grep "^$1"' _ "$tree"
check "it ended well" [ "$(systemctl show -P Result cgemud)" = success ]
check "no cgemud runs" bash -c '! pgrep -x cgemud'

# An instance for a directory of its own.
mkdir -p /srv/keys/proc/sys
: >"/etc/cgemud/$(systemd-escape --path /srv/keys/proc/sys).conf"
instance=cgemud@$(systemd-escape --path /srv/keys/proc/sys)
check "an instance starts" systemctl start "$instance"
check "it serves its directory" [ -e /srv/keys/proc/sys/vm/overcommit_memory ]
check "it stops" systemctl stop "$instance"

# By statfs, 9p2000.L says what file system the host has, 9p2000.u that it is 9p.
mkdir -p /srv/old && mount -t 9p -o trans=virtio,version=9p2000.u,msize=262144 old /srv/old
with_9p_root() {
	unshare --mount --propagation private bash -c 'cd /srv/old || exit
		for dir in proc sys dev run; do mount --rbind /$dir $dir || exit; done
		mount -t tmpfs tmpfs tmp && pivot_root . mnt && umount -l /mnt && exec chroot . "$@"' _ "$@"
}
same() { [ "$1" = "$2" ] || { echo "\"$1\", not \"$2\""; return 1; }; }
line_of_root() { awk '$5 == "/" { type = $0; sub(/.* - /, "", type); print type }' /proc/self/mountinfo | tail -n 1 | cut -d ' ' -f 1; }
export -f line_of_root
check "a root that is 9p by statfs, too" same "$(with_9p_root stat -f -c %t /)" 1021997
check "and by mountinfo" same "$(with_9p_root bash -c line_of_root)" 9p
check "--exec: an overlay by statfs" same "$(with_9p_root "$cgemud" --exec -- stat -f -c %T /)" overlayfs
check "--exec: an overlay by mountinfo" same "$(with_9p_root "$cgemud" --exec -- bash -c line_of_root)" overlay
check "--exec: of the machine's own root: an overlay by statfs" same "$("$cgemud" --exec -- stat -f -c %T /)" overlayfs
check "--exec: of the machine's own root: an overlay by mountinfo" same "$("$cgemud" --exec -- bash -c line_of_root)" overlay
check "--exec: the cgroup tree is there" "$cgemud" --exec -- grep -q . /sys/fs/cgroup/cpuacct/cpuacct.usage_percpu
check "--exec: nothing is left of it" bash -c '! findmnt -rn -o FSTYPE,TARGET | grep -i cgemud'

# The kernel here has cgroup v2 with all controllers: what was recorded of another one is what this one does, too. Which
# files and keys there are differs by version, and accounting scenarios are for machines that keep time.
top=/sys/fs/cgroup
for controller in $(cat $top/cgroup.controllers); do echo "+$controller" >$top/cgroup.subtree_control; done
plays_as_recorded() {
	local scenario=/test/scenarios/$1
	mkdir $top/recorded || return
	CGSCEN_SLOW=5 timeout 900 /test/cgscen $top/recorded <"$scenario.scn" >"/test/$1.out" 2>&1
	find $top/recorded -depth -type d -exec rmdir {} + 2>/dev/null
	diff -U 1 <(grep -vE '^(names|keys) ' "$scenario.out") <(grep -vE '^(names|keys) ' "/test/$1.out")
}
for name in v2-hierarchy v2-limits v2-threads v2-freeze-kill; do
	check "the kernel: $name" plays_as_recorded $name
done
finish
