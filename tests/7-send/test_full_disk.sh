#!/bin/sh
# The disk is full while mails leave, for the database or for the journal alone: nothing leaves that could not be written down, the same run goes on
# when there is room again, and no mail is lost or comes twice but what was in doubt. The disk is a library's word (full_disk.c).
. "$CAMP_ROOT/tests/7-send/sink.sh"
cc -shared -fPIC -o full.so "$CAMP_ROOT/tests/7-send/full_disk.c" -ldl || { say 1 "the library that plays the disk is compiled"; finish; }
cat > p.camp <<'C2'
message hello { channel email; subject "Hello"; body "Hi\n" }
hello_rule: when purchase then send hello
C2
mails=2400; events $mails > e.ndjson
camp run p.camp --db ready.db --events e.ndjson --until-idle > out 2>&1
mkdir dump; chmod 777 . dump
arrived() { cat dump/all* 2> /dev/null | grep -ac '^Message-ID'; }
ask() { sqlite3 -cmd '.timeout 2000' t.db "$1" 2> /dev/null; }
until_is() { # what wanted COMMAND…: within a minute it says what is wanted
  what=$1; wanted=$2; shift 2
  for look in $(seq 600); do [ "$("$@")" = "$wanted" ] && break; sleep 0.1; done
  same "$what" "$wanted" "$("$@")"
}
said() { grep -c "$1" out; }
for only in '' -sending; do
  rm -f t.db* dump/* full; cp ready.db t.db; sink -R "$PWD/dump" -D all
  FULL_DISK=$PWD/full LD_PRELOAD=$PWD/full.so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 \
    camp run p.camp --db t.db --live --send "smtp://127.0.0.1:$port?tls=off&rate=400" > out 2>&1 & run=$!
  for look in $(seq 600); do [ "$(arrived)" -ge 300 ] && break; sleep 0.05; done
  printf %s "$only" > full
  [ "$only" ] && words='cannot write the journal .*No space left' || words='the disk is full'
  until_is "full$only: it is said" 1 sh -c "grep -c '$words' out | sed 's/[1-9][0-9]*/1/'"
  there=$(arrived)
  holds "full$only: mail stops ($there have arrived)" test "$there" -lt $mails
  rm full
  until_is "full$only: with room again the same run goes on, to the last mail" "0" ask "select count(*) from message where state in ('ready', 'claimed')"
  ask "update outbox_late set due = 0"
  until_is "full$only: every mail is sent" $mails ask "select count(*) from message where state = 'sent'"
  kill -TERM $run; wait $run; stop_sink
  same "full$only: every mail arrived" $mails "$(grep -ah '^Message-ID' dump/all* | sort -u | wc -l)"
  twice=$(grep -ah '^Message-ID' dump/all* | sort | uniq -d | wc -l)
  holds "full$only: twice only what two dots a connection can leave in doubt: $twice" test "$twice" -le 20
done
finish
