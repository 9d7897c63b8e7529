"""Puts processes into groups of a mounted tree and waits for what their limits do to them.

enforce.py v1|v2 TREE; enforce.py reload TREE DAEMON CONFIG; enforce.py end TREE DAEMON
"""
import ctypes
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

PATIENCE = 90  # seconds; nothing here is about speed
LIBC = ctypes.CDLL(None, use_errno=True)
IN_MODIFY = 2
PR_SET_PDEATHSIG = 1
MIB = 1 << 20


def read(path):
    with open(path) as f:
        return f.read()


def write(path, text):
    with open(path, "w") as f:
        f.write(str(text))


def value(path, key=None):
    words = read(path).split()
    return int(words[words.index(key) + 1] if key else words[0])


def await_true(what, condition):
    """For what sends no event of its own."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"in vain: {what}")
        time.sleep(0.02)


def expect(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got!r} instead of {want!r}")


def fork(does):
    """A child that has done something and then waits for its end."""
    done, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.close(done)
        kept = does()
        os.close(tell)
        while kept is not None or True:
            signal.pause()
    os.close(tell)
    os.read(done, 1)
    os.close(done)
    return pid


def nothing():
    return None


def use_memory():
    return bytearray(b"x") * (48 * MIB)


def spin():
    pid = os.fork()
    if pid == 0:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        while True:
            pass
    return pid


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def group(*parts):
    path = os.path.join(*parts)
    os.mkdir(path)
    return path


def attach(pid, path):
    write(f"{path}/cgroup.procs", pid)


def state(pid):
    """Empty for one that is gone."""
    try:
        return read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def cpu_seconds(pid):
    fields = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def allowed(pid):
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith("Cpus_allowed_list:"):
            return line.split()[1]
    sys.exit("no affinity in /proc/PID/status")


def died_of_memory(pid):
    expect("its end", os.waitpid(pid, 0)[1], signal.SIGKILL)


def check_affinity(top, name):
    if os.cpu_count() < 2:
        print("skip: affinity: this machine has one CPU")
        return
    path = group(top, name)
    if os.path.exists(f"{top}/cpuset.sched_load_balance"):
        write(f"{path}/cpuset.mems", 0)
    write(f"{path}/cpuset.cpus", "0")
    pid = fork(nothing)
    attach(pid, path)
    expect("Cpus_allowed_list", allowed(pid), "0")
    write(f"{path}/cpuset.cpus", "1")
    expect("Cpus_allowed_list", allowed(pid), "1")
    kill(pid)
    os.rmdir(path)


def check_nice(path, name, text, want):
    pid = fork(nothing)
    attach(pid, path)
    write(f"{path}/{name}", text)
    expect("nice value", os.getpriority(os.PRIO_PROCESS, pid), want)
    kill(pid)


def check_quota(path, name, text, stat, unit):
    write(f"{path}/{name}", text)
    pid = spin()
    attach(pid, path)
    await_true("throttled", lambda: value(stat, "nr_throttled") >= 3)
    expect("periods are counted", value(stat, "nr_periods") >= value(stat, "nr_throttled"), True)
    expect("time is counted", value(stat, unit) > 0, True)
    kill(pid)


def await_eventfd(fd, what):
    if not select.select([fd], [], [], PATIENCE)[0]:
        sys.exit(f"no event: {what}")
    return os.eventfd_read(fd)


def ask(path, name, argument=""):
    """As a shell would have it: the writer has the descriptors from its parent, and ends."""
    fd = os.eventfd(0)
    target = os.open(f"{path}/{name}", os.O_RDONLY)
    os.set_inheritable(fd, True)
    os.set_inheritable(target, True)
    text = f"{fd} {target} {argument}".strip()
    subprocess.run(["sh", "-c", 'printf "%s" "$1" >"$2"', "sh", text, f"{path}/cgroup.event_control"],
                   close_fds=False, check=True)
    os.close(target)
    return fd


def check_v1_memory(top):
    path = group(top, "short")
    threshold, oom = ask(path, "memory.usage_in_bytes", "16M"), ask(path, "memory.oom_control")
    pid = fork(use_memory)
    write(f"{path}/memory.limit_in_bytes", "32M")
    attach(pid, path)
    await_eventfd(oom, "out of memory")
    await_eventfd(threshold, "more than the threshold")
    died_of_memory(pid)
    await_true("counted", lambda: value(f"{path}/memory.oom_control", "oom_kill") == 1)
    expect("failures", value(f"{path}/memory.failcnt"), 1)
    expect("watermark", value(f"{path}/memory.max_usage_in_bytes") >= 48 * MIB, True)
    # A group that goes says so.
    last = ask(path, "memory.oom_control")
    os.rmdir(path)
    await_eventfd(last, "the group is gone")
    for fd in threshold, oom, last:
        os.close(fd)


def check_release_agent(top):
    with tempfile.TemporaryDirectory() as base:
        os.mkfifo(f"{base}/fifo")
        write(f"{base}/agent", f'#!/bin/sh\nrmdir "{top}$1" && echo "$1" >{base}/fifo\n')
        os.chmod(f"{base}/agent", 0o755)
        fifo = os.open(f"{base}/fifo", os.O_RDWR)
        write(f"{top}/release_agent", f"{base}/agent")
        path = group(top, "released")
        write(f"{path}/notify_on_release", 1)
        pid = fork(nothing)
        attach(pid, path)
        kill(pid)
        if not select.select([fifo], [], [], PATIENCE)[0]:
            sys.exit("the release agent did not run")
        expect("its argument", os.read(fifo, 100), b"/released\n")
        os.close(fifo)
        write(f"{top}/release_agent", "\n")
        expect("the group is gone", os.path.exists(path), False)


class Watch:
    """Of one file, by poll and by inotify."""

    def __init__(self, path):
        self.inotify = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if LIBC.inotify_add_watch(self.inotify, path.encode(), IN_MODIFY) < 0:
            sys.exit(f"cannot watch {path}")
        self.fd = os.open(path, os.O_RDONLY)
        os.pread(self.fd, 4096, 0)

    def await_both(self, what):
        poll = select.poll()
        poll.register(self.fd, select.POLLPRI)
        if not poll.poll(PATIENCE * 1000):
            sys.exit(f"poll was not woken: {what}")
        if not select.select([self.inotify], [], [], PATIENCE)[0]:
            sys.exit(f"inotify says nothing: {what}")
        expect("inotify", struct.unpack_from("iI", os.read(self.inotify, 4096))[1], IN_MODIFY)
        os.pread(self.fd, 4096, 0)

    def close(self):
        os.close(self.fd)
        os.close(self.inotify)


def check_v2_events(top):
    path = group(top, "events")
    watch = Watch(f"{path}/cgroup.events")
    pid = fork(nothing)
    attach(pid, path)
    watch.await_both("populated")
    write(f"{path}/cgroup.freeze", 1)
    watch.await_both("frozen")
    write(f"{path}/cgroup.freeze", 0)
    watch.await_both("thawed")
    kill(pid)
    watch.await_both("no longer populated")
    expect("cgroup.events", value(f"{path}/cgroup.events", "populated"), 0)
    watch.close()
    watch = Watch(f"{path}/memory.events")
    write(f"{path}/memory.max", "32M")
    pid = fork(use_memory)
    attach(pid, path)
    watch.await_both("memory.events")
    died_of_memory(pid)
    await_true("counted", lambda: value(f"{path}/memory.events", "oom_kill") == 1)
    watch.close()
    os.rmdir(path)


def check_pids_events(top):
    path = group(top, "pids")
    write(f"{path}/pids.max", 1)
    pid = os.fork()
    if pid == 0:
        attach(os.getpid(), path)
        fork(nothing)
        os._exit(0)
    os.waitpid(pid, 0)
    await_true("counted", lambda: value(f"{path}/pids.events", "max") >= 1 or not read(f"{path}/cgroup.procs"))
    await_true("nobody is left", lambda: not read(f"{path}/cgroup.procs"))
    os.rmdir(path)


def check_pressure(top):
    path = group(top, "pressure")
    fd = os.open(f"{path}/memory.pressure", os.O_RDWR)
    os.write(fd, b"some 150000 1000000")
    try:
        os.write(fd, b"some 150000 1000000")
        sys.exit("a file took a second trigger")
    except OSError as error:
        expect("a second trigger", error.errno, 16)
    other = os.open(f"{path}/cpu.pressure", os.O_RDWR)
    os.write(other, b"some 1 2000000")
    if os.path.exists("/proc/pressure/cpu"):
        press = [spin() for _ in range(2 * os.cpu_count() + 1)]
        poll = select.poll()
        poll.register(other, select.POLLPRI)
        fired = poll.poll(PATIENCE * 1000)
        for pid in press:
            kill(pid)
        if not fired:
            sys.exit("the trigger did not fire")
    else:
        print("skip: the trigger fires: this kernel tells no pressure")
    os.close(fd)
    os.close(other)
    os.rmdir(path)


def check_io(path, stat):
    """What a member writes is of its group; where /proc/PID/io tells it, and there is a disk."""
    pid = os.fork()
    if pid == 0:
        attach(os.getpid(), path)
        with tempfile.TemporaryFile(dir="/var/tmp") as file:
            file.write(bytes(MIB))
            file.flush()
            os.fsync(file.fileno())
        told = "write_bytes: 0\n" not in read("/proc/self/io")
        seen = str(MIB) in read(stat)
        os._exit(0 if seen else 1 if told else 2)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    disks = any(line.split()[3] != "0" for line in read("/proc/diskstats").splitlines())
    if code == 2 or not disks:
        print("skip: I/O: nothing is told of it here")
    else:
        expect("I/O of the group", code, 0)


def test_v1(top):
    check_affinity(f"{top}/cpuset", "pinned")
    cpu = group(top, "cpu", "slow")
    check_nice(cpu, "cpu.shares", 335, 5)
    check_quota(cpu, "cpu.cfs_quota_us", 10000, f"{cpu}/cpu.stat", "throttled_time")
    check_io(group(top, "blkio", "disk"), f"{top}/blkio/disk/blkio.throttle.io_service_bytes")
    check_v1_memory(f"{top}/memory")
    check_release_agent(f"{top}/pids")


def test_v2(top):
    write(f"{top}/cgroup.subtree_control", "+cpuset +cpu +io +memory +pids")
    check_affinity(top, "pinned")
    slow = group(top, "slow")
    check_nice(slow, "cpu.weight.nice", 7, 7)
    check_quota(slow, "cpu.max", "10000 100000", f"{slow}/cpu.stat", "throttled_usec")
    check_io(slow, f"{slow}/io.stat")
    check_v2_events(top)
    check_pids_events(top)
    check_pressure(top)


def test_reload(top, daemon, config):
    """Quotas are no longer kept: who is stopped goes on, and is not stopped again."""
    path = group(top, "cpu", "reload")
    write(f"{path}/cpu.cfs_period_us", 1000000)
    write(f"{path}/cpu.cfs_quota_us", 1000)
    pid = spin()
    attach(pid, path)
    expect("stopped", os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]), True)
    write(config, read(config).replace("cpu-max=true", "cpu-max=false"))
    os.kill(int(daemon), signal.SIGHUP)
    # With its quota it would need ten times as long as we wait.
    used = cpu_seconds(pid)
    await_true("goes on", lambda: cpu_seconds(pid) - used > PATIENCE / 100)
    kill(pid)
    write(config, read(config).replace("cpu-max=false", "cpu-max=true"))
    os.kill(int(daemon), signal.SIGHUP)
    os.rmdir(path)


def test_end(top, daemon):
    path = group(top, "cpu", "end")
    write(f"{path}/cpu.cfs_period_us", 1000000)
    write(f"{path}/cpu.cfs_quota_us", 1000)
    pid = spin()
    attach(pid, path)
    expect("stopped", os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]), True)
    os.kill(int(daemon), signal.SIGTERM)
    await_true("the daemon has ended", lambda: state(daemon) in ("Z", ""))
    expect("state", state(pid), "R")
    kill(pid)


if __name__ == "__main__":
    {"v1": test_v1, "v2": test_v2, "reload": test_reload, "end": test_end}[sys.argv[1]](*sys.argv[2:])
