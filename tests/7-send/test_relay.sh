#!/bin/sh
# Mail over SMTP to a server that nobody here wrote: Postfix's smtp-sink, with each of its faults; signatures verified by dkimpy; Camp
# killed in the middle of thousands of mails. Ports are free ones of the loopback; sinks end by their process id.
. "$CAMP_ROOT/tests/7-send/sink.sh"
cat > p.camp <<'END'
message hello {
  channel email
  subject "Hé {{ contact.first_name | default: "you" }}"
  body "Dear you,\n.a line with a dot\n..and two\na café, a blank at the end \n\n\tand a tab.\n\n\n"
}
hello_rule: when purchase then send hello
END

# --- what arrives ----------------------------------------------------------------------------------------------------
openssl genrsa -out rsa.pem 2048 2> /dev/null; openssl genpkey -algorithm ed25519 -out ed.pem 2> /dev/null
mkdir dump; chmod 777 . dump; events 40 > e.ndjson
sink -R "$PWD/dump" -d m.; CAMP_DKIM=s1=rsa.pem,s2=ed.pem send > out 2>&1; stop_sink
same "all mails are taken" "sent 40 " "$(states)"
same "and said so" "Mail goes to smtp://127.0.0.1:$port?tls=off, from Shop <news@shop.example>.
40 events, 40 runs started, 0 wakes, 40 messages sent" "$(cat out)"
if /usr/bin/python3 -c 'import dkim' 2> /dev/null; then
  same "dkimpy verifies both signatures, and notices a changed byte; bodies arrive as written" "160 of 160 ['Hé you']" \
    "$(/usr/bin/python3 "$CAMP_ROOT/tests/7-send/dkim_check.py" dump rsa.pem ed.pem)"
else say 1 "python3-dkim is needed; make deps installs it"; fi

# --- each fault ------------------------------------------------------------------------------------------------------
# flags | what the outbox says. A relay that never answers is given 3 seconds: what was not taken stays ready.
events 30 > e.ndjson
while IFS='|' read -r flags seconds wanted; do
  rm -f t.db*; sink $flags || { say 1 "smtp-sink $flags does not start"; continue; }
  T=$seconds send > out 2>&1
  stop_sink; same "smtp-sink $flags" "$wanted" "$(states)"
done <<'END'
-f rcpt|60|failed 30 
-r rcpt|60|deferred 30 
-f data|60|failed 30 
-r data|60|deferred 30 
-f .|60|failed 30 
-r .|60|deferred 30 
-r mail|60|deferred 30 
-e|60|sent 30 
-p|60|sent 30 
-w 1|60|sent 30 
-8|60|sent 30 
-a|60|sent 30 
-E|60|sent 30 
-N|60|sent 30 
-P|60|sent 30 
-T 512|60|sent 30 
-H 1|60|sent 30 
-p -W .:1|60|sent 30 
-p -W rcpt:1|60|sent 30 
-q mail|60|deferred 30 
-q rcpt|60|deferred 30 
-q data|60|deferred 30 
-q rset|60|sent 30 
-q quit|60|sent 30 
-q ehlo|3|ready 30 
-r connect|3|ready 30 
-f connect|3|ready 30 
-f ehlo,helo|3|ready 30 
-q connect|3|ready 30 
-Q connect|3|ready 30 
-Q ehlo|3|ready 30 
-Q mail|3|ready 30 
-Q rcpt|3|ready 30 
-Q data|3|ready 30 
END
same "a soft answer of the sink's own words is kept" 1 "$(rm -f t.db*; sink -b '451 4.7.1 come again' -r rcpt; T=60 send > out 2>&1; stop_sink; sqlite3 t.db "select count(distinct reason) from message where reason = '451 4.7.1 come again'")"
# A refusal that comes while the mail is still on its way: what it is about fails, what travelled behind it is tried again elsewhere.
rm -f t.db*; sink -A 0; T=60 send > out 2>&1; stop_sink
same "smtp-sink -A 0: no mail is in doubt, each has the sink's words" "30 30" "$(sqlite3 -separator ' ' t.db "select count(*), sum(reason in ('550 This violates SMTP', 'Failed sending data to the peer')) from message where state in ('failed', 'deferred')")"
# 421 at the dot is an answer: not taken, nothing is in doubt. The sink that ends after ten mails takes some, and some are in doubt.
rm -f t.db*; sink -Q .; T=3 send > out 2>&1; stop_sink
same "smtp-sink -Q .: nothing is taken, nothing in doubt" 30 "$(sqlite3 t.db "select count(*) from message where state = 'ready' or reason = '421 4.0.0 Server closing connection'")"
rm -f t.db* dump/*; sink -M 10 -R "$PWD/dump" -D all; T=3 send > out 2>&1; stop_sink
same "smtp-sink -M 10: what it took is sent or in doubt, the rest is not lost" "30 0" "$(sqlite3 -separator ' ' t.db "select count(*), sum(state not in ('sent', 'in doubt', 'ready', 'deferred')) from message")"
grep -ah '^Message-ID' dump/all* | sed 's/.*<\(u[0-9]*\)%40.*/\1@example.com/' | sort > arrived; sqlite3 t.db "select contact from message where state in ('sent', 'in doubt')" | sort > accounted
same "nothing arrived that is not accounted for" "" "$(comm -23 arrived accounted)"
# The connection is closed instead of an answer to the dot: every mail that was sent whole is in doubt, none is lost.
rm -f t.db*; sink -q .; T=60 send > out 2>&1; stop_sink
same "a connection that ends at the dot leaves no mail unaccounted" 30 "$(sqlite3 t.db "select count(*) from message where state in ('in doubt', 'deferred')")"
same "those whose dot had left are in doubt, and say why" "in doubt: the connection ended before the answer" \
  "$(sqlite3 t.db "select distinct substr(reason, 1, 48) from message where state = 'in doubt'")"
# Nobody is there at first: a relay that comes up later gets everything.
rm -f t.db*; sink; stop_sink
( sleep 2; exec smtp-sink $user 127.0.0.1:$port 1000 ) > sink.log 2>&1 & late=$!
T=60 send > out 2>&1; kill $late; wait $late 2> /dev/null
same "a relay that comes up later gets every mail" "sent 30 " "$(states)"
holds "and what mails waited for was said" grep -q "127.0.0.1:$port: .*next try in 1 s" out

# Of three relays one is not there and one refuses everybody at its door: the third takes every mail.
rm -f t.db* dump/*; sink -f connect; closed=$sink first=$port; sink -w 1 -R "$PWD/dump" -D all # slow enough that all are tried
T=60 send_to "smtp://127.0.0.1:1?tls=off,smtp://127.0.0.1:$first?tls=off,smtp://127.0.0.1:$port?tls=off" > out 2>&1; stop_sink; kill $closed; wait $closed 2> /dev/null
same "one relay of three is enough" "sent 30  30" "$(states) $(grep -ah '^Message-ID' dump/all* | sort -u | wc -l)"
holds "what the others say is said" sh -c "grep -q '127.0.0.1:1: Could' out && grep -q ':$first: 500 5.3.0 Error: command failed; next try' out"

# --- command lines ---------------------------------------------------------------------------------------------------
refuses "real mail needs --live" 2 "hands real mail to a relay. Add --live" camp run p.camp --db x.db --send smtp://127.0.0.1:$port
refuses "a relay that cannot be one" 2 "the options are tls, connections, per, rate, timeout, keep and name; there is no .speed." \
  camp run p.camp --db x.db --live --send "smtp://127.0.0.1:$port?speed=9"
refuses "no mail leaves in virtual time" 2 "real mail cannot leave in virtual time" camp simulate p.camp --events e.ndjson --send smtp://127.0.0.1:$port
( unset CAMP_FROM; refuses "who is it from?" 2 "Set CAMP_FROM" camp run p.camp --db x.db --live --send "smtp://127.0.0.1:$port"; [ $failed = 0 ] ) || failed=1
number=$((number + 1))
CAMP_DKIM=s1=nothing.pem; export CAMP_DKIM
refuses "a key that is not there" 2 "cannot read the DKIM key nothing.pem" camp run p.camp --db x.db --live --send "smtp://127.0.0.1:$port"
CAMP_DKIM=s1=e.ndjson
refuses "a key that is none" 2 "there is no private key" camp run p.camp --db x.db --live --send "smtp://127.0.0.1:$port"
unset CAMP_DKIM

# --- killed ----------------------------------------------------------------------------------------------------------
# Camp is killed four times in the middle. Then every mail has arrived, and twice only those that were in doubt.
mails=20000; events $mails > e.ndjson; rm -f t.db* dump/*
sink -R "$PWD/dump" -D all; : > doubts
for kill_at in 2000 6000 10000 15000; do
  camp run p.camp --db t.db --events e.ndjson --send "smtp://127.0.0.1:$port?tls=off" --live --until-idle > out 2>&1 & run=$!
  for look in $(seq 600); do
    [ "$(cat dump/all* 2> /dev/null | grep -ac '^Message-ID')" -ge $kill_at ] && break
    kill -0 $run 2> /dev/null || break
    sleep 0.05
  done
  kill -9 $run 2> /dev/null; wait $run 2> /dev/null
  # A short life in which nothing can leave: what the last one left is recorded.
  timeout 60 camp run p.camp --db t.db --send "smtp://127.0.0.1:1?tls=off" --live > out 2>&1 & run=$!
  for look in $(seq 200); do grep -q 'next try' out && break; sleep 0.05; done
  kill -TERM $run; wait $run
  sqlite3 t.db "select contact from message where state = 'in doubt'" >> doubts
  # The half hour that a mail in doubt waits is over.
  sqlite3 t.db "update outbox_late set due = 0"
done
T=200 send > out 2>&1; stop_sink
same "after four kills every row is settled" "sent $mails " "$(states)"
grep -ah '^Message-ID' dump/all* | sort > ids
same "every mail has arrived" $mails "$(sort -u ids | wc -l)"
uniq -d ids | sed 's/.*<\(u[0-9]*\)%40.*/\1@example.com/' | sort > twice; sort -u doubts > doubted
same "no mail arrived twice but those in doubt" "" "$(comm -23 twice doubted)"
echo "# in doubt $(wc -l < doubted), of these arrived twice $(wc -l < twice), of $mails"
finish
