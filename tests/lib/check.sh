# shellcheck shell=bash
# Counting checks in a test script: source this, call check and skip, end with finish.

checks_passed=0 checks_failed=0 checks_skipped=0

# check NAME CMD…: passes when CMD does; shows what it said when it does not. CMD may be a function, and runs in this shell.
check() {
	local name=$1 output status
	shift
	output=$(mktemp) || exit 1
	"$@" >"$output" 2>&1
	status=$?
	if [ $status = 0 ]; then
		checks_passed=$((checks_passed + 1))
		echo "ok: $name"
	else
		checks_failed=$((checks_failed + 1))
		echo "FAILED: $name: status $status"
		tail -n 60 "$output"
	fi
	rm -f "$output"
}

# skip WHAT WHY
skip() {
	checks_skipped=$((checks_skipped + 1))
	echo "skip: $1: $2"
}

# Adds the closing lines ("N passed, N failed, N skipped") found in a program's output, $1.
add_counts() {
	local passed failed skipped
	while read -r passed _ failed _ skipped _; do
		checks_passed=$((checks_passed + passed))
		checks_failed=$((checks_failed + failed))
		checks_skipped=$((checks_skipped + skipped))
	done < <(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' <<<"$1")
}

# Prints the closing line and ends the script: 1 after a failure, 77 when nothing but skips happened.
finish() {
	echo "$checks_passed passed, $checks_failed failed, $checks_skipped skipped"
	[ $checks_failed = 0 ] || exit 1
	[ $checks_passed -gt 0 ] || exit 77
	exit 0
}
