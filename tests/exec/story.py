#!/usr/bin/env python3
"""Collects what the kernel tells about cgroups and /proc/sys in several ways, and checks that the answers agree.

Run it under `cgemud --exec`. Prints one line per disagreement; ends with 1 if there are any.
"""
import ctypes
import os
import sys

MAGICS = {"cgroup": 0x27E0EB, "cgroup2": 0x63677270, "tmpfs": 0x1021994, "proc": 0x9FA0, "overlay": 0x794C7630,
          "9p": 0x1021997, "fuse": 0x65735546}
SYSCTLS = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
           "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"]
CONTROLLERS = ["cpu", "cpuacct", "cpuset", "memory", "pids", "devices"]

libc = ctypes.CDLL(None, use_errno=True)
problems = []


def check(condition, text):
    if not condition:
        problems.append(text)


def magic(path):
    buffer = ctypes.create_string_buffer(256)
    if libc.statfs(path.encode(), buffer) != 0:
        return os.strerror(ctypes.get_errno())
    return ctypes.c_long.from_buffer(buffer).value


def fmagic(path):
    fd = os.open(path, os.O_RDONLY)
    buffer = ctypes.create_string_buffer(256)
    result = libc.fstatfs(fd, buffer)
    os.close(fd)
    return ctypes.c_long.from_buffer(buffer).value if result == 0 else "failed"


def read(path):
    with open(path, "rb", buffering=0) as file:
        return file.read(65536).decode()


def mounts():
    for line in read("/proc/self/mountinfo").splitlines():
        fields = line.split()
        dash = fields.index("-")
        yield fields[2], fields[4], fields[dash + 1], fields[dash + 3]


def check_root():
    device, kind = [(m[0], m[2]) for m in mounts() if m[1] == "/"][-1]
    stat = os.stat("/")
    check(device == f"{os.major(stat.st_dev)}:{os.minor(stat.st_dev)}", f"/ is on {device} and on {stat.st_dev}")
    check(kind != "9p", "the root is 9p in mountinfo")
    check(kind not in MAGICS or magic("/") == MAGICS[kind], f"/: {kind}, statfs {magic('/')}")


def check_groups():
    lines = [m for m in mounts() if m[1].startswith("/sys/fs/cgroup/")]
    check(magic("/sys/fs/cgroup") == MAGICS["tmpfs"], f"/sys/fs/cgroup: {magic('/sys/fs/cgroup')}")
    for name in CONTROLLERS:
        path = f"/sys/fs/cgroup/{name}"
        check(magic(path) == MAGICS["cgroup"], f"statfs {path}: {magic(path)}")
        procs = f"{path}/cgroup.procs"
        check(magic(procs) == fmagic(procs) == MAGICS["cgroup"], f"{procs}: {magic(procs)}, {fmagic(procs)}")
    for name in ["cpuacct", "memory", "cpu"]:
        check(any(m[2] == "cgroup" and name in m[3].split(",") for m in lines) or os.environ.get("NO_NATIVE_CGROUPS"),
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


for part in [check_root, check_groups, check_sysctls]:
    try:
        part()
    except OSError as error:
        problems.append(f"{part.__name__}: {error}")
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
