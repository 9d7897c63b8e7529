#!/usr/bin/env python3
"""Checks that forks are refused while a group is full, and only then. Run it under `cgemud --exec --pids=3`."""
import errno
import os
import time

children = []
try:
    while len(children) < 10:
        pid = os.fork()
        if pid == 0:
            time.sleep(1000)
        children.append(pid)
    raise AssertionError("no fork was refused")
except OSError as error:
    assert error.errno == errno.EAGAIN, error
assert len(children) == 2, children
with open("/sys/fs/cgroup/pids/pids.current") as file:
    current = int(file.read())
assert current == 3, current
for pid in children:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
if os.fork() == 0:
    os._exit(0)
assert os.wait()[1] == 0
