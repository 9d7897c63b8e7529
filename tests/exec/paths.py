#!/usr/bin/env python3
"""Reaches the shown trees in every way that a path can be given, and checks what the calls answer.

Run it under `cgemud --exec --view=trace --tree=v1`. Prints one line per failure; ends with 1 if there are any.
"""
import ctypes
import errno
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

TOP = "/sys/fs/cgroup"
MEMORY = f"{TOP}/memory"
libc = ctypes.CDLL(None, use_errno=True)
work = tempfile.mkdtemp(prefix="cgemud-paths.")
group = f"{MEMORY}/paths{os.getpid()}"


def expect(code, function, *arguments, **keywords):
    try:
        function(*arguments, **keywords)
    except OSError as error:
        assert error.errno == code, f"{errno.errorcode[error.errno]}, not {errno.errorcode[code]}"
        return
    raise AssertionError(f"no {errno.errorcode[code]}")


def read(path, dir_fd=None):
    fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
    try:
        return os.read(fd, 65536).decode()
    finally:
        os.close(fd)


def write(path, text, flags=os.O_WRONLY, dir_fd=None):
    fd = os.open(path, flags, dir_fd=dir_fd)
    try:
        return os.write(fd, text.encode())
    finally:
        os.close(fd)


def test_groups():
    os.mkdir(group)
    expect(errno.EEXIST, os.mkdir, group)
    expect(errno.ENOENT, os.mkdir, f"{group}/a/b")
    os.mkdir(f"{group}/a")
    assert "a" in os.listdir(group) and "memory.limit_in_bytes" in os.listdir(f"{group}/a")
    expect(errno.EBUSY, os.rmdir, group)
    os.rename(f"{group}/a", f"{group}/b")
    assert not os.path.exists(f"{group}/a") and os.path.isdir(f"{group}/b")
    os.rmdir(f"{group}/b")
    expect(errno.ENOENT, os.stat, f"{group}/b")
    expect(errno.ENOENT, os.rmdir, f"{group}/b")


def test_refusals():
    expect(errno.EPERM, os.unlink, f"{group}/memory.limit_in_bytes")
    expect(errno.EISDIR, os.unlink, group)
    expect(errno.ENOTDIR, os.rmdir, f"{group}/memory.limit_in_bytes")
    expect(errno.EACCES, os.open, f"{group}/new", os.O_WRONLY | os.O_CREAT)
    expect(errno.EPERM, os.symlink, "/etc/passwd", f"{group}/link")
    expect(errno.EXDEV, os.rename, f"{group}/memory.limit_in_bytes", f"{work}/taken")
    expect(errno.ENOENT, os.open, f"{group}/no.such", os.O_RDONLY)
    expect(errno.ENOTDIR, os.open, f"{group}/memory.limit_in_bytes/x", os.O_RDONLY)
    expect(errno.EISDIR, os.open, group, os.O_WRONLY)


def test_writing():
    path = f"{group}/memory.limit_in_bytes"
    assert write(path, "100M\n") == 5
    assert read(path) == "104857600\n"
    write(path, "50M", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    write(path, "60M", os.O_WRONLY | os.O_APPEND)
    assert read(path) == "62914560\n"
    expect(errno.EINVAL, write, path, "nonsense")
    expect(errno.E2BIG, write, path, "1" * 5000)
    if os.getuid() == 0:
        expect(errno.EINVAL, write, f"{group}/memory.stat", "1")
    else:
        expect(errno.EACCES, write, f"{group}/memory.stat", "1")
    fd = os.open(path, os.O_RDWR)
    assert os.writev(fd, [b"70", b"M"]) == 3
    assert os.pread(fd, 100, 0) == b"73400320\n"
    copy = os.dup(fd)
    os.close(fd)
    os.pwrite(copy, b"80M", 7)
    os.lseek(copy, 0, os.SEEK_SET)
    assert os.read(copy, 100) == b"83886080\n"
    os.close(copy)
    reader = os.open(path, os.O_RDONLY)
    expect(errno.EBADF, os.write, reader, b"1")
    os.close(reader)


def test_writing_from_elsewhere():
    path = f"{group}/memory.limit_in_bytes"
    fd = os.open(path, os.O_WRONLY)
    thread = threading.Thread(target=os.write, args=(fd, b"30M"))
    thread.start()
    thread.join()
    assert read(path) == "31457280\n"
    subprocess.run(["sh", "-c", "echo 40M"], stdout=fd, check=True)
    assert read(path) == "41943040\n"
    os.close(fd)
    subprocess.run(["sh", "-c", f"echo 20M >{path}; cat {path} >{work}/copy; cp {path} {work}/copied"], check=True)
    assert read(f"{work}/copy") == read(f"{work}/copied") == "20971520\n"
    shutil.copyfileobj(open(f"{work}/copy", "rb"), open(path, "wb"))


def test_names():
    os.symlink(MEMORY, f"{work}/link")
    os.symlink("../../../../../../sys/fs", f"{work}/above")
    dirfd = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    name = os.path.basename(group)
    write(f"{group}/memory.limit_in_bytes", "90M")
    for path in [f"{work}/link/{name}/memory.limit_in_bytes", f"/sys//fs/./cgroup/memory/../memory/{name}/memory.limit_in_bytes",
                 f"/proc/self/fd/{dirfd}/memory.limit_in_bytes", f"/proc/self/root/{group}/memory.limit_in_bytes",
                 f"/proc/thread-self/root{group}/memory.limit_in_bytes", f"/dev/fd/{dirfd}/memory.limit_in_bytes",
                 f"{work}/above/cgroup/memory/{name}/memory.limit_in_bytes",
                 f"{TOP}/cpu/../memory/{name}/memory.limit_in_bytes"]:
        assert read(path) == "94371840\n", path
        assert os.path.isfile(path) and os.access(path, os.R_OK), path
    assert read("memory.limit_in_bytes", dirfd) == "94371840\n"
    assert read(f"../{name}/memory.limit_in_bytes", dirfd) == "94371840\n"
    assert os.stat("memory.limit_in_bytes", dir_fd=dirfd).st_mode == os.stat(f"{group}/memory.limit_in_bytes").st_mode
    assert read("../../../../../etc/passwd", dirfd) == read("/etc/passwd")
    os.close(dirfd)


def test_directory():
    before = os.getcwd()
    os.chdir(group)
    assert os.getcwd() == group, os.getcwd()
    assert os.readlink("/proc/self/cwd") == group, os.readlink("/proc/self/cwd")
    assert os.path.realpath(".") == group
    assert read("memory.limit_in_bytes") and os.listdir("..") == os.listdir(MEMORY)
    assert subprocess.run(["../../../../../bin/sh", "-c", "pwd -P"], capture_output=True, text=True,
                          check=True).stdout == f"{group}\n"
    os.chdir("..")
    assert os.getcwd() == MEMORY
    os.chdir("../../../..")
    assert os.getcwd() == "/"
    os.chdir(before)
    fd = os.open(f"{group}/memory.stat", os.O_RDONLY)
    assert os.readlink(f"/proc/self/fd/{fd}") == f"{group}/memory.stat"
    os.close(fd)
    assert os.readlink(f"{TOP}/cpu") == "cpu,cpuacct"
    assert "cgroup" in os.listdir("/sys/fs") and "sys" in os.listdir("/proc")


def test_held():
    path = f"{group}/memory.limit_in_bytes"
    fd = os.open(path, os.O_RDONLY)
    write(path, "10M")
    assert os.pread(fd, 100, 0) == b"10485760\n"
    write(path, "11M")
    os.lseek(fd, 0, os.SEEK_SET)
    assert os.read(fd, 100) == b"11534336\n"
    assert os.fstat(fd).st_ino == os.stat(path).st_ino
    os.close(fd)


def test_membership():
    child = subprocess.Popen(["sleep", "1000"])
    write(f"{group}/cgroup.procs", str(child.pid))
    assert read(f"{group}/cgroup.procs").split() == [str(child.pid)]
    line = f"memory:/{os.path.basename(group)}\n"
    assert line in read(f"/proc/{child.pid}/cgroup") and line in read(f"/proc/{child.pid}/task/{child.pid}/cgroup")
    assert line not in read("/proc/self/cgroup")
    expect(errno.EBUSY, os.rmdir, group)
    child.kill()
    child.wait()
    expect(errno.ESRCH, write, f"{group}/cgroup.procs", str(child.pid))


def test_sysctl():
    assert read("/proc/sys/kernel/ostype") == "Linux\n"
    assert read("/proc/sys/vm/overcommit_memory").strip().isdigit()
    assert "swappiness" in os.listdir("/proc/sys/vm")
    expect(errno.EACCES, os.open, "/proc/sys/vm/none", os.O_CREAT | os.O_WRONLY)


def call(number, *arguments):
    """0 or more, or -errno."""
    result = libc.syscall(number, *arguments)
    return result if result >= 0 else -ctypes.get_errno()


def test_attributes():
    path = f"{group}/memory.limit_in_bytes"
    os.chmod(path, 0o600)
    assert os.stat(path).st_mode & 0o777 == 0o600
    os.chmod("memory.limit_in_bytes", 0o644, dir_fd=os.open(group, os.O_RDONLY))
    os.chown(path, os.getuid(), os.getgid())
    os.utime(path, (1, 2))
    assert os.stat(path).st_mtime == 2
    os.truncate(path, 0)
    assert read(path).strip().isdigit()
    fchmodat2, name_to_handle_at, statx, execveat = 452, 303, 332, 322
    assert call(fchmodat2, -100, path.encode(), 0o640, 0) in (0, -errno.ENOSYS)
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0), 136)
    assert call(name_to_handle_at, -100, path.encode(), handle, ctypes.byref(ctypes.c_int()), 0) in (
        0, -errno.EOPNOTSUPP, -errno.ENOSYS)
    assert call(statx, -100, path.encode(), 0, 0x7ff, ctypes.create_string_buffer(256)) == 0
    assert call(execveat, -100, path.encode(), 0, 0, 0) == -errno.EACCES


def test_extended_attributes():
    """The file system decides whether there are any; it is the same one for all calls."""
    try:
        os.setxattr(group, "user.test", b"value")
    except OSError as error:
        assert error.errno == errno.EOPNOTSUPP, error
        expect(errno.EOPNOTSUPP, os.removexattr, group, "user.test")
        return
    assert os.getxattr(group, "user.test") == b"value" and "user.test" in os.listxattr(group)
    os.removexattr(group, "user.test")
    assert "user.test" not in os.listxattr(group)


def test_mounts():
    mount, umount2, open_tree, move_mount = 165, 166, 428, 429
    for path in group.encode(), b"/sys/fs/cgroup", b"/proc/sys/kernel/ostype":
        assert call(mount, b"none", path, b"tmpfs", 0, 0) == -errno.EPERM
        assert call(umount2, path, 0) == -errno.EPERM
        assert call(open_tree, -100, path, 1) == -errno.EPERM
        assert call(move_mount, -100, b"/", -100, path, 0) == -errno.EPERM
    assert read(f"{group}/memory.limit_in_bytes")


def test_sockets():
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        expect(errno.EPERM, listener.bind, f"{group}/socket")
        expect(errno.ENOENT, client.connect, f"{group}/socket")
        expect(errno.ECONNREFUSED, client.connect, f"{group}/memory.limit_in_bytes")
        listener.bind(f"{work}/socket")
        listener.listen()
        client.connect(f"{work}/socket")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(f"\0{work}")
        listener.listen()
        client.connect(f"\0{work}")
        before = os.getcwd()
        os.chdir(group)
        with socket.socket(socket.AF_UNIX) as other:
            expect(errno.EPERM, other.bind, "socket")
        os.chdir(before)


def test_links():
    path = f"{group}/memory.limit_in_bytes"
    open(f"{work}/file", "w").close()
    expect(errno.EXDEV, os.link, f"{work}/file", f"{group}/link")
    expect(errno.EXDEV, os.link, path, f"{work}/stolen")
    expect(errno.EPERM, os.link, path, f"{group}/link")
    expect(errno.EPERM, os.mkfifo, f"{group}/fifo")
    assert not os.path.exists(f"{work}/stolen")


class Watch:
    """An inotify watch, waited for with a generous limit."""

    def __init__(self, path, mask):
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        assert libc.inotify_add_watch(self.fd, path.encode(), mask) >= 0, os.strerror(ctypes.get_errno())

    def await_event(self):
        ready, _, _ = select.select([self.fd], [], [], 100)
        assert ready, "no event"
        return struct.unpack_from("iIII", os.read(self.fd, 4096))[1]


def test_watch():
    watch = Watch(MEMORY, 0x100)  # IN_CREATE
    os.mkdir(f"{MEMORY}/watched{os.getpid()}")
    assert watch.await_event() & 0x100
    os.rmdir(f"{MEMORY}/watched{os.getpid()}")


def test_openat2():
    how = struct.pack("QQQ", os.O_RDONLY, 0, 0x08 | 0x02)  # RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS
    dirfd = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    fd = libc.syscall(437, dirfd, b"memory.limit_in_bytes", how, len(how))
    assert fd >= 0, os.strerror(ctypes.get_errno())
    assert os.read(fd, 100).decode() == read(f"{group}/memory.limit_in_bytes")
    os.close(fd)
    assert libc.syscall(437, dirfd, b"../memory.limit_in_bytes", how, len(how)) == -1
    assert ctypes.get_errno() == errno.EXDEV
    assert libc.syscall(437, -100, b"/etc/passwd", struct.pack("QQQ", 0, 0x1ff, 0), len(how)) == -1
    assert ctypes.get_errno() == errno.EINVAL
    fd = libc.syscall(437, -100, b"/etc/passwd", struct.pack("QQQ", 0, 0, 0), len(how))
    assert fd >= 0, os.strerror(ctypes.get_errno())
    os.close(fd)
    os.close(dirfd)


failed = 0
try:
    for test in [test_groups, test_refusals, test_writing, test_writing_from_elsewhere, test_names, test_directory,
                 test_held, test_membership, test_sysctl, test_attributes, test_extended_attributes,
                 test_mounts, test_sockets, test_links, test_watch, test_openat2]:
        try:
            test()
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            failed += 1
            line = error.__traceback__.tb_next
            print(f"{test.__name__}:{line.tb_lineno if line else 0}: {type(error).__name__} {error}")
finally:
    shutil.rmtree(work, ignore_errors=True)
    try:
        os.rmdir(group)
    except OSError as error:
        failed += 1
        print(f"{group}: {error}")
sys.exit(1 if failed else 0)
