"""Members of a backed group: usage: backed.py CPUACCT MEMORY PIDS [NATIVE], directories of one group each.

Puts a process there that has children which nobody sees, and compares what the group says with what they used. NATIVE is
the path that /proc/PID/cgroup is to name.
"""
import subprocess
import sys
import time

cpuacct, memory, pids, *native = sys.argv[1:]

# Waits for a line; then has 20 children that are orphans at once, each burning CPU time; then forks until it may not.
MEMBER = r"""
import os, sys, time
sys.stdin.readline()
for i in range(20):
    if os.fork() == 0:
        if os.fork() == 0:
            while time.process_time() < 0.05:
                pass
            os.write(1, b"%d\n" % (time.process_time() * 1e9))
        os._exit(0)
    os.wait()
sys.stdin.readline()
refused = 0
for i in range(20):
    try:
        pid = os.fork()
    except BlockingIOError:
        refused += 1
        continue
    if pid == 0:
        time.sleep(1000)
print(refused, flush=True)
block = bytearray(64 << 20)
for i in range(0, len(block), 4096):
    block[i] = 1
print("grown", flush=True)
sys.stdin.readline()
os.killpg(0, 9)
"""


def read(directory, name):
    with open(f"{directory}/{name}") as file:
        return int(file.read())


def write(directory, name, text):
    with open(f"{directory}/{name}", "w") as file:
        file.write(str(text))


member = subprocess.Popen([sys.executable, "-c", MEMBER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          start_new_session=True)
for directory in cpuacct, memory, pids:
    write(directory, "cgroup.procs", member.pid)
if native:
    with open(f"/proc/{member.pid}/cgroup") as file:
        groups = {line.split(":")[1]: line.split(":")[2].rstrip("\n") for line in file}
    for controller in "cpuacct", "memory", "pids":
        shown = [path for names, path in groups.items() if controller in names.split(",")]
        assert shown and shown[0].endswith(native[0]), (controller, groups)

before = read(cpuacct, "cpuacct.usage")
member.stdin.write("\n")
member.stdin.flush()
used = sum(int(member.stdout.readline()) for _ in range(20))
grown = read(cpuacct, "cpuacct.usage") - before
print(f"orphans used {used / 1e9:.2f} s, usage grew by {grown / 1e9:.2f} s")
assert grown >= 0.8 * used, "time of processes that nobody saw is missing"

write(pids, "pids.max", 8)
small = read(memory, "memory.usage_in_bytes")
member.stdin.write("\n")
member.stdin.flush()
refused = int(member.stdout.readline())
print(f"{refused} of 20 forks were refused")
assert refused > 5, "pids.max is not enforced"
assert member.stdout.readline() == "grown\n"
time.sleep(0.2)
taken = read(memory, "memory.usage_in_bytes") - small
print(f"took 64 MiB, usage grew by {taken >> 20} MiB")
assert 50 << 20 <= taken <= 110 << 20, "memory is wrong"

member.stdin.write("\n")
member.stdin.flush()
member.wait()
assert read(cpuacct, "cpuacct.usage") >= before + grown, "time went backwards"
