#!/bin/sh
# for each: the list that came with the event is walked across waits, a database closed between, and elements that are no records;
# one that is too long is cut, and that is said.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
mkdir project
cat > project/main.camp <<'C'
event order { items: list of item; ids: list of text }
event paid { sku: text }
event seen { sku: text; how: text }
campaign each_item {
  start when order
  entry every time
  for each thing in order.items {
    wait for paid where sku is thing.sku up to 1d { emit seen with { sku: thing.sku, how: "paid" } } else { emit seen with { sku: sku, how: "late" } }
  }
  for each id in order.ids { emit seen with { sku: id, how: "id" } }
}
C
{ echo '{"event":"order","userId":"ann","timestamp":"2026-01-01T10:00:00Z","properties":{"items":[{"sku":"a","category":"x"} , {"sku":"b"},{"sku":"c"} ],"ids":["p","q"]}}'
  echo '{"event":"paid","userId":"ann","timestamp":"2026-01-01T12:00:00Z","properties":{"sku":"b"}}'
  echo '{"event":"paid","userId":"ann","timestamp":"2026-01-02T12:00:00Z","properties":{"sku":"b"}}'
  echo '{"event":"order","userId":"bob","timestamp":"2026-01-03T10:00:00Z","properties":{"items":[],"ids":[null,7,"z"]}}'
  echo '{"event":"order","userId":"cid","timestamp":"2026-01-03T10:00:00Z","properties":{"items":"none"}}'
  printf '{"event":"order","userId":"dan","timestamp":"2026-01-04T10:00:00Z","properties":{"ids":["n1"'
  i=1; while [ $i -lt 1003 ]; do i=$((i + 1)); printf ',"n%d"' $i; done; echo ']}}'; } > events.ndjson
cat > want <<'C'
ann|2026-01-02T10:00|{"sku":"a","how":"late"}
ann|2026-01-02T12:00|{"sku":"b","how":"paid"}
ann|2026-01-03T12:00|{"sku":"c","how":"late"}
ann|2026-01-03T12:00|{"sku":"p","how":"id"}
ann|2026-01-03T12:00|{"sku":"q","how":"id"}
bob|2026-01-03T10:00|{"sku":null,"how":"id"}
bob|2026-01-03T10:00|{"sku":7,"how":"id"}
bob|2026-01-03T10:00|{"sku":"z","how":"id"}
C
for until in 2026-01-01T11:00:00Z 2026-01-02T10:00:00Z 2026-01-02T13:00:00Z; do
  "$CAMP" simulate project --events events.ndjson --db parts.db --until $until > out 2>&1 || { cat out; exit 1; }
done
"$CAMP" simulate project --events events.ndjson --db parts.db > out 2>&1
"$CAMP" simulate project --events events.ndjson --db one.db > out 2>&1
for db in parts one; do
  sqlite3 $db.db "select contact, substr(at, 1, 16), properties from history where event = 'seen' and contact <> 'dan' order by event_id" | sort -s -t'|' -k1,2 > got
  check_same "what was seen of each element ($db)" want got
done
check_equal "a list is cut at 1000" "1000 n1000" "$(sqlite3 one.db "select count(*) || ' ' || (select json_extract(properties, '\$.sku') from history where event = 'seen' and contact = 'dan' order by event_id desc limit 1) from history where event = 'seen' and contact = 'dan'")"
check_equal "and that is said" 'each_item: `for each` looked at the first 1000 of 1003 elements' "$(sqlite3 one.db "select outcome from history where contact = 'dan' and event = 'order'")"
finish
