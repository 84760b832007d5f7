#!/bin/sh
# Destinations: limits of each, back-off of one that takes no mail now, and that none holds the others. The server is our own.
. "$CAMP_ROOT/tests/7-send/sink.sh"
cat > p.camp <<'C2'
message hello { channel email; subject "Hello"; body "Hi\n" }
message soon { channel email; subject "Soon"; body "Hi\n"; expires after 20m }
hello_rule: when purchase then send hello
soon_rule: when refund then send soon
C2
serve() { # MODE
  rm -f port; python3 "$CAMP_ROOT/tests/7-send/smtp_server.py" port stats "$1" 2> server.log & server=$!
  for look in $(seq 100); do [ -s port ] && break; sleep 0.1; done
  port=$(cat port)
}
served() { kill $server; wait $server 2> /dev/null; }
by_domain() { sqlite3 -separator ' ' t.db "select substr(contact, instr(contact, '@') + 1) as d, state, count(*) from message group by 1, 2 order by 1, 2"; }

# A destination that says it takes no mail: its mails wait, each not tried once, and the others go.
{ events 200 throttle.example; events 100 fine.example; events 20 grey.example; } > e.ndjson
serve plain; send > out 2>&1; served
same "mail to a destination that takes none waits, other mail leaves" "fine.example sent 100
grey.example deferred 20
throttle.example deferred 200" "$(by_domain)"
refused=$(sed -n 's/^throttle.*refused \([0-9]*\).*/\1/p' stats)
holds "it was asked by a few connections, not for each mail" test "$refused" -le 20
same "each greylisted mail was tried" 20 "$(sed -n 's/^grey.*refused \([0-9]*\).*/\1/p' stats)"
holds "it was said" grep -q 'throttle.example takes no mail for now: 450 4.7.28 too much from you; next try in 60 s' out
same "and why each waits" "throttle.example takes no mail for now: 450 4.7.28 too much from you" \
  "$(sqlite3 t.db "select distinct reason from message where contact like '%throttle%' and reason like '%takes no mail%'")"

# Limits: rate, connections, groups of domains.
{ events 60 a.slow.example; events 60 slow.b.example; } | sed 's/a.slow/slow.a/' > e.ndjson; rm -f t.db*
export CAMP_LIMITS='slow.a.example connections=2, * connections=4'
serve plain; T=20 send > out 2>&1; served
same "connections, of one destination and of each other" "slow.a.example 2
slow.b.example 4" "$(sed -n 's/^\(slow[^ ]*\) .*most \([0-9]*\)/\1 \2/p' stats)"
{ events 400 one.example; events 400 two.example; events 500 free.example; } > e.ndjson; rm -f t.db*
export CAMP_LIMITS='one.example+Two.example rate=10'
serve plain; start=$(date +%s)
run_until() { # COUNT CONDITION: runs until so many messages of the condition are sent
  camp run p.camp --db t.db --events e.ndjson --send "smtp://127.0.0.1:$port?tls=off" --live > out 2>&1 & run=$!
  for look in $(seq 600); do
    sent=$(sqlite3 -cmd '.timeout 2000' t.db "select count(*) from message where state = 'sent' and $2" 2> /dev/null); [ "$sent" = "$1" ] && break; sleep 0.1
  done
  kill -TERM $run; wait $run
}
run_until 500 "contact like '%free%'"; served
same "who has no limit gets everything" "500 free.example taken 500" "$sent $(sed -n 's/^\(free.*\) refused.*/\1/p' stats)"
holds "a rate that two domains share lets few go" test "$(awk '/^(one|two)/ { n += $3 } END { print n }' stats)" -le $((10 * ($(date +%s) - start) + 20))
same "what cannot go soon waits for its turn, in the database" 1 \
  "$(sqlite3 t.db "select count(distinct due) > 300 from outbox_late l join message m on m.outbox_id = l.id where reason like 'waits for its turn: CAMP_LIMITS%'")"
unset CAMP_LIMITS
CAMP_LIMITS='one.example speed=9'; export CAMP_LIMITS
refuses "a limit that is none" 2 "CAMP_LIMITS: a domain's limits are rate and connections; there is no .speed." \
  camp run p.camp --db x.db --live --send "smtp://127.0.0.1:$port"
unset CAMP_LIMITS

# One slow destination with more mail than the sender has room for, in front of all others.
{ events 9000 slow.example; events 300 fine.example; } > e.ndjson; rm -f t.db*
serve plain; run_until 300 "contact like '%fine%'"; served
same "a slow destination before them does not hold the others" 300 "$sent"
slow=$(sed -n 's/^slow.example taken \([0-9]*\).*/\1/p' stats)
echo "# meanwhile the slow one got $slow of 9000"
holds "and gets its own mail meanwhile" test "$slow" -ge 5

# Expiry: a message that is no longer worth it, and the four days of others.
echo '{"event":"refund","userId":"a@grey.example"}' > e.ndjson; echo '{"event":"purchase","userId":"b@grey.example"}' >> e.ndjson; rm -f t.db*
serve plain; send > out 2>&1
same "the next try is no later than the expiry" "soon 20
hello 30" "$(sqlite3 -separator ' ' t.db "select message, (due - at_ms + 30000) / 60000 from outbox_late l join message m on m.outbox_id = l.id order by message desc")"
again() { timeout --foreground -k 5 60 camp run p.camp --db t.db --send "smtp://127.0.0.1:$port?tls=off${1:-}" --live --until-idle; }
past() { sqlite3 t.db "update outbox set at = at - $1 * 60000, sent = sent - $1 * 60000; update outbox_late set due = 0"; again > out 2>&1; }
past 21
same "a message whose expiry has passed is not tried, and says so" "expired after 20m: 450 4.7.1 greylisted, come again" \
  "$(sqlite3 t.db "select reason from message where state = 'failed'")"
past 5759
same "others are given up after four days" "given up, 4 days after its release: 450 4.7.1 greylisted, come again" \
  "$(sqlite3 t.db "select reason from message where state = 'failed' and contact like 'b%'")"
echo '{"event":"purchase","userId":"c@grey.example"}' > e.ndjson; rm -f t.db*
send > out 2>&1; sqlite3 t.db "update outbox set at = at - 7200000, sent = sent - 7200000; update outbox_late set due = 0"; again "&keep=2h" > out 2>&1
same "or when --send says" "given up, 2 hours after its release: 450 4.7.1 greylisted, come again" "$(sqlite3 t.db "select reason from message where state = 'failed'")"
served
finish
