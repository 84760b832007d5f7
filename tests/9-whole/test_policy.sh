#!/bin/sh
# Which of some thousand sends leave when, under two rolling caps, quiet hours, priorities and an expiry, in three zones over the nights in
# which clocks are set: the whole list against policy_oracle.py, which shares nothing with Camp. Then the same with the database closed now
# and then.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
mkdir project
cat > project/main.camp <<'C'
event want { message: text; number: number }
topic offers
message urgent { topic offers; priority high; subject "u"; body "u" }
message offer { topic offers; subject "o"; body "o" }
message flash { topic offers; expires after 36h; subject "f"; body "f" }
message tip { # camp: allow(W0123) it is for everybody
  priority low; subject "t"; body "t" }
policy {
  at most 2 messages per 24h
  at most 5 messages of offers per 7d
  quiet from 21:00 to 08:00
}
when want where message is "urgent" then send urgent with { number: want.number }
when want where message is "offer" then send offer with { number: want.number }
when want where message is "flash" then send flash with { number: want.number }
when want where message is "tip" then send tip with { number: want.number }
C
until=2026-06-09T00:00:00Z
list() { sqlite3 "$1" "select contact || '|' || (given ->> 'number') || '|' || state || '|' || iif(state = 'held', '-', substr(at, 1, 19)) from message" | LC_ALL=C sort; }
for seed in 1 2; do
  contacts=$((seed == 1 ? 160 : 40))
  sends=$(python3 "$CAMP_ROOT/tests/9-whole/policy_oracle.py" $seed $contacts)
  LC_ALL=C sort want > sorted
  "$CAMP" simulate project --events events.ndjson --db once.db --until $until > out 2>&1 || { cat out; exit 1; }
  list once.db > got
  check_same "seed $seed: $sends sends leave when they may" sorted got
  for stop in 2026-03-05T10:00:00Z 2026-03-29T01:30:00Z 2026-04-11T08:00:00Z $until; do
    "$CAMP" simulate project --events events.ndjson --db parts.db --until $stop > out 2>&1 || { cat out; exit 1; }
  done
  list parts.db > got
  check_same "seed $seed: the same when it is stopped three times" sorted got
  check_equal "seed $seed: some are held, some expire" 1 "$(sqlite3 once.db "select count(*) > 50 from message where state = 'dropped'")"
  rm -f once.db* parts.db*
done
finish
