#!/usr/bin/env bash
# Runs everyday.tsv in a served directory and in a tmpfs copy of its two files, and compares what is said.
# Usage: everyday.sh DIRECTORY FILE SETTING EXCEPTIONS; the setting holds 60. Exceptions: NAME, tab, reason per line.
set -u
shopt -s extglob
here=$(dirname "$0") directory=$1 exceptions=$4
export F=$2 W=$3
. "$here/../lib/check.sh"

copy=$(mktemp -d /tmp/everyday.XXXXXX) || exit 1
cat "$directory/$F" >"$copy/$F" && cat "$directory/$W" >"$copy/$W" && chmod "$(perl -e 'printf "%o", (stat shift)[2] & 07777' "$directory/$F")" "$copy/$F" &&
	chmod 644 "$copy/$W" || exit 1

# On one line most exceptions make no difference; only a longer file shows which are still needed.
lines=$(wc -l <"$copy/$F")

# say DIRECTORY COMMAND: puts all that the command says, and its status, into $said. In a subshell of this shell: starting
# another costs a sandbox more than most of the commands.
say() {
	said=$(cd "$1" && eval "$2" 2>&1 </dev/null; echo "status $?")
	said=${said//"$0: line "+([0-9])": "/}
}

excepted() { [ -e "$exceptions" ] && awk -F'\t' -v n="$1" '$1 == n { found = 1 } END { exit !found }' "$exceptions"; }

same() {
	[ "$1" = "$2" ] || { printf 'here:\n%s\non tmpfs:\n%s\n' "$1" "$2"; return 1; }
}

while IFS=$'\t' read -r name command expected; do
	case $name in '' | '#'*) continue ;; esac
	say "$directory" "$command"
	got=$said
	say "$copy" "$command"
	want=$said
	[ -z "$expected" ] || want=$expected$'\nstatus 0'
	if ! excepted "$name"; then
		check "$name" same "$got" "$want"
	elif same "$got" "$want" >/dev/null && [ "$lines" -gt 1 ]; then
		check "$name: no exception is needed any more" false
	fi
	# Both start from the same value again.
	echo 60 >"$directory/$W"
	echo 60 >"$copy/$W"
done <"$here/everyday.tsv"
finish
