#!/bin/sh
# What contacts and events hold, in every place of a message where a script may put it: whatever it is, a mail has the headers that it should
# have, the reader's program is told nothing new by it, and what cannot be sent fails alone with a reason that says why. Mails are read by Python's
# email package. Then files that a message may not attach or show.
. "$CAMP_ROOT/tests/8-cli/lib.sh"
cat > p.camp <<'END'
contact { bio: text; nick: text }
event order { note: text }
topic news
message hello {
  topic news
  subject "For {{ contact.nick | default: "you" }}: {{ note }}"
  from "{{ contact.nick | default: "Shop" }} <news@shop.example>"
  reply to "{{ contact.nick | default: "Shop" }} <help@shop.example>"
  preheader "P {{ note }}"
  body """
    <p title='{{ note }}'>{{ note }} <a href="https://x.example/?q={{ note | url_encode }}">x</a> <a href="https://x.example/{{ note }}">y</a></p>
    {{ unsubscribe_url }}
    """
}
message plain { transactional; subject "S {{ note }}"; body "{{ note }}{% for i in (1..20) %}{{ contact.bio | default: "" }}{% endfor %}" }
message text { transactional; channel sms; body "{{ note }}" }
message endless { transactional; subject "E"; body "{% for i in (1..3000000) %}{% endfor %}" }
message joined { transactional; subject "J"; body "{% assign a = contact.bio | default: 'x' %}{% for i in (1..40) %}{% assign a = a | append: a %}{% endfor %}" }
when order then { send hello with { note: order.note }, send plain with { note: order.note }, send text with { note: order.note } }
when visit then { send endless, send joined }
message blanks { transactional; subject "{% if true %}\n  Now,  {{ contact.nick | default: "" }} {% endif %}"; body "B" }
when page_view then send blanks
END
holds "the script has no mistake" camp check p.camp
cat > events.py <<'END'
import json, sys
out = open("e.ndjson", "wb")
def line(b): out.write(b + b"\n")
def track(user, event, properties): line(b'{"type":"track","event":"%s","userId":"%s","messageId":"%s %s","properties":%s}' % (event, user, event[:1], user, properties))
def identify(user, traits): line(json.dumps({"type": "identify", "userId": user, "messageId": "i" + user, "traits": traits}).encode())
def order(user, note):
    user = user.encode()
    track(user, b"subscribe", b'{"topic":"news"}')
    track(user, b"order", b'{"note":"%s"}' % note)
for user, note in {
    "nul": b"a\\u0000b", "lone": b"a\\ud800b", "bytes": b"a\xff\xc0\x80b", "big": b"y" * 10000000,
    "lines": b"a\\r\\nBcc: eve@x.example\\r\\n\\r\\n<b>hi", "turn": b"a\\u202egnp.exe\\u2066b", "ends": b"a\\u2028b\\u0085c\\u000bd\\u000ce",
    "html": b"<script>alert(1)</script>\\\"' onload=x", "liquid": b"{{ contact.bio }} {% raw %}", "dots": b"a\\n.\\r\\n..\\n.b",
    "encoded": b"=?utf-8?q?a=0D=0ABcc:x?=", "controls": b"\\t\\u0001\\u0011x\\u0012y\\u0013\\u001b[31m", "boundary": b"a\\n--=_camp_\\nFrom me",
    "long": b"x" * 200000, "script": b"javascript:alert(1)" }.items(): order(user, note)
for user, traits in {
    "nick_lines": {"nick": "Eve\r\nBcc: x@y <eve@evil.example>, a"}, "nick_address": {"nick": "Eve <eve@evil.example>"}, "nick_turn": {"nick": "\u202eevE"},
    "nick_list": {"nick": ["a", "b"]}, "bio_big": {"bio": "b" * 100000}, "attribute_big": {"bio": "b" * 10000000},
    "mail_lines": {"email": "a@x.example\nBcc: b@x.example"}, "mail_list": {"email": ["a@x.example", "b@x.example"]},
    "mail_two": {"email": "a@x.example, b@x.example"}, "mail_none": {"email": ""} }.items():
    identify(user, traits)
    order(user, b"n")
identify("loop", {"bio": "b" * 100})
track(b"loop", b"visit", b"{}")
track(b"loop", b"page_view", b'{"page":"/"}')
END
python3 events.py
CAMP_SECRET='a secret' CAMP_BASE_URL=https://m.example timeout 100 camp run p.camp --db t.db --events e.ndjson --send maildir:out --until-idle > out.txt 2>&1
same "the run ends well" 0 $?
same "lines that are no JSON, and those of 10 MB, are kept with their reason" 'not JSON: \u0000 is not allowed in text at byte 92
not JSON: half of a surrogate pair at byte 94
not JSON: the text is not UTF-8 at byte 95
the line is longer than 262144 bytes
the line is longer than 262144 bytes' "$(camp rejects --db t.db | sed -n 's/^[^ ]*:[0-9]*: //p')"
same "what cannot be sent fails alone, with its reason" 'bio_big|plain|the body of message `plain` is longer than 1048576 bytes
long|hello|the subject of message `hello` is longer than 2000 bytes
long|plain|the subject of message `plain` is longer than 2000 bytes
loop|endless|the template runs through more than 1000000 steps, or needs more than 16 MB to be written
loop|joined|the template runs through more than 1000000 steps, or needs more than 16 MB to be written
mail_lines|hello|the address (contact.email) holds a control character at byte 12
mail_lines|plain|the address (contact.email) holds a control character at byte 12
mail_list|hello|the address (contact.email) holds a character that no address has: ["a@x.example", "b@x.example"]
mail_list|plain|the address (contact.email) holds a character that no address has: ["a@x.example", "b@x.example"]
mail_two|hello|the address (contact.email) holds a character that no address has: a@x.example, b@x.example
mail_two|plain|the address (contact.email) holds a character that no address has: a@x.example, b@x.example
nick_lines|hello|its `from` holds a control character
nick_turn|hello|its `from` holds a control character' "$(sqlite3 t.db "select contact, message, reason from message where state <> 'sent' order by 1, 2")"
cat > read.py <<'END'
import glob, email, email.policy, html.parser, re
class Page(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        if tag not in ("div", "p", "a", "img") or any(name.startswith("on") for name, value in attributes): print("WRONG page", path, tag, attributes)
allowed = "From Reply-To To Subject Date Message-ID MIME-Version List-Unsubscribe List-Unsubscribe-Post List-Id Feedback-ID Precedence Auto-Submitted \
X-Camp-Key X-Camp-Campaign X-Camp-Mail Content-Type Content-Transfer-Encoding".split()
for path in sorted(glob.glob("out/new/*")):
    raw = open(path, "rb").read()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    who = str(mail["X-Camp-Key"]).split("/")[0]
    odd = [k for k in mail.keys() if k not in allowed or len(mail.get_all(k)) > 1]
    if odd or mail.defects or max(map(len, raw.split(b"\n"))) > 998: print("WRONG", path, odd, mail.defects)
    if mail.get_body(("html",)):
        page = mail.get_body(("html",)).get_content()
        print(who, "|", ascii(str(mail["Subject"])), "|", str(mail["From"]), "|", ascii(page.split("</div>")[1].split("</p>")[0])[1:-1])
        Page().feed(page)
    if str(mail["X-Camp-Key"]).endswith("1.3"):
        sms = mail.get_content()
        if sms.count("\n") != 1 or re.search("[\x00-\x09\x0b-\x1f\u2028\u2029\u202a-\u202e\x85]", sms): print("WRONG sms", path, ascii(sms))
END
same "subjects, names and pages" "$(cat "$CAMP_ROOT/tests/7-send/merged.txt")" "$(python3 read.py | sed 's|/c/[^"]*|/c/TOKEN|g')"
python3 - > urls <<'END'
import glob, email, email.policy, re
for path in sorted(glob.glob("out/new/*")):
    mail = email.message_from_bytes(open(path, "rb").read(), policy=email.policy.default)
    if mail.get_body(("html",)):
        for url in re.findall(r'href="(https://m.example/c/[^"]*)"', mail.get_body(("html",)).get_content()): print(url)
END
same "where links lead holds nothing that ends a header" "" "$(CAMP_SECRET='a secret' camp inbound --links urls --db t.db 2> /dev/null | grep -o '"link":"[^}]*"' | grep -e '\\' -e ' ' -e '<')"
same "each leads somewhere" "$(wc -l < urls)" "$(CAMP_SECRET='a secret' camp inbound --links urls --db t.db 2> /dev/null | grep -c '"link":"https://x.example/')"

same "a subject has no blanks around it" "Now," "$(sqlite3 t.db "select count(*) from message where message = 'blanks' and state = 'sent'" | grep -qx 1 && grep -rh "^X-Camp-Campaign: when_page_view\|^Subject: Now" out/new | sed -n 's/^Subject: //p')"

# --- files -----------------------------------------------------------------------------------------------------------
mkdir -p files/inside; echo secret > outside.txt; printf '%%PDF-1.4\n' > files/inside/ok.pdf
ln -s ../../outside.txt files/inside/link.txt; ln -s .. files/inside/up; ln -s /etc files/etc; ln -s ok.pdf files/inside/fine.pdf; ln -s loop.txt files/loop.txt; mkfifo files/pipe.txt
echo iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg== | base64 -d > outside.png; ln -s ../outside.png files/link.png
head -c 6000000 /dev/zero > files/big.bin; : > files/empty.txt
refused() { # what path words
  printf 'message m { subject "S"; body "<p>b</p>"; attach file "%s" }\nwhen signup then send m\n' "$2" > files/a.camp
  same "attached: $1" "files/a.camp:1:56: $3" "$(timeout 20 camp check --format short files 2>&1 | head -1 | cut -d ';' -f 1 | cut -c 1-200)"
}
refused "a path with two dots" "../outside.txt" 'error[E0582]: `../outside.txt` lies outside of the project'"'s folder"
refused "one that leads back in" "../files/../outside.txt" 'error[E0582]: `../files/../outside.txt` lies outside of the project'"'s folder"
refused "a path from the root" "/etc/hostname" 'error[E0582]: `/etc/hostname` lies outside of the project'"'s folder"
refused "a link to a file outside" "inside/link.txt" 'error[E0582]: `inside/link.txt` lies outside of the project'"'s folder"
refused "a link to a folder outside" "etc/hostname" 'error[E0582]: `etc/hostname` lies outside of the project'"'s folder"
refused "a link up, and out" "inside/up/../outside.txt" 'error[E0582]: `inside/up/../outside.txt` lies outside of the project'"'s folder"
refused "no file" "none.pdf" 'error[E0581]: there is no file `none.pdf`'
refused "a link to itself" "loop.txt" 'error[E0581]: there is no file `loop.txt`'
refused "a folder" "inside" 'error[E0581]: there is no file `inside`'
refused "a pipe" "pipe.txt" 'error[E0581]: there is no file `pipe.txt`'
refused "6 MB" "big.bin" 'error[E0583]: what a message attaches and shows is at most 5 MB together, and with this one it is more'
refused "no name" "" 'error[E0581]: there is no file ``'
printf 'message m { subject "S"; body "<img src='"'link.png'"' alt=x>"; attach file "inside/fine.pdf"; attach file "empty.txt" as "a\\"\\nb/../c.txt" }\nwhen signup then send m\n' > files/a.camp
same "shown: a link to a picture outside; a link inside and an empty file pass" 'files/a.camp:1:42: error[E0582]: `link.png` lies outside of the project'"'s folder" "$(camp check --format short files 2>&1 | cut -d ';' -f 1)"
finish
