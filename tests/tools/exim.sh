#!/bin/sh
# Brings Debian's exim4 into build/exim4 for tests/7-send/test_exim.sh: unpacked, not installed, because as a package it would drive out
# Postfix. Does nothing when it is there.
set -eu
cd "$(dirname "$0")/../.."
[ -x build/exim4/usr/sbin/exim4 ] && exit 0
command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || { echo "exim4 can only be unpacked on a Debian system" >&2; exit 1; }
mkdir -p build; work=$(mktemp -d build/exim-XXXXXX); trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -q exim4-daemon-light > out 2>&1) || { cat "$work/out" >&2; exit 1; }
dpkg-deb -x "$work"/exim4-daemon-light_*.deb "$work/tree"
# With its set-user-id bit the loader would not take the user names that the test gives it.
chmod u-s "$work/tree/usr/sbin/exim4"
rm -rf build/exim4; mv "$work/tree" build/exim4
