#!/bin/sh
# A broadcast by the program, to 20,000 imported contacts by their own zones: killed in the middle, paused beside the run, resumed.
# tests/bench/broadcast.sh does it; nothing here asks how long anything takes.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
sh "$CAMP_ROOT/tests/bench/broadcast.sh" "$CAMP" 20000 "$TMPDIR/broadcast" > result
value() { tr ' ' '\n' < result | sed -n "s/^$1=//p"; }
check_equal "each member got it, whatever was killed and paused" 18000 "$(value sent)"
check_equal "nobody got it twice" 0 "$(value twice)"
check_equal "nobody was left out" 0 "$(value missing)"
check_equal "nobody else got it" 0 "$(value others)"
# Of the last zone, whose moment came while the campaign was paused, nobody had it before the campaign went on.
if [ "$(value early)" = 1 ]; then
  check_equal "who was due while it was paused is held" yes "$([ $(($(value paused_at) + $(value after_pause))) -le 13000 ] && echo yes || cat result)"
fi
rm -rf broadcast
finish
