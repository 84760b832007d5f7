#!/bin/sh
# A goal counts for as long as it says and once a run, also when the run has come to its end before; who has ended is not inside.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
mkdir project
cat > project/main.camp <<'C'
message hello { channel email; subject "Hello"; body "Hello" }
campaign short   { start when signup; goal purchase within 30d; send hello }
campaign leaving { start when visit; goal purchase within 5d; wait 1d; exit }
campaign stopped { start when open; stop when unsubscribe; goal purchase within 30d; wait 20d }
campaign living  { start when click; goal purchase; wait 3d }
C
event() { printf '{"event":"%s","userId":"%s","timestamp":"%sT10:00:00Z"}\n' "$2" "$1" "$3"; }
{ event ann signup 2026-01-01; event ann purchase 2026-01-02; event ann purchase 2026-01-03
  event bob signup 2026-01-01; event bob purchase 2026-01-31
  event cid signup 2026-01-01; event cid purchase 2026-02-01
  event dan signup 2026-01-01; event dan signup 2026-01-05; event dan purchase 2026-01-10
  event eva visit 2026-01-01; event eva purchase 2026-01-06
  event fay open 2026-01-01; event fay unsubscribe 2026-01-03; event fay purchase 2026-01-04
  event gus click 2026-01-01; event gus purchase 2026-01-03; event hal click 2026-01-01; event hal purchase 2026-01-06; } > events.ndjson
cat > want <<'C'
ann|short|1|2026-01-02
bob|short|1|2026-01-31
dan|short|1|2026-01-10
dan|short|2|2026-01-10
eva|leaving|1|2026-01-06
gus|living|1|2026-01-03
C
for until in 2026-01-02 2026-01-05T12:00:00Z 2026-01-20; do
  "$CAMP" simulate project --events events.ndjson --db parts.db --until $until > out 2>&1 || { cat out; exit 1; }
  [ $until = 2026-01-05T12:00:00Z ] && sqlite3 parts.db "select contact, campaign from position order by 1, 2" > standing
done
"$CAMP" simulate project --events events.ndjson --db parts.db > out 2>&1
"$CAMP" simulate project --events events.ndjson --db one.db > out 2>&1
for db in parts one; do
  sqlite3 $db.db "select contact, campaign, entry, substr(at, 1, 10) from conversion order by 1, 2, 3" > got
  check_same "goals met ($db)" want got
done
: > nobody
check_same "who has ended stands nowhere" nobody standing
check_equal "and is not inside: dan entered twice" 2 "$(sqlite3 one.db "select count(*) from message where contact = 'dan'")"
check_equal "nothing is left behind" "0 0" "$(sqlite3 one.db "select sum(strands) || ' ' || sum(over) from unit")"
finish
