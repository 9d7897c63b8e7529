"""What is true of this place, found out without cgemud: by trying it, or by what is known of the kernel.

truths(kernel) gives for each check the verdict that the probe must come to, or None where nothing is known.
"""

import ctypes
import os
import socket
import subprocess
import tempfile
import time

import linux

CONTROLLERS = ["cpu", "cpuacct", "cpuset", "memory", "devices", "pids"]

# What was measured of these kernels by other means, with a libfuse file system and a prototype of a tracer.
KNOWN = {
    "linux": {
        "fuse-lookup": "yes", "fuse-read": "yes", "fuse-pread": "yes", "fuse-seek": "yes", "fuse-write": "yes",
        "fuse-write-error": "yes", "fuse-readdir": "yes", "fuse-statfs": "yes", "fuse-size-0": "yes",
        "fuse-enosys": "yes", "fuse-poll": "yes", "fuse-inotify": "yes", "fuse-notify": "yes", "fuse-caller": "yes",
    },
    "gvisor-20240729": {
        "fuse-lookup": "yes", "fuse-read": "yes", "fuse-pread": "yes", "fuse-seek": "yes", "fuse-write": "yes",
        "fuse-write-error": "partly", "fuse-readdir": "yes", "fuse-statfs": "yes", "fuse-size-0": "no",
        "fuse-enosys": "no", "fuse-poll": "no", "fuse-inotify": "yes", "fuse-notify": "no", "fuse-caller": "yes",
        "seccomp-trace": "yes", "seccomp-notify": "no", "ptrace-syscall-info": "no", "proc-mem": "partly",
        "process-vm": "yes", "proc-stat": "no", "proc-loadavg": "no", "mount-cgroup": "yes", "mount-cgroup2": "no",
        "pivot-root": "yes",
    },
    "gvisor-20221219": {
        "fuse-lookup": "yes", "fuse-read": "yes", "fuse-pread": "yes", "fuse-seek": "no", "fuse-write": "yes",
        "fuse-write-error": "yes", "fuse-readdir": "yes", "fuse-statfs": "yes", "fuse-size-0": "no",
        "fuse-enosys": "no", "fuse-poll": "no", "fuse-inotify": "yes", "fuse-notify": "no", "fuse-caller": "yes",
        "seccomp-trace": "yes", "seccomp-notify": "no", "ptrace-syscall-info": "no", "proc-mem": "partly",
        "process-vm": "no", "proc-stat": "no", "proc-loadavg": "no", "mount-cgroup": "partly", "mount-cgroup2": "no",
        "pivot-root": "no",
    },
}


def verdict(condition):
    return "yes" if condition else "no"


def verdict_of(found, wanted):
    missing = [name for name in wanted if name not in found]
    return "yes" if not missing else "no" if len(missing) == len(wanted) else "partly"


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def mounts():
    """(mount point, type, super options), in the order of mountinfo."""
    table = []
    for line in read("/proc/self/mountinfo").splitlines():
        before, after = line.split(" - ", 1)
        table.append((before.split()[4], after.split()[0], after.split()[2].split(",")))
    return table


def type_on(point):
    types = [kind for at, kind, _ in mounts() if at == point]
    return types[-1] if types else None


def with_rights(action):
    """As the probe grades rights: directly, only in a user namespace, or not at all."""

    def directly():
        linux.enter_mount_namespace()
        action()
        return 1

    def in_user_namespace():
        linux.enter_user_namespace()
        try:
            linux.unshare(linux.CLONE_NEWCGROUP)
        except OSError:
            pass
        return directly()

    if linux.in_child(directly) == 1:
        return "yes"
    return "partly" if linux.in_child(in_user_namespace) == 1 else "no"


def unshares(flag):
    def directly():
        linux.unshare(flag)
        return 1

    def in_user_namespace():
        linux.enter_user_namespace()
        return directly()

    if linux.in_child(directly) == 1:
        return "yes"
    return "partly" if linux.in_child(in_user_namespace) == 1 else "no"


def kernel_log():
    try:
        fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except PermissionError:
        return "partly"
    except OSError:
        return "no"
    try:
        os.lseek(fd, 0, os.SEEK_END)
        return verdict(os.read(fd, 8192))
    except BlockingIOError:
        return "yes"
    finally:
        os.close(fd)


def root_type():
    kind = type_on("/")
    if kind in ("ext4", "xfs", "overlay", "tmpfs", "btrfs", "zfs"):
        return "yes"
    return "no" if kind in ("9p", "fuse", "virtiofs", "ramfs", "rootfs", None) else None


def cgroup_mounted():
    unified = read("/sys/fs/cgroup/cgroup.controllers")
    if unified is not None:
        return verdict_of(unified.split(), ["cpu", "cpuset", "memory", "pids"])
    options = {option for _, kind, options in mounts() if kind == "cgroup" for option in options}
    return verdict_of(options, CONTROLLERS)


def cgroup_type():
    try:
        return verdict(linux.file_system_type("/sys/fs/cgroup") in (0x63677270, 0x01021994))
    except OSError:
        return "no"


def cgroup_file_type():
    for path in ("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs"):
        try:
            return verdict(linux.file_system_type(path) in (0x63677270, 0x27E0EB))
        except OSError:
            pass
    return "no"


def proc_cgroups():
    rows = [line.split() for line in (read("/proc/cgroups") or "").splitlines()[1:]]
    return verdict_of([row[0] for row in rows if row[3] == "1"], CONTROLLERS)


def stat_moves():
    def ticks():
        return sum(int(field) for field in read("/proc/stat").split("\n")[0].split()[1:4])

    before, end = ticks(), time.monotonic() + 20
    while time.monotonic() < end:
        if ticks() != before:
            return "yes"
        if before == 0 and time.monotonic() > end - 19:
            return "no"
    return "no"


def meminfo():
    fields = dict(line.split(":", 1) for line in read("/proc/meminfo").splitlines())
    if not int(fields["MemTotal"].split()[0]):
        return "no"
    return "yes" if "SwapTotal" in fields else "partly"


def cpu_count():
    usable = len(os.sched_getaffinity(0))
    stat = sum(line[:3] == "cpu" and line[3:4].isdigit() for line in read("/proc/stat").splitlines())
    info = sum(line.startswith("processor") for line in read("/proc/cpuinfo").splitlines())
    return "yes" if usable == stat == info else "partly"


def readable(paths):
    return verdict_of([path for path in paths if read("/proc/sys/" + path) is not None], paths)


KUBELET = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
           "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}


def kubelet_can_set():
    fine = []
    for key, wanted in KUBELET.items():
        value = read("/proc/sys/" + key)
        try:
            if value is None or int(value) != wanted:
                os.close(os.open("/proc/sys/" + key, os.O_WRONLY))
            fine.append(key)
        except OSError:
            pass
    return verdict_of(fine, list(KUBELET))


def opens(path):
    try:
        os.close(os.open(path, os.O_RDWR))
        return "yes"
    except OSError:
        return "no"


def fuse_mount(directory):
    def action():
        fd = os.open("/dev/fuse", os.O_RDWR)
        linux.mount("truth", directory, "fuse", 0,
                    f"fd={fd},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}")
        linux.umount(directory)

    return with_rights(action)


def fuse_helper(directory):
    """fusermount3 mounts for those who own a directory; as root it is not asked."""
    if os.geteuid() == 0:
        return "unknown"
    ours, theirs = socket.socketpair()
    try:
        helper = subprocess.Popen(["fusermount3", "--", directory], pass_fds=[theirs.fileno()],
                                  env={**os.environ, "_FUSE_COMMFD": str(theirs.fileno())}, stderr=subprocess.DEVNULL)
    except OSError:
        return "no"
    works = helper.wait() == 0
    ours.close()
    theirs.close()
    if works:
        subprocess.run(["fusermount3", "-u", "-z", directory], check=True)
    return verdict(works)


def tmpfs_mount(directory):
    def action():
        linux.mount("truth", directory, "tmpfs")
        linux.umount(directory)

    return with_rights(action)


def bind_mount(source, target):
    def action():
        linux.mount(source, target, None, linux.MS_BIND)
        linux.umount(target)

    return with_rights(action)


def overlay_mount(directory):
    def action():
        linux.mount("truth", directory, "tmpfs")
        for name in ("upper", "work", "root"):
            os.mkdir(f"{directory}/{name}")
        try:
            linux.mount("overlay", f"{directory}/root", "overlay", 0,
                        f"lowerdir=/,upperdir={directory}/upper,workdir={directory}/work")
            linux.umount(f"{directory}/root")
        finally:
            linux.umount(directory)

    return with_rights(action)


class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Filter))]


def seccomp_filter():
    def action():
        allow_all = (Filter * 1)(Filter(0x06, 0, 0, 0x7FFF0000))
        linux.call(linux.libc.prctl, linux.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        program = Program(1, allow_all)
        linux.call(linux.libc.prctl, linux.PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0)
        return 1

    return verdict(linux.in_child(action) == 1)


def on_child(action):
    """action(pid) with a child that waits; True unless it raises OSError."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    try:
        action(pid)
        return True
    except OSError:
        return False
    finally:
        os.kill(pid, 9)
        os.close(reader)
        os.close(writer)
        os.waitpid(pid, 0)


def ptrace_works():
    return linux.in_child(lambda: on_child(
        lambda pid: linux.call(linux.libc.ptrace, linux.PTRACE_SEIZE, pid, None, None))) == 1


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def process_vm():
    here, there = ctypes.create_string_buffer(4), ctypes.create_string_buffer(b"abc")
    local = Vector(ctypes.addressof(here), 4)
    remote = Vector(ctypes.addressof(there), 4)

    def transfer(function):
        return lambda pid: linux.call(function, pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)

    works = [on_child(transfer(getattr(linux.libc, "process_vm_" + way))) for way in ("readv", "writev")]
    return "yes" if all(works) else "partly" if any(works) else "no"


def openat2():
    how = (ctypes.c_uint64 * 3)(os.O_RDONLY | os.O_DIRECTORY, 0, 0)
    return verdict(linux.in_child(lambda: linux.syscall(linux.SYS_OPENAT2, -100, b"/", how, 24) >= 0) == 1)


def pidfd_getfd():
    return verdict(on_child(lambda pid: linux.syscall(linux.SYS_PIDFD_GETFD, os.pidfd_open(pid), 0, 0)))


def with_ptrace(works):
    return verdict(works and ptrace_works())


def known(kernel, rights):
    """FUSE behaves as its kernel does, wherever a tree can be mounted at all."""
    table = dict(KNOWN[kernel])
    for name in table:
        if name.startswith("fuse-") and rights == "no":
            table[name] = "unknown"
    return table


def truths(kernel):
    scratch = tempfile.mkdtemp(prefix="probe-truth-")
    places = {}
    for name in ("fuse", "tmpfs", "source", "target", "overlay"):
        places[name] = os.path.join(scratch, name)
        os.mkdir(places[name])
    with open(os.path.join(scratch, "file"), "w") as file:
        file.write(read("/proc/version"))
    rights = fuse_mount(places["fuse"])
    table = {
        "linux-kernel": verdict(kernel == "linux"),
        "kmsg": kernel_log(),
        "root-filesystem": root_type(),
        "cgroup-mounted": cgroup_mounted(),
        "cgroup-type": cgroup_type(),
        "cgroup-file-type": cgroup_file_type(),
        "proc-cgroups": proc_cgroups(),
        "cgroup-one-version": verdict(not (read("/sys/fs/cgroup/unified/cgroup.controllers") or "").split()),
        "proc-stat": stat_moves(),
        "proc-meminfo": meminfo(),
        "cpu-count": cpu_count(),
        "sysctl-kubelet": readable(list(KUBELET)),
        "sysctl-kubelet-set": kubelet_can_set(),
        "fuse-device": opens("/dev/fuse"),
        "fuse-mount": rights,
        "fuse-helper": fuse_helper(places["fuse"]),
        "user-namespace": verdict(linux.in_child(lambda: (linux.enter_user_namespace(), 1)[1]) == 1),
        "pid-namespace": unshares(linux.CLONE_NEWPID),
        "cgroup-namespace": unshares(linux.CLONE_NEWCGROUP),
        "mount-tmpfs": tmpfs_mount(places["tmpfs"]),
        "mount-bind": bind_mount(places["source"], places["target"]),
        "mount-bind-proc": bind_mount(os.path.join(scratch, "file"), "/proc/version"),
        "mount-overlay-root": overlay_mount(places["overlay"]),
        "seccomp-filter": seccomp_filter(),
        "seccomp-trace": with_ptrace(seccomp_filter() == "yes"),
        "ptrace": verdict(ptrace_works()),
        "process-vm": process_vm(),
        "openat2": openat2(),
        "pidfd-getfd": pidfd_getfd(),
        "memfd": "yes",
    }
    for name in ("fuse", "tmpfs", "source", "target", "overlay"):
        os.rmdir(places[name])
    os.unlink(os.path.join(scratch, "file"))
    os.rmdir(scratch)
    # A container's user may be denied what the kernel can do; of the rest, what is known of the kernel holds.
    for name, value in known(kernel, rights).items():
        table.setdefault(name, value)
    return table
