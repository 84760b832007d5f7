#!/bin/sh
# make bench-peers: one small journey on Camp and on three npm engines, in one run, as rates and ratios.
#
#   sh tests/bench/peers/run.sh [BUILD_DIR]        PEERS_N=20000 contacts, asleep until PEERS_DELAY_S=30 seconds after the start
#
# Servers listen on Unix sockets or on 127.0.0.1, live in one temporary directory beside Camp's own database, and are ended by
# their process ids. A peer that is not there is named with the way to install it. See ../README.md for what is compared.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../../build/release}" && pwd)
export PEERS_N="${PEERS_N:-20000}" PEERS_DELAY_S="${PEERS_DELAY_S:-30}" PEERS_LIMIT_S="${PEERS_LIMIT_S:-240}"
camp=$build/camp
modules=$build/bench/peers
work=$(mktemp -d)
pids=

cleanup() {
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  for pid in $pids; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

stop_server() { # pid
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  left=; for pid in $pids; do [ "$pid" = "$1" ] || left="$left $pid"; done; pids=$left
}

rate() { sed -n "s|.*$1=\\([0-9]*\\).*|\\1|p" "$2"; }
result() { # name file
  awk -v name="$1" -v s="$(rate start/s "$2")" -v w="$(rate wake/s "$2")" -v cs="$camp_start" -v cw="$camp_wake" 'BEGIN {
    printf "  %-34s %10d %10s", name, s, w + 0 ? w : "-"
    if (cs + 0 && name != "camp") { printf "   %8.1f", cs / s; if (w + 0) printf " %8.1f", cw / w; else printf "        -" }
    print "" }'
}
missing() { printf '  %-34s not installed: %s\n' "$1" "$2"; }
failed() { printf '  %-34s did not finish:\n' "$1"; tail -5 "$2" | sed 's/^/      /'; }
camp_start=0; camp_wake=0

# --- camp ------------------------------------------------------------------------------------------------------------
# The whole command, twice: process start, compile, NDJSON, engine, and for the wake the sender's synced file of messages.
run_once() { # options
  timeout "$PEERS_LIMIT_S" "$camp" run "$dir/journey.camp" --db "$dir/camp.db" --until-idle "$@" > "$dir/out" 2>&1 && return 0
  failed camp "$dir/out"
  return 1
}
run_camp() {
  [ -x "$camp" ] || { missing camp "make"; return 0; }
  dir=$work/camp; mkdir "$dir"
  cat > "$dir/journey.camp" <<C
message coupon25 { channel email; subject "25 %"; body "Hello" }
campaign journey {
  start when purchase
  wait ${PEERS_DELAY_S}s
  send coupon25
}
C
  now=$(date +%s)
  at=$(date -u -d "@$now" +%Y-%m-%dT%H:%M:%SZ)
  awk -v n="$PEERS_N" -v at="$at" 'BEGIN { for (i = 1; i <= n; i++)
    printf "{\"type\":\"track\",\"event\":\"purchase\",\"userId\":\"%08x%08x\",\"messageId\":\"p-%d\",\"timestamp\":\"%s\"," \
           "\"properties\":{\"amount\":40,\"currency\":\"EUR\",\"order_id\":\"A-1001\"}}\n",
           (i * 40503) % 65536 * 32768 + i % 32768, i, i, at }' > "$dir/events.ndjson"
  begin=$(date +%s%N)
  run_once --events "$dir/events.ndjson" || return 0
  end=$(date +%s%N)
  left=$((now + PEERS_DELAY_S + 1 - $(date +%s)))
  if [ "$left" -gt 0 ]; then sleep "$left"; fi
  wake=$(date +%s%N)
  run_once --send "file:$dir/sent.ndjson" || return 0
  awake=$(date +%s%N)
  sent=$(wc -l < "$dir/sent.ndjson" | tr -d ' ')
  [ "$sent" = "$PEERS_N" ] || { echo "$sent of $PEERS_N messages were sent" >> "$dir/out"; failed camp "$dir/out"; return 0; }
  awk -v n="$PEERS_N" -v a="$((end - begin))" -v b="$((awake - wake))" 'BEGIN { printf "start/s=%d wake/s=%d\n", n / (a / 1e9), n / (b / 1e9) }' > "$dir/result"
  camp_start=$(rate start/s "$dir/result"); camp_wake=$(rate wake/s "$dir/result")
  result camp "$dir/result"
}

# --- npm packages ----------------------------------------------------------------------------------------------------
# They are installed beside the build, without their install scripts, which these packages do not need.
modules_ready() {
  command -v node > /dev/null 2>&1 && command -v npm > /dev/null 2>&1 || return 1
  mkdir -p "$modules"
  cp "$here"/*.mjs "$modules/"
  if ! cmp -s "$here/package.json" "$modules/package.json" || [ ! -d "$modules/node_modules" ]; then
    cp "$here/package.json" "$modules/"
    echo "  (installing the npm peers into $modules)"
    (cd "$modules" && SCARF_ANALYTICS=false timeout 300 npm install --no-package-lock --ignore-scripts --no-audit --no-fund --omit=dev) \
      > "$work/npm.out" 2>&1 || { tail -5 "$work/npm.out" | sed 's/^/      /'; rm -f "$modules/package.json"; return 1; }
  fi
}
version() { sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$modules/node_modules/$1/package.json" | head -1; }
peer() { # title script
  if (cd "$modules" && timeout $((PEERS_LIMIT_S + 20)) node "$2.mjs") > "$work/$2.out" 2> "$work/$2.err"; then
    result "$1" "$work/$2.out"; grep -v 'request signatures' "$work/$2.err" | sed 's/^/      /' || true
  else failed "$1" "$work/$2.err"; fi
}
wait_for() { # seconds, then a command that succeeds once the server answers
  turns=$(($1 * 10)); shift
  while [ "$turns" -gt 0 ]; do "$@" > /dev/null 2>&1 && return 0; sleep 0.1; turns=$((turns - 1)); done
  return 1
}

# PostgreSQL refuses root, so there it runs as the package's own user, or nobody.
run_pg_boss() {
  bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
  [ -n "$bin" ] || bin=$(dirname "$(command -v initdb 2>/dev/null || echo none/none)")
  [ -x "$bin/postgres" ] && [ -x "$bin/initdb" ] || { missing "pg-boss" "apt-get install postgresql"; return 0; }
  dir=$work/pg; mkdir "$dir"
  user=$(id -un); as=
  if [ "$(id -u)" = 0 ]; then
    user=postgres; getent passwd postgres > /dev/null || user=nobody
    chmod 711 "$work"; chown "$user" "$dir"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
  fi
  (cd "$dir" && $as env HOME="$dir" "$bin/initdb" -D "$dir/data" -U "$user" -A trust -E UTF8 --locale=C) > "$work/pg.out" 2>&1 ||
    { failed pg-boss "$work/pg.out"; return 0; }
  (cd "$dir" && exec $as env HOME="$dir" "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= \
    -c unix_socket_permissions=0700) > "$work/pg.out" 2>&1 &
  server=$!; pids="$pids $server"
  if wait_for 30 $as "$bin/pg_isready" -h "$dir" -U "$user"; then
    PEERS_PG_SOCKET=$dir PEERS_PG_USER=$user peer "pg-boss $(version pg-boss), PostgreSQL $("$bin/postgres" -V | sed 's/[^0-9]*\([0-9.]*\).*/\1/')" pg_boss
  else failed pg-boss "$work/pg.out"; fi
  stop_server "$server"
}

run_bullmq() {
  command -v redis-server > /dev/null 2>&1 || { missing "BullMQ" "apt-get install redis-server"; return 0; }
  dir=$work/redis; mkdir "$dir"
  redis-server --port 0 --unixsocket "$dir/s" --dir "$dir" --save '' --appendonly yes --appendfsync always --daemonize no \
    > "$work/redis.out" 2>&1 &
  server=$!; pids="$pids $server"
  if wait_for 30 test -S "$dir/s"; then
    PEERS_REDIS_SOCKET=$dir/s peer "BullMQ $(version bullmq), Redis $(redis-server -v | sed 's/.*v=\([0-9.]*\).*/\1/'), AOF always" bullmq
  else failed BullMQ "$work/redis.out"; fi
  stop_server "$server"
}

run_restate() {
  binary=$(ls "$modules"/node_modules/@restatedev/restate-server-*/bin/restate-server 2>/dev/null | head -1)
  [ -n "$binary" ] || { missing "Restate" "its npm package has no server for this machine"; return 0; }
  dir=$work/restate; mkdir "$dir"
  ports=$(node -e 'const net = require("net"); const s = [0, 0, 0].map(() => net.createServer().listen(0, "127.0.0.1"));
    setTimeout(() => { console.log(s.map((x) => x.address().port).join(" ")); process.exit(0); }, 100)')
  set -- $ports
  RESTATE_DISABLE_TELEMETRY=true RESTATE_INGRESS__BIND_PORT=$2 RESTATE_ADMIN__BIND_PORT=$3 "$binary" --no-logo --base-dir "$dir" \
    --node-name bench --listen-mode tcp --bind-ip 127.0.0.1 --advertised-host 127.0.0.1 --bind-port "$1" > "$work/restate.out" 2>&1 &
  server=$!; pids="$pids $server"
  PEERS_RESTATE_INGRESS=$2 PEERS_RESTATE_ADMIN=$3 peer "Restate $(version @restatedev/restate-server)" restate
  stop_server "$server"
}

echo "The journey of $PEERS_N contacts: an event arrives, the contact sleeps, wakes, one message is sent, each step durable"
printf '  %-34s %10s %10s   %8s %8s\n' "" start/s wake/s "camp is" "times"
run_camp
if modules_ready; then
  run_pg_boss
  run_bullmq
  run_restate
else
  missing "pg-boss, BullMQ, Restate" "node 20 or later and npm, then run this again with a network"
fi
# Liquid, beside npm's: the same three templates, the same data parsed once, the same texts to the byte.
liquid=$here/../../../../shared/liquid/bench
if [ -f "$liquid/email.liquid" ] && [ -d "$modules/node_modules/liquidjs" ]; then
  here_flags="-std=c11 -O2 -D_GNU_SOURCE -I$here/../../.. -I$build/../gen"
  echo "Liquid, renders a second and microseconds to compile"
  if gcc $here_flags -include "$here/../../../vm/base/banned.h" -o "$work/liquid_bench" "$here/../liquid_bench.c" "$build/libcamp.a" \
    $(pkg-config --cflags --libs sqlite3 libpcre2-8 libcrypto libcurl gmime-3.0 gumbo libidn2) -lresolv -lm -lpthread 2> "$work/liquid.err"; then
    "$work/liquid_bench" "$liquid" | sed 's/^/  camp      /'
  else failed camp "$work/liquid.err"; fi
  (cd "$modules" && timeout 120 node liquid.mjs "$liquid") | sed 's/^/  liquidjs  /'
fi
echo "The last two columns: camp's rate divided by the peer's, start and wake."
