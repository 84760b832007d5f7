#!/bin/sh
# A delivered mail in a browser, Debian's Chromium: taken out of the Maildir by mailparser, laid out, its pictures there, each link clicked by the
# mouse. Links of ours lead to a server of this test, whose log `camp inbound --links` turns into clicks and an unsubscription that counts.
. "$CAMP_ROOT/tests/8-cli/lib.sh"
command -v chromium > /dev/null || { say 1 "chromium is needed; make deps installs it"; finish; }
. "$CAMP_ROOT/tests/7-send/clients.sh"
mkdir -p project/layouts project/images
cat > project/layouts/base.liquid <<'END'
<!doctype html>
<html lang="en"><head><title>Shop</title><style>h1 { color: #b00020; font-size: 28px } td { padding: 4px 12px }</style></head>
<body style="font-family: sans-serif"><p><img src="../images/logo.png" alt="Our shop" width="120" height="40"></p>
{% block main %}{% endblock %}
<p><small>Shop Ltd, 1 High Street. <a href="{{ unsubscribe_url }}">unsubscribe</a></small></p>
</body></html>
END
cat > project/hello.html <<'END'
{% layout "base" %}{% block main %}
<h1>Hello {{ contact.first_name | default: "you" }},</h1>
<p>your order of last week has left us, and here is what is in it. It should be with you on Friday; if it is not, write to us and we look for it.</p>
<table>{% for item in items %}<tr><td>{{ item.name }}</td><td>{{ item.price }}</td></tr>{% endfor %}</table>
<p><a href="https://shop.example/orders?of={{ contact.email | default: "" | url_encode }}&amp;from=mail">Your orders</a>,
<a href="https://shop.example/help">help</a>.</p>
{% endblock %}
END
cat > project/p.camp <<'END'
use engagement
topic orders
message hello { subject "Your order"; topic orders; body file "hello.html" }
event parcel { items: list of item }
list readers
parcel_rule: when parcel then send hello with { items: parcel.items }
when click of hello where link contains "/orders" then join readers
END
# A red picture of 12 by 4 points, made here: readers decode it.
node -e '
  const zlib = require("zlib"), crc = b => { let c = -1; for (const x of b) { c ^= x; for (let k = 0; k < 8; k++) c = c >>> 1 ^ (c & 1 ? 0xedb88320 : 0); } return ~c >>> 0; };
  const u32 = n => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
  const chunk = (type, data) => { const body = Buffer.concat([Buffer.from(type), data]); return Buffer.concat([u32(data.length), body, u32(crc(body))]); };
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(36).map((_, i) => i % 3 ? 32 : 200)]);
  process.stdout.write(Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", Buffer.concat([u32(12), u32(4), Buffer.from([8, 2, 0, 0, 0])])),
    chunk("IDAT", zlib.deflateSync(Buffer.concat([row, row, row, row]))), chunk("IEND", Buffer.alloc(0))]));' > project/images/logo.png
node "$clients/browse.js" serve "$PWD/log" port & server=$!
trap 'kill $server 2> /dev/null' EXIT
for look in $(seq 100); do [ -s port ] && break; sleep 0.1; done
base=http://127.0.0.1:$(cat port)
export CAMP_FROM='Shop <news@shop.example>' CAMP_SECRET='a secret of this test' CAMP_BASE_URL=$base
cat > e.ndjson <<'END'
{"type":"identify","userId":"zoe","messageId":"1","traits":{"email":"zoe@x.example","first_name":"Zoë <script>window.attacked = true</script>"}}
{"type":"track","event":"subscribe","userId":"zoe","messageId":"2","properties":{"topic":"orders"}}
{"type":"track","event":"parcel","userId":"zoe","messageId":"3","properties":{"items":[{"name":"Tea & co","price":"4 EUR"},{"name":"Cup","price":"9 EUR"}]}}
END
camp run project --db t.db --events e.ndjson --send maildir:box --until-idle > out 2>&1
same "one mail is delivered" 1 "$(ls box/new | wc -l)"
mkdir reader; chmod 700 reader
HOME=$PWD/reader timeout 100 node "$clients/browse.js" look box/new/* "$PWD/reader" > saw 2>&1
same "what a reader sees, and where each link leads" "title: Shop
pictures: Our shop shown 120x40
pixel: fetched
layout: has width and height, and fits the window
colour of the heading: rgb(176, 0, 32)
scripts of contacts: undefined
link Your orders: /target0
link help: /target1
link unsubscribe: leave?
button: gone" "$(cat saw)"
holds "it is a picture, too" sh -c 'head -c 4 reader/mail.png | grep -q PNG && [ $(wc -c < reader/mail.png) -gt 5000 ]'
[ "${KEEP:-}" ] && cp reader/mail.png "$KEEP"
grep '"[A-Z]* /[cou]/' log | sed 's/.*"\([A-Z]* \/[a-z]\/\).*/\1/' | sort | uniq -c | sed 's/^ *//' > visits
same "the server heard each: a page that is opened again fetches again, the way out shows a button first" "2 GET /c/
1 GET /u/
1 POST /u/" "$(grep -v /o/ visits)"
camp inbound --links log --db t.db > events 2> summary
same "its log becomes events" 'click https://shop.example/help
click https://shop.example/orders?of=zoe%40x.example&from=mail
open 
unsubscribe ' "$(sed 's/.*"event":"\([a-z]*\)".*"link":"\([^"]*\)".*/\1 \2/; s/.*"event":"\([a-z]*\)".*/\1 /' events | sort -u)"
sed 's/"messageId":"3"/"messageId":"4"/' e.ndjson | tail -1 >> events
camp run project --db t.db --events events --send maildir:box --until-idle > out 2>&1
same "who clicked is a reader; who left gets no other mail" "zoe
hello sent 
hello dropped refused orders" "$(sqlite3 t.db "select contact from membership where list = 'readers'"; sqlite3 -separator ' ' t.db 'select message, state, reason from message order by at_ms, outbox_id')"
finish
