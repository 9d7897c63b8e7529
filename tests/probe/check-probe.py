#!/usr/bin/env python3
"""check-probe.py CGEMUD SCHEMA KERNEL [EXIT-CODE]: compares what `CGEMUD --probe` says here with what is true.

KERNEL: linux, gvisor-20221219 or gvisor-20240729. Ends with "N passed, N failed, N skipped".
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import uuid

import truth

passed = failed = skipped = 0


def check(name, condition, why=""):
    global passed, failed
    if condition:
        passed += 1
        print(f"ok: {name}")
    else:
        failed += 1
        print(f"FAILED: {name}: {why}")


def skip(name, why):
    global skipped
    skipped += 1
    print(f"skip: {name}: {why}")


def run(program, *arguments):
    mark = "CGEMUD_TEST_MARK=" + uuid.uuid4().hex
    name, value = mark.split("=")
    result = subprocess.run([program, "--probe", *arguments], capture_output=True, text=True, timeout=300,
                            env={**os.environ, name: value}, stdin=subprocess.DEVNULL)
    return result, mark


def left_running(mark):
    """Processes that inherited the mark."""
    left = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark.encode() in file.read():
                    left.append(pid)
        except OSError:
            pass
    return left


def scratch_directories():
    return [f"{parent}/{name}" for parent in ("/tmp", "/run", "/dev/shm") if os.path.isdir(parent)
            for name in os.listdir(parent) if name.startswith("cgemud-probe-")]


def directories_that_stay(others):
    """Those of another probe that runs beside this one go as well."""
    end = time.monotonic() + 60
    while (left := set(scratch_directories()) - others) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def check_verdicts(results, kernel):
    for name, wanted in truth.truths(kernel).items():
        if wanted is None:
            skip(name, "nothing is known without cgemud")
            continue
        result = results[name]
        check(f"{name} is {wanted}", result["verdict"] == wanted, f"{result['verdict']}: {result['seen']}")


def check_schema(document, path):
    try:
        import jsonschema
    except ImportError:
        skip("schema", "python3-jsonschema is not installed")
        return
    with open(path) as file:
        schema = json.load(file)
    try:
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.validate(document, schema)
        check("the document is as the schema says", True)
    except jsonschema.exceptions.ValidationError as error:
        check("the document is as the schema says", False, error.message)
    for change in ({"exit_code": 1}, {"checks": []}, {"plans": {}}, {"schema": 2}):
        try:
            jsonschema.validate({**document, **change}, schema)
            check(f"the schema refuses {change}", False, "it does not")
        except jsonschema.exceptions.ValidationError:
            check(f"the schema refuses {change}", True)


def check_names(document, results):
    """Plans and forecasts rest on checks that exist."""
    named = [step["check"] for plan in document["plans"].values() for step in plan["steps"] if step["check"]]
    named += [row["check"] for row in document["forecast"]]
    for name in sorted(set(named)):
        check(f"'{name}', which decides something, is a check", name in results)


def check_text(text, document, results):
    for name, result in results.items():
        row = [line for line in text.splitlines() if line.split()[:2] == [name, result["verdict"]]]
        check(f"the table has {name}", row, "no such row")
    for plan in document["plans"].values():
        check(f"the table has the command {plan['command']}", not plan["command"] or plan["command"] in text)
    check("it says what more rights would tell, if anything",
          any(result["more"] for result in results.values()) == ("With more privileges" in text))
    widest = max(len(line) for line in text.splitlines())
    check("the table is as wide as the terminal", widest <= 132, f"{widest} columns")


def words_of(program, plan):
    words = shlex.split(plan["command"])
    return [program, *words[1:]]


def check_exec_command(program, plan):
    """What the plan says can be pasted: with a command, that runs."""
    words = words_of(program, plan)
    at = words.index("COMMAND")
    result = subprocess.run([*words[:at], "sh", "-c", "echo it runs"], capture_output=True, text=True, timeout=600,
                            stdin=subprocess.DEVNULL)
    check(f"{plan['command']} works", result.returncode == 0 and result.stdout == "it runs\n",
          f"{result.returncode}: {result.stdout}{result.stderr}")


def check_mount_command(program, plan):
    with tempfile.TemporaryDirectory(prefix="probe-mount-") as directory:
        words = [directory if word == "DIRECTORY" else word for word in words_of(program, plan)]
        daemon = subprocess.Popen([*words, "--set", "cgroup.state-file="], stderr=subprocess.PIPE, text=True,
                                  stdin=subprocess.DEVNULL)
        said = []
        for line in daemon.stderr:
            said.append(line)
            if "serving " in line:
                break
        served = os.path.exists(f"{words[-1]}/cpuacct/cpuacct.usage")
        check(f"{plan['command']} works", served, "".join(said))
        subprocess.run([program, "--unmount", words[-1]], timeout=600, stdin=subprocess.DEVNULL)
        daemon.communicate()
        check("and --unmount ends it", daemon.returncode == 0, daemon.returncode)


def check_commands(program, document):
    for name, check_command in (("mount", check_mount_command), ("exec", check_exec_command)):
        plan = document["plans"][name]
        if plan["command"]:
            check_command(program, plan)


def main():
    program, schema, kernel = sys.argv[1:4]
    before = truth.mounts()
    others = set(scratch_directories())
    result, mark = run(program, "--json")
    check("it says nothing on stderr", not result.stderr, result.stderr)
    document = json.loads(result.stdout)
    results = {check["name"]: check for check in document["checks"]}
    check("nothing stays mounted", truth.mounts() == before, f"{truth.mounts()} instead of {before}")
    check("no process stays", not left_running(mark), left_running(mark))
    left = directories_that_stay(others)
    check("no directory stays", not left, left)
    check("the exit code is in the document", result.returncode == document["exit_code"],
          f"{result.returncode}, not {document['exit_code']}")
    if len(sys.argv) > 4:
        check(f"the exit code is {sys.argv[4]}", result.returncode == int(sys.argv[4]), result.returncode)
    check_verdicts(results, kernel)
    check_schema(document, schema)
    check_names(document, results)
    os.environ["COLUMNS"] = "132"
    text, _ = run(program)
    again = {check["name"]: check for check in json.loads(run(program, "--json")[0].stdout)["checks"]}
    stable = {name: result for name, result in results.items() if again[name]["verdict"] == result["verdict"]}
    check("it comes to the same verdicts again", len(stable) == len(results), set(results) - set(stable))
    check_text(text.stdout, document, stable)
    check_commands(program, document)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


sys.exit(main())
