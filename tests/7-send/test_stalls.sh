#!/bin/sh
# A relay that never lets go of a connection does not hold the mail to another: shown by that mail going on while the first one waits, not by a
# clock. Each case is a run of its own, several at a time.
. "$CAMP_ROOT/tests/7-send/sink.sh"
cat > p.camp <<'C2'
message hello { channel email; subject "Hello"; body "Hi\n" }
hello_rule: when purchase then send hello
C2
events 200 > e.ndjson
camp run p.camp --db ready.db --events e.ndjson --until-idle > out 2>&1
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=nobody.example 2> /dev/null
export CAMP_SMTP_PASSWORD=wrong
cc -shared -fPIC -o stuck.so "$CAMP_ROOT/tests/7-send/stuck_resolver.c" -ldl || say 1 "the resolver that is stuck is compiled"
# DIR MODE HOST OPTIONS. A run that stands still is ended after a minute: its verdict is missing then.
cat > one.sh <<'C2'
cd "$1" || exit 1
cp ../ready.db t.db
python3 "$CAMP_ROOT/tests/7-send/stalling_server.py" ports verdict "$2" ../cert.pem ../key.pem 2> server.log & server=$!
for look in $(seq 100); do [ -s ports ] && break; sleep 0.1; done
read bad good < ports
[ "$2" = name ] && export LD_PRELOAD=$PWD/../stuck.so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
camp run ../p.camp --db t.db --live --send "smtp://$3:$bad?connections=1&$4,smtp://127.0.0.1:$good?connections=4&tls=off" > out 2>&1 & run=$!
unset LD_PRELOAD
for look in $(seq 600); do [ -s verdict ] && break; kill -0 $run 2> /dev/null || break; sleep 0.1; done
kill -TERM $run; wait $run; echo "ended with $?" >> out
kill $server; wait $server 2> /dev/null
C2
n=0; : > jobs
while read -r mode host options; do
  n=$((n + 1)); mkdir case$n; printf '%s\n' case$n "$mode" "$host" "$options" >> jobs; echo "$mode" > case$n/mode
done <<'C2'
greeting 127.0.0.1 timeout=3600&tls=off
auth user@127.0.0.1 timeout=3600&tls=off
ehlo 127.0.0.1 timeout=3600&tls=off
tls 127.0.0.1 timeout=3600&tls=require
dot 127.0.0.1 timeout=3600&tls=off
quit 127.0.0.1 timeout=3600&tls=off&per=1
quit-tls 127.0.0.1 timeout=3600&tls=try&per=1
name stuck.example timeout=1&tls=off
C2
xargs -d '\n' -n 4 -P 6 sh one.sh < jobs
for k in $(seq $n); do
  mode=$(cat case$k/mode)
  same "$mode: mail to another relay went on while this one was waited for" "went on" "$(cat case$k/verdict 2> /dev/null)"
  [ -s case$k/verdict ] || sed 's/^/# /' case$k/out case$k/server.log
  same "$mode: and the run ended when it was asked to" "ended with 0" "$(tail -1 case$k/out)"
  same "$mode: no mail is lost" 200 "$(sqlite3 case$k/t.db "select count(*) from message where state in ('sent', 'ready', 'deferred', 'in doubt')")"
done
finish
