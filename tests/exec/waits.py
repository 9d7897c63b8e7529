#!/usr/bin/env python3
"""Waits for event files, and reads what cannot be read, in every way that there is.

Run it under `cgemud --exec --view=trace --tree=v2`. Prints one line per failure; ends with 1 if there are any.
"""
import errno
import os
import select
import subprocess
import sys
import threading

TOP = "/sys/fs/cgroup"
LONG = 300  # seconds: for what is to come
group = f"{TOP}/waits{os.getpid()}"
leaf = f"{group}/leaf"


def expect(code, function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        assert error.errno == code, f"{errno.errorcode[error.errno]}, not {errno.errorcode[code]}"
        return
    raise AssertionError(f"no {errno.errorcode[code]}")


def write(path, text):
    with open(path, "wb", buffering=0) as file:
        file.write(text.encode())


class Member:
    """A process in a group, until the end of the block."""

    def __init__(self):
        self.process = subprocess.Popen(["sleep", "100000"])
        write(f"{leaf}/cgroup.procs", str(self.process.pid))

    def end(self):
        self.process.kill()
        self.process.wait()


def open_events():
    fd = os.open(f"{leaf}/cgroup.events", os.O_RDONLY)
    assert os.read(fd, 100).startswith(b"populated "), "cgroup.events"
    return fd


def content(fd):
    return os.pread(fd, 100, 0).decode()


def poll_for(fd, events, timeout):
    poll = select.poll()
    poll.register(fd, events)
    return poll.poll(timeout)


def test_poll():
    fd = open_events()
    assert poll_for(fd, select.POLLPRI, 0) == [], "news before anything has happened"
    assert poll_for(fd, select.POLLIN, -1) == [(fd, select.POLLIN)], "it can always be read"
    member = Member()
    assert poll_for(fd, select.POLLPRI, LONG * 1000) == [(fd, select.POLLPRI | select.POLLERR)]
    assert poll_for(fd, select.POLLPRI, LONG * 1000) == [(fd, select.POLLPRI | select.POLLERR)], "not read yet"
    assert "populated 1" in content(fd)
    assert poll_for(fd, select.POLLPRI, 0) == [], "read"
    member.end()
    assert poll_for(fd, select.POLLPRI, LONG * 1000) == [(fd, select.POLLPRI | select.POLLERR)]
    assert "populated 0" in content(fd)
    os.close(fd)


def test_poll_while_others_act():
    """The waiter sleeps before anything happens, and what happens is done by another process."""
    fd = open_events()
    ready, told = os.pipe()
    answers = []
    thread = threading.Thread(target=lambda: (os.write(told, b"x"), answers.extend(poll_for(fd, select.POLLPRI, -1))))
    thread.start()
    os.read(ready, 1)
    subprocess.run(["sh", "-c", f"echo $$ >{leaf}/cgroup.procs"], check=True)
    thread.join(LONG)
    assert answers == [(fd, select.POLLPRI | select.POLLERR)], answers
    for end in (fd, ready, told):
        os.close(end)


def test_poll_with_others():
    """Other descriptors in the same call are told of as ever, and a bad one too."""
    fd = open_events()
    ready, told = os.pipe()
    poll = select.poll()
    poll.register(fd, select.POLLPRI)
    poll.register(ready, select.POLLIN)
    poll.register(1000, select.POLLIN)
    assert poll.poll(-1) == [(1000, select.POLLNVAL)]
    poll.unregister(1000)
    assert poll.poll(1) == []
    os.write(told, b"x")
    assert poll.poll(-1) == [(ready, select.POLLIN)]
    for end in (fd, ready, told):
        os.close(end)


def test_change_between_open_and_poll():
    fd = open_events()
    copy = os.dup(fd)
    member = Member()
    assert poll_for(fd, select.POLLPRI, LONG * 1000) == [(fd, select.POLLPRI | select.POLLERR)]
    os.close(fd)
    assert poll_for(copy, select.POLLPRI, 0) == []
    member.end()
    assert poll_for(copy, select.POLLPRI, LONG * 1000) == [(copy, select.POLLPRI | select.POLLERR)]
    os.close(copy)


def test_select():
    fd = open_events()
    ready, told = os.pipe()
    assert select.select([ready], [], [fd], 0) == ([], [], [])
    assert select.select([fd], [fd], [fd]) == ([fd], [fd], [])
    member = Member()
    assert select.select([ready], [], [fd], LONG) == ([], [], [fd])
    os.write(told, b"x")
    assert select.select([ready], [], [fd]) == ([ready], [], [fd])
    content(fd)
    assert select.select([ready], [], [fd]) == ([ready], [], [])
    member.end()
    for end in (fd, ready, told):
        os.close(end)


def test_epoll():
    fd = open_events()
    ready, told = os.pipe()
    epoll = select.epoll()
    epoll.register(ready, select.EPOLLIN)
    epoll.register(fd, select.EPOLLPRI)
    expect(errno.EEXIST, epoll.register, fd, select.EPOLLPRI)
    assert epoll.poll(0) == []
    os.write(told, b"x")
    assert epoll.poll(LONG) == [(ready, select.EPOLLIN)]
    os.read(ready, 1)
    member = Member()
    assert epoll.poll(LONG) == [(fd, select.EPOLLPRI | select.EPOLLERR)]
    content(fd)
    assert epoll.poll(0) == []
    member.end()
    assert epoll.poll(LONG) == [(fd, select.EPOLLPRI | select.EPOLLERR)]
    epoll.unregister(fd)
    assert epoll.poll(0) == []
    epoll.register(fd, select.EPOLLPRI)
    os.close(fd)
    member = Member()
    assert epoll.poll(0) == [], "it was closed"
    member.end()
    for end in (ready, told):
        os.close(end)
    epoll.close()


def test_after_fork():
    """A child waits on the descriptors that it has inherited."""
    fd = open_events()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if poll_for(fd, select.POLLPRI, LONG * 1000) else 1)
    member = Member()
    # It may begin to wait only now, for what it takes for the file's first state.
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        member.end()
        member = Member()
    member.end()
    os.close(fd)


def test_trigger():
    path = f"{group}/memory.pressure"
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    os.write(fd, b"some 500000 2000000\0")
    assert poll_for(fd, select.POLLPRI, 0) == [], "a trigger that has not fired"
    expect(errno.EBUSY, os.write, fd, b"some 500000 2000000\0")
    os.close(fd)
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    expect(errno.EINVAL, os.write, fd, b"nonsense")
    assert poll_for(fd, select.POLLPRI, LONG * 1000) == [(fd, select.POLLPRI | select.POLLERR)], "without a trigger"
    os.close(fd)


def test_errors_of_reading():
    os.mkdir(f"{leaf}/threads")
    write(f"{leaf}/threads/cgroup.type", "threaded")
    fd = os.open(f"{leaf}/threads/cgroup.procs", os.O_RDONLY)
    expect(errno.EOPNOTSUPP, os.read, fd, 100)
    expect(errno.EOPNOTSUPP, os.pread, fd, 100, 0)
    os.close(fd)
    os.rmdir(f"{leaf}/threads")
    if os.getuid() == 0:
        fd = os.open(f"{group}/cgroup.kill", os.O_RDONLY)
        expect(errno.EINVAL, os.read, fd, 100)
        os.close(fd)


def test_removed_group():
    os.mkdir(f"{group}/removed")
    fds = [os.open(f"{group}/removed/{name}", os.O_RDWR) for name in ("pids.max", "cgroup.freeze")]
    other = os.open(f"{group}/pids.max", os.O_RDONLY)
    assert os.read(fds[0], 100) == b"max\n"
    os.rmdir(f"{group}/removed")
    for fd in fds:
        expect(errno.ENODEV, os.read, fd, 100)
        expect(errno.ENODEV, os.pread, fd, 100, 0)
        expect(errno.ENODEV, os.write, fd, b"1")
        assert os.lseek(fd, 0, os.SEEK_SET) == 0
        expect(errno.ENODEV, os.read, fd, 100)
    os.mkdir(f"{group}/removed")
    expect(errno.ENODEV, os.read, fds[0], 100)
    os.rmdir(f"{group}/removed")
    assert os.read(other, 100) == b"max\n"
    for fd in fds + [other]:
        os.close(fd)


def test_removed_by_others():
    os.mkdir(f"{group}/removed")
    fd = os.open(f"{group}/removed/pids.max", os.O_RDONLY)
    subprocess.run(["rmdir", f"{group}/removed"], check=True)
    expect(errno.ENODEV, os.read, fd, 100)
    os.close(fd)


failed = 0
os.mkdir(group)
os.mkdir(leaf)
for directory in TOP, group:
    write(f"{directory}/cgroup.subtree_control", "+pids +memory")
try:
    for test in [test_poll, test_poll_while_others_act, test_poll_with_others, test_change_between_open_and_poll,
                 test_select, test_epoll, test_after_fork, test_trigger, test_errors_of_reading, test_removed_group,
                 test_removed_by_others]:
        try:
            test()
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            failed += 1
            line = error.__traceback__.tb_next
            print(f"{test.__name__}:{line.tb_lineno if line else 0}: {type(error).__name__} {error}")
finally:
    try:
        os.rmdir(leaf)
        os.rmdir(group)
    except OSError as error:
        failed += 1
        print(f"{group}: {error}")
sys.exit(1 if failed else 0)
