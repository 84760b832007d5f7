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
