#!/usr/bin/env python3
"""keeper.py SOCKET COMMAND…: the part of a service manager that keeps a daemon's descriptors over a crash.

Runs the command, keeps what it stores, and runs it again with that when a signal has ended it. Says on stdout, a line
each: "started PID", "alive", "ready", "stored NAME", "removed NAME", "ended STATUS"; ends when the command exits.
"""

import os
import select
import socket
import sys

FIRST = 3


def say(*words):
    print(*words, flush=True)


def start(command, address, stored):
    pid = os.fork()
    if pid:
        say("started", pid)
        return pid
    names = [name for name, fd in stored]
    high = [os.dup2(fd, 100 + i) for i, (name, fd) in enumerate(stored)]
    for i, fd in enumerate(high):
        os.dup2(fd, FIRST + i)
        os.close(fd)
    os.environ["NOTIFY_SOCKET"] = address
    os.environ["WATCHDOG_USEC"] = str(3600 * 10**6)
    if names:
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
    os.execvp(command[0], command)


def take(message, fds, stored):
    fields = dict(line.split("=", 1) for line in message.decode().splitlines() if "=" in line)
    name = fields.get("FDNAME")
    if "FDSTOREREMOVE" in fields:
        for entry in [entry for entry in stored if entry[0] == name]:
            os.close(entry[1])
            stored.remove(entry)
        say("removed", name)
    elif "FDSTORE" in fields:
        stored.extend((name, fd) for fd in fds)
        say("stored", name)
    if fields.get("WATCHDOG") == "1":
        say("alive")
    if fields.get("READY") == "1":
        say("ready")


def receive_all(notify, stored):
    while True:
        try:
            message, fds, _, _ = socket.recv_fds(notify, 8192, 8)
        except BlockingIOError:
            return
        take(message, fds, stored)


def main():
    address, command = sys.argv[1], sys.argv[2:]
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(address)
    notify.setblocking(False)
    stored = []
    while True:
        pid = start(command, address, stored)
        end = os.pidfd_open(pid)
        while end not in select.select([notify, end], [], [])[0]:
            receive_all(notify, stored)
        os.close(end)
        status = os.waitpid(pid, 0)[1]
        receive_all(notify, stored)
        if os.WIFEXITED(status):
            say("ended", os.WEXITSTATUS(status))
            return os.WEXITSTATUS(status)


sys.exit(main())
