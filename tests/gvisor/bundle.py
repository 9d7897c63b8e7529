"""bundle.py BUNDLE READONLY SOURCE [SHARED…] -- ARGUMENT…: writes BUNDLE/config.json, an OCI bundle for runsc."""

import json
import os
import sys

CAPABILITIES = [
    "CAP_" + name
    for name in (
        "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN NET_RAW "
        "SYS_CHROOT SYS_PTRACE SYS_ADMIN SYS_NICE SYS_RESOURCE MKNOD AUDIT_WRITE SETFCAP"
    ).split()
]


def main():
    split = sys.argv.index("--")
    bundle, readonly, source, *shared = sys.argv[1:split]
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/run", "type": "tmpfs", "source": "tmpfs"},
        {"destination": source, "type": "bind", "source": source, "options": ["ro"]},
    ] + [{"destination": path, "type": "bind", "source": path, "options": ["rw"]} for path in shared]
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        **{name: value for name, value in os.environ.items() if name.startswith("CGEMUD") and name != "CGEMUD_TESTS_SCRATCH"},
    }
    config = {
        "ociVersion": "1.0.0",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": sys.argv[split + 1 :],
            "env": [f"{name}={value}" for name, value in environment.items()],
            # Relative arguments mean the same inside, as far as the directory is there.
            "cwd": here if (here := os.getcwd()).startswith(source + "/") else "/",
            "capabilities": {
                kind: CAPABILITIES for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")
            },
        },
        "root": {"path": bundle + "/root/merged", "readonly": readonly == "true"},
        "hostname": "gvisor",
        "mounts": mounts,
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]},
    }
    with open(bundle + "/config.json", "w", encoding="utf-8") as out:
        json.dump(config, out)


main()
