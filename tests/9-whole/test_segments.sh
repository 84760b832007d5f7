#!/bin/sh
# Segments over real purchase histories: every moment at which a contact enters or leaves one, by events and by time alone. The
# answers come from awk over the raw file, day by day, with nothing of Camp in it.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
make_raw; make_events
echo "# data: $DATA, $(wc -l < raw.txt) purchases"

mkdir project
cat > project/main.camp <<'C'
use shop
event moved { what: text }
segment heavy = count(purchase, last 90d) >= 3
segment idle = no purchase in last 180d
segment spender = sum(purchase.amount, last 365d) > 200 USD
segment heavy_spender = heavy and spender
segment slow = time since last purchase > 60d
when enters heavy then emit moved with { what: "+heavy" }
when leaves heavy then emit moved with { what: "-heavy" }
when enters idle then emit moved with { what: "+idle" }
when leaves idle then emit moved with { what: "-idle" }
when enters spender then emit moved with { what: "+spender" }
when leaves spender then emit moved with { what: "-spender" }
when enters heavy_spender then emit moved with { what: "+heavy_spender" }
when leaves heavy_spender then emit moved with { what: "-heavy_spender" }
when enters slow then emit moved with { what: "+slow" }
when leaves slow then emit moved with { what: "-slow" }
C

# Days as numbers; the purchases of each customer in order; each day on which something can change, and on it each purchase, then
# the end of the day's first moment when there was none.
cat > oracle.awk <<'A'
function day_number(y, m, d) { # Fliegel and Van Flandern, 1968
  return d - 32075 + int(1461 * (y + 4800 + int((m - 14) / 12)) / 4) + int(367 * (m - 2 - int((m - 14) / 12) * 12) / 12) - int(3 * int((y + 4900 + int((m - 14) / 12)) / 100) / 4)
}
function date_of(j,   l, n, i, k, d, m) {
  l = j + 68569; n = int(4 * l / 146097); l = l - int((146097 * n + 3) / 4); i = int(4000 * (l + 1) / 1461001)
  l = l - int(1461 * i / 4) + 31; k = int(80 * l / 2447); d = l - int(2447 * k / 80); l = int(k / 11)
  m = k + 2 - 12 * l
  return sprintf("%04d-%02d-%02dT", 100 * (n - 49) + i + l, m, d)
}
function set(name, is, at) {
  if (is && !member[name]) print customer "|" at "|+" name
  if (!is && member[name]) print customer "|" at "|-" name
  member[name] = is
}
function look(now, seen, at,   i, count, recent, cents) { # the first `seen` purchases are known
  count = recent = cents = 0
  for (i = 1; i <= seen; i++) {
    if (day[i] > now - 90) count++
    if (day[i] > now - 180) recent++
    if (day[i] > now - 365) cents += cent[i]
  }
  set("heavy", count >= 3, at)
  set("idle", day[1] <= now - 180 && recent == 0, at)
  set("spender", cents > 20000, at)
  set("heavy_spender", count >= 3 && cents > 20000, at)
}
function play(   i, d, k, changes, last, seen) {
  if (!n) return
  delete changes; delete member
  for (i = 1; i <= n; i++) {
    changes[day[i]]; changes[day[i] + 90]; changes[day[i] + 180]; changes[day[i] + 365]
  }
  last = day[n] + 365; seen = 0
  for (d = day[1]; d <= last; d++) {
    if (!(d in changes)) continue
    if (seen == n || day[seen + 1] != d) look(d, seen, date_of(d) "00:00:00.000Z")
    while (seen < n && day[seen + 1] == d) {
      look(d, ++seen, date_of(d) "00:00:00.000Z")
    }
  }
  # More than 60 days: the first moment after them, one millisecond, unless a purchase came before it.
  for (i = 1; i <= n; i++) {
    if (i > 1 && day[i] > day[i - 1] + 60) print customer "|" date_of(day[i]) "00:00:00.000Z|-slow"
    if (i == n || day[i + 1] > day[i] + 60) print customer "|" date_of(day[i] + 60) "00:00:00.001Z|+slow"
  }
}
$1 != customer { play(); customer = $1; n = 0 }
{ n++; day[n] = day_number(substr($2, 1, 4) + 0, substr($2, 5, 2) + 0, substr($2, 7, 2) + 0); cent[n] = int($4 * 100 + 0.5) }
END { play() }
A
awk -f oracle.awk raw.txt | sort > want

moves() { # database
  sqlite3 "$1" "select contact, at, properties ->> 'what' from history where event = 'moved'" | sort
}
"$CAMP" simulate project --events events.ndjson --db one.db > one.out 2>&1 || { cat one.out; echo "not ok - simulate"; exit 1; }
moves one.db > got
check_equal "something is compared" yes "$([ "$(wc -l < want)" -gt 5000 ] && echo yes)"
echo "# $(wc -l < want) moments"
check_same "each moment at which somebody enters or leaves, by events and by time" want got

# Who is in a segment at the end is who entered it once more than they left.
awk -F'|' '{ who = $1 "|" substr($3, 2); in_it[who] += substr($3, 1, 1) == "+" ? 1 : -1 } END { for (w in in_it) if (in_it[w]) print w }' want | sort > want_members
sqlite3 one.db "select contact, list from membership" | sort > got_members
check_same "the members that are left" want_members got_members

# --- scores: points that halve, crossings computed by logarithms, the ranking ---
mkdir scores
cat > scores/main.camp <<'C'
use shop
event moved { what: text }
score warmth {
  +10 for purchase where amount > 30 USD
  +3 for purchase
  halves every 30d
}
segment hot = warmth >= 20
when score warmth passes 20 then emit moved with { what: "passes" }
when enters hot then emit moved with { what: "+hot" }
when leaves hot then emit moved with { what: "-hot" }
C
cat > scores.awk <<'A'
function day_number(y, m, d) {
  return d - 32075 + int(1461 * (y + 4800 + int((m - 14) / 12)) / 4) + int(367 * (m - 2 - int((m - 14) / 12) * 12) / 12) - int(3 * int((y + 4900 + int((m - 14) / 12)) / 100) / 4)
}
function say(who, ms, what) { printf "%s|%.0f|%s\n", who, ms, what }
function cool(until,   left) { # leaves hot when the points fall below 20 before `until`
  if (v < 20 || !hot) return
  left = at + 30 * 86400000 * log(v / 20) / log(2)
  if (left < until) { say(customer, int(left) + 1, "-hot"); hot = 0 }
}
function earn(p,   before) {
  before = v; v += p
  if (before < 20 && v >= 20) say(customer, at, "passes")
}
function end() {
  if (!customer) return
  cool(1e18)
  printf "%s|%.12g\n", customer, v * exp(-log(2) * (last - at) / (30 * 86400000)) > "values"
}
BEGIN { last = (day_number(1998, 7, 1) - 2440588) * 86400000 }
$1 != customer { end(); customer = $1; v = 0; hot = 0; at = 0 }
{
  now = (day_number(substr($2, 1, 4) + 0, substr($2, 5, 2) + 0, substr($2, 7, 2) + 0) - 2440588) * 86400000
  cool(now)
  v *= exp(-log(2) * (now - at) / (30 * 86400000)); at = now
  if ($4 > 30) earn(10)
  earn(3)
  if (v >= 20 && !hot) { say(customer, at, "+hot"); hot = 1 }
  if (v < 20 && hot) { say(customer, at, "-hot"); hot = 0 }
}
END { end() }
A
awk -f scores.awk raw.txt | sort > want
"$CAMP" simulate scores --events events.ndjson --db two.db > two.out 2>&1 || { cat two.out; echo "not ok - simulate"; exit 1; }
sqlite3 two.db "select contact, at_ms, properties ->> 'what' from history where event = 'moved'" | sort > got
echo "# $(wc -l < want) moments of the score"
# Logarithms of two programs may differ by a rounding: within two milliseconds they say the same.
check_equal "as many crossings" "$(wc -l < want)" "$(wc -l < got)"
check_equal "each crossing of the score, at its moment" 0 "$(paste -d'|' want got | awk -F'|' '$1 != $4 || $3 != $6 || $2 - $5 > 2 || $5 - $2 > 2 { bad++ } END { print bad + 0 }')"
sqlite3 two.db "select c.key from score_rank r join slot c on c.id = r.contact << 12 order by r.sign desc, r.rank desc" > ranking
check_equal "everybody with points is ranked" "$(wc -l < values)" "$(wc -l < ranking)"
check_equal "the ranking is that of the points on July 1, 1998" 0 "$(awk -F'|' 'NR == FNR { v[$1] = $2; next } FNR > 1 && v[$1] > last * (1 + 1e-9) { bad++ } { last = v[$1] } END { print bad + 0 }' values ranking)"
finish
