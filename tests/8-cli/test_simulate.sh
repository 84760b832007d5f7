#!/bin/sh
# simulate, status, contact and rejects: whole outputs; parts, late lines, CSV, standard input.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
cp -r "$CAMP_ROOT/examples/first-purchase" example
dump() { sqlite3 "$1" "select contact, message, at, sent, state, reason, entry, ordinal from message order by 1,2,3" \
  "select contact, event, at, properties, kind, outcome from history order by contact, at, event, properties" \
  "select contact, list, since from membership order by 1,2" "select contact, campaign, step, waits_until from position order by 1,2,4"; }
golden simulate 0 camp simulate example --events example/events.ndjson
golden simulate-show 0 camp simulate example --events example/events.ndjson --db one.db --send file:one.ndjson --show
golden simulate-messages 0 cat one.ndjson
golden status 0 camp status --db one.db
golden contact 0 camp contact ann --db one.db
golden contact-unknown 2 camp contact Ann --db one.db
golden rejects-none 0 camp rejects --db one.db
golden simulate-again 0 camp simulate example --events example/events.ndjson --db one.db --send file:one.ndjson
dump one.db > one.dump

# Events that no script declares are most often misspelt: kept, and told once each.
printf 'when purchase and contact.first_name is missing then tag "x"\n' > heard.camp
printf '{"event":"%s","userId":"ann","timestamp":"2026-01-05T10:00:00Z"}\n' Purchase purchase 'Order Completed' purchse a b c d > unheard.ndjson
golden simulate-unheard 0 camp simulate heard.camp --events unheard.ndjson

# Values that are not what the scripts declare count as missing, and that is told with the first line of each.
cat > declared.camp <<'C'
event booking { rooms: number; day: date; at: moment; vip: bool; price: money in EUR; kinds: list of text; room: item; note: text }
contact { birthday: date; points: number }
when booking where price > 10 EUR then tag "booked"
when purchase where amount > 10 EUR then tag "big"
C
{ printf '{"event":"purchase","userId":"ann","timestamp":"2026-01-05T10:00:00Z","properties":{"amount":%s}}\n' 40 '"40 EUR"' '40,"currency":"EUR"' '"40"' null
  printf '{"event":"booking","userId":"ann","timestamp":"2026-01-05T10:00:00Z","properties":{%s}}\n' '"rooms":"two","day":"05/01/2026","at":"soon","vip":"yes"' \
    '"rooms":2,"day":"2026-01-05","at":"2026-01-05T10:00:00Z","vip":true,"price":40,"kinds":["a"],"room":{"sku":"x"},"note":5' '"kinds":"a","room":7,"note":{},"price":"lots"'
  printf '{"type":"identify","userId":"ann","timestamp":"2026-01-05T10:00:00Z","traits":{"birthday":"05/01/1990","points":"7"}}\n'
} > misfits.ndjson
golden simulate-misfits 0 camp simulate declared.camp --events misfits.ndjson

# A message says which line sent it, also behind a wait and where the line asks something first.
cat > lines.camp <<'C'
message one { channel email; subject "One"; body "One" }
campaign lines {
  start when signup
  send one
  wait 1d
  if contact.first_name is missing {
    send one after 2d if still contact.first_name is missing
  }
}
C
echo '{"type":"track","event":"signup","userId":"ann","messageId":"1","timestamp":"2026-01-05T10:00:00Z"}' > signup.ndjson
camp simulate lines.camp --events signup.ndjson --db lines.db > out 2>&1 || cat out
same "each message stands at its line" "2026-01-05T10:00:00.000Z|4 2026-01-08T10:00:00.000Z|7" \
  "$(sqlite3 lines.db 'select at, line from message order by at' | tr '\n' ' ' | sed 's/ $//')"

# Messages, calls and what is shown on pages are counted each by its own name.
cat > kinds.camp <<'C'
connector crm {
  task(title: text) { post "https://crm.example/tasks" { json { title: title } } }
}
content welcome_back { title "Welcome back" }
message hello { channel sms; body "Hello" }
when signup then { send hello, call crm.task with { title: "New" }, show welcome_back for 7d }
when visit then { send hello, call crm.task with { title: "Back" } }
C
printf '%s\n' '{"event":"signup","userId":"ann","timestamp":"2026-01-05T10:00:00Z"}' '{"event":"visit","userId":"ann","timestamp":"2026-01-06T10:00:00Z"}' > kinds.ndjson
golden simulate-kinds 0 camp simulate kinds.camp --events kinds.ndjson --db kinds.db
golden simulate-kinds-sent 0 camp simulate kinds.camp --events kinds.ndjson --db kinds_sent.db --send file:kinds_sent.ndjson
golden status-kinds 0 camp status --db kinds.db

# All that happens to one contact of a long journey has a line, its moments in words, too.
mkdir long
cp "$CAMP_ROOT/tests/9-whole/stories/long_onboarding.camp" long
printf 'content banner { title "Hi" }\nwhen visit then show banner for 7d\nwhen review then join vip\n' > long/more.camp
camp simulate long --events "$CAMP_ROOT/tests/8-cli/input/long.ndjson" --db long.db --until 2026-04-06T12:00 > out 2>&1 || cat out
golden contact-long 0 camp contact ann --db long.db

golden simulate-until 0 camp simulate example --events example/events.ndjson --db parts.db --send file:parts.ndjson --until 2026-01-10
golden status-until 0 camp status --db parts.db
golden contact-until 0 camp contact ann --db parts.db
golden simulate-until-back 2 camp simulate example --events example/events.ndjson --db parts.db --until 2026-01-09
golden simulate-until-bad 2 camp simulate example --events example/events.ndjson --db new.db --until tomorrow
for t in 2026-01-12T10:00 2026-01-16T20:44:59Z 2026-03-25 2026-04-01T16:00Z; do
  camp simulate example --events example/events.ndjson --db parts.db --send file:parts.ndjson --until $t > out 2>&1 || cat out
done
camp simulate example --events example/events.ndjson --db parts.db --send file:parts.ndjson > out 2>&1 || cat out
dump parts.db > parts.dump
holds "in six parts as in one: the database" diff one.dump parts.dump
holds "in six parts as in one: the messages" cmp one.ndjson parts.ndjson

# Lines in any order are the same story: the file is sorted by time.
sort -r example/events.ndjson > reversed.ndjson
camp simulate example --events reversed.ndjson --db reversed.db --send file:reversed.ndjson.out > out 2>&1 || cat out
holds "the order of lines does not matter" cmp one.ndjson reversed.ndjson.out

# Lines that are added behind the clock arrive at the clock; bad ones are refused once.
cp example/events.ndjson grown.ndjson
camp simulate example --events grown.ndjson --db grown.db --until 2026-01-10 > out 2>&1 || cat out
printf '%s\n' '{"event":"purchase","userId":"eve","timestamp":"2026-01-03T10:00:00Z","properties":{"amount":5,"currency":"EUR"}}' \
  '{"event":"purchase"' '' 'no json' '{"event":"purchase","userId":"fay","timestamp":"2026-01-11T10:00:00Z","properties":{"amount":5,"currency":"EUR"}}' >> grown.ndjson
golden simulate-grown 0 camp simulate example --events grown.ndjson --db grown.db --show
golden simulate-grown-again 0 camp simulate example --events grown.ndjson --db grown.db
golden rejects 0 camp rejects --db grown.db
head -3 example/events.ndjson > grown.ndjson
golden simulate-shrunk 2 camp simulate example --events grown.ndjson --db grown.db

# The same events as CSV, with a byte order mark, quoted cells and CRLF; and through standard input.
printf '\357\273\277contact,event,at,id,amount,currency,note\r\nann,purchase,2026-01-05T10:00:00Z,o-1,40,EUR,"two\r\nlines, one ""cell"""\r\nbob,purchase,2026-01-04 10:00,o-2,5,EUR,\r\n' > e.csv
golden simulate-csv 0 camp simulate example --events e.csv --csv --show --zone Europe/Paris --db csv.db
golden contact-csv 0 camp contact ann --db csv.db
INPUT=e.csv golden simulate-stdin 0 camp simulate example --events - --csv --show --zone Europe/Paris
golden simulate-zone 2 camp simulate example --events e.csv --zone Europe/Pari
golden simulate-zone-path 2 camp simulate example --events e.csv --zone ../../etc/passwd
golden simulate-no-events 2 camp simulate example --events missing.ndjson
golden simulate-folder 2 camp simulate example --events example
golden simulate-send 2 camp simulate example --events e.csv --csv --send pigeon:x
: > none.ndjson
golden simulate-empty 0 camp simulate example --events none.ndjson
printf '%s\n' '{"type":"identify","userId":"ann","traits":{"first_name":"Ann"}}' > untimed.ndjson
golden simulate-untimed 1 camp simulate example --events untimed.ndjson
cat example/events.ndjson >> untimed.ndjson
golden simulate-untimed-first 0 camp simulate example --events untimed.ndjson
finish
