#!/bin/sh
# install-conf.sh FILE DIRECTORY: puts a configuration file where there is none yet.
set -eu

directory=${DESTDIR:-}$2
target=$directory/${1##*/}

if [ -e "$target" ]; then
	echo "keeping $target"
else
	echo "installing $target"
	mkdir -p "$directory"
	install -m 644 "$1" "$target"
fi
