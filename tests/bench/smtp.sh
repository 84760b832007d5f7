#!/bin/sh
# Mails a second into Postfix's smtp-sink, beside Postfix's smtp-source in the same run: 1, 10 and 50 sessions, one message of about the
# same size. Camp renders each mail; with DKIM it also signs it (RSA-2048). Then with 20 ms a round trip, where tc can make them.
#   smtp.sh [MAILS]
set -eu
cd "$(dirname "$0")/../.."; root=$PWD; camp=$PWD/build/release/camp; mails=${1:-50000}
work=$(mktemp -d "${TMPDIR:-/tmp}/camp-smtp-XXXXXX"); sink= proxy= slow=
trap 'kill $sink $proxy $slow 2> /dev/null || true; wait; rm -rf "$work"' EXIT; cd "$work"
export CAMP_FROM='Shop <news@shop.example>'
cat > p.camp <<'END'
message hello { channel email; subject "Hello {{ contact.first_name | default: "you" }}"; body "Dear you,\n\nthank you for your order. Your next one is a quarter off with the code COUPON25.\n\nYours, the shop\n" }
hello_rule: when purchase then send hello
END
awk -v n="$mails" 'BEGIN { for (i = 1; i <= n; i++) printf "{\"type\":\"track\",\"event\":\"purchase\",\"userId\":\"u%d@example.com\",\"messageId\":\"m%d\"}\n", i, i }' > e.ndjson
"$camp" run p.camp --db ready.db --events e.ndjson --until-idle > /dev/null
openssl genrsa -out rsa.pem 2048 2> /dev/null
port=$((40000 + $$ % 20000)); user=; [ "$(id -u)" = 0 ] && user='-u nobody'
smtp-sink $user "127.0.0.1:$port" 1000 > /dev/null 2>&1 & sink=$!
sleep 0.5
seconds() { # COMMAND…: wall-clock and own CPU seconds
  /usr/bin/env bash -c 'TIMEFORMAT="%R %U %S"; { time "$@" > out 2>&1; } 2>&1' - "$@" | awk '{ print $1, $2 + $3 }'
}
printf '%-34s %12s %12s %14s\n' 'mails a second' smtp-source camp 'camp/source'
for sessions in 1 10 50; do
  source=$(seconds smtp-source -d -s $sessions -m "$mails" -l 400 "127.0.0.1:$port")
  cp ready.db t.db
  mine=$(seconds "$camp" run p.camp --db t.db --send "smtp://127.0.0.1:$port?tls=off&connections=$sessions&per=1000000" --live --until-idle)
  echo "$source $mine" | awk -v n="$mails" -v s=$sessions '{ printf "%-34s %12.0f %12.0f %14.2f\n", s " sessions", n / $1, n / $3, $1 / $3 }'
  rm -f t.db*
done
cp ready.db t.db
signed=$(CAMP_DKIM=s1=rsa.pem seconds "$camp" run p.camp --db t.db --send "smtp://127.0.0.1:$port?tls=off" --live --until-idle)
# What RSA alone takes, by OpenSSL's own measure in the same run; the rest is ours: rendering, MIME, the rest of DKIM, SMTP, the database.
rsa=$(openssl speed -seconds 2 rsa2048 2> /dev/null | awk '/^rsa +2048/ { print $4 * 1e6 }')
echo "$signed" | awk -v n="$mails" -v rsa="$rsa" '{ printf "%-34s %12.0f a second, %.0f a second of its own CPU: %.0f us a mail, RSA alone %.0f\n", "10 sessions, signed (RSA-2048)", n / $1, n / $2, $2 * 1e6 / n, rsa }'
rm -f t.db*; cp ready.db t.db
written() { for look in $(seq 100); do [ -s "$1" ] && break; sleep 0.05; done; cat "$1"; }
# Mails a second as their rows tell it, without the last twentieth.
pace() { sqlite3 "$1" "select cast(count(*) * 950.0 / (max(sent) - (select min(sent) from outbox)) as integer) from (select sent from outbox order by sent limit (select count(*) * 95 / 100 from outbox))"; }
few=$((mails < 5000 ? mails : 5000))
python3 "$root/tests/bench/delay_proxy.py" proxy.port "$port" 20 & proxy=$!
far=$(written proxy.port)
sqlite3 t.db "delete from outbox where id > $few"
there=$(seconds "$camp" run p.camp --db t.db --send "smtp://127.0.0.1:$far?tls=off&connections=10&per=1000000" --live --until-idle)
theirs=$(seconds smtp-source -d -s 10 -m $few -l 400 "127.0.0.1:$far")
echo "$theirs $there" | awk -v n=$few '{ printf "%-34s %12.0f %12.0f %14.2f\n", "10 sessions, 20 ms a round trip", n / $1, n / $3, $1 / $3 }'
python3 "$root/tests/7-send/smtp_server.py" slow.port stats dot:slow & slow=$!
second=$(written slow.port)
for relays in "smtp://127.0.0.1:$port?tls=off" "smtp://127.0.0.1:$port?tls=off,smtp://127.0.0.1:$second?tls=off"; do
  rm -f t.db*; cp ready.db t.db
  "$camp" run p.camp --db t.db --send "$relays" --live --until-idle > out 2>&1
  case $relays in *,*) what='with one that takes 1 s a dot' ;; *) what='one relay, 10 sessions' ;; esac
  printf '%-34s %12s a second\n' "$what" "$(pace t.db)"
done
