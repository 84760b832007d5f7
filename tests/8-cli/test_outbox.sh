#!/bin/sh
# camp outbox: what it lists, what its actions do to messages, what it refuses; and that an action reaches a run that is under way.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
cat > p.camp <<'C2'
contact { n: number; d: number }
message hello { channel email; subject "Hello"; body "Hi\n" }
message offer { channel email; subject "An offer"; body "{{ contact.n | divided_by: contact.d }}\n" }
hello_rule: when purchase then send hello
offer_rule: when purchase then send offer
C2
for i in 1 2 3; do echo "{\"event\":\"purchase\",\"userId\":\"u$i@a$i.example\",\"messageId\":\"m$i\"}"; done > e.ndjson
echo '{"type":"identify","userId":"u3@a3.example","traits":{"email":"three@Mail.example"}}' >> e.ndjson
camp run p.camp --db a.db --events e.ndjson --until-idle > /dev/null 2>&1
sqlite3 a.db "update outbox set at = 1767607200000 + id * 1000, sent = at" # a clock of its own
send() { camp run p.camp --db a.db --send maildir:out --until-idle > run.out 2>&1; }
states() { sqlite3 -separator ' ' a.db "select message, state, count(*) from message group by 1, 2 order by 1, 2" | tr '\n' ' '; }

golden help-outbox 0 camp outbox --help
golden outbox 0 camp outbox --db a.db
golden outbox-json 0 camp outbox list --to mail.example --json --db a.db
golden outbox-limit 0 camp outbox --limit 1 --db a.db
golden outbox-none 0 camp outbox --state failed --db a.db
golden outbox-act 2 camp outbox stop --db a.db
golden outbox-state 2 camp outbox --state late --db a.db
golden outbox-unknown 2 camp outbox --message helo --db a.db
golden outbox-no-choice 2 camp outbox withdraw --db a.db
golden outbox-both 2 camp outbox retry --all --message hello --db a.db
golden outbox-sent 2 camp outbox withdraw --state sent --db a.db
golden outbox-retry-ready 2 camp outbox retry --state ready --db a.db
golden outbox-relay 2 camp outbox retry --relay mail.example --db a.db
golden outbox-pause-state 2 camp outbox pause --state failed --db a.db
golden outbox-why 2 camp outbox pause --all --why "$(printf '%201s' x)" --db a.db
refuses "no database" 2 "there is no such database" camp outbox --db none.db
refuses "which database?" 2 "which database" camp outbox
refuses "nothing that holds is resumed" 2 "no pause of message hello is under way" camp outbox resume --message hello --db a.db

# A pause holds what comes, and what its message cannot render is not lost by it.
golden outbox-pause 0 camp outbox pause --message hello --why "a wrong price" --db a.db
golden outbox-pause-again 0 camp outbox pause --message hello --db a.db
holds "mail to one domain is paused" camp outbox pause --to MAIL.example --db a.db
holds "a message that cannot be rendered too" camp outbox pause --message offer --db a.db
send
same "nothing leaves" "hello paused 3 offer paused 3 " "$(states)"
same "each says why" "paused by camp outbox: a wrong price" "$(sqlite3 a.db "select distinct reason from message where message = 'hello'")"
send; same "the next run leaves them" "hello paused 3 offer paused 3 " "$(states)"
holds "one pause ends" camp outbox resume --message hello --db a.db
send; same "what another pause holds stays" "hello paused 1 hello sent 2 offer paused 3 " "$(states)"
golden outbox-resume-all 0 camp outbox resume --all --db a.db
send; same "the rest goes out, or fails by itself" "hello sent 3 offer failed 3 " "$(states)"
messages() { camp status --db a.db | sed -n '/^Messages/,$p'; } # versions of units change with the format
golden outbox-status 0 messages
# A retry of what failed: with the template repaired it leaves, once.
sed -i 's/divided_by: contact.d/plus: 1/' p.camp
holds "failed messages are tried again" camp outbox retry --state failed --reason "divided by 0" --limit 2 --why "the template is repaired" --db a.db
same "the oldest first, and say so" "2 tried again (the template is repaired); before: the template: Liquid error (line 1): divided by 0" \
  "$(sqlite3 -separator ' ' a.db "select count(*), reason from message where state = 'deferred' group by reason")"
send; same "they leave, or fail as before" "hello sent 3 offer failed 1 offer sent 2 " "$(states)"
same "nothing twice" 5 "$(cat out/new/* | grep -c '^Message-ID')"
same "and nothing that was sent is tried again" "0 messages are tried again now." "$(camp outbox retry --message hello --db a.db)"
same "every action is kept with its reason" "1|a wrong price|0
1||0
1||0
2||1
2||2
3|the template is repaired|2" "$(sqlite3 a.db 'select action, reason, count from outbox_action order by id')"

# Withdrawn.
camp run p.camp --db w.db --events e.ndjson --until-idle > /dev/null 2>&1
same "withdrawn" "4 messages withdrawn. What a sender has at this moment may still leave; then it says so." \
  "$(camp outbox withdraw --all --limit 4 --why "sold out" --db w.db)"
camp run p.camp --db w.db --send maildir:w --until-idle > /dev/null 2>&1
same "they never leave" "sent 2 withdrawn 4 " "$(sqlite3 -separator ' ' w.db "select state, count(*) from message group by 1" | tr '\n' ' ')"
same "and say why" "withdrawn: sold out" "$(sqlite3 w.db "select distinct reason from message where state = 'withdrawn'")"

# A retry overrides nobody's will: what must not leave any more is left, named, and says why; also when it is named by its number.
cat > will.camp <<'C2'
use engagement
topic offers
message offer { topic offers; subject "An offer"; body "Hi. {{ unsubscribe_url }}\n" }
message receipt { transactional; subject "Thanks"; body "Hi\n" }
message soon { subject "Soon"; body "Hi\n"; expires after 2h }
when purchase then { send offer, send receipt }
when refund then send soon
C2
export CAMP_BASE_URL=https://mail.example CAMP_SECRET=secret CAMP_FROM=news@shop.example
for who in ann bob cat dan eve; do
  echo "{\"event\":\"subscribe\",\"userId\":\"$who@a.example\",\"properties\":{\"topic\":\"offers\"}}"
  echo "{\"event\":\"purchase\",\"userId\":\"$who@a.example\"}"
done > will.ndjson
echo '{"event":"refund","userId":"dan@a.example"}' >> will.ndjson
camp run will.camp --db will.db --events will.ndjson --until-idle > /dev/null
sqlite3 will.db "update outbox set state = 5, reason = '550 5.7.1 no', at = 1767607200000, sent = at" # long ago, by a relay that did not like us
cat > since.ndjson <<'C2'
{"event":"unsubscribe","userId":"ann@a.example","properties":{"topic":"offers"}}
{"event":"complaint","userId":"bob@a.example","timestamp":"2026-01-05T10:00:00Z","properties":{"message":"offer"}}
{"event":"bounce","userId":"cat@a.example","timestamp":"2026-01-05T10:00:00Z","properties":{"kind":"permanent"}}
{"event":"bounce","userId":"eve@a.example","timestamp":"2026-01-05T10:00:00Z","properties":{"kind":"permanent"}}
{"type":"identify","userId":"eve@a.example","traits":{"email":"new@a.example"}}
C2
camp run will.camp --db will.db --events since.ndjson --until-idle > /dev/null
golden outbox-will 0 camp outbox retry --all --why "the relay knows us now" --db will.db
golden outbox-will-list 0 camp outbox --db will.db
golden outbox-will-one 0 camp outbox retry --id 1 --db will.db
camp run will.camp --db will.db --send maildir:will --until-idle > /dev/null
same "the others leave" "ann@a.example receipt
bob@a.example receipt
dan@a.example offer
dan@a.example receipt
eve@a.example offer
eve@a.example receipt" "$(sqlite3 -separator ' ' will.db "select contact, message from message where state = 'sent' order by 1, 2")"
same "and what was left says why once" "refused offers" "$(camp outbox --id 1 --json --db will.db | sed 's/.*"not tried again: \([^;]*\); before: 550 5.7.1 no".*/\1/')"

# Beside a run.
mkfifo pipe
camp run p.camp --db live.db --events - --send maildir:live < pipe > live.out 2>&1 & pid=$!
exec 3> pipe
echo '{"event":"purchase","userId":"one@x.example"}' >&3
until_is "a run sends" 2 "select count(*) from message where state = 'sent'"
holds "all is paused beside it" camp outbox pause --all --why "a closer look" --db live.db
echo '{"event":"purchase","userId":"two@x.example"}' >&3
until_is "and it holds what comes" 2 "select count(*) from message where state = 'paused'"
holds "one of them is withdrawn" camp outbox withdraw --contact two@x.example --message offer --db live.db
holds "the pause ends" camp outbox resume --all --db live.db
until_is "the other one goes out" "sent 3 withdrawn 1" "select group_concat(s, ' ') from (select state || ' ' || count(*) as s from message group by state order by state)"
kill -TERM $pid; wait $pid
exec 3>&-
finish
