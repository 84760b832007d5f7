#!/bin/sh
# What comes in on the real clock: repeated ids, equal purchases, imports, late events, bad lines, kills, a second run.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
mkdir project
cat > project/main.camp <<'C'
message thanks { channel email; subject "Thanks"; body "Thanks" }
message second { channel email; subject "Second"; body "Second" }
when purchase and first_purchase then send thanks
when purchase and count(purchase) is 2 then send second
C
run() { "$CAMP" run project --db camp.db --until-idle --send file:out.ndjson "$@" > out 2>&1 || { cat out; echo "not ok - run"; exit 1; }; }
sent() { sqlite3 camp.db "select coalesce(group_concat(x, ' '), '') from (select contact || ':' || message as x from message where state = 'sent' order by 1)"; }
events() { sqlite3 camp.db "select count(*) from history where contact = '$1'"; }
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
buy() { printf '{"event":"purchase","userId":"%s"%s,"timestamp":"%s","properties":{"amount":10,"currency":"EUR"}}\n' "$1" "${2:+,\"messageId\":\"$2\"}" "${3:-$now}"; }

{ buy ann m1; buy ann m1; buy bob; buy bob; echo '{"event":'; echo ''; buy cid m1; } > a.ndjson
run --events a.ndjson
check_equal "the same id twice is one event, equal purchases without an id are two, ids are a contact's own" \
  "ann:thanks bob:second bob:thanks cid:thanks" "$(sent)"
check_equal "the repeated event is not in history" 1 "$(events ann)"
check_equal "the bad line is kept with its number" 5 "$("$CAMP" rejects --db camp.db | grep -Eo '\b5\b' | head -1)"
run --events a.ndjson
check_equal "the same file again: nothing is taken twice" "ann:thanks bob:second bob:thanks cid:thanks" "$(sent)"
buy dan >> a.ndjson
run --events a.ndjson
check_equal "the file has grown: what is new is taken" "ann:thanks bob:second bob:thanks cid:thanks dan:thanks" "$(sent)"
buy ann m1 > b.ndjson
run --events b.ndjson
check_equal "the same id from another file is the same event" 1 "$(events ann)"

buy eve "" 2020-01-01T00:00:00Z > late.ndjson
run --events late.ndjson
check_equal "a late event enters history and starts nothing" "1 0" "$(events eve) $(sqlite3 camp.db "select count(*) from message where contact = 'eve'")"
check_equal "and says why" 1 "$(sqlite3 camp.db "select count(*) from history where contact = 'eve' and outcome like '%late%'")"
printf 'late after 36500d\nwhen purchase then tag "buyer"\n' > patient.camp
"$CAMP" run patient.camp --db patient.db --events late.ndjson --until-idle > out 2>&1 || cat out
check_equal "unless the project says what is late" 1 "$(sqlite3 patient.db "select count(*) from tagged where contact = 'eve'")"

buy fay "" 2020-01-01T00:00:00Z > old.ndjson
"$CAMP" import events old.ndjson --db camp.db --project project > out 2>&1 || { cat out; echo "not ok - import"; exit 1; }
buy fay > c.ndjson
run --events c.ndjson
check_equal "an imported purchase starts nothing, and counts" "fay:second" "$(sqlite3 camp.db "select group_concat(contact || ':' || message, ' ') from message where contact = 'fay'")"

# What is imported today about the past leaves the clock alone, so that a simulation may follow; so does a contact without a time.
rm -rf tags; mkdir tags; cat > tags/main.camp <<'C'
message later { channel email; subject "Later"; body "Later" }
when purchase and first_purchase then { tag "buyer", send later after 7d }
C
buy hal "" 2025-01-05T10:00:00Z > old.ndjson
echo '{"type":"identify","userId":"ida","traits":{"first_name":"Ida"}}' > contacts.ndjson
for c in "events old.ndjson" "contacts contacts.ndjson"; do
  "$CAMP" import $c --db past.db --project tags > out 2>&1 || { cat out; echo "not ok - import"; exit 1; }
done
{ buy ida "" 2026-01-05T10:00:00Z; buy hal "" 2026-01-05T10:00:00Z; } > d.ndjson
"$CAMP" simulate tags --events d.ndjson --db past.db --until 2026-03-01 > out 2>&1 || cat out
check_equal "after an import a simulation runs in its own time" "ida:2026-01-12T10:00:00.000Z" \
  "$(sqlite3 past.db "select group_concat(contact || ':' || at, ' ') from message")"
check_equal "a tag is shown, in the list and in the order of time" 3 "$("$CAMP" contact ida --db past.db | grep -c buyer)"

# Standard input is a durable inbox too: what is answered survives a kill.
mkfifo pipe
"$CAMP" run project --db camp.db --events - --send file:out.ndjson < pipe > run.out 2>&1 &
pid=$!
exec 3> pipe
buy gus g1 >&3
tries=0
while [ "$(sqlite3 -cmd '.timeout 2000' camp.db "select count(*) from message where contact = 'gus' and state = 'sent'")" != 1 ] && [ $tries -lt 400 ]; do
  tries=$((tries + 1)); sleep 0.05
done
kill -9 $pid; wait $pid 2>/dev/null || true
exec 3>&-
check_equal "an event on standard input is run at once" gus:thanks "$(sqlite3 camp.db "select group_concat(contact || ':' || message, ' ') from message where contact = 'gus'")"
run
check_equal "after a kill the sender's file has each message once" 0 "$(ndjson out.ndjson "select count(*) from (select l ->> 'key' from t group by 1 having count(*) > 1)")"

# SIGTERM ends cleanly, from when the command catches it: the kernel tells, however slow the machine is.
catches_term() { [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status") & 0x4000)) != 0 ]; }
"$CAMP" run project --db camp.db --events - < /dev/null > run.out 2>&1 &
pid=$!
for look in $(seq 600); do catches_term $pid && break; sleep 0.05; done
kill -TERM $pid
code=0; wait $pid || code=$?
check_equal "SIGTERM ends with 0" 0 "$code"
finish
