#!/bin/sh
# A window remembers LIMIT_SERIES_COUNT occurrences. Up to there it is exact; what is let go beyond it is said beside the event.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
mkdir project
cat > project/main.camp <<'C'
list many
when page_view and count(page_view, last 30d) >= 4096 then join many
C
awk 'BEGIN { for (i = 0; i < 4100; i++)
  printf "{\"event\":\"page_view\",\"userId\":\"ann\",\"timestamp\":\"2026-01-05T1%d:%02d:%02dZ\"}\n", i / 3600, int(i / 60) % 60, i % 60 }' > events.ndjson
"$CAMP" simulate project --events events.ndjson --db camp.db > out 2>&1 || { cat out; echo "not ok - simulate"; exit 1; }
check_equal "exact up to the limit" "2026-01-05T11:08:15" "$(sqlite3 camp.db "select substr(since, 1, 19) from membership")"
check_equal "and said beyond it, once an event" 4 "$(sqlite3 camp.db "select count(*) from history where outcome like '%let go%4096%'")"
finish
