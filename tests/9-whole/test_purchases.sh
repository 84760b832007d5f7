#!/bin/sh
# Real purchase histories through the headline scripts; the answers come from SQL over the raw file, in another database, by
# queries that share nothing with Camp.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
make_raw; make_events; make_raw_db
echo "# data: $DATA, $(wc -l < raw.txt) purchases"

customers=$(sqlite3 raw.db "select count(distinct customer) from raw")
repeaters=$(sqlite3 raw.db "select count(*) from (select 1 from raw group by customer having count(*) > 1)")
if [ "$DATA" = cdnow ]; then
  check_equal "the data are the published ones: customers" 23570 "$customers"
  check_equal "the data are the published ones: repeat buyers" 11662 "$repeaters"
else
  # i mod 5 is 0 for 800 of 4000: they buy once.
  check_equal "the generated set: customers" 4000 "$customers"
  check_equal "the generated set: repeat buyers" 3200 "$repeaters"
fi

project() { rm -rf "$1"; mkdir "$1"; cat > "$1/main.camp"; cat > "$1/messages.camp" <<'M'
message coupon25  { channel email; subject "25 % off"; body "Hello {{ contact.first_name | default: "friend" }}" }
message come_back { channel email; subject "We miss you"; body "Come back" }
message nudge     { channel email; subject "Again?"; body "Again?" }
M
}
simulate() { rm -f "$1.db" "$1.ndjson"; "$CAMP" simulate "$1" --events events.ndjson --db "$1.db" --send "file:$1.ndjson" > "$1.out" 2>&1 || { cat "$1.out"; echo "not ok - simulate $1"; exit 1; }; }
sent() { sqlite3 "$1.db" "select contact, message, replace(at, '.000Z', 'Z') from message where state = 'sent' order by 1, 2, 3"; }
members() { sqlite3 "$1.db" "select contact, list from membership order by 1, 2"; }
# The sender's file says the same as the database, read by SQLite's own JSON.
file_sent() { ndjson "$1.ndjson" "select l ->> 'contact', l ->> 'message', l ->> 'at' from t order by 1, 2, 3"; }

project one <<'C'
when purchase and first_purchase then send coupon25 after 7d
C
simulate one
sqlite3 raw.db "select customer, 'coupon25', date(min(day), '+7 days') || 'T00:00:00Z' from raw group by customer order by 1" > want
sent one > got
check_same "one sentence: coupon25 once to each, 7 calendar days after the first purchase, and nothing else" want got
file_sent one > got
check_same "one sentence: the sender's file says the same" want got
check_equal "one sentence: the sender wrote one line a customer" "$customers" "$(wc -l < one.ndjson | tr -d ' ')"
check_equal "one sentence: the messages are one a customer in all states" "$customers" "$(sqlite3 one.db 'select count(*) from message')"

project repeat <<'C'
list repeat_buyers
when purchase and not first_purchase then join repeat_buyers
C
simulate repeat
sqlite3 raw.db "select customer, 'repeat_buyers' from raw group by customer having count(*) > 1 order by 1" > want
members repeat > got
check_same "repeat buyers: exactly those with more than one purchase line" want got

project wait <<'C'
list fast
campaign second_purchase {
  start when purchase and first_purchase
  entry once
  wait for purchase up to 30d { join fast } else { send come_back }
}
C
simulate wait
sqlite3 raw.db "select a.customer, 'fast' from purchase a join purchase b on b.customer = a.customer and b.nth = 2 where a.nth = 1 and b.jd <= a.jd + 30 order by 1" > want
members wait > got
check_same "wait up to 30d: who bought again within 30 days, the 30th and the same day included" want got
sqlite3 raw.db "select a.customer, 'come_back', date(a.day, '+30 days') || 'T00:00:00Z' from purchase a left join purchase b on b.customer = a.customer and b.nth = 2 where a.nth = 1 and (b.jd is null or b.jd > a.jd + 30) order by 1" > want_late
sent wait > got
check_same "wait up to 30d: the others were asked to come back, 30 days after" want_late got

project unless <<'C'
when purchase and first_purchase then send nudge after 30d unless purchase
C
simulate unless
sed 's/come_back/nudge/' want_late > want_nudge
sent unless > got
check_same "unless purchase: sent to who did not buy again" want_nudge got
sqlite3 unless.db "select contact from message where state = 'dropped' order by 1" > got
cut -d'|' -f1 want > want_dropped
check_same "unless purchase: every message that was not sent is a row" want_dropped got
check_equal "unless purchase: with its reason" 0 "$(sqlite3 unless.db "select count(*) from message where state = 'dropped' and reason not like '%purchase%'")"

project window <<'C'
list heavy
list spender
list steady
list quick
when purchase and count(purchase, last 90d) >= 3 then join heavy
when purchase and sum(purchase.amount, last 365d) > 200 USD then join spender
when purchase and count(purchase) >= 4 and average(purchase.amount) < 20 USD then join steady
when purchase and count(purchase where amount > 30 USD, last 30d) >= 2 then join quick
C
simulate window
# Money in Camp is exact, so the sums here are in whole cents.
sqlite3 raw.db "
  select customer, 'heavy' from purchase a where (select count(*) from purchase b where b.customer = a.customer and b.nth <= a.nth and b.jd > a.jd - 90) >= 3 group by 1
  union select customer, 'spender' from purchase a where (select sum(cast(round(b.amount * 100) as integer)) from purchase b where b.customer = a.customer and b.nth <= a.nth and b.jd > julianday(a.day, '-365 days') - 0.5) > 20000 group by 1
  union select customer, 'steady' from purchase a where a.nth >= 4 and (select sum(cast(round(b.amount * 100) as integer)) from purchase b where b.customer = a.customer and b.nth <= a.nth) < 2000 * a.nth group by 1
  union select customer, 'quick' from purchase a where (select count(*) from purchase b where b.customer = a.customer and b.nth <= a.nth and b.jd > a.jd - 30 and b.amount > 30) >= 2 group by 1
  order by 1, 2" > want
members window > got
check_same "windows: count, sum, average and where over sliding windows" want got

finish
