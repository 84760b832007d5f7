#!/bin/sh
# run and import on the real clock: what they print, what they keep, how they end.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
mkdir project
cat > project/main.camp <<'C'
message thanks { channel email; subject "Thanks"; body "Thank you" }
when purchase and first_purchase then send thanks
when signup then send thanks after 7d
C
printf '%s\n' '{"event":"purchase","userId":"ann","properties":{"amount":1,"currency":"EUR"}}' \
  '{"event":"signup","userId":"bob"}' '{"event":"signup"}' > e.ndjson
golden run 0 camp run project --db a.db --events e.ndjson --until-idle --send file:out.ndjson
golden run-again 0 camp run project --db a.db --events e.ndjson --until-idle --send file:out.ndjson
same "one message left" 1 "$(wc -l < out.ndjson)"
golden run-rejects 0 camp rejects --db a.db
golden run-no-sender 0 camp run project --db b.db --events e.ndjson --until-idle
same "without a sender the message stays ready" "ann:thanks:ready" "$(sqlite3 b.db "select contact || ':' || message || ':' || state from message")"
golden run-later-sender 0 camp run project --db b.db --until-idle --send file:later.ndjson
same "and leaves when there is one" 1 "$(wc -l < later.ndjson)"
INPUT=e.ndjson golden run-stdin 0 camp run project --db c.db --events - --until-idle

# A database that lives: a simulation would run off what its contacts wait for, and mark it as sent.
golden run-then-simulate 2 camp simulate project --events e.ndjson --db b.db
same "bob waits as he did" "bob:signup" "$(sqlite3 b.db "select contact || ':' || (select event from history h where h.contact = p.contact) from position p")"
: > e.ndjson
golden run-shrunk 2 camp run project --db a.db --events e.ndjson --until-idle
golden run-missing 2 camp run project --db a.db --events missing.ndjson --until-idle
golden run-send 2 camp run project --db a.db --until-idle --send pigeon:x
golden run-zone 2 camp run project --db a.db --until-idle --zone Mars/Olympus

# Signals: an end between two batches, with what was taken kept.
for signal in TERM INT; do
  mkfifo pipe.$signal
  # A background job of sh ignores SIGINT, unless it is asked not to by a program in between.
  env camp run project --db signal.db --events - < pipe.$signal > signal.out 2>&1 &
  pid=$!
  exec 3> pipe.$signal
  printf '{"event":"purchase","userId":"%s"}\n' "$signal" >&3
  tries=0
  while [ "$(sqlite3 -cmd '.timeout 2000' signal.db "select count(*) from message where contact = '$signal'" 2> /dev/null)" != 1 ] && [ $tries -lt 600 ]; do
    tries=$((tries + 1)); sleep 0.05
  done
  kill -$signal $pid; code=0; wait $pid || code=$?
  exec 3>&-
  same "SIG$signal ends with 0" 0 $code
done

# Import: history without starts, contacts with attributes; again: nothing new.
printf '%s\n' '{"event":"purchase","userId":"old","timestamp":"2020-01-01T00:00:00Z","properties":{"amount":1,"currency":"EUR"}}' '{"event":' > old.ndjson
printf '%s\n' '{"userId":"old","traits":{"first_name":"Olaf"}}' '{ }' 'junk' '{"userId":"new","traits":{"first_name":"Nina"},"type":"identify"}' > c.ndjson
printf 'contact,first_name,city\nold,Ole,"New\nYork"\nx,,\n' > c.csv
golden import-events 0 camp import events old.ndjson --db i.db --project project
golden import-again 0 camp import events old.ndjson --db i.db --project project
golden import-contacts 0 camp import contacts c.ndjson --db i.db --project project
golden import-csv 0 camp import contacts c.csv --csv --db i.db --project project
same "attributes are the last that were imported" "Ole of New York" \
  "$(sqlite3 i.db "select attributes ->> 'first_name' || ' of ' || replace(attributes ->> 'city', char(10), ' ') from contact where contact = 'old'")"
golden import-rejects 0 camp rejects --db i.db
same "an import starts nothing" 0 "$(sqlite3 i.db 'select count(*) from message')"
printf '{"event":"purchase","userId":"old","properties":{"amount":1,"currency":"EUR"}}\n' > second.ndjson
camp run project --db i.db --events second.ndjson --until-idle > out 2>&1 || cat out
same "and an old customer is no first buyer" 0 "$(sqlite3 i.db 'select count(*) from message')"
finish
