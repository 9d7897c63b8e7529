#!/usr/bin/env python3
"""complete.py SHELL SHARE: types command lines into a real bash or zsh, presses TAB, and compares what they become.

SHARE is where `meson install` has put bash-completion/ and zsh/: the shell itself has to find the completion there. Ends
with "N passed, N failed, N skipped".
"""

import os
import pty
import select
import signal
import sys
import tempfile
import time

BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
PATIENCE = 300

# A control key makes the shell say what stands on its command line, and begin a new one.
BASH = r"""
PS1='$ ' HISTFILE=
. {framework}
say() {{ printf '%s\n' "$READLINE_LINE" >&9; READLINE_LINE= READLINE_POINT=0; }}
bind -x '"\C-g": say'
"""
ZSH = r"""
PS1='$ ' fpath=({share}/zsh/site-functions $fpath)
autoload -Uz compinit && compinit -u -D
say() {{ print -r -- "$BUFFER" >&9; BUFFER= }}
zle -N say
bindkey '^G' say
"""

# What is typed, and what it becomes; {dir} has the directory "only", the file "one.conf" and the program "cgemud-try".
CASES = [
    ("cgemud --che", "cgemud --check-config "),
    ("cgemud --exec --vi", {"bash": "cgemud --exec --view ", "zsh": "cgemud --exec --view="}),
    ("cgemud --exec --view n", "cgemud --exec --view namespace "),
    ("cgemud --exec --view=n", "cgemud --exec --view=namespace "),
    ("cgemud --list --tree=hy", "cgemud --list --tree=hybrid "),
    ("cgemud --list -t hy", "cgemud --list -t hybrid "),
    ("cgemud --list --set sampler.i", "cgemud --list --set sampler.interval-ms="),
    ("cgemud --mount {dir}/on", "cgemud --mount {dir}/only/"),
    ("cgemud --list --config {dir}/one", "cgemud --list --config {dir}/one.conf "),
    ("cgemud --exec -- cgemud-t", "cgemud --exec -- cgemud-try "),
    ("cgemud --exec -- cgemud-try {dir}/one", "cgemud --exec -- cgemud-try {dir}/one.conf "),
]


def start(shell, share, directory):
    """Returns the process, its terminal, and where it says things."""
    files = {"bash": (f"{directory}/rc", BASH), "zsh": (f"{directory}/.zshrc", ZSH)}
    path, text = files[shell]
    with open(path, "w") as file:
        file.write(text.format(share=share, framework=BASH_COMPLETION))
    reader, writer = os.pipe()
    pid, terminal = pty.fork()
    if pid == 0:
        os.dup2(writer, 9)
        environment = {"PATH": f"{directory}:{os.environ['PATH']}", "HOME": directory, "ZDOTDIR": directory,
                       "XDG_DATA_DIRS": share, "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        command = [shell, "--noprofile", "--rcfile", path, "-i"] if shell == "bash" else [shell, "-i"]
        os.execvpe(shell, command, environment)
    os.close(writer)
    return pid, terminal, reader


class Line:
    def __init__(self, terminal, said):
        self.terminal, self.said, self.seen = terminal, said, b""

    def completed(self, typed):
        """The command line after a TAB; None: the shell does not answer."""
        os.write(self.terminal, typed.encode() + b"\t\x07")
        text, end = b"", time.monotonic() + PATIENCE
        while not text.endswith(b"\n"):
            ready = select.select([self.said, self.terminal], [], [], max(0, end - time.monotonic()))[0]
            if not ready:
                return None
            if self.terminal in ready:
                self.seen += os.read(self.terminal, 65536)
            if self.said in ready:
                text += os.read(self.said, 65536)
        return text.decode()[:-1]


def run(shell, share, directory):
    pid, terminal, said = start(shell, share, directory)
    line, passed, failed = Line(terminal, said), 0, 0
    for typed, expected in CASES:
        expected = expected[shell] if isinstance(expected, dict) else expected
        typed, expected = typed.format(dir=directory), expected.format(dir=directory)
        got = line.completed(typed)
        if got == expected:
            passed += 1
            print(f"ok: {shell}: {typed!r}")
        else:
            failed += 1
            print(f"FAILED: {shell}: {typed!r} becomes {got!r}, not {expected!r}")
    if failed:
        print(line.seen.decode(errors="replace"))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return passed, failed


def main():
    shell, share = sys.argv[1:3]
    with tempfile.TemporaryDirectory(prefix="complete-") as directory:
        os.mkdir(f"{directory}/only")
        open(f"{directory}/one.conf", "w").close()
        with open(f"{directory}/cgemud-try", "w") as file:
            file.write("#!/bin/sh\n")
        os.chmod(f"{directory}/cgemud-try", 0o755)
        passed, failed = run(shell, share, directory)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
