#!/bin/sh
# The same content comes out whatever the batch size, in one run or in five, and however often the process is killed.
# KILLS (50) random moments on the whole data; the small story's every write point is test_kill_*.c's.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
make_raw; make_events
echo "# data: $DATA"
mkdir -p project
cat > project/main.camp <<'C'
list fast
list repeat_buyers
message coupon25  { channel email; subject "25 % off"; body "Hello {{ contact.first_name | default: "friend" }}" }
message come_back { channel email; subject "We miss you"; body "Come back" }
when purchase and first_purchase then send coupon25 after 7d
when purchase and not first_purchase then join repeat_buyers
campaign second_purchase {
  start when purchase and first_purchase
  entry once
  wait for purchase up to 30d { join fast } else { send come_back }
}
C
dump() { # name: everything that a user can ask of a database, without row ids
  for q in message membership history position conversion; do
    echo "== $q"
    case $q in
      message) sqlite3 "$1.db" "select contact, message, campaign, at, state, reason from message order by 1, 2, 3, 4, 5, 6" ;;
      membership) sqlite3 "$1.db" "select contact, list, since from membership order by 1, 2, 3" ;;
      history) sqlite3 "$1.db" "select contact, at, event, properties, outcome from history order by 1, 2, 3, 4, 5" ;;
      position) sqlite3 "$1.db" "select contact, campaign, line, step, waits_until from position order by 1, 2, 3, 4, 5" ;;
      conversion) sqlite3 "$1.db" "select contact, campaign, at from conversion order by 1, 2, 3" ;;
    esac
  done > "$1.dump"
}
maildir_sum() { (cd "$1/new" && find . -type f | sort | xargs cat | sha256sum; find . -type f | sort | sha256sum); }
simulate() { name=$1; shift; "$CAMP" simulate project --events events.ndjson --db "$name.db" --send "file:$name.ndjson" "$@" > "$name.out" 2>&1; }

simulate big --batch 10000; dump big
check_equal "something happened" yes "$([ "$(wc -l < big.ndjson)" -gt 1000 ] && echo yes)"

# Batch 1 over the whole file is a commit an event; a quarter of the file shows the same and keeps the test short.
cp events.ndjson all.ndjson
awk -F'"userId":"' '{ if (substr($2, 1, 5) % 4 == 1) print }' all.ndjson > events.ndjson
simulate b10000 --batch 10000; dump b10000
simulate b1 --batch 1; dump b1
check_same "batch 1 and 10,000: the same content" b10000.dump b1.dump
check_same "batch 1 and 10,000: the same NDJSON bytes" b10000.ndjson b1.ndjson
"$CAMP" simulate project --events events.ndjson --db m1.db --send maildir:mail1 --batch 10000 > m1.out 2>&1
"$CAMP" simulate project --events events.ndjson --db m2.db --send maildir:mail2 --batch 77 > m2.out 2>&1
check_equal "Maildir: the same names and bytes" "$(maildir_sum mail1)" "$(maildir_sum mail2)"
cp all.ndjson events.ndjson

for t in 1997-01-20 1997-02-14T00:00:00Z 1997-05-01 1998-01-01; do simulate five --until $t; done
simulate five; dump five
check_same "five runs: the same content" big.dump five.dump
check_same "five runs: the same NDJSON bytes" big.ndjson five.ndjson

# Kills at random moments (SIGKILL); each restart goes on from the last commit.
kills=0; tries=0
rm -f killed.db* killed.ndjson
while [ $kills -lt "${KILLS:-50}" ] && [ $tries -lt 200 ]; do
  tries=$((tries + 1))
  "$CAMP" simulate project --events events.ndjson --db killed.db --send file:killed.ndjson --batch 2000 > killed.out 2>&1 &
  pid=$!
  # A moment between 0 and 0.6 seconds, from a fixed sequence so that a failure can be seen again.
  sleep "$(awk -v n=$tries 'BEGIN { srand(n); printf "%.3f", rand() * 0.6 }')"
  if kill -9 $pid 2>/dev/null; then kills=$((kills + 1)); fi
  wait $pid 2>/dev/null || true
  # The whole of it may be done before all kills are: begin anew, so that later kills hit work too.
  if [ $kills -lt "${KILLS:-50}" ] && grep -q 'next:' killed.out 2>/dev/null; then
    simulate killed --batch 2000; dump killed
    cmp -s big.dump killed.dump && cmp -s big.ndjson killed.ndjson || { echo "not ok - after $kills kills the content differs"; failed=1; break; }
    rm -f killed.db* killed.ndjson
  fi
done
echo "# $kills kills"
check_equal "killed often enough" yes "$([ $kills -ge "${KILLS:-50}" ] && echo yes)"
simulate killed --batch 2000; dump killed
check_same "killed at random moments: the same content" big.dump killed.dump
check_same "killed at random moments: the same NDJSON bytes" big.ndjson killed.ndjson
finish
