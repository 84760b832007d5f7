#!/bin/sh
# Servers that do what no server should, at each place of a dialogue: no mail is lost, none counts as sent that was not taken, every wait
# ends, and what was wrong is said. Then plain refusals at each command. The server is our own (smtp_server.py); each case is a
# database and a server of its own, several at a time.
. "$CAMP_ROOT/tests/7-send/sink.sh"
cat > p.camp <<'C2'
message hello { channel email; subject "Hello"; body "Hi\n" }
hello_rule: when purchase then send hello
C2
events 1 > e.ndjson
camp run p.camp --db ready.db --events e.ndjson --until-idle > out 2>&1
# One case: DIR MODE SECONDS OPTIONS. A relay that never works is left after so many seconds; mail that is ready then is not lost.
cat > one.sh <<'C2'
cd "$1" || exit 1
cp ../ready.db t.db
python3 "$CAMP_ROOT/tests/7-send/smtp_server.py" port stats "$2" 2> server.log & server=$!
for look in $(seq 100); do [ -s port ] && break; sleep 0.1; done
timeout --foreground -k 25 "$3" camp run ../p.camp --db t.db --send "smtp://127.0.0.1:$(cat port)?connections=1&timeout=2&$4" --live --until-idle > out 2>&1
echo "ended with $?" >> out
kill $server; wait $server 2> /dev/null
echo "$2: $(sqlite3 -separator ' ' t.db "select state, count(*) from message group by 1 order by 1" | tr '\n' ' ')" > got
C2
number_of_cases=0
: > cases; : > wanted
while IFS='|' read -r mode wanted said options; do
  number_of_cases=$((number_of_cases + 1)); mkdir -p "case$number_of_cases"
  # A mail that is given up for half an hour takes five connections, a second or more apart: 1 + 2 + 4 + 8.
  printf '%s\n' "case$number_of_cases" "$mode" 45 "$options" >> cases
  echo "$mode|$wanted|$said" >> wanted
done < "$CAMP_ROOT/tests/7-send/hostile.txt"
xargs -d '\n' -n 4 -P 16 sh one.sh < cases
n=0
while IFS='|' read -r mode wanted said; do
  n=$((n + 1))
  case "$(cat case$n/got)" in "$mode: $wanted " | "$mode: ${wanted% or *} " | "$mode: ${wanted#* or } ") say 0 "$mode" ;;
    *) say 1 "$mode"; echo "# expected $wanted, got $(cat case$n/got)" ;; esac
  if [ "$said" ]; then
    if grep -q -e "$said" case$n/out || sqlite3 case$n/t.db 'select reason from message' | grep -q -e "$said"; then say 0 "$mode: says why"
    else say 1 "$mode: says why"; sed 's/^/# /' case$n/out | head -5; sqlite3 case$n/t.db 'select reason from message' | sed 's/^/# /'; fi
  fi
  # Only what timeout(1) ended, or an end of its own, is an end.
  case "$(tail -1 case$n/out)" in "ended with 0" | "ended with 124") ;; *) say 1 "$mode: $(tail -1 case$n/out)"; sed 's/^/# /' case$n/out | head -20 ;; esac
done < wanted
finish
