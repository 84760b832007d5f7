#!/bin/sh
# pause, resume, count and contacts: what they print, and that an order reaches a run that is under way.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
mkdir project
cat > project/main.camp <<'C2'
list loyal
message thanks { channel email; subject "Thanks"; body "Thank you" }
campaign welcome {
  start when signup
  entry every time
  join loyal
  wait 1s
  send thanks
}
when refund then tag "unhappy"
segment sad = count(refund) > 0
score interest { +10 for signup; +3 for refund }
C2
printf '%s\n' '{"event":"signup","userId":"ann","timestamp":"2026-01-05T10:00:00Z"}' '{"event":"refund","userId":"bob","timestamp":"2026-01-05T10:00:00Z"}' \
  '{"type":"identify","userId":"zoe","traits":{"first_name":"Zoe, \"Z\""},"timestamp":"2026-01-05T10:00:00Z"}' \
  '{"event":"signup","userId":"zoe","timestamp":"2026-01-06T10:00:00Z"}' > e.ndjson
holds "a simulation fills the database" camp simulate project --events e.ndjson --db a.db
for command in pause resume count contacts; do golden help-$command 0 camp $command --help; done
golden count 0 camp count loyal --db a.db
golden count-unknown 2 camp count loyl --db a.db
golden count-nothing-like-it 2 camp count xyz --db a.db
same "a segment is counted" 1 "$(camp count sad --db a.db)"
golden contacts-by 0 camp contacts --by interest --db a.db --format csv
golden contacts-in-by 0 camp contacts --in loyal --by interest --db a.db
golden contacts-by-unknown 2 camp contacts --by intrest --db a.db
same "a tag is counted" 1 "$(camp count unhappy --db a.db)"
golden contacts 0 camp contacts --in loyal --db a.db
golden contacts-csv 0 camp contacts --in loyal --db a.db --format csv
golden contacts-json 0 camp contacts --in loyal --db a.db --format json
golden contacts-limit 0 camp contacts --in loyal --db a.db --limit 1
golden contacts-format 2 camp contacts --in loyal --db a.db --format xml
golden contacts-in 2 camp contacts --db a.db
golden pause-unknown 2 camp pause welcom --db a.db
golden pause-missing 2 camp pause welcome --db missing.db
golden pause 0 camp pause welcome --db a.db
golden pause-again 0 camp pause welcome --db a.db
camp status --db a.db > status.out
holds "status says so" grep -q 'welcome .* paused since 20' status.out
golden resume-both 2 camp resume welcome --db a.db --skip --spread 6h
golden resume-spread-bad 2 camp resume welcome --db a.db --spread soon
golden resume 0 camp resume welcome --db a.db --spread 0s
golden resume-again 2 camp resume welcome --db a.db

printf 'campaign past { start at 2020-01-01 09:00; start every day at 09:00; tag "x" }\n' > past.camp
golden run-gone 0 camp run past.camp --db past.db --until-idle
golden simulate-recurs 2 camp simulate past.camp --events e.ndjson

# A run is under way; the orders come from beside it.
mkfifo pipe
env camp run project --db live.db --events - < pipe > live.out 2>&1 &
pid=$!
exec 3> pipe
printf '{"event":"signup","userId":"one"}\n' >&3
until_is "a run that nothing pauses goes on" 1 "select count(*) from message where contact = 'one'"
printf '{"event":"signup","userId":"two"}\n' >&3
until_is "a second one is in its wait" 1 "select count(*) from membership where contact = 'two'"
holds "paused beside the run" camp pause welcome --db live.db
printf '{"event":"signup","userId":"three"}\n' >&3
until_is "nobody enters" 1 "select count(*) from history where contact = 'three' and outcome like 'welcome: not started: it is paused since %'"
until_is "who waits is held" 1 "select count(*) from held"
same "and nothing is sent" 1 "$(ask 'select count(*) from message')"
holds "resumed beside the run" camp resume welcome --db live.db --spread 1s
until_is "and goes on" 1 "select count(*) from message where contact = 'two'"
kill -TERM $pid; wait $pid
exec 3>&-

# Between two runs: the order is kept, and what was passed over has its reason.
printf '{"event":"signup","userId":"four"}\n' > four.ndjson
camp run project --db kept.db --events four.ndjson --until-idle > kept.out 2>&1 || cat kept.out
holds "paused without a run" camp pause welcome --db kept.db
sleep 1.1
camp run project --db kept.db --until-idle > kept.out 2>&1 || cat kept.out
same "the next run holds what is due" "1 0" "$(sqlite3 -separator ' ' kept.db "select (select count(*) from held), (select count(*) from message)")"
holds "resumed without a run" camp resume welcome --db kept.db --skip
camp run project --db kept.db --until-idle > kept.out 2>&1 || cat kept.out
same "and the one after passes it over" "0 0 1" "$(sqlite3 -separator ' ' kept.db "select (select count(*) from held), (select count(*) from message),
  (select count(*) from history where outcome like 'welcome: ended: its moment passed while the campaign was paused%')")"
finish
