# Sourced by tests that hand mail to Postfix's smtp-sink on the loopback.
. "$CAMP_ROOT/tests/8-cli/lib.sh"
for tool in smtp-sink openssl sqlite3; do
  command -v $tool > /dev/null || { say 1 "$tool is needed; make deps installs it"; finish; }
done
export CAMP_FROM='Shop <news@shop.example>'
# events N [DOMAIN]: purchases of u1@DOMAIN … uN@DOMAIN
events() { awk -v n="$1" -v d="${2:-example.com}" 'BEGIN { for (i = 1; i <= n; i++) printf "{\"type\":\"track\",\"event\":\"purchase\",\"userId\":\"u%d@%s\",\"messageId\":\"m%d@%s\"}\n", i, d, i, d }'; }
# sink FLAGS…: starts one on a port of its own, $port, and knows it by $sink.
user=; [ "$(id -u)" = 0 ] && user='-u nobody'
port=$((20000 + $$ % 20000))
listens() { grep -qi ":$(printf '%04X' "$1") 00000000:0000 0A" /proc/net/tcp; }
sink() {
  for try in 1 2 3 4 5 6 7 8 9 10; do
    port=$((port + 1))
    smtp-sink $user "$@" 127.0.0.1:$port 1000 > sink.log 2>&1 &
    sink=$!
    # Up when it listens; gone when the port was taken.
    for look in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      kill -0 $sink 2> /dev/null || break
      listens $port && return 0
      sleep 0.1
    done
    kill $sink 2> /dev/null
  done
  return 1
}
stop_sink() { kill $sink 2> /dev/null; wait $sink 2> /dev/null; }
# In the foreground timeout sends one signal; the second would end Camp at once, with mails claimed.
send_to() { timeout --foreground -k 5 "${T:-100}" camp run p.camp --db t.db --events e.ndjson --send "$1" --live --until-idle; }
send() { send_to "smtp://127.0.0.1:$port?tls=off${1:-}"; }
states() { sqlite3 -separator ' ' t.db "select state, count(*) from message group by 1 order by 1" | tr '\n' ' '; }
