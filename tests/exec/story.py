#!/usr/bin/env python3
"""Collects what the kernel tells about cgroups and /proc/sys in several ways, and checks that the answers agree.

Run it under `cgemud --exec`. Prints one line per disagreement; ends with 1 if there are any.
"""
import os
import sys

sys.dont_write_bytecode = True  # the sources may be another user's
from answers import MAGICS, check, fmagic, magic, mounts, read, run

SYSCTLS = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
           "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"]
CONTROLLERS = ["cpu", "cpuacct", "cpuset", "memory", "pids", "devices"]


def check_root():
    device, kind = [(mount.device, mount.kind) for mount in mounts() if mount.target == "/"][-1]
    stat = os.stat("/")
    check(device == f"{os.major(stat.st_dev)}:{os.minor(stat.st_dev)}", f"/ is on {device} and on {stat.st_dev}")
    check(kind != "9p", "the root is 9p in mountinfo")
    check(kind not in MAGICS or magic("/") == MAGICS[kind], f"/: {kind}, statfs {magic('/')}")


def check_groups():
    lines = [mount for mount in mounts() if mount.target.startswith("/sys/fs/cgroup/")]
    check(magic("/sys/fs/cgroup") == MAGICS["tmpfs"], f"/sys/fs/cgroup: {magic('/sys/fs/cgroup')}")
    for name in CONTROLLERS:
        path = f"/sys/fs/cgroup/{name}"
        check(magic(path) == MAGICS["cgroup"], f"statfs {path}: {magic(path)}")
        procs = f"{path}/cgroup.procs"
        check(magic(procs) == fmagic(procs) == MAGICS["cgroup"], f"{procs}: {magic(procs)}, {fmagic(procs)}")
    for name in ["cpuacct", "memory", "cpu"]:
        check(any(line.kind == "cgroup" and name in line.options.split(",") for line in lines) or os.environ.get("NO_NATIVE_CGROUPS"),
              f"no cgroup line of {name}")
    for line in read("/proc/cgroups").splitlines()[1:]:
        name, _, _, enabled = line.split()
        check(enabled == "1" and (os.path.isdir(f"/sys/fs/cgroup/{name}")), f"/proc/cgroups: {line}")
    percpu = read("/sys/fs/cgroup/cpuacct/cpuacct.usage_percpu").split()
    check(len(percpu) == len(os.sched_getaffinity(0)) or os.cpu_count() == len(percpu), f"percpu: {percpu}")


def check_sysctls():
    check(magic("/proc/sys") == MAGICS["proc"], f"/proc/sys: {magic('/proc/sys')}")
    for key in SYSCTLS:
        path = f"/proc/sys/{key}"
        check(read(path).strip().lstrip("-").isdigit(), f"{path}: {read(path)!r}")
        check(magic(path) == fmagic(path) == MAGICS["proc"], f"{path}: {magic(path)}")


sys.exit(run([check_root, check_groups, check_sysctls]))
