#!/bin/sh
# A broadcast by the program itself: contacts imported, `start at … for SEGMENT` by each contact's own zone, in a run that is killed in
# the middle, paused beside it, and resumed over a time.
#
#   sh tests/bench/broadcast.sh CAMP CONTACTS FOLDER
#
# Prints one line of key=value: contacts; sent, the messages that left; twice, who got two; missing, the members who got none; others, who
# got one and is no member; killed_at and paused_at, the messages that had left by then; stop_ms, from the order to pause to the last one
# that left; after_pause, those that left behind the order; early, 1 when the order came before the last zone's moment, so that all of
# that zone must be held; import_s, rest_s (from the order to resume to the last message), import_rss_mb and run_rss_mb (VmHWM). It ends
# with 1 when a run failed. FOLDER is removed first.
#
# The zones are made here: four whose clocks lie seconds apart, so that what takes a day around the world takes half a minute.
set -eu
camp=$1 contacts=$2 folder=$3
rm -rf "$folder"
mkdir -p "$folder/project"
cd "$folder"
PATH=$PATH:/usr/sbin # zic
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2> /dev/null' EXIT
now_ms() { date +%s%3N; }
fail() { echo "broadcast: $1" >&2; [ -s run.log ] && tail -3 run.log >&2; exit 1; }
# What a running process had in memory at its most, into a file, until it ends.
watch() { while peak=$(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$1/status" 2> /dev/null) && [ -n "$peak" ]; do echo "$peak"; sleep 0.1; done > "$2"; }
most() { cat "$@" | sort -n | tail -1; }
left() { if [ -s out.ndjson ]; then wc -l < out.ndjson; else echo 0; fi; }
until_left() { # messages, or until the run ends
  tries=0
  while [ "$(left)" -lt "$1" ]; do
    kill -0 "$pid" 2> /dev/null || fail "the run ended at $(left) of $1 messages"
    tries=$((tries + 1))
    [ $tries -lt 12000 ] || fail "only $(left) of $1 messages left"
    sleep 0.05
  done
}

printf 'Zone Bench/A 0:00:00 - AAA\nZone Bench/B 0:00:02 - BBB\nZone Bench/C 0:00:04 - CCC\nZone Bench/D -0:00:15 - DDD\n' > zones
zic -d zoneinfo zones 2> zic.log || fail "zic failed"
[ -d /usr/share/zoneinfo/Etc ] && cp -r /usr/share/zoneinfo/Etc zoneinfo/
export TZDIR="$folder/zoneinfo"

# Nine of ten are members; the segment looks at an attribute, so the import makes them so.
awk -v n="$contacts" 'BEGIN { split("A B C D", z, " "); print "contact,timezone,plan"
  for (i = 0; i < n; i++) printf "c%07d,Bench/%s,%s\n", i, z[i % 4 + 1], i % 10 ? "pro" : "free" }' > contacts.csv
cat > project/main.camp <<'C'
contact { plan: text }
segment loyal = contact.plan is "pro"
message sale { channel sms; transactional; body "Sale" }
when signup and loyal then send sale
C
began=$(now_ms)
"$camp" import contacts contacts.csv --csv --db b.db --project project > import.log 2>&1 & pid=$!
watch $pid import.peak
wait $pid || { cat import.log; fail "the import failed"; }
import_s=$(( ($(now_ms) - began) / 1000 ))
members=$(awk -F, 'NR > 1 && $3 == "pro"' contacts.csv | wc -l)

# The deploy has ten seconds to be shown to all before its moment comes; a contact who is shown it later starts at once.
moment_s=$(($(date +%s) + 10)) last_s=$((moment_s + 15))
at=$(TZ= date -u -d "@$moment_s" '+%Y-%m-%d %H:%M:%S')
printf 'campaign sale_day {\n  start at %s for loyal\n  send sale\n}\n' "$at" > project/campaign.camp
sed -i '/^when signup/d' project/main.camp
runs=0
start_run() {
  runs=$((runs + 1))
  "$camp" run project --db b.db --send file:out.ndjson > run.log 2>&1 & pid=$!
  watch $pid run.$runs.peak &
}

start_run
until_left $((members / 5))
killed_at=$(left)
kill -9 $pid; wait $pid 2> /dev/null || true
start_run
until_left $((members / 2))
ordered=$(now_ms) last=$ordered was=$(left)
paused_at=$was
"$camp" pause sale_day --db b.db > pause.log 2>&1 || { cat pause.log; fail "the order to pause failed"; }
early=$((ordered < last_s * 1000))
while [ $(($(now_ms) - last)) -lt 2000 ] || [ "$(date +%s)" -lt $((last_s + 3)) ]; do
  is=$(left)
  [ "$is" = "$was" ] || { was=$is last=$(now_ms); }
  sleep 0.02
done
stop_ms=$((last - ordered)) after=$((was - paused_at))
began=$(now_ms)
"$camp" resume sale_day --db b.db --spread 3s > resume.log 2>&1 || { cat resume.log; fail "the order to resume failed"; }
until_left "$members"
rest_s=$(awk -v ms=$(($(now_ms) - began)) 'BEGIN { printf "%.1f", ms / 1000 }')
sleep 1 # whoever would get it twice, or is no member, would by now
kill $pid; wait $pid 2> /dev/null || true
pid=

sed -n 's/.*"contact":"\([^"]*\)".*/\1/p' out.ndjson | sort > got
awk -F, 'NR > 1 && $3 == "pro" { print $1 }' contacts.csv | sort > want
printf 'contacts=%d members=%d sent=%d twice=%d missing=%d others=%d killed_at=%d paused_at=%d early=%d stop_ms=%d after_pause=%d import_s=%d rest_s=%s import_rss_mb=%d run_rss_mb=%d\n' \
  "$contacts" "$members" "$(left)" "$(uniq -d got | wc -l)" "$(comm -13 got want | wc -l)" "$(sort -u got | comm -23 - want | wc -l)" \
  "$killed_at" "$paused_at" "$early" "$stop_ms" "$after" "$import_s" "$rest_s" "$(most import.peak)" "$(most run.*.peak)"
