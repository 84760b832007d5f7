#!/bin/sh
# Liquid as Shopify has it: the conformance suites where they are at hand, beside the project; made cases everywhere.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
suites=$CAMP_ROOT/../shared/liquid
holds "made cases: numbers, logic, loops, texts, dates" node "$CAMP_ROOT/tests/tools/liquid.js" "$CAMP"
if [ -f "$suites/golden.json" ] && [ -f "$suites/liquid-spec.json" ]; then
  node "$CAMP_ROOT/tests/tools/liquid.js" "$CAMP" "$suites/golden.json" "$suites/liquid-spec.json" > suites
  sed 's/^\(not \)\{0,1\}ok /# &/' suites
  same "every case of both suites" "ok 704 of 704 ok 4191 of 4191" "$(sed -n 's/^ok [0-9]* - .*: /ok /p' suites | xargs)"
fi
answer() { printf '%s\n' "$1" | camp liquid; }
same "a template, data and a snippet" '{"text":"Hello ADA! <b>Ada</b>","errors":[]}' \
  "$(answer '{"template":"Hello {{ name | upcase }}! {% render '"'bold'"', text: name %}","data":{"name":"Ada"},"templates":{"bold":"<b>{{ text }}</b>"}}')"
same "what does not compile" '{"text":null,"errors":["Liquid syntax error (line 2): Unknown tag '"'nosuch'"'"]}' "$(answer '{"template":"a\n{% nosuch %}"}')"
same "what fails while it renders" '{"text":"1 Liquid error (line 1): divided by 0 3","errors":["Liquid error (line 1): divided by 0"]}' \
  "$(answer '{"template":"1 {{ 2 | divided_by: 0 }} 3"}')"
same "a loop's second else ends it, as in the reference" '{"text":"c","errors":[]}' \
  "$(answer '{"template":"{% for i in (1..0) %}a{% else %}b{% else %}c"}')"
same "a NUL in a template is told whole" '{"text":null,"errors":["Liquid syntax error (line 1): Unexpected character \u0000 in \"{{ 1 \u0000 }}\""]}' "$(answer '{"template":"{{ 1 \u0000 }}"}')"
same "lines are counted as in the reference, even before the first" \
  '{"text":null,"errors":["Liquid syntax error (line -1): Expected end_of_string but found id in \"{{1 a }}\""]}' \
  "$(answer '{"template":"{% liquid liquid liquid echo 1 a %}"}')"
same "any second is a day" "292277026596-12-04 Sunday 3170843-11-07 -1199-02-15" \
  "$(answer "{\"template\":\"{{ 9223372036854775807 | date: '%F %A' }} {{ 99999999999999 | date: '%F' }} {{ -99999999999 | date: '%F' }}\"}" | cut -d'"' -f4)"
same "a large integer has bits too" '0 1 0 1 1' \
  "$(answer '{"template":"{{ n | sum: 0 }} {{ n | sum: 1 }} {{ n | sum: 2 }} {{ n | sum: 64 }} {{ m | sum: 99 }}","data":{"n":18446744073709551618,"m":-18446744073709551618}}' | cut -d'"' -f4)"
same "-0.0 is 0.0, hashes are the same in any order" '0.0 | {\"a\"=>1, \"b\"=>2}' \
  "$(answer '{"template":"{{ n | uniq | join }} | {{ h | uniq | join }}","data":{"n":[0.0,-0.0],"h":[{"a":1,"b":2},{"b":2,"a":1}]}}' | sed 's/.*text":"\(.*\)","errors.*/\1/')"
same "the last of a long text" "$(printf '%040d' 0)x" \
  "$(answer "{\"template\":\"{{ s | append: s | replace_last: s, 'x' }}\",\"data\":{\"s\":\"$(printf '%040d' 0)\"}}" | cut -d'"' -f4)"
same "bytes that are no text: a mark for each beginning of a character" '"\xef\xbf\xbda\xef\xbf\xbd\xef\xbf\xbdb"' "$(printf '"%s"' "$(answer '{"template":"{{ s | base64_decode }}","data":{"s":"4p5h7aBi"}}' | cut -d'"' -f4)" | sed 's/\xef\xbf\xbd/\\xef\\xbf\\xbd/g')"
limit() { answer "{\"template\":\"$1\",\"limits\":{\"$2\":$3}}" | sed 's/.*"errors":\[\(.*\)\].*/\1/'; }
reached='"Liquid error: Memory limits exceeded"'
same "a text of ten bytes fits into ten" "" "$(limit '0123456789' render_length_limit 10)"
same "and not into nine" "$reached" "$(limit '0123456789' render_length_limit 9)"
same "what is captured is no text yet" "" "$(limit '{% capture x %}0123456789{% endcapture %}{{ x | size }}' render_length_limit 9)"
same "assigned bytes" "$reached" "$(limit "{% assign x = '0123456789' %}" assign_score_limit 9)"
same "captured bytes" "$reached" "$(limit "{% capture x %}0123456789{% endcapture %}" cumulative_assign_score_limit 9)"
same "as many as allowed" "" "$(limit "{% assign x = '0123456789' %}" assign_score_limit 10)"
same "tags and outputs" "$reached" "$(limit '{% for i in (1..10) %}x{% endfor %}' render_score_limit 10)"
same "no JSON" '{"text":null,"errors":["this is not JSON"]}' "$(answer 'hello' | sed 's/\["[^]]*"\]/["this is not JSON"]/')"
same "no template" '{"text":null,"errors":["a request is a JSON object with a text \"template\""]}' "$(answer '{"data":{}}')"
same "no such mode" '{"text":null,"errors":["\"mode\" must be lax, warn, strict or strict2"]}' "$(answer '{"template":"","mode":"loose"}')"
same "a snippet that is no text" '"\"templates\" must be an object of texts"' "$(answer '{"template":"","templates":{"a":1}}' | sed 's/.*\[\(.*\)\].*/\1/')"
same "a limit that nobody knows" 1 "$(answer '{"template":"a","limits":{"render_length":1}}' | grep -c 'a name that is none')"
same "a limit of nothing" '{"text":null,"errors":["a limit is a number, at least 1"]}' "$(answer '{"template":"a","limits":{"render_length_limit":0}}')"
same "no limit" '{"text":"a","errors":[]}' "$(answer '{"template":"a","limits":{"render_length_limit":null}}')"
same "a range with a quoted white space is a variable of the words in it, as in the reference" '{"text":"7 1..3","errors":[]}' \
  "$(answer '{"template":"{{ (\" a\"..b) }} {{ (1..\"3\") }}","data":{"a":{"b":7}}}')"
dashes() { answer "{\"template\":\"$1\",\"templates\":{\"a\":\" A\",\"b\":\" B {{ 1 -}}\",\"c\":\"{{ 0 }} C\",\"d\":\"\"}}" | cut -d'"' -f4; }
same "a snippet begins as what was read before it ends, as in the reference" "A| A| B 1A B 1|A A|0 C A| A|A" \
  "$(dashes "{% render 'a' -%}")|$(dashes "{% render 'a' %}")|$(dashes "{% render 'b' %}{% render 'a' %}{% include 'b' %}")|$(dashes "{% include 'a' %} {% include 'a' %}{% # -%}" )|$(dashes "{% render 'c' %}{% include 'a' -%}")|$(dashes "{% include 'd' %}{% include 'a' %}")|$(dashes "{% include 'd' %}{% include 'a' -%}")"
same "a line of its own for each request, in order" "1 2 3" \
  "$(printf '{"template":"1"}\n\n{"template":"2"}\r\n{"template":"3"}' | camp liquid | sed 's/.*text":"\([0-9]\).*/\1/' | xargs)"

# Messages are templates: what a contact gets, to the byte, and what becomes of one whose template fails.
cat > shop.camp <<'C'
contact {
  points: number
  plan: text = "free"
}
message hello {
  channel email
  subject "Hi {{ contact.first_name | capitalize | default: 'friend' }}, {{ total | money }}"
  body """
    <p>{{ contact.first_name }}{% if contact.points > 100 %}, <b>{{ contact.points | times: 2 | number }}</b> points{% endif %}</p>
    {% for item in items %}{{ forloop.index }}. {{ item }}; {% endfor %}{{ contact.plan | upcase }} {{ "<i>" | raw }}
    """
}
message text { channel sms; body "{{ note }}{% unless contact.first_name %}{% abort_message 'who is it?' %}{% endunless %}{{ 6 | divided_by: contact.points }}" }
campaign c {
  start when purchase
  send hello with { total: 1234.5 EUR, items: ["a", "b&c"] }
  send text with { note: "two\nlines" }
}
C
cat > shop.ndjson <<'J'
{"type":"identify","userId":"ada","timestamp":"2026-01-05T09:00:00Z","traits":{"first_name":"a<b>\r\nBcc: x","points":1500}}
{"type":"identify","userId":"eve","timestamp":"2026-01-05T09:00:00Z","traits":{"first_name":"Eve"}}
{"type":"track","userId":"ada","event":"purchase","timestamp":"2026-01-05T10:00:00Z"}
{"type":"track","userId":"bob","event":"purchase","timestamp":"2026-01-05T10:00:01Z"}
{"type":"track","userId":"eve","event":"purchase","timestamp":"2026-01-05T10:00:02Z"}
J
camp simulate shop.camp --events shop.ndjson --send file:shop.out --db shop.db > /dev/null 2>&1
sent() { sed -n "s/.*\"to\":\"$1\".*\"message\":\"$2\".*\"$3\":\"\(.*\)\".*/\1/p" shop.out | sed 's/","body":.*//'; }
same "a subject stays on one line" 'Hi A<b>  bcc: x, 1,234.50 EUR' "$(sent ada hello subject)"
same "HTML is escaped once" '<p>a&lt;b&gt;\r\nBcc: x, <b>3,000</b> points</p>\n1. a; 2. b&amp;c; FREE <i>\n' "$(sent ada hello body)"
same "what is missing is nothing" '<p></p>\n1. a; 2. b&amp;c; FREE <i>\n' "$(sent bob hello body)"
same "an SMS stays on one line" 'two lines0' "$(sent ada text body)"
same "who gets nothing, and why" "who is it?" "$(camp contact bob --db shop.db | sed -n 's/.*text.*failed: its template wants it not to leave: //p')"
same "an error fails the message" "divided by 0" "$(camp contact eve --db shop.db | sed -n 's/.*text.*failed: the template: Liquid error (line 1): //p')"
same "no contact reads of an error" 0 "$(grep -c 'Liquid error' shop.out)"

# Snippets and layouts, from files beside the script; one in a folder of its own is looked for in the folders above it, too.
mkdir -p taken/mail/snippets taken/snippets taken/layouts
printf '<h1>{%% block title %%}News{%% endblock %%}</h1>{{ content_for_layout }}{%% block foot -%%} <hr> {%%- endblock %%}.' > taken/layouts/base.html
printf '<li>{{ item }} {{ forloop.index }}/{{ forloop.length }}</li>' > taken/snippets/item.liquid
printf '&copy; {{ year }} {{ contact.first_name }} {{ code }}' > taken/snippets/foot.liquid
printf 'near' > taken/mail/snippets/near.liquid
printf 'far' > taken/snippets/near.liquid
cat > taken/mail/mails.camp <<'C'
message inside {
  subject "{% render 'near' %} {{ contact.first_name }}"
  body """
    {% # a note %}
    {% layout "base.html" %}
    {% assign who = contact.first_name | default: "you" %}
    {% block title %}Sale, {{ block.super }} {{ who }}{% endblock %}
    {% render "item" for items %}{% render "foot", year: 2026 %}
    """
}
C
cat > taken/start.camp <<'C'
message plain { subject "{% render 'near' %}"; body "{% include 'foot', year: 1 %}{% render 'item' with items[1] as item %}" }
when signup then { send inside with { items: ["<a>", "b"], code: "X" }; send plain with { items: ["<a>", "b"], code: "X" } }
C
cat > taken.ndjson <<'J'
{"type":"identify","userId":"ada","timestamp":"2026-01-05T09:00:00Z","traits":{"first_name":"A&B"}}
{"type":"track","userId":"ada","event":"signup","timestamp":"2026-01-05T10:00:00Z"}
J
camp simulate taken --events taken.ndjson --send file:taken.out --db taken.db > /dev/null 2>&1
taken() { sed -n "s/.*\"message\":\"$1\".*\"$2\":\"\(.*\)\".*/\1/p" taken.out | sed 's/","body":.*//'; }
same "a snippet in a subject, the nearest file" 'near A&B' "$(taken inside subject)"
same "a layout, its blocks, what stands outside of them, and snippets in HTML" \
  '<h1>Sale, News A&amp;B</h1>\n\n\n<li>&lt;a&gt; 1/2</li><li>b 2/2</li>&copy; 2026 A&amp;B X\n<hr>.' "$(taken inside body)"
same "the same snippets in a text, and the file of the folder above" 'far' "$(taken plain subject)"
same "text is not escaped" '&copy; 1 A&B X<li>b /</li>' "$(taken plain body)"

# Dates are in the contact's zone, and in the project's for who has none; names of months in the language that the text asks for.
cat > zones.camp <<'C'
zone "Europe/Paris"
contact { ends: moment; language: text }
message due {
  subject "{{ contact.ends | date: '%d.%m.%Y %H:%M' }}"
  body "{{ contact.ends | date: '%-d %B %H:%M %z', locale: contact.language }}, {{ 'now' | date: '%H:%M', zone: 'Asia/Tokyo' }}, {{ '2026-08-05' | date: '%d' }}"
}
when signup then send due
C
cat > zones.ndjson <<'J'
{"type":"identify","userId":"ann","timestamp":"2026-01-05T09:00:00Z","traits":{"ends":"2026-07-31T23:30:00Z","language":"fr-CA"}}
{"type":"identify","userId":"bob","timestamp":"2026-01-05T09:00:00Z","traits":{"ends":"2026-07-31T23:30:00Z","timezone":"America/New_York"}}
{"type":"track","userId":"ann","event":"signup","timestamp":"2026-01-05T10:00:00Z"}
{"type":"track","userId":"bob","event":"signup","timestamp":"2026-01-05T10:00:00Z"}
J
camp simulate zones.camp --events zones.ndjson --send file:zones.out --db zones.db > /dev/null 2>&1
due() { sed -n "s/.*\"to\":\"$1\".*\"subject\":\"\(.*\)\",\"body\":\"\(.*\)\".*/\1 - \2/p" zones.out; }
same "in the project's zone, in French" '01.08.2026 01:30 - 1 août 01:30 +0200, 19:00, 05' "$(due ann)"
same "in the contact's own, in English" '31.07.2026 19:30 - 31 July 19:30 -0400, 19:00, 05' "$(due bob)"
finish
