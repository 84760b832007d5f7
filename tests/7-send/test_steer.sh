#!/bin/sh
# People and a relay at work at once: mails that a sender holds are given back when they are paused or withdrawn, and none leaves twice.
. "$CAMP_ROOT/tests/7-send/sink.sh"
cat > p.camp <<'C2'
message hello { channel email; subject "Hello"; body "Hi\n" }
hello_rule: when purchase then send hello
C2
ask() { sqlite3 -cmd '.timeout 2000' t.db "$1" 2> /dev/null; }
until_is() { # what wanted SQL
  tries=0
  while [ "$(ask "$3")" != "$2" ] && [ $tries -lt 600 ]; do tries=$((tries + 1)); sleep 0.05; done
  same "$1" "$2" "$(ask "$3")"
}
mkdir dump; chmod 777 . dump; events 40 > e.ndjson
sink -w 1 -R "$PWD/dump" -D all # a second for each mail
camp run p.camp --db t.db --events e.ndjson --send "smtp://127.0.0.1:$port?tls=off&connections=2" --live > out 2>&1 & run=$!
until_is "a relay is slow; it has two mails, the sender all the others" 1 "select count(*) > 1 from message where state = 'sent'"
holds "they are paused" camp outbox pause --all --why "the wrong list" --db t.db
until_is "those that were not begun come back, and wait" 1 "select count(*) >= 30 from message where state = 'paused'"
until_is "those under way are sent" 0 "select count(*) from message where state in ('claimed', 'ready')"
holds "ten are withdrawn" camp outbox withdraw --state paused --limit 10 --db t.db
holds "the others go on" camp outbox resume --all --db t.db
until_is "with a sender again" 1 "select count(*) > 8 from message where state = 'claimed'"
holds "a mail that a sender holds is withdrawn" camp outbox withdraw --state claimed --db t.db
until_is "none waits any more" 0 "select count(*) from message where state in ('claimed', 'ready', 'paused')"
# Some of the withdrawn had left, and become `sent` when the relay answers: until the two connections are idle.
sleep 3
kill -TERM $run; wait $run
stop_sink
sent=$(ask "select count(*) from message where state = 'sent'"); withdrawn=$(ask "select count(*) from message where state = 'withdrawn'")
same "each is sent or withdrawn" 40 $((sent + withdrawn))
same "what arrived is what was sent, once" "$sent $sent" "$(grep -ah '^Message-ID' dump/all* | wc -l) $(grep -ah '^Message-ID' dump/all* | sort -u | wc -l)"
holds "mail is left that can be withdrawn, and it was" test "$withdrawn" -ge 18

# A relay that is paused gets nothing; the other one does its work.
rm -f t.db* dump/*; sink -R "$PWD/dump" -D all; one=$sink first=$port; sink; two=$sink second=$port
camp run p.camp --db t.db --events e.ndjson --until-idle > out 2>&1
holds "a relay is paused" camp outbox pause --relay 127.0.0.1 --db t.db
T=20 send_to "smtp://127.0.0.1:$first?tls=off,smtp://localhost:$second?tls=off" > out 2>&1
same "the other one takes every mail" "sent 40 0" "$(states)$(cat dump/all* 2> /dev/null | grep -c '^Message-ID')"
kill $one $two; wait $one $two 2> /dev/null
rm -f t.db*; camp run p.camp --db t.db --events e.ndjson --until-idle > out 2>&1
camp outbox pause --relay 127.0.0.1 --db t.db > out
T=3 send > out 2>&1
same "when every relay is paused, mails stay ready" "ready 40 " "$(states)"
finish
