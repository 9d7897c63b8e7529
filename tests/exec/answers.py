"""How the checks of consistent answers ask, and how they tell of what disagrees."""
import collections
import ctypes
import os
import re

MAGICS = {"cgroup": 0x27E0EB, "cgroup2": 0x63677270, "tmpfs": 0x1021994, "proc": 0x9FA0, "overlay": 0x794C7630,
          "9p": 0x1021997, "ext4": 0xEF53, "sysfs": 0x62656572, "devtmpfs": 0x1021994, "devpts": 0x1CD1,
          "fuse": 0x65735546}
Mount = collections.namedtuple("Mount", "target device kind options")

libc = ctypes.CDLL(None, use_errno=True)
problems = []


def check(condition, text):
    if not condition:
        problems.append(text)


def read(path):
    with open(path, "rb", buffering=0) as file:
        return file.read(1 << 20).decode()


def file_system_type(function, what):
    buffer = ctypes.create_string_buffer(256)
    result = function(what, buffer)
    return ctypes.c_long.from_buffer(buffer).value if result == 0 else os.strerror(ctypes.get_errno())


def magic(path):
    """By statfs(2); the error's text where that fails."""
    return file_system_type(libc.statfs, path.encode())


def fmagic(path):
    """The same by fstatfs(2)."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return file_system_type(libc.fstatfs, fd)
    finally:
        os.close(fd)


def unescape(text):
    return re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), text)


def mounts():
    for line in read("/proc/self/mountinfo").splitlines():
        fields = line.split()
        dash = fields.index("-")
        yield Mount(unescape(fields[4]), fields[2], fields[dash + 1], fields[dash + 3])


def run(parts):
    """Runs the checks, prints what disagrees, and returns the exit status."""
    for part in parts:
        try:
            part()
        except OSError as error:
            problems.append(f"{getattr(part, '__name__', part)}: {error}")
    for problem in problems:
        print(problem)
    return 1 if problems else 0
