#!/usr/bin/env bash
# The command line as a user meets it: what it says, and the exit status.
# Usage: test-cli.sh PROGRAM SOURCE
set -u
program=$1 source=$2
. "$source/tests/lib/check.sh"
# meson test --setup installed: the installed program instead of the built one.
[ -z "${CGEMUD_INSTALLED:-}" ] || program=${DESTDIR:-}$CGEMUD_INSTALLED

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C.UTF-8
conf=$scratch/cgemud.conf

# says STATUS TEXT ARGUMENT…: it exits so, and its last line on stderr is the text exactly; stdout stays empty.
says() {
	local expected=$1 text=$2 status
	shift 2
	"$program" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	status=$?
	cat "$scratch/out" "$scratch/err"
	[ $status = "$expected" ] && [ ! -s "$scratch/out" ] && [ "$(cat "$scratch/err")" = "cgemud: $text" ]
}

# prints STATUS PATTERN ARGUMENT…: it exits so, a line of stdout matches (grep -E), stderr stays empty.
prints() {
	local expected=$1 pattern=$2 status
	shift 2
	"$program" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	status=$?
	cat "$scratch/out" "$scratch/err"
	[ $status = "$expected" ] && [ ! -s "$scratch/err" ] && grep -qE -- "$pattern" "$scratch/out"
}

check "--version" prints 0 '^cgemud [0-9]+\.[0-9]+\.[0-9]+ \(json-glib (yes|no), libseccomp (yes|no), libsystemd (yes|no)\)$' --version
check "--help" prints 0 '^  -m, --mount=DIR ' --help
check "--help hides what is not for people" sh -c '! "$1" --help | grep -q print-completion' sh "$program"

check "nothing given" says 64 'nothing to do: give an action such as --mount DIR, --exec -- COMMAND or --probe'
check "misspelt option" says 64 'Unknown option --prob; did you mean --probe?' --prob
check "misspelt value" says 64 '--tree cannot be "hybird"; did you mean "hybrid"?' --mount "$scratch/x" --tree=hybird
check "two actions" says 64 '--unmount and --list cannot stand together' --list --unmount "$scratch/x"
check "option of another action" says 64 '--daemonize goes with --mount, not with --list' --list --daemonize
check "--exec without a command" says 64 '--exec needs a command: cgemud --exec -- COMMAND [ARGUMENT…]' --exec
check "--exec without --" says 64 'unexpected "ls"; the command stands after "--": cgemud --exec -- ls …' --exec ls
check "wrong size" says 64 '--memory must be a size such as 512M or 2G; is "lots"' --exec --memory lots -- true

check "no such configuration" says 78 "configuration file: Failed to open file “$conf”: No such file or directory" \
	--check-config --config "$conf"
printf '[sampler]\n\ninterval=1\n' >"$conf"
check "misspelt key" says 78 "$conf:3: unknown key \"interval\" in section [sampler]; did you mean \"interval-ms\"?" \
	--check-config --config "$conf"
printf '# nothing\n[fuse]\nthreads=many\n' >"$conf"
check "wrong value" says 78 "$conf:3: fuse.threads must be a whole number from 1 to 64, is \"many\"" \
	--list --config "$conf"
check "misspelt --set" says 78 '--set log.levle: unknown key "levle" in section [log]; did you mean "level"?' \
	--check-config --set log.levle=debug
printf '[fuse]\nthreads=2\n' >"$conf"
check "right configuration" prints 0 "^$conf: OK\$" --check-config --config "$conf"
check "the default file" prints 0 ': OK$' --check-config --config "$source/config/cgemud.conf"

check "--print-config" prints 0 '^threads=2$' --print-config --config "$conf" --set log.rate-limit=7
check "where a value came from: file" grep -qx "# $conf:2" "$scratch/out"
check "where a value came from: command line" sh -c 'grep -x -A1 "# command line" "$1" | grep -qx rate-limit=7' sh "$scratch/out"
cp "$scratch/out" "$scratch/printed.conf"
check "--print-config is a configuration" prints 0 '^rate-limit=7$' --print-config --config "$scratch/printed.conf"

check "--list" prints 0 '^v1 +/cpuset/GROUP/cgroup\.procs +0644  groups and members  [A-Z]' --list
check "--list: v2" grep -qE '^v2 +/GROUP/cgroup\.freeze +0644 ' "$scratch/out"
check "--list: five columns in every line" \
	awk -F '  +' '$1 !~ /^(v1|v2|procsys|proc)$/ || $2 !~ /^\/[^ ]+$/ || $3 !~ /^0[0-7][0-7][0-7]$/ || NF != 5 {
		print "this one: " $0; bad = 1 } END { exit bad }' "$scratch/out"
check "--list: no file twice" sh -c '! awk "{ print \$1, \$2 }" "$1" | sort | uniq -d | grep .' sh "$scratch/out"
check "--list --tree=v2" prints 0 '^v2 ' --list --tree=v2
check "--list --tree=v2: nothing else" sh -c '! grep -v "^v2 " "$1"' sh "$scratch/out"
check "--list makes no group" sh -c '! find /sys/fs/cgroup -maxdepth 3 -name GROUP 2>/dev/null | grep .'

# complete_bash WORD…: what bash offers for the last word.
complete_bash() {
	"$program" --print-completion=bash >"$scratch/completion" || return
	bash -c '
		compopt() { :; }
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_cgemud
		printf "%s\n" "${COMPREPLY[@]}"' bash "$scratch/completion" "$@"
}
offers() {
	local expected=$1 offered
	shift
	offered=$(complete_bash "$@" | sort | tr '\n' ' ')
	echo "offered: $offered"
	[ "$offered" = "$expected" ]
}
check "bash: options" offers '--check-config --config --cpus --cpuset ' cgemud --c
check "bash: a value" offers 'v1 v2 ' cgemud --mount /x --tree v
check "bash: a value after =" offers 'namespace ' cgemud --exec --view = n
check "bash: all values after =" offers 'keep overlay ' cgemud --exec --root =
check "bash: configuration keys" offers 'log.level= log.rate-limit= ' cgemud --set lo
check "bash: directories" offers "$source/tests/reference " cgemud -m "$source/tests/re"
check "bash: commands after --" sh -c 'echo "$1" | grep -qx true' sh "$(complete_bash cgemud --exec -- tru)"
if command -v zsh >/dev/null; then
	check "zsh: reads it" sh -c '"$1" --print-completion=zsh | zsh -n /dev/stdin' sh "$program"
else
	skip "zsh: reads it" "no zsh here"
fi

if command -v groff >/dev/null; then
	for page in daemon/man/cgemud.8 config/cgemud.conf.5; do
		check "$page has no warnings" sh -c '! groff -man -ww -Tutf8 "$1" 2>&1 >/dev/null | grep .' sh "$source/$page"
	done
else
	skip "man pages" "no groff here"
fi
finish
