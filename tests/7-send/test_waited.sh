#!/bin/sh
# What a relay put off, what people paused and what was in doubt is asked about again when its turn comes: who has left the topic, complained or
# bounced meanwhile gets nothing more, and the row says why. What has not waited is not asked about twice.
. "$CAMP_ROOT/tests/7-send/sink.sh"
export CAMP_BASE_URL=https://mail.shop.example CAMP_SECRET='a secret of this test'
cat > p.camp <<'C2'
use engagement
topic offers
message offer { topic offers; subject "An offer"; body "Hi. {{ unsubscribe_url }}\n" }
message receipt { transactional; subject "Thanks"; body "Hi\n" }
when purchase then { send offer, send receipt }
C2
tell() { # EVENT WHO PROPERTIES
  echo "{\"event\":\"$1\",\"userId\":\"$2@a.example\",\"properties\":$3}"
}
for who in ann bob cat dan; do tell subscribe $who '{"topic":"offers"}'; tell purchase $who '{}'; done > e.ndjson
{ tell unsubscribe ann '{"topic":"offers"}'; tell complaint bob '{"message":"offer"}'; tell bounce cat '{"kind":"permanent"}'; } > since.ndjson
became() { sqlite3 t.db 'select contact, message, state, reason from message order by 1, 2' | sed 's/@a.example//; s/\(complaint\|bounce\) of [-0-9]* [0-9:]*/\1 of DATE/'; }
left='bob|receipt|sent|
dan|offer|sent|
dan|receipt|sent|'
again() { # REASON: the mails' time comes; what became of them
  sqlite3 t.db "update outbox_late set due = 0 where due < 9e18"
  sink -R "$PWD/dump" -D all; send > out 2>&1; stop_sink
  sed 's/^/> /' > wanted <<END
ann|offer|dropped|refused offers$1
ann|receipt|sent|
bob|offer|dropped|suppressed: complaint of DATE$1
$(echo "$left" | head -1)
cat|offer|dropped|suppressed: hard bounce of DATE$1
cat|receipt|dropped|suppressed: hard bounce of DATE$1
$(echo "$left" | tail -2)
END
  became | sed 's/^/> /' > got
}
mkdir dump; chmod 777 . dump
for flags in '-r rcpt' '-q .'; do
  rm -f t.db* dump/*
  sink $flags; T=60 send > out 2>&1; stop_sink
  same "smtp-sink $flags: no mail has left" 8 "$(sqlite3 t.db "select count(*) from message where state in ('deferred', 'in doubt')")"
  camp run p.camp --db t.db --events since.ndjson --until-idle > out 2>&1
  again ''
  sed 's/; before: .*//' got > short
  same "who must not be written to any more is not" "$(cat wanted)" "$(cat short)"
  same "and each row still says what put it off" 4 "$(grep -c '; before: ' got)"
  same "four mails arrived" 4 "$(cat dump/all* | grep -ac '^Message-ID')"
done

# Paused, and resumed after that; and what lay ready for long because nothing sent it.
rm -f t.db* dump/*; camp run p.camp --db t.db --events e.ndjson --until-idle > out 2>&1
camp outbox pause --all --db t.db > out; sink; send > out 2>&1; stop_sink
same "paused" "paused 8 " "$(states)"
camp run p.camp --db t.db --events since.ndjson --until-idle > out 2>&1
camp outbox resume --all --db t.db > out; again '; before: paused by camp outbox'
same "what was paused is asked about, too" "$(cat wanted)" "$(cat got)"
holds "and camp contact says why" sh -c "camp contact ann@a.example --db t.db | grep -q 'offer.*dropped: refused offers; before: paused by camp outbox'"
rm -f t.db* dump/*; camp run p.camp --db t.db --events e.ndjson --until-idle > out 2>&1
sqlite3 t.db "update outbox set at = at - 61000, sent = at"
camp run p.camp --db t.db --events since.ndjson --until-idle > out 2>&1; again ''
same "and what lay ready for long" "$(cat wanted)" "$(cat got)"
finish
