#!/bin/sh
# What leaves over HTTP as the file sender writes it, and the answers that come back: requests are compared whole, and written by hand.
set -eu
. "${CAMP_ROOT:?}/tests/9-whole/data.sh"
mkdir project
cat > project/main.camp <<'C'
contact { devices: list of text; crm_id: text }
channel sms {
  to contact.phone
  post "https://api.example.com/a/{{ secret.account }}/m?of={{ contact_key }}" {
    auth basic secret.id secret.token
    header { "Idempotency-Key": key, "X-Name": "{{ contact.first_name }}!" }
    form { To: to, From: secret.sender, "Text & more": body, Note: contact.crm_id }
    retry on 429 or 5xx up to 1d
    id from response.sid
  }
}
channel app {
  to contact.devices
  put "https://push.example.com/v1" {
    json { to: to, all: "{{ to }}", n: 3, deep: { list: [contact.first_name, contact.crm_id, true], none: contact.crm_id } }
  }
}
connector crm {
  add(email: text, name: text = missing, value: money = missing, tags: list of text = missing, due: date = missing) {
    post "https://crm.example.com/people/{{ email }}" {
      auth bearer secret.crm
      json { email: email, name: name, value: value, tags: tags, due: due, hash: "{{ email | sha256 }}", key: key }
    }
    reply { id: text }
  }
}
message text { transactional; channel sms; body "50 % off & more" }
message push { transactional; channel app; body "Hello" }
campaign lead {
  start when signup
  call crm.add with { email: contact.email, value: 40 EUR, tags: ["a", "b"], due: 2026-12-24 } as reply up to 30d else { tag "failed" }
  set contact.crm_id to reply.id
}
when visit then { send text, send push }
C
cat > first.ndjson <<'C'
{"type":"identify","userId":"a/n","traits":{"email":" Ann+1@Example.com ","first_name":"A\nnn","phone":"+49 151","devices":["d1","d\"2"]}}
{"event":"signup","userId":"a/n"}
{"event":"visit","userId":"a/n"}
{"event":"visit","userId":"bob"}
{"event":"signup","userId":"bob"}
C
"$CAMP" run project --db camp.db --events first.ndjson --until-idle --send file:out.jsonl > log 2>&1 || { cat log; exit 1; }
sed 's/"at":"[^"]*"/"at":"…"/' out.jsonl | LC_ALL=C sort > got
cat > want <<'C'
{"key":"a%2Fn/lead/1.1","at":"…","contact":"a/n","call":"crm.add","campaign":"lead","request":{"method":"POST","url":"https://crm.example.com/people/%20Ann%2B1%40Example.com%20","headers":{"Content-Type":"application/json","Authorization":"Bearer [secret.crm]"},"body":{"email":" Ann+1@Example.com ","value":"40 EUR","tags":["a","b"],"due":"2026-12-24","hash":"HASH","key":"a%2Fn/lead/1.1"}}}
{"key":"a%2Fn/when visit then { send text, send push }/1.1","at":"…","to":"+49 151","contact":"a/n","channel":"sms","message":"text","campaign":"when visit then { send text, send push }","subject":"","body":"50 % off & more","request":{"method":"POST","url":"https://api.example.com/a/[secret.account]/m?of=a%2Fn","headers":{"Content-Type":"application/x-www-form-urlencoded","Authorization":"Basic [secret.id]:[secret.token]","Idempotency-Key":"a%2Fn/when visit then { send text, send push }/1.1","X-Name":"A nn!"},"body":"To=%2B49%20151&From=%5Bsecret.sender%5D&Text%20%26%20more=50%20%25%20off%20%26%20more"}}
{"key":"a%2Fn/when visit then { send text, send push }/1.2","at":"…","to":"[\"d1\",\"d\\\"2\"]","contact":"a/n","channel":"app","message":"push","campaign":"when visit then { send text, send push }","subject":"","body":"Hello","request":{"method":"PUT","url":"https://push.example.com/v1","headers":{"Content-Type":"application/json"},"body":{"to":["d1","d\"2"],"all":"d1,d\"2","n":3,"deep":{"list":["A\nnn",true]}}}}
{"key":"bob/lead/1.1","at":"…","contact":"bob","call":"crm.add","campaign":"lead","request":{"method":"POST","url":"https://crm.example.com/people/","headers":{"Content-Type":"application/json","Authorization":"Bearer [secret.crm]"},"body":{"value":"40 EUR","tags":["a","b"],"due":"2026-12-24","hash":"","key":"bob/lead/1.1"}}}
C
hash=$(printf 'ann+1@example.com' | sha256sum | cut -d' ' -f1)
sed "s/HASH/$hash/" want | LC_ALL=C sort > sorted
check_same "requests, with secrets by their names" sorted got
check_equal "who has no address is told of" "failed|no address: contact.phone is missing failed|no address: contact.devices is missing" \
  "$(sqlite3 camp.db "select state || '|' || reason from message where contact = 'bob' order by outbox_id" | tr '\n' ' ' | sed 's/ $//')"
python3 -c '
import json, sys
for line in open("out.jsonl"): json.loads(line)
' && check_equal "each line is JSON" 0 0

# Answers: one that fits, the same again, a failure, one for nobody, and lines that are none.
cat > second.ndjson <<'C'
{"type":"reply","key":"a%2Fn/lead/1.1","status":201,"body":{"id":"7"}}
{"type":"reply","key":"a%2Fn/lead/1.1","status":201,"body":{"id":"8"}}
{"type":"reply","key":"bob/lead/1.1","error":"connection refused"}
{"type":"reply","key":"zoe/lead/1.1","status":200,"body":{"id":"9"}}
{"type":"reply","key":"zoe","status":200}
{"type":"reply","key":"bob/lead/1.1"}
{"type":"reply","status":200}
{"type":"reply","key":"bob/lead/1.1","status":"200"}
{"type":"reply","key":"bob/lead/1.1","status":200,"body":[1]}
C
"$CAMP" run project --db camp.db --events second.ndjson --until-idle > log 2>&1 || { cat log; exit 1; }
check_equal "the first answer acts, once" 7 "$(sqlite3 camp.db "select attributes ->> '\$.crm_id' from contact where contact = 'a/n'")"
check_equal "a failure runs the else" "bob failed" "$(sqlite3 camp.db "select contact || ' ' || tag from tagged")"
check_equal "nobody waits on" 0 "$(sqlite3 camp.db 'select count(*) from position')"
check_equal "what acts on nobody is recorded with its reason" "a/n zoe" \
  "$(sqlite3 camp.db "select contact from history where outcome like 'no run waits for this reply%' order by 1" | tr '\n' ' ' | sed 's/ $//')"
cat > want <<'C'
`key` is no key of a call, such as ann/welcome/1.1
the reply says neither `status` nor `error`
the reply has no call: `key` is missing
`status` is "200", not a number such as 200
`body` is an array, not an object
C
sqlite3 camp.db 'select reason from reject order by id' > got
check_same "lines that are no answer" want got

# A sender that speaks no HTTP leaves calls where they are; `stop when` takes back what has not left.
cat > project/main.camp <<'C'
connector crm { add(email: text) { post "https://crm.example.com/people" } }
campaign lead { start when signup; stop when unsubscribe; call crm.add with { email: "x" } as reply }
C
printf '{"event":"signup","userId":"ann"}\n{"event":"signup","userId":"bob"}\n' > third.ndjson
"$CAMP" run project --db held.db --events third.ndjson --until-idle --send maildir:out > log 2>&1 || { cat log; exit 1; }
check_equal "calls wait for a sender that takes them" "deferred deferred" "$(sqlite3 held.db 'select state from call' | tr '\n' ' ' | sed 's/ $//')"
printf '{"event":"unsubscribe","userId":"bob"}\n' > fourth.ndjson
"$CAMP" run project --db held.db --events fourth.ndjson --until-idle > log 2>&1 || { cat log; exit 1; }
check_equal "and are withdrawn with their run" "ann deferred bob withdrawn" \
  "$(sqlite3 held.db "select contact || ' ' || state from call order by 1" | tr '\n' ' ' | sed 's/ $//')"
finish
