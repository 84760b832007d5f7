#!/bin/sh
# SIGTERM while fifty sessions stand behind their dots: with answers each of these mails is sent, and the one that was begun behind it; without they are in
# doubt, and what was begun behind them is not. All others stay ready, and the process ends by itself. A second run sends the rest; no mail comes twice but those in doubt.
. "$CAMP_ROOT/tests/7-send/sink.sh"
cat > p.camp <<'C2'
message hello { channel email; subject "Hello"; body "Hi\n" }
hello_rule: when purchase then send hello
C2
{ events 80 one.example; events 80 two.example; } > e.ndjson
camp run p.camp --db ready.db --events e.ndjson --until-idle > out 2>&1
serve() { # MODE
  rm -f port gathered release; python3 "$CAMP_ROOT/tests/7-send/smtp_server.py" port stats "$1" 2> server.log & server=$!
  for look in $(seq 100); do [ -s port ] && break; sleep 0.1; done
  port=$(cat port)
}
served() { kill $server; wait $server 2> /dev/null; taken=$(awk '/ taken / { n += $3 } END { print n + 0 }' stats); }
begin() {
  rm -f t.db*; cp ready.db t.db; serve gather:50
  camp run p.camp --db t.db --live --send "smtp://127.0.0.1:$port?tls=off&connections=50" > out 2>&1 & run=$!
  for look in $(seq 600); do [ -e gathered ] && break; sleep 0.1; done
  same "fifty sessions are inside" yes "$([ -e gathered ] && echo yes)"
  kill -TERM $run
}
rest() {
  serve plain; send > out 2>&1; served
}

begin; sleep 0.3; touch release; wait $run
same "answered: it ends well" 0 $?
served
same "what was inside is sent, with the mail begun behind each, the rest is ready" "ready 60 sent 100 " "$(states)"
same "and the server has just those" 100 "$taken"
rest
same "the next run sends the rest, each once" "sent 160  60" "$(states) $taken"

begin; wait $run
same "not answered: it ends all the same" 0 $?
same "what was inside is in doubt, the rest is ready" "in doubt 50 ready 110 " "$(states)"
touch release; served; rest
same "the next run sends the rest" "in doubt 50 sent 110  110" "$(states) $taken"
finish
