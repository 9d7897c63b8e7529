#!/usr/bin/env python3
"""Asks in every way what file systems, CPUs, memory and groups there are, and checks that the answers agree.

Run it under `cgemud --exec`. Options: --cpus N, --memory BYTES: what the command was limited to. Prints one line per
disagreement; ends with 1 if there are any.
"""
import argparse
import os
import re
import sys

sys.dont_write_bytecode = True  # the sources may be another user's
from answers import MAGICS, check, fmagic, magic, mounts, read, run


def mount_of(path):
    """The last one of the longest target; one mount on the place of another follows it."""
    found = None
    for mount in mounts():
        inside = path == mount.target or path.startswith(mount.target.rstrip("/") + "/")
        if inside and (found is None or len(mount.target) >= len(found.target)):
            found = mount
    return found


def hierarchies():
    return [mount.target for mount in mounts() if mount.kind in ("cgroup", "cgroup2")]


def check_path(path):
    target, device, kind, _ = mount_of(path)
    stat = os.stat(path)
    fd = os.open(path, os.O_RDONLY)
    types = {magic(path), fmagic(path)}
    types.discard("Function not implemented")  # gVisor of 2022, of files in /proc
    check(not types or types == {MAGICS.get(kind, max(types))}, f"{path} is on {kind} and says {types}")
    check(os.fstat(fd).st_dev == stat.st_dev, f"{path}: two device numbers")
    # A file of a lower layer keeps its own device in an overlay (overlayfs.rst, "Inode properties").
    lower = kind == "overlay" and not os.path.isdir(path)
    check(lower or device == f"{os.major(stat.st_dev)}:{os.minor(stat.st_dev)}",
          f"{path} is on {device} ({target}), st_dev {stat.st_dev}")
    os.close(fd)


def check_file_systems():
    paths = ["/", "/etc", "/etc/passwd", "/usr/bin", "/proc", "/proc/self/status", "/proc/version", "/sys", "/dev", "/dev/null",
             "/proc/sys", "/proc/sys/vm", "/proc/sys/vm/overcommit_memory", "/proc/cgroups", "/sys/fs/cgroup"]
    for hierarchy in hierarchies():
        paths += [hierarchy, f"{hierarchy}/cgroup.procs"]
    for path in paths:
        check_path(path)
    check(mount_of("/").kind != "9p", "the root is 9p")
    lines = [line.split()[1:3] for line in read("/proc/self/mounts").splitlines()]
    check(lines == [[mount.target.replace(" ", "\\040"), mount.kind] for mount in mounts()], "mounts is not mountinfo")
    check(read("/proc/mounts") == read("/proc/self/mounts") == read(f"/proc/{os.getpid()}/task/{os.getpid()}/mounts"),
          "three mount tables")


def check_groups():
    tops = hierarchies()
    check(tops, "no hierarchies")
    lines = dict(line.split(":", 2)[1:] for line in read("/proc/self/cgroup").splitlines())
    for target, _, kind, options in mounts():
        if kind not in ("cgroup", "cgroup2"):
            continue
        names = "" if kind == "cgroup2" else os.path.basename(target)
        names = f"name={names}" if f"name={names}" in options.split(",") else names
        check(names in lines, f"{target}: {names!r} is not in /proc/self/cgroup: {lines}")
        group = target + lines.get(names, "/")
        check(str(os.getpid()) in read(f"{group}/cgroup.procs").split(), f"not in {group}/cgroup.procs")
    for line in read("/proc/cgroups").splitlines()[1:]:
        name = line.split()[0]
        check(any(name in os.path.basename(top).split(",") for top in tops) or
              any(os.path.exists(f"{top}/cgroup.controllers") for top in tops), f"/proc/cgroups has {name}")


def count_list(text):
    ranges = [part.split("-") for part in text.strip().split(",")]
    return sum(int(part[-1]) - int(part[0]) + 1 for part in ranges)


def check_cpus(limit):
    expected = len(os.sched_getaffinity(0))
    check(not limit or expected == limit, f"{expected} CPUs, not {limit}")
    counts = {"nproc": os.sysconf("SC_NPROCESSORS_ONLN"),
              "cpuinfo": len(re.findall(r"^processor\s*:", read("/proc/cpuinfo"), re.M)),
              "stat": len(re.findall(r"^cpu\d+ ", read("/proc/stat"), re.M)),
              "online": count_list(read("/sys/devices/system/cpu/online"))}
    for top in hierarchies():
        if os.path.exists(f"{top}/cpuset.cpus") and read(f"{top}/cpuset.cpus").strip():
            counts[top] = count_list(read(f"{top}/cpuset.cpus"))
        if os.path.exists(f"{top}/cpuacct.usage_percpu") and not limit:
            counts[f"{top} percpu"] = len(read(f"{top}/cpuacct.usage_percpu").split())
    check(set(counts.values()) == {expected}, f"{expected} CPUs: {counts}")


def check_memory(limit):
    total = int(re.search(r"MemTotal:\s+(\d+)", read("/proc/meminfo"))[1]) * 1024
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    check(abs(total - pages) < 4096 * 2, f"MemTotal {total}, sysinfo {pages}")
    check(not limit or total == limit, f"MemTotal {total}, not {limit}")
    for top in hierarchies():
        for name in ["memory.limit_in_bytes", "memory.max"]:
            if limit and os.path.exists(f"{top}/{name}"):
                check(int(read(f"{top}/{name}")) == limit, f"{top}/{name}: {read(f'{top}/{name}')}")


parser = argparse.ArgumentParser()
parser.add_argument("--cpus", type=int)
parser.add_argument("--memory", type=int)
options = parser.parse_args()
sys.exit(run([check_file_systems, check_groups, lambda: check_cpus(options.cpus), lambda: check_memory(options.memory)]))
