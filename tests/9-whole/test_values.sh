#!/bin/sh
# The values of `send … with { }` are those of the moment of the send, whatever happens until the message is written; they are kept in
# the outbox, and what is HTML stays whole.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
mkdir project
cat > project/main.camp <<'C'
contact { level: number }
event order { order_id: text; amount: money; at: moment; day: date; hour: time; paid: bool; items: list of item; rate: number }
message promo { subject "{{ name }}: {{ contact.level }}"; body "<p>{{ code | default: "none" }} {{ amount }} {{ at }} {{ day }} {{ hour }} {{ paid }} {{ rate }} {{ name }}</p>" }
when order then send promo with { name: order.order_id, code: contact.city, amount: order.amount, at: order.at, day: order.day,
  hour: order.hour, paid: order.paid, rate: contact.level }
when order then set contact.level to 7
C
cat > events.ndjson <<'C'
{"type":"identify","userId":"ann","timestamp":"2026-01-01T09:00:00Z","traits":{"level":5,"timezone":"Europe/Paris"}}
{"event":"order","userId":"ann","timestamp":"2026-01-01T10:00:00Z","properties":{"order_id":"<b>\"1\"","amount":12.5,"currency":"USD","at":"2026-01-01T10:00:00Z","day":"2026-02-03","hour":"18:30","paid":true}}
C
"$CAMP" simulate project --events events.ndjson --db one.db --send file:out.ndjson > out 2>&1 || { cat out; exit 1; }
check_equal "the row keeps them" '{"name":"<b>\"1\"","code":null,"amount":"12.50 USD","at":"2026-01-01 11:00","day":"2026-02-03","hour":"18:30","paid":true,"rate":5}' \
  "$(sqlite3 one.db 'select given from message')"
check_equal "the subject is text, and an attribute is read when it is written" '<b>"1": 7' "$(sqlite3 :memory: "select json_extract(readfile('out.ndjson'), '\$.subject')")"
check_equal "the body is HTML" '<p>none 12.50 USD 2026-01-01 11:00 2026-02-03 18:30 true 5 &lt;b&gt;&quot;1&quot;</p>' "$(sqlite3 :memory: "select json_extract(readfile('out.ndjson'), '\$.body')")"
finish
