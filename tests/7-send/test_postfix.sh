#!/bin/sh
# A whole way round with Postfix on the loopback: Camp's mails accepted by its smtpd, an address that it cannot deliver to comes back as
# Postfix's own DSN to our VERP address, and `camp inbound` makes the event of it. Postfix needs root; elsewhere reports that it and
# others wrote before are read (tests/7-send/reports), which is done here in any case.
. "$CAMP_ROOT/tests/8-cli/lib.sh"
export CAMP_SECRET='a secret of this test'
cat > p.camp <<'END'
use engagement
message hello { channel email; subject "Hello"; body "Hi\n" }
hello_rule: when purchase then send hello
list dead
list angry
when bounce of hello where kind is "permanent" then join dead
when complaint of hello then join angry
END
for who in ok@good.example no@dead.example full@full.example blocked@policy.example; do
  echo "{\"type\":\"track\",\"event\":\"purchase\",\"userId\":\"$who\",\"messageId\":\"$who\"}"
done > e.ndjson

# --- reports of others -----------------------------------------------------------------------------------------------
camp run p.camp --db s.db --events e.ndjson --until-idle > /dev/null
for report in "$CAMP_ROOT"/tests/7-send/reports/*.eml; do
  echo "== $(basename "$report")"
  camp inbound "$report" --db s.db --verbose 2>&1
done > got
[ "${UPDATE:-}" ] && cp got "$CAMP_ROOT/tests/7-send/reports/expected"
if cmp -s got "$CAMP_ROOT/tests/7-send/reports/expected"; then say 0 "reports of other programs"; else
  say 1 "reports of other programs"; diff "$CAMP_ROOT/tests/7-send/reports/expected" got | sed 's/^/# /' | head -40; fi
cat "$CAMP_ROOT"/tests/7-send/reports/*.eml | camp inbound - --db s.db > /dev/null 2> err; same "many in one stream without an mbox's lines are one mail" 0 $?
# Which status says that an address is dead, and which that a box is full, we are disliked, or it is too early to tell.
for status in 5.1.1 5.1.2 5.1.3 5.1.6 5.1.10 5.2.1 5.2.2 5.1.4 5.1.7 5.1.8 5.3.4 5.4.4 5.7.1 5.7.26 5.0.0 4.1.1 4.2.1 4.4.7 5.11.1 5.1 ''; do
  printf '%s ' "$status"
  sed "s/^Status: .*/Status: $status/; s/X-Postfix; no such/X-Postfix; sorry,/" "$CAMP_ROOT/tests/7-send/reports/1-postfix-dead.eml" > one.eml
  camp inbound one.eml --db s.db 2> /dev/null | sed 's/.*"kind":"\([a-z]*\)".*/\1/'
done > kinds
same "what suppresses and what does not" "5.1.1 permanent
5.1.2 permanent
5.1.3 permanent
5.1.6 permanent
5.1.10 permanent
5.2.1 permanent
5.2.2 temporary
5.1.4 temporary
5.1.7 temporary
5.1.8 temporary
5.3.4 temporary
5.4.4 temporary
5.7.1 temporary
5.7.26 temporary
5.0.0 temporary
4.1.1 temporary
4.2.1 temporary
4.4.7 temporary
5.11.1 temporary
5.1 temporary
 temporary" "$(cat kinds)"
for report in "$CAMP_ROOT"/tests/7-send/reports/*.eml; do echo "From x Sun Nov 22 10:00:00 2026"; sed 's/^From />From /' "$report"; echo; done > mbox
same "an mbox gives the events of its mails" "$(grep '^{' got)" "$(camp inbound mbox --db s.db 2> /dev/null)"
mkdir -p maildir/new maildir/cur; cp "$CAMP_ROOT"/tests/7-send/reports/*.eml maildir/new
same "a Maildir too" "$(grep '^{' got)" "$(camp inbound maildir --db s.db 2> /dev/null)"
# Killed while it wrote, and begun anew: a cut line is set aside, the events are there once.
{ grep '^{' got | head -c 300; echo; grep '^{' got; } > twice
camp run p.camp --db s.db --events twice --until-idle > /dev/null 2>&1
same "ended in the middle and read again, each event is there once" "$(grep '^{' got | sort -u | wc -l)" \
  "$(sqlite3 s.db "select count(*) from history where event in ('bounce', 'complaint')")"
same "another secret makes strangers of them all" "" "$(CAMP_SECRET=other camp inbound maildir --db s.db 2> /dev/null)"
refuses "no secret" 2 "CAMP_SECRET is not set" env -u CAMP_SECRET camp inbound mbox --db s.db
refuses "no such mail" 2 "cannot read nothing" camp inbound nothing --db s.db
head -c 100000 /dev/urandom > noise; same "noise is no report" "" "$(camp inbound noise --db s.db 2> /dev/null)"

# --- Postfix ---------------------------------------------------------------------------------------------------------
if [ "$(id -u)" != 0 ]; then echo "# not root: Postfix is not started"; finish; fi
command -v postfix > /dev/null || { say 1 "postfix is needed; make deps installs it"; finish; }
port=$((20000 + $$ % 20000)); etc=$TMPDIR/etc; spool=$TMPDIR/spool; mail=$TMPDIR/mail
mkdir -p "$etc" "$spool" "$mail" "$TMPDIR/data"; chmod 755 "$TMPDIR" "$etc"
chown postfix "$TMPDIR/data"; chown nobody "$mail"
cat > "$etc/main.cf" <<END
compatibility_level = 3.6
queue_directory = $spool
data_directory = $TMPDIR/data
maillog_file = /dev/stdout
maillog_file_prefixes = /dev/stdout, /tmp, /var
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.shop.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
virtual_mailbox_domains = shop.example
virtual_mailbox_maps = static:box/
virtual_mailbox_base = $mail
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
transport_maps = inline:{ {dead.example = error:5.1.1 no such user here}, {full.example = error:5.2.2 mailbox full}, {policy.example = error:5.7.1 we do not like you}, {good.example = discard:} }
END
grep -v '^smtp  *inet' /etc/postfix/master.cf | sed 's/ y  *-  *\([0-9-]* [a-z]\)/ n - \1/; s/^\([^# ][^ ]*  *[a-z]*  *[-yn]  *[-yn]  *\)[-y] /\1n /' > "$etc/master.cf"
# One door lets everybody in and bounces later, the other refuses at the door.
strict=$((port + 1))
echo "127.0.0.1:$port inet n - n - - smtpd -o smtpd_reject_unlisted_recipient=no" >> "$etc/master.cf"
echo "127.0.0.1:$strict inet n - n - - smtpd" >> "$etc/master.cf"
postfix -c "$etc" start-fg > postfix.log 2>&1 & master=$!
trap 'kill $master 2> /dev/null; postfix -c "$etc" stop > /dev/null 2>&1; wait $master 2> /dev/null' EXIT
for look in $(seq 100); do grep -qi ":$(printf '%04X' $port) 00000000:0000 0A" /proc/net/tcp && break; sleep 0.1; done
export CAMP_FROM='Shop <news@shop.example>' CAMP_RETURN_PATH=bounce@shop.example
timeout 60 camp run p.camp --db t.db --events e.ndjson --send "smtp://127.0.0.1:$port?tls=off" --live --until-idle > out 2>&1
same "Postfix accepts every mail" "sent 4" "$(sqlite3 -separator ' ' t.db 'select state, count(*) from message group by 1')"
[ "$(sqlite3 t.db "select count(*) from message where state = 'sent'")" = 4 ] || sed 's/^/# /' out postfix.log | head -30
for look in $(seq 200); do [ "$(ls "$mail/box/new" 2> /dev/null | wc -l)" -ge 3 ] && break; sleep 0.1; done
camp inbound "$mail/box" --db t.db > events 2> summary
sed 's/.*"event":"\([a-z]*\)","userId":"\([^"]*\)".*"kind":"\([a-z]*\)","status":"\([0-9.]*\)".*/\1 \2 \3 \4/' events | sort > shown
same "its DSNs become events, and only a dead address is permanent" "bounce blocked@policy.example temporary 5.7.1
bounce full@full.example temporary 5.2.2
bounce no@dead.example permanent 5.1.1" "$(cat shown)"
cat events events | timeout 60 camp run p.camp --db t.db --events - --until-idle > out 2>&1
same "a script acts on it, once" "no@dead.example" "$(sqlite3 t.db "select contact from membership where list = 'dead'")"
same "the address of Postfix's DSN is suppressed, for good and for every message" "no@dead.example hello dropped suppressed: hard bounce" "$(
  echo '{"type":"track","event":"purchase","userId":"no@dead.example","messageId":"again"}' | timeout 60 camp run p.camp --db t.db --events - --until-idle > out 2>&1
  sqlite3 -separator ' ' t.db "select contact, message, state, substr(reason, 1, 23) from message where contact in (select contact from membership where list = 'suppressed') and state <> 'sent'")"
same "a full box and a policy suppress nobody" "no@dead.example" "$(sqlite3 t.db "select contact from membership where list = 'suppressed'")"
same "read twice they are the same events" 3 "$(sqlite3 t.db "select count(*) from history where event = 'bounce'")"
# --- refused at the door ---------------------------------------------------------------------------------------------
timeout 60 camp run p.camp --db u.db --events e.ndjson --send "smtp://127.0.0.1:$strict?tls=off&connections=1" --live --until-idle > out 2>&1
same "what Postfix refuses at once fails with its words; a refusal of us keeps the mail" \
  "blocked@policy.example|deferred|550 5.7.1 <blocked@policy.example>: Recipient address rejected: we do not like you
full@full.example|failed|550 5.2.2 <full@full.example>: Recipient address rejected: mailbox full
no@dead.example|failed|550 5.1.1 <no@dead.example>: Recipient address rejected: no such user here
ok@good.example|sent|" "$(sqlite3 u.db 'select contact, state, reason from message order by contact')"
# --- letters beyond ASCII before the @ --------------------------------------------------------------------------------
says() { # CONTACT ADDRESS
  printf '{"type":"identify","userId":"%s","messageId":"i%s","traits":{"email":"%s"}}\n{"type":"track","event":"purchase","userId":"%s","messageId":"p%s"}\n' "$1" "$1" "$2" "$1" "$1"
}
{ says zoe 'zoë.李@shop.example'; says quote '\"<eve@good.example>\"@shop.example'; } > letters.ndjson
rm -rf "$mail/box"
timeout 60 camp run p.camp --db v.db --events letters.ndjson --send "smtp://127.0.0.1:$port?tls=off&connections=1" --live --until-idle > out 2>&1
same "Postfix takes an address beyond ASCII; one that hides another in its quotes goes nowhere" \
  "quote|failed|the address is not one that mail can be sent to
zoe|sent|" "$(sqlite3 v.db 'select contact, state, reason from message order by contact')"
for look in $(seq 200); do [ "$(ls "$mail/box/new" 2> /dev/null | wc -l)" -ge 1 ] && break; sleep 0.1; done
same "and delivers it" "To: zoë.李@shop.example" "$(cat "$mail"/box/new/* | grep '^To:')"
finish
