#!/bin/sh
# A script is edited while contacts sleep: old runs finish their version, new ones take the new, `entry once` holds across both,
# a change of form alone makes no new version, and a condition on history that a deploy adds sees what was before it.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
simulate() { "$CAMP" simulate project --events events.ndjson --db camp.db "$@" > out 2>&1 || { cat out; echo "not ok - simulate"; exit 1; }; }
event() { printf '{"event":"%s","userId":"%s","timestamp":"%sT10:00:00Z"}\n' "$2" "$1" "$3"; }
messages() { sqlite3 camp.db "select contact || ' ' || message || ' ' || replace(at, '.000Z', 'Z') from message order by at, contact, message"; }
mkdir project
{ event ann signup 2026-01-01; event cat visit 2026-01-02; event cat visit 2026-01-03
  event bob signup 2026-01-10; event ann signup 2026-01-20; event cat visit 2026-01-21; event dan visit 2026-01-22; } > events.ndjson
cat > project/main.camp <<'C'
message old { channel email; subject "Old"; body "Old" }
message new { channel email; subject "New"; body "New" }
campaign greeting { start when signup; entry once
  wait 7d
  send old
}
C
simulate --until 2026-01-05
units=$(sqlite3 camp.db "select count(*) from unit")
cat > project/main.camp <<'C'
# Only the form has changed.
message old { channel email; subject "Old"; body "Old" }

message new { channel email; subject "New"; body "New" }

campaign greeting {
  start when signup
  entry once
  wait 7 days      # a week
  send old
}
C
simulate --until 2026-01-06
check_equal "a change of form makes no new version" "$units" "$(sqlite3 camp.db 'select count(*) from unit')"
check_equal "the position shows the line as it is now" 9 "$(sqlite3 camp.db "select line from position where contact = 'ann'")"
cat > project/main.camp <<'C'
message old { channel email; subject "Old"; body "Old" }
message new { channel email; subject "New"; body "New" }
message third { channel email; subject "Third"; body "Third" }
campaign greeting { start when signup; entry once
  wait 3d
  send new
}
when visit and count(visit) is 3 then send third
C
simulate
printf '%s\n' "ann old 2026-01-08T10:00:00Z" "bob new 2026-01-13T10:00:00Z" "cat third 2026-01-21T10:00:00Z" > want
messages > got
check_same "old runs finish the old, new ones take the new, entry once holds, new conditions see the past" want got
finish
