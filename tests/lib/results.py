"""Reads what `meson test` recorded and counts it.

results.py tests                                 names as SUITE/TEST, from `meson introspect --tests` on stdin
results.py suite BUILD SUITE TESTLOG TOTALS      prints one suite's outcome, appends "passed failed skipped" to TOTALS
results.py total TOTALS                          prints the closing line; exits 1 if anything failed, or nothing ran
"""

import json
import re
import sys

CLOSING = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", re.M)
CMOCKA = {
    "passed": re.compile(r"^\[\s+PASSED\s+\] (\d+) test", re.M),
    "failed": re.compile(r"^\[\s+FAILED\s+\] (?:tests: )?(\d+) test", re.M),
    "skipped": re.compile(r"^\[\s+SKIPPED\s+\] (?:tests: )?(\d+) test", re.M),
}
SKIP_REASON = re.compile(r"^skip: (.+)$", re.M)
SHOWN_LINES = 80


def inner_counts(output):
    """What a test program counted itself: its last closing line, or the sums of its cmocka groups."""
    closing = CLOSING.findall(output)
    if closing:
        return [int(n or 0) for n in closing[-1]]
    counts = [sum(map(int, pattern.findall(output))) for pattern in CMOCKA.values()]
    return counts if any(counts) else None


def last_line(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def judge(test):
    """Returns ([passed, failed, skipped], lines to show) of one meson test."""
    output = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    name, result = test["name"].split(" / ")[-1], test["result"]
    reasons = SKIP_REASON.findall(output)
    if result == "SKIP":
        reason = reasons[-1] if reasons else last_line(output)
        if not reason:
            return [0, 1, 0], [f"  FAILED {name}: skipped without a reason"]
        return [0, 0, 1], [f"  skipped {name}: {reason}"]
    counts = inner_counts(output) or ([1, 0, 0] if result == "OK" else [0, 1, 0])
    if result != "OK" and counts[1] == 0:
        counts[1] = 1
    if result == "OK" and counts[1]:
        result = "exit status 0 in spite of failures"
    shown = [f"  skipped {name}: {reason}" for reason in reasons]
    if counts[2] > len(reasons):
        counts[1] += 1
        shown.append(f"  FAILED {name}: {counts[2]} skipped, {len(reasons)} reasons given")
    if counts[1]:
        shown.append(f"  FAILED {name} ({result}, status {test['returncode']}, {test['duration']:.0f} s)")
        shown += ["    " + line for line in output.splitlines()[-SHOWN_LINES:]]
    return counts, shown


def print_suite(build, suite, testlog, totals):
    sums, shown = [0, 0, 0], []
    try:
        with open(testlog, encoding="utf-8", errors="replace") as log:
            for line in log:
                counts, lines = judge(json.loads(line))
                sums = [a + b for a, b in zip(sums, counts)]
                shown += lines
    except FileNotFoundError:
        pass
    if not any(sums):
        sums = [0, 1, 0]
        shown.append("  FAILED: ran no test")
    label = suite if build == "normal" else f"{suite} ({build})"
    print(f"{label}: {sums[0]} passed, {sums[1]} failed, {sums[2]} skipped")
    print("\n".join(shown) + "\n" if shown else "", end="", flush=True)
    with open(totals, "a", encoding="ascii") as out:
        print(*sums, file=out)


def print_total(totals):
    with open(totals, encoding="ascii") as lines:
        rows = [list(map(int, line.split())) for line in lines]
    passed, failed, skipped = (sum(column) for column in zip(*rows)) if rows else (0, 0, 0)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or passed == 0 else 0)


def print_tests():
    for test in json.load(sys.stdin):
        print(test["suite"][0].split(":")[-1] + "/" + test["name"].split(" / ")[-1])


if __name__ == "__main__":
    {"tests": print_tests, "suite": print_suite, "total": print_total}[sys.argv[1]](*sys.argv[2:])
