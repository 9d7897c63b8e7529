#!/usr/bin/env python3
"""Checks that /dev/kmsg, where the kernel has none, is what a reader of the kernel's log waits for, as the kubelet does.

Run it under `cgemud --exec`.
"""
import os
import select

assert os.access("/dev/kmsg", os.R_OK) and not os.path.isdir("/dev/kmsg")
fd = os.open("/dev/kmsg", os.O_RDONLY)
assert os.lseek(fd, 0, os.SEEK_END) >= 0
log = os.open("/dev/kmsg", os.O_WRONLY)
assert os.write(log, b"a line\n") == 7
poll = select.poll()
poll.register(fd, select.POLLIN)
assert poll.poll(100) == [], "there is something to read"
os.set_blocking(fd, False)
try:
    raise AssertionError(f"read {os.read(fd, 100)}")
except BlockingIOError:
    pass
