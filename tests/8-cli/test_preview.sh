#!/bin/sh
# camp preview: the files that it writes, for a message that is a text and one that is a page; and when it writes none.
. "$CAMP_ROOT/tests/8-cli/lib.sh"
printf '\211PNG\r\n\032\npicture' > logo.png
cat > p.camp <<'END'
message text { subject "S"; body "Tom & <b>Ann</b>: see https://x.example/?a=1&b=2. (http://y.example/)\n\n  Bye" }
message page { subject "S"; body "<h1>Hi {{ contact.first_name | default: 'you' }}</h1><p><img src='logo.png' alt='Shop'> <a href='https://x.example/?a=1&amp;b={{ code }}'>Look</a></p>" }
message push { channel sms; body "Hi" }
when signup then { send text, send page with { code: "X" }, send push }
END
holds "a text" camp preview p.camp text
same "as programs show it" 'Tom &amp; &lt;b>Ann&lt;/b>: see <a href="https://x.example/?a=1&amp;b=2">https://x.example/?a=1&amp;b=2</a>. (<a href="http://y.example/">http://y.example/</a>)

  Bye' "$(sed '1s/^<!doctype html>.*pre-wrap[^>]*>//' text.html)"
holds "has no text beside it" test ! -e text.txt
camp preview p.camp page --with '{"code":"A<b>","contact":{"first_name":"Ann <b>"}}' > out
same "a page, and its text" './page.eml is the mail, ./page.html its page, and for programs without HTML ./page.txt' "$(sed -n '2s/;.*//p' out)"
same "its pictures are in it" "<h1>Hi Ann &lt;b&gt;</h1><p><img src='data:image/png;base64,$(base64 -w 0 logo.png)' alt='Shop'> <a href='https://x.example/?a=1&amp;b=A&lt;b&gt;'>Look</a></p>" "$(cat page.html)"
same "the text" 'Hi Ann <b>

Shop Look [1]

[1] https://x.example/?a=1&b=A%3Cb%3E' "$(cat page.txt)"
holds "an SMS is a text, too" camp preview p.camp push
same "of which there is no mail to see but its words" "Hi" "$(sed '1s/^<!doctype html>.*pre-wrap[^>]*>//' push.html)"
refuses "a folder that is not there" 2 "cannot write into /proc/nowhere" camp preview p.camp page --out /proc/nowhere
refuses "a message that is not there" 2 'did you mean "page"' camp preview p.camp pge
refuses "values that are none" 2 "is a JSON object such as" camp preview p.camp page --with '[1]'
finish
