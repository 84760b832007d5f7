# Sourced by the tests of the whole, which go on in a folder of their own. Makes raw.txt (customer, date YYYYMMDD, number, amount a
# line, sorted by customer) and events.ndjson from it, in the present folder. Where ../shared has the CDNOW purchase histories they are used; elsewhere a
# generated set takes their place, whose answers are known in closed form:
#   customer i (1 … 4000) first buys on 1997-01-01 + (i mod 90) days and then every (i mod 60 + 1) days, i mod 5 more times.
# Every test works its answers out of raw.txt with SQL of its own, so it is the same test on either set.
: "${CAMP:?}" "${CAMP_ROOT:?}" "${TMPDIR:?}"
cd "$TMPDIR" || exit 1

find_cdnow() {
  for f in ../shared/data/cdnow.txt "$CAMP_ROOT/../shared/data/cdnow.txt"; do
    [ -f "$f" ] && { echo "$f"; return 0; }
  done
  return 1
}

make_raw() {
  if cdnow=$(find_cdnow); then
    cp "$cdnow" raw.txt; chmod u+w raw.txt
    DATA=cdnow
  else
    DATA=generated
    sqlite3 :memory: "
      with recursive c(i) as (select 1 union all select i + 1 from c where i < 4000),
      n(k) as (select 0 union all select k + 1 from n where k < 4)
      select printf('%05d %s %d %d.%02d', i, strftime('%Y%m%d', '1997-01-01', '+' || (i % 90 + k * (i % 60 + 1)) || ' days'),
                    k + 1, 10 + (i * 7 + k * 13) % 90, (i * 31 + k) % 100)
      from c, n where k <= i % 5 order by i, k;" | tr '|' ' ' > raw.txt
  fi
}

make_events() {
  awk '{ d = substr($2,1,4) "-" substr($2,5,2) "-" substr($2,7,2)
         printf "{\"type\":\"track\",\"event\":\"purchase\",\"userId\":\"%s\",\"timestamp\":\"%sT00:00:00Z\",\"properties\":{\"amount\":%s,\"currency\":\"USD\",\"quantity\":%s}}\n", $1, d, $4, $3 }' raw.txt > events.ndjson
}

# The raw file as an SQL table that knows nothing of Camp: line, customer, day (Julian day number), amount.
make_raw_db() {
  rm -f raw.db
  awk '{ print NR " " $0 }' raw.txt > raw_lines.txt
  sqlite3 raw.db "create table raw(line integer primary key, customer text, day text, number integer, amount real)" \
    ".mode csv" ".separator ' '" ".import raw_lines.txt raw" \
    "update raw set day = substr(day,1,4) || '-' || substr(day,5,2) || '-' || substr(day,7,2)" \
    "create index by_customer on raw(customer, day, line)" \
    "create table purchase as select line, customer, cast(julianday(day) - 0.5 as integer) as jd, day, amount, row_number() over (partition by customer order by day, line) as nth from raw" \
    "create index p on purchase(customer, nth)"
}

# A sender's NDJSON file, read by SQLite's own JSON, as columns.
ndjson() { # file, what to select from t(l)
  sqlite3 :memory: 'create table t(l text)' '.mode ascii' '.separator "\001" "\n"' ".import $1 t" '.mode list' '.separator "|" "\n"' "$2"
}

number=0; failed=0
check_same() { # what expected-file actual-file
  number=$((number + 1))
  if cmp -s "$2" "$3"; then echo "ok $number - $1"
  else
    echo "not ok $number - $1"; failed=1
    diff "$2" "$3" | head -10 | sed 's/^/# /'
  fi
}
check_equal() { # what expected actual
  number=$((number + 1))
  if [ "$2" = "$3" ]; then echo "ok $number - $1"; else echo "not ok $number - $1 (expected $2, got $3)"; failed=1; fi
}
finish() { echo "1..$number"; exit $failed; }
