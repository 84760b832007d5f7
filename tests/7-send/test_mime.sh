#!/bin/sh
# A page with pictures, attachments, a layout and a topic, as a mail that programs read which nobody here wrote: mailparser its parts and
# headers, mailauth and dkimpy its signatures, SpamAssassin whether its form is like spam's. Then what contacts may write, and must not.
. "$CAMP_ROOT/tests/8-cli/lib.sh"
for tool in smtp-sink openssl sqlite3 spamassassin; do
  command -v $tool > /dev/null || { say 1 "$tool is needed; make deps installs it"; finish; }
done
. "$CAMP_ROOT/tests/7-send/clients.sh"
mkdir -p project/layouts project/snippets project/images dump; chmod 777 . dump
cat > project/layouts/base.liquid <<'END'
<!doctype html>
<html lang="en"><head><title>Shop</title></head>
<body><p><img src="../images/logo.png" alt="Our shop" width="120" height="40"></p>
{% block main %}{% endblock %}
{% render "footer" %}
</body></html>
END
cat > project/snippets/footer.liquid <<'END'
<p>Shop Ltd, 1 High Street. <a href="https://shop.example/imprint">Imprint</a>, <a href="{{ unsubscribe_url }}">unsubscribe</a></p>
END
cat > project/hello.html <<'END'
{% layout "base" %}{% block main %}
<h1>Hello {{ contact.first_name | default: "you" }},</h1>
<p>your order of last week has left us, and here is what is in it. It should be with you on Friday; if it is not, write to us and we look for it.</p>
<table>{% for item in items %}<tr><td>{{ item.name }}</td><td>{{ item.price }}</td></tr>{% endfor %}</table>
<p><a href="https://shop.example/orders?of={{ contact.email | default: "" | url_encode }}&amp;from=mail">Your orders</a>,
<a href="https://shop.example/terms" clicktracking="off">our terms</a>, <a href="mailto:help@shop.example">help</a>.</p>
{% endblock %}
END
printf '%%PDF-1.4\nterms\n' > project/terms.pdf
# A picture of one point, whole: readers decode it.
echo iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg== | base64 -d > project/images/logo.png
cat > project/p.camp <<'END'
topic orders
message hello {
  subject "Your order, {{ contact.first_name | default: "dear reader" }}"
  topic orders
  preheader "In a parcel & on its way to {{ contact.first_name | default: "you" }}"
  reply to "Help, every day <help@shop.example>"
  body file "hello.html"
  attach file "terms.pdf" as "Unsere Bedingungen für 2026.pdf"
}
event parcel { items: list of item }
parcel_rule: when parcel then send hello with { items: parcel.items }
END
openssl genrsa -out rsa.pem 2048 2> /dev/null; openssl genpkey -algorithm ed25519 -out ed.pem 2> /dev/null
printf '{"s1._domainkey.shop.example":"v=DKIM1; k=rsa; p=%s","s2._domainkey.shop.example":"v=DKIM1; k=ed25519; p=%s"}\n' \
  "$(openssl pkey -in rsa.pem -pubout -outform DER | base64 -w 0)" "$(openssl pkey -in ed.pem -pubout -outform DER | tail -c 32 | base64 -w 0)" > keys.json
person() { # KEY TRAITS
  echo "{\"type\":\"identify\",\"userId\":\"$1\",\"messageId\":\"i$1\",\"traits\":$2}"
  echo "{\"type\":\"track\",\"event\":\"subscribe\",\"userId\":\"$1\",\"messageId\":\"s$1\",\"properties\":{\"topic\":\"orders\"}}"
  echo "{\"type\":\"track\",\"event\":\"parcel\",\"userId\":\"$1\",\"messageId\":\"p$1\",\"properties\":{\"items\":[{\"name\":\"Tea & co\",\"price\":\"4 EUR\"},{\"name\":\"Cup\",\"price\":\"9 EUR\"}]}}"
}
person zoe '{"email":"zoe@müller.example","first_name":"Zoë <b>"}' > e.ndjson
export CAMP_FROM='Shop & Söhne <news@shop.example>' CAMP_RETURN_PATH=bounce@shop.example CAMP_SECRET='a secret of this test'
user=; [ "$(id -u)" = 0 ] && user='-u nobody'
port=$((20000 + $$ % 20000))
smtp-sink $user -R "$PWD/dump" -d m. 127.0.0.1:$port 100 > sink.log 2>&1 & sink=$!
trap 'kill $sink 2> /dev/null' EXIT
for look in $(seq 50); do grep -qi ":$(printf '%04X' $port) 00000000:0000 0A" /proc/net/tcp && break; sleep 0.1; done
relay="smtp://127.0.0.1:$port?tls=off"
camp run project --db t.db --events e.ndjson --send "$relay" --live --until-idle > out 2>&1
same "without CAMP_BASE_URL mail that needs it does not begin to leave" 2 $?
holds "and says so" grep -q 'message `hello` has a topic, and a way out of it in its headers, so CAMP_BASE_URL must be set' out
export CAMP_BASE_URL=https://mail.shop.example
rm -f t.db*; CAMP_DKIM=s1=rsa.pem,s2=ed.pem timeout 60 camp run project --db t.db --events e.ndjson --send "$relay" --live --until-idle > out 2>&1
same "the mail is taken" sent "$(sqlite3 t.db 'select state from message')"
camp send project hello --to me@shop.example --with '{"items":[]}' --send "$relay" --live > out 2>&1
same "a test to oneself is taken" "A test of hello to me@shop.example, by $relay.
Taken." "$(cat out)"
kill $sink; wait $sink 2> /dev/null
same "and bears its mark" "Subject: [test] Your order, dear reader|X-Camp-Test: yes|" "$(grep -l '^X-Camp-Test' dump/* | xargs grep -h '^Subject\|^X-Camp-Test' | tr -d '\r' | tr '\n' '|')"
# smtp-sink writes what it heard before the mail, and an empty line behind it.
sed -n '/^DKIM-Signature/,$p' $(grep -L '^X-Camp-Test' dump/*) | tr -d '\r' | sed '$d' | sed 's/$/\r/' > mail.eml
node "$clients/read.js" mail.eml keys.json > read 2>&1
same "mailparser reads it, mailauth verifies it" 'subject: Your order, Zoë <b>
from: "Shop & Söhne" <news@shop.example>
reply to: "Help, every day" <help@shop.example>
to: zoe@müller.example
precedence: bulk
auto-submitted: auto-generated
feedback-id: parcel_rule:hello:orders:shop_example
list-unsubscribe-post: {"name":"List-Unsubscribe=One-Click"}
list-id: {"name":"orders.shop.example"}
unsubscribe: https://mail.shop.example/u/1.MAC bounce+1.MAC@shop.example?subject=unsubscribe
file: inline image/png '"$(sha256sum project/images/logo.png | cut -c 1-20)@camp 70 $(sha256sum project/images/logo.png | cut -c 1-12)"'
file: attachment application/pdf Unsere Bedingungen für 2026.pdf 15 '"$(sha256sum project/terms.pdf | cut -c 1-12)"'
cid shown: true
links: https://mail.shop.example/c/1-0.MAC https://shop.example/terms mailto:help@shop.example https://mail.shop.example/c/1-1.MAC https://mail.shop.example/u/1.MAC
pixel: true
text: "Our shop\n\nHello Zoë <b>,\n\nyour order of last week has left us, and here is what is in it. It should be with you on Friday; if it is not, write to us and we look for it.\n\nTea & co  4 EUR\nCup  9 EUR\n\nYour orders [1], our terms [2], help [3].\n\nShop Ltd, 1 High Street. Imprint [4], unsubscribe [5]\n\n[1] https://shop.example/orders?of=zoe%40m%C3%BCller.example&from=mail\n[2] https://shop.example/terms\n[3] mailto:help@shop.example\n[4] https://shop.example/imprint\n[5] https://mail.shop.example/u/1.MAC"
dkim rsa-sha256: pass shop.example
dkim ed25519-sha256: pass shop.example
dkim signs the ways out: true' "$(cat read)"
if /usr/bin/python3 -c 'import dkim' 2> /dev/null; then
  same "dkimpy verifies both" "True True" "$(/usr/bin/python3 "$clients/verify.py" mail.eml keys.json 2>&1)"
else say 1 "python3-dkim is needed; make deps installs it"; fi
same "a host beyond ASCII travels in ASCII" "To: zoe@xn--mller-kva.example" "$(grep "^To:" mail.eml | tr -d "\r")"
longest=$(tr -d '\r' < mail.eml | awk 'length > n { n = length } END { print n }')
holds "no line is longer than 998 bytes: $longest" test "$longest" -le 998
# --- SpamAssassin, its local rules -----------------------------------------------------------------------------------
HOME=$PWD spamassassin -L -t < mail.eml > judged 2> judged.log
score=$(sed -n 's/^X-Spam-Status: .*score=\(-*[0-9.]*\).*/\1/p' judged | head -1)
holds "SpamAssassin gives it less than 2 points: $score" sh -c "echo '$score' | awk '{ exit !(\$1 != \"\" && \$1 < 2) }'"
same "and none of its rules about form" "" "$(sed -n '/^Content analysis details/,$p' judged | grep -E '^ *[0-9.]+ (MIME|HEADER|MISSING|INVALID|SUBJ|FROM)_')"
# --- visits ----------------------------------------------------------------------------------------------------------
tr -d '\r' < mail.eml | awk '{ if (sub(/=$/, "")) { line = line $0 } else { print line $0; line = "" } }' | grep -o 'https://mail.shop.example/[a-z]/[^"<> ]*' | sort -u > urls
{ sed 's|https://mail.shop.example\(.*\)|203.0.113.7 - - [22/Nov/2026:10:00:00 +0000] "GET \1 HTTP/1.1" 302 0|' urls; sed -n 's|https://mail.shop.example\(/u/.*\)|"POST \1 HTTP/1.1" 200 0|p' urls; } > log
camp inbound --links log --db t.db > events 2> summary
same "visits become events; a look at the way out does not" '{"type":"track","event":"click","userId":"zoe","properties":{"message":"hello","campaign":"parcel_rule","link":"https://shop.example/imprint"}}
{"type":"track","event":"click","userId":"zoe","properties":{"message":"hello","campaign":"parcel_rule","link":"https://shop.example/orders?of=zoe%40m%C3%BCller.example&from=mail"}}
{"type":"track","event":"open","userId":"zoe","properties":{"message":"hello","campaign":"parcel_rule"}}
{"type":"track","event":"unsubscribe","userId":"zoe","properties":{"message":"hello","campaign":"parcel_rule","topic":"orders"}}' "$(sed 's/"messageId":"[^"]*",//' events | sort)"
same "read again they are the same" "$(cat events)" "$(camp inbound --links - --db t.db < log 2> /dev/null)"
sed 's|https://mail.shop.example||' urls > paths
{ sed 's/\.\([a-z2-7]\)/.x\1/' paths; sed 's|/c/\([0-9]*\)-0-|/c/\1-1-|; t; d' paths; sed 's|-[a-z2-7]\{8\}\.|-aaaaaaaa.|; t; d' paths; sed 's|-[a-z2-7]\{8\}\.|.|; t; d' paths; sed 's|/u/|/c/|; t; d' paths; sed 's|/o/|/u/|; t; d' paths
  sed 's/.$//; s/gi$//' paths | grep -v '/o/'; sed 's|/\([0-9]\)|/0\1|' paths; sed 's|/1|/2|' paths; echo "/c/"; echo "/c/1-0."; echo "/u/99999999999999999999.aaaa"; } | sed 's/^/POST /' > forged
same "forged, cut, of another kind, link or mail: no event" "" "$(camp inbound --links forged --db t.db 2> /dev/null)"
same "nor with another secret" "" "$(CAMP_SECRET=another camp inbound --links log --db t.db 2> /dev/null)"
# --- a message that was edited since -----------------------------------------------------------------------------------
cp -r project edited
sed -i 's/topic orders/topic parcels/' edited/p.camp
sed -i 's|<h1>|<p><a href="https://shop.example/new">New</a> <a href="https://shop.example/newer">Newer</a></p><h1>|; s|/orders?of|/baskets?of|' edited/hello.html
sed -i 's|<a href="https://shop.example/imprint">Imprint</a>, ||' edited/snippets/footer.liquid
camp run edited --db t.db --events /dev/null --send file:/dev/null --until-idle > out 2>&1
holds "the edited message is deployed" sh -c "sqlite3 t.db \"select count(*) from unit where name = 'hello' and place is null\" | grep -qx 1"
same "an old mail's links lead where they led, and its way out leaves the topic that it had" "$(cat events)" "$(camp inbound --links log --db t.db 2> /dev/null)"
camp run project --db t.db --events /dev/null --send file:/dev/null --until-idle > out 2>&1
printf 'From: zoe@m.example\nTo: %s\nSubject: unsubscribe\n\n\n' "$(tr -d '\r\n' < mail.eml | grep -o 'mailto:bounce[^?]*' | head -1 | cut -c 8-)" > leave.eml
same "a mail to the address of List-Unsubscribe unsubscribes" 'unsubscribe' "$(camp inbound leave.eml --db t.db 2> /dev/null | grep -o '"event":"[a-z]*"' | cut -d '"' -f 4)"
# --- a way out that stands in a snippet, or in the layout around a page -----------------------------------------------
mkdir -p ways/snippets ways/layouts
printf 'Out: {{ unsubscribe_url }}' > ways/snippets/footer.liquid
printf '<html><body>{%% block content %%}{%% endblock %%}<p>Out: {{ unsubscribe_url }}</p></body></html>' > ways/layouts/base.liquid
cat > ways/ways.camp <<'END'
topic news
message plain { topic news; subject "S"; body "Hello. {% render 'footer' %}" }
message page { topic news; subject "S"; body "{% layout 'base' %}{% block content %}<p>Hello</p>{% endblock %}" }
when signup then { subscribe to news, send plain, send page }
END
for message in plain page; do
  camp preview ways $message --contact ann@x.example > previewed 2>&1 || cat previewed
  holds "a way out in what the $message takes in leads somewhere" grep -q 'Out: https://mail.shop.example/u/' $message.eml
done

# --- whom a mail may be from -----------------------------------------------------------------------------------------
cat > foreign.camp <<'END'
message theirs { from "news@other.example"; subject "Theirs"; body "Theirs" }
message below { from "Shop <hello@mail.shop.example>"; subject "Below"; body "Below" }
when purchase then { send theirs, send below }
END
echo '{"type":"track","event":"purchase","userId":"ann@x.example","messageId":"1"}' > f.ndjson
mkdir foreign; chmod 777 foreign
smtp-sink $user -R "$PWD/foreign" -d m. 127.0.0.1:$port 100 > sink.log 2>&1 & sink=$!
for look in $(seq 50); do grep -qi ":$(printf '%04X' $port) 00000000:0000 0A" /proc/net/tcp && break; sleep 0.1; done
timeout 60 camp run foreign.camp --db f.db --events f.ndjson --send "$relay" --live --until-idle > out 2>&1
same "a message from another domain fails, one from a host below ours leaves" 'below|sent|
theirs|failed|its `from` is of another domain than CAMP_FROM, which receivers would take for forged' "$(sqlite3 f.db 'select message, state, reason from message order by 1')"
kill $sink; wait $sink 2> /dev/null
same "and is what it says" "From: Shop <hello@mail.shop.example>" "$(cat foreign/* | tr -d '\r' | grep '^From:')"

# --- what contacts write ---------------------------------------------------------------------------------------------
cat > attack.camp <<'END'
message hello {
  subject "Hi {{ contact.first_name | default: "you" }}"
  from "{{ contact.last_name | default: "Shop" }} <news@shop.example>"
  reply to "{{ contact.city | default: "help@shop.example" }}"
  body "<p>Dear {{ contact.first_name | default: "you" }}, <a href='https://shop.example/{{ contact.city | default: "" }}'>look</a></p>"
}
parcel_rule: when purchase then send hello
END
cat > attack.js <<'END'
const out = [];
const person = (key, traits) => {
  out.push({ type: "identify", userId: key, messageId: "i" + key, traits });
  out.push({ type: "track", event: "purchase", userId: key, messageId: "p" + key });
};
person("crlf", { email: "a@x.example", first_name: "A\r\nBcc: all@evil.example\r\n\r\nbody" });
person("bare_cr", { email: "a@x.example", first_name: "A\rBcc: all@evil.example" });
person("separator", { email: "a@x.example", first_name: "A\u2028Bcc: all@evil.example\u2029\u0085B" });
person("from", { email: "a@x.example", last_name: "Boss\" <boss@evil.example>, \"" });
person("from_crlf", { email: "a@x.example", last_name: "Boss\r\nBcc: all@evil.example" });
person("reply", { email: "a@x.example", city: "evil@evil.example, other@evil.example" });
person("reply_crlf", { email: "a@x.example", city: "evil@evil.example\r\nBcc: x@evil.example" });
person("to_two", { email: "a@x.example, b@x.example" });
person("to_name", { email: "Ann <a@x.example>" });
person("to_comment", { email: "a(comment)@x.example" });
person("to_quoted", { email: "\"a b\"@x.example" });
person("to_quote_open", { email: "\"a@x.example" });
person("to_crlf", { email: "a@x.example\r\nRCPT TO:<b@x.example>" });
person("to_idn", { email: "a@b\u00fccher.example" });
person("to_no_host", { email: "a@-.example" });
person("tags", { email: "a@x.example", first_name: "<script>alert(1)</script><p" });
person("boundary", { email: "a@x.example", first_name: "--=_camp_" + "0".repeat(24) + "a" });
person("large", { email: "a@x.example", first_name: "x".repeat(200000) });
console.log(out.map(e => JSON.stringify(e)).join("\n"));
END
node attack.js > a.ndjson; unset CAMP_RETURN_PATH
camp run attack.camp --db a.db --events a.ndjson --send maildir:box --until-idle > out 2>&1
same "an address or a sender that is none fails its mail, with the reason" 'bare_cr|sent|
boundary|sent|
crlf|sent|
from|sent|
from_crlf|failed|its `from` holds a control character
large|failed|the subject of message `hello` is longer than 2000 bytes
reply|failed|its `reply to` holds a character that no address has
reply_crlf|failed|its `reply to` holds a control character
separator|sent|
tags|sent|
to_comment|failed|the address (contact.email) holds a character that no address has: a(comment)@x.example
to_crlf|failed|the address (contact.email) holds a control character at byte 12
to_idn|sent|
to_name|failed|the address (contact.email) holds a blank: Ann <a@x.example>
to_no_host|failed|the address (contact.email) has no host name behind its @: a@-.example
to_quote_open|failed|the address (contact.email) has quotes that do not end before its @: "a@x.example
to_quoted|sent|
to_two|failed|the address (contact.email) holds a character that no address has: a@x.example, b@x.example' "$(sqlite3 a.db 'select contact, state, reason from message order by contact')"
same "nobody was added to a mail" "" "$(for f in box/new/*; do sed '/^$/q' "$f"; done | grep -i '^\(bcc\|cc\):')"
same "no header came of a value" "" "$(for f in box/new/*; do sed '/^$/q' "$f"; done | grep -v '^[ 	]' | sed 's/:.*//' | sort -u | grep -v -x 'From\|To\|Reply-To\|Subject\|Date\|Message-ID\|MIME-Version\|Content-Type\|Content-Transfer-Encoding\|X-Camp-[A-Z][a-z]*\|')"
cat > parts.js <<'END'
const { simpleParser } = require(require.resolve("mailparser", { paths: [process.env.CLIENTS] })), fs = require("fs");
(async () => {
  for (const file of fs.readdirSync("box/new").sort()) {
    const m = await simpleParser(fs.readFileSync("box/new/" + file), { skipImageLinks: true });
    const whole = m.html && m.text && m.attachments.length === 0 && !/<script/.test(m.html) && /<\/a><\/p>/.test(m.html) && m.from.value.length === 1;
    console.log(file.replace(/%2F.*/, ""), whole ? "whole" : "torn", m.from.value.map(f => f.address).join());
  }
})();
END
node parts.js > parts 2>&1
same "each mail has its two parts, one sender and no tag of a contact's" "bare_cr whole
boundary whole
crlf whole
from whole
separator whole
tags whole
to_idn whole
to_quoted whole" "$(sed 's/ news@shop.example$//' parts)"
finish
