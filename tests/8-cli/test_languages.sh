#!/bin/sh
# Messages in several languages: which text each contact gets, and what is wrong with some. A time zone that a script sets.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
printf 'Bienvenue, {{ code }}.\n' > hello.fr.txt
cat > main.camp <<'C'
message hello {
  channel sms
  subject { en "Hello"; fr "Bonjour"; "pt-BR" "Oi"; "pt" "Ola" }
  body {
    "pt-BR" "Bem-vindo, {{ code }}."
    en "Welcome, {{ code }}."
    fr file "hello.fr.txt"
    pt "Boas-vindas, {{ code }}."
  }
}
message terms { channel sms; subject "Terms"; body { de "Bitte lesen."; en "Please read." } }
when signup then { send hello with { code: "X" }, send terms }
C
say_hello() { # contact language
  printf '{"type":"identify","userId":"%s","traits":{%s},"timestamp":"2026-01-05T09:00:00Z"}\n' "$1" "${2:+\"language\":$2}"
  printf '{"event":"signup","userId":"%s","timestamp":"2026-01-05T10:00:00Z"}\n' "$1"
}
{ say_hello a; say_hello b '"fr"'; say_hello c '"fr-CA"'; say_hello d '"FR_be"'; say_hello e '"pt-BR"'; say_hello f '"pt_br"'; say_hello g '"pt-AO"'
  say_hello h '"en-GB"'; say_hello i '"de"'; say_hello j '"zh-Hant-TW"'; say_hello k '""'; say_hello l '7'; say_hello m '"f"'; say_hello n '"fr-"'
  say_hello o "\"fr-$(printf 'x%.0s' $(seq 60))\""; } | sort -t'"' -k 11 > e.ndjson
holds "clean" sh -c 'camp check main.camp && camp fmt --check main.camp'
holds "it runs" camp simulate main.camp --events e.ndjson --send file:out.ndjson
texts() { grep "\"message\":\"$1\"" out.ndjson | sed 's/.*"contact":"\(.\)".*"subject":"\([^"]*\)","body":"\([^"]*\)".*/\1 \2, \3/' | sort; }
same "each gets the nearest language, else the first" "a Hello, Welcome, X.
b Bonjour, Bienvenue, X. 
c Bonjour, Bienvenue, X. 
d Bonjour, Bienvenue, X. 
e Oi, Bem-vindo, X.
f Oi, Bem-vindo, X.
g Ola, Boas-vindas, X.
h Hello, Welcome, X.
i Hello, Welcome, X.
j Hello, Welcome, X.
k Hello, Welcome, X.
l Hello, Welcome, X.
m Hello, Welcome, X.
n Bonjour, Bienvenue, X. 
o Hello, Welcome, X." "$(texts hello)"
same "one part may be said once for all" "a Terms, Bitte lesen.|h Terms, Please read.|i Terms, Bitte lesen.|" "$(texts terms | grep '^[ahi]' | tr '\n' '|')"
cat > wrong.camp <<'C'
message one { subject { en "Hello"; fr "Bonjour"; xx "?" }; body { en "a"; de "b"; en "c" } }
message two { subject { en "Hello {{ nmae }}"; fr "Bonjour {{ first_nam }}" }; body "x" }
message three { subject { en "a"; fr } ; body { en "b"; fr "c" } }
message four { subject { en "a"; fr "" }; body { en "b"; fr file "none.html" } }
when signup then { send one, send two with { name: "x" }, send three, send four }
C
golden languages-wrong 1 camp check wrong.camp

# --- what only a mail has, and how each language writes -----------------------------------------------------------------------------------
mkdir mails mails/layouts
printf 'Texte, {{ n | number: 2 }}\n' > mails/order.fr.txt
printf '<!doctype html><html><head><title>Shop</title></head><body class="a"><p>Shop</p>{%% block main %%}{%% endblock %%}</body></html>' > mails/layouts/base.liquid
cat > mails/main.camp <<'C'
topic orders
event paid { n: number; total: money in EUR; day: date }
message order {
  topic orders
  subject { en "Paid: {{ total | money }}"; fr "Payé : {{ total | money }}"; de "Bezahlt: {{ total | money }}" }
  preheader { fr "Merci, {{ contact.first_name | default: "à vous" }} & co"; en "Thanks, {{ contact.first_name | default: "you" }} & co"; de "Danke" }
  body {
    en "{% layout 'base' %}{% block main %}<p>On {{ day | date: '%A %-d %B' }}: {{ n | number: 2 }}. {{ n | plural: 'piece', 'pieces' }} <a href='{{ unsubscribe_url }}'>Leave</a></p>{% endblock %}"
    fr "{% layout 'base' %}{% block main %}<p>{{ day | date: '%A %-d %B' }} : {{ n | number: 2 }}. {{ n | plural: 'pièce', 'pièces' }} <a href='{{ unsubscribe_url }}'>Quitter</a></p>{% endblock %}"
    de "<p>{{ day | date: '%A, %-d. %B' }}: {{ n | number: 2 }}, {{ n | number: 2, locale: 'en' }}</p>"
  }
  text { en "Text, {{ n | number: 2 }}"; fr file "order.fr.txt"; de "Text auf Deutsch" }
}
message plain { subject "{{ total | money }}, {{ day | date: '%A' }}"; body "<p>{{ n | number: 2 }}</p>" }
when paid then { send order with { n: paid.n, total: paid.total, day: paid.day }, send plain with { n: paid.n, total: paid.total, day: paid.day } }
C
same "a language without a way out is warned of" "mails/main.camp:5:78: warning[W0192]: the message \`order.de\` has a topic, and no link to leave it by" "$(camp check --format short mails 2>&1 | grep W0192 | sed 's/; expected.*//')"
holds "it is written as it stands" camp fmt --check mails
mail_in() { # LANGUAGE MESSAGE: subject, preheader, page and text
  camp preview mails "$2" --contact ann@x.example --with '{"n":1234.5,"total":"1234.50 EUR","day":"2026-03-02","contact":{"language":"'"$1"'","first_name":"Ann <b>"}}' > previewed 2>&1 || cat previewed
  sed -n 's/^To [^:]*: //p' previewed
  sed 's/\(&zwnj;&nbsp;\)\{90\}/…/; s|http://[^'"'"']*|URL|; s/$/|/' "$2.html"
  awk '/^Content-Type: text.plain/ { on = 1 } on && /^--/ { exit } on && !/^Content|^\r$/' "$2.eml" | tr -d '\r'
}
same "in English" 'Paid: €1,234.50
<!doctype html><html><head><title>Shop</title></head><body class="a"><div style="display:none;max-height:0;overflow:hidden;mso-hide:all">Thanks, Ann &lt;b&gt; &amp; co…</div><p>Shop</p><p>On Monday 2 March: 1,234.50. pieces <a href='"'URL'"'>Leave</a></p></body></html>|Text, 1,234.50' "$(mail_in en order)"
same "in French, whose text is in a file" 'Payé : 1 234,50 €
<!doctype html><html><head><title>Shop</title></head><body class="a"><div style="display:none;max-height:0;overflow:hidden;mso-hide:all">Merci, Ann &lt;b&gt; &amp; co…</div><p>Shop</p><p>lundi 2 mars : 1 234,50. pièces <a href='"'URL'"'>Quitter</a></p></body></html>|Texte, 1=E2=80=AF234,50' "$(mail_in fr-CA order | sed 's/\xe2\x80\xaf/ /g; s/\xc2\xa0/ /g')"
same "in German, without a layout; a filter may say another" 'Bezahlt: 1.234,50 €
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">Danke…</div><p>Montag, 2. März: 1.234,50, 1,234.50</p>|Text auf Deutsch' "$(mail_in de order | sed 's/\xc2\xa0/ /g')"
same "the language is the one that was chosen, not the contact's" "Paid: €1,234.50" "$(mail_in pl order | head -1)"
same "a message of no language writes as ever" '1,234.50 EUR, Monday
<p>1,234.50</p>|1,234.50' "$(mail_in fr plain)"
cat > wrong-mail.camp <<'C'
message one { subject { en "a"; fr file "a.txt" }; body { en "<p>b</p>"; fr "<p>c</p>" }; text { en "d"; de "e" }; preheader { en "f" } }
message two { subject "a"; body "b"; preheader "c"; preheader "d" }
message three { channel sms; body "b"; preheader { en "c"; fr "d" } }
message four { subject "a"; body "<p>b</p>"; preheader file "c.txt"; text { en "a"; en "b" }; footer { en "a" } }
message five { subject "a"; body "<p>b</p>"; preheader "{{ nmae }} {{ x | upcse }}" }
when signup then { send one, send two, send three, send four, send five with { name: "x", x: "y" } }
C
golden languages-mail-wrong 1 camp check wrong-mail.camp

# --- zones -------------------------------------------------------------------------------------------------------------------------------
cat > zone.camp <<'C'
event moved { to: text }
message hi { channel sms; body "Hi" }
campaign morning {
  start when moved
  set contact.timezone to moved.to
  wait until 09:00
  send hi
}
C
printf '%s\n' '{"event":"moved","userId":"ann","timestamp":"2026-01-05T10:00:00Z","properties":{"to":"Mars/Olympus"}}' \
  '{"event":"moved","userId":"bob","timestamp":"2026-01-05T10:00:00Z","properties":{"to":"Asia/Tokyo"}}' > z.ndjson
holds "a zone that is none does not stop anybody" camp simulate zone.camp --events z.ndjson --db z.db
same "it is noted" 'timezone "Mars/Olympus" is not in the system'"'"'s zone files: the project'"'"'s counts' "$(sqlite3 z.db "select outcome from history where contact = 'ann'")"
same "each at its own nine" "ann 2026-01-06T09:00:00.000Z|bob 2026-01-06T00:00:00.000Z" "$(sqlite3 z.db "select contact, at from message order by contact" | sed 's/|/ /' | tr '\n' '|' | sed 's/|$//')"
printf 'sequence away { set contact.timezone to "Asia/Tokio" }\nwhen signup then { set contact.timezone to "Europe/Pari", do away }\n' > zone-wrong.camp
golden zone-wrong 1 camp check --format short zone-wrong.camp
finish
