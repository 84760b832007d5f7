#!/bin/sh
# camp experiment: what each variant did. Who is where was computed apart (SHA-256 of key, campaign and experiment, by Python's
# hashlib), and what must come out was counted by hand:
#
#   best_subject   plain: cat eve hal jon        warm: dan fay gus leo       held out: ann bob
#   in time        cat                           dan (twice), fay (at the very end)
#   too late       hal
#   delivery       control: fay hal jon          gift: cat dan eve gus       late: ann bob leo
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
mkdir project
script() { # plain's and warm's percentage
  cat <<C
event signup
event purchase { amount: money }
message promo { channel sms; body "{{ subject }}" }
campaign welcome {
  start when signup
  entry every time
  experiment best_subject {
    variant plain $1 { send promo with { subject: "Sale" } }
    variant warm $2 { send promo with { subject: "For you" } }
    holdout 10%
    measure click of promo within 2d
    winner at the end
  }
}
campaign offer {
  start when signup
  experiment delivery {
    variant control 40% { }
    variant gift 40% { tag "gift" }
    variant late 20% { wait 1d; tag "late" }
    measure sum(purchase.amount where (amount > 5 EUR or amount > 5 USD)) in EUR within 3d
  }
}
C
}
script 50% 50% > project/main.camp
event() { printf '{"event":"%s","userId":"%s","timestamp":"%sZ","properties":%s}\n' "$2" "$1" "$3" "${4:-{\}}"; }
{ for who in ann bob cat dan eve fay gus hal leo; do event $who signup 2026-01-05T10:00:00; done
  event cat click 2026-01-06T10:00:00 '{"message":"promo"}'
  event cat purchase 2026-01-06T11:00:00 '{"amount":"40 EUR"}'
  event cat purchase 2026-01-06T12:00:00 '{"amount":"2.50 EUR"}'
  event dan click 2026-01-06T12:00:00 '{"message":"promo"}'
  event dan click 2026-01-06T13:00:00 '{"message":"promo"}'
  event dan purchase 2026-01-06T14:00:00 '{"amount":"10 EUR"}'
  event dan purchase 2026-01-06T15:00:00 '{"amount":"99 USD"}'
  event eve click 2026-01-06T16:00:00 '{"message":"other"}'
  event fay click 2026-01-07T10:00:00 '{"message":"promo"}'
  event hal click 2026-01-07T10:00:01 '{"message":"promo"}'
  event dan purchase 2026-01-08T10:00:00 '{"amount":"20.50 EUR"}'
  event fay purchase 2026-01-08T10:00:01 '{"amount":"70 EUR"}'
  event jon signup 2026-02-01T10:00:00
} > e.ndjson
holds "a simulation assigns" camp simulate project --events e.ndjson --db a.db --until 2026-02-01T12:00:00
golden experiment 0 camp experiment --db a.db
golden experiment-one 0 camp experiment best_subject --db a.db
golden experiment-unknown 2 camp experiment best_subjet --db a.db
golden help-experiment 0 camp experiment --help
sql() { sqlite3 "$db" "$1"; }
db=a.db
same "who is where" "ann holdout,bob holdout,cat plain,dan warm,eve plain,fay warm,gus warm,hal plain,jon plain,leo warm" \
  "$(sql "select group_concat(contact || ' ' || variant) from (select * from experiment_contact where experiment = 'best_subject' order by contact)")"
same "sums and their squares" "gift 70.5 2530.25" "$(sql "select variant, total, squares from experiment_result where experiment = 'delivery' and variant = 'gift'" | tr '|' ' ')"
same "what was left out is noted" "delivery: an amount in USD was left out: it adds up EUR" \
  "$(sql "select outcome from history where contact = 'dan' and outcome like '%USD%'")"
same "a message's variant is exposed when it leaves" 0 "$(sql "select count(*) from experiment_contact where experiment = 'best_subject' and variant <> 'holdout' and exposed is not assigned")"
same "one that waits is exposed later" "2026-01-06T10:00:00.000Z" "$(sql "select exposed from experiment_contact where experiment = 'delivery' and contact = 'leo'")"

# Percentages change: who is assigned stays. cat's place, 179132, is above the holdout's and would be warm's now.
script 5% 95% > project/main.camp
for who in cat kim mia; do event $who signup 2026-02-02T10:00:00; done >> e.ndjson
holds "the script is changed" camp simulate project --events e.ndjson --db a.db --until 2026-02-03T00:00:00
same "who is assigned stays" "cat plain,kim warm,mia warm" \
  "$(sql "select group_concat(contact || ' ' || variant) from (select * from experiment_contact where experiment = 'best_subject' and contact in ('cat', 'kim', 'mia') order by contact)")"
same "what is expected follows the shares of the time" "4.6 6.2 1.2" \
  "$(sql "select group_concat(printf('%.1f', expected), ' ') from (select * from experiment_result where experiment = 'best_subject' order by place)")"

# A variant that is gone: who had it gets nothing, and that is noted.
sed 's/variant warm /variant hot /' project/main.camp > other && mv other project/main.camp
event dan signup 2026-02-04T10:00:00 >> e.ndjson
holds "a variant is renamed" camp simulate project --events e.ndjson --db a.db --until 2026-02-05T00:00:00
same "its contacts get nothing, which is noted" \
  "welcome: nothing of best_subject was done: the contact is in its variant warm, which this version does not have" \
  "$(sql "select outcome from history where contact = 'dan' and event = 'signup' and at like '2026-02-04%'")"
same "and no message" 1 "$(sql "select count(*) from message where contact = 'dan' and message = 'promo'")"

# What was imported counts when it lies in the time; a late start looks at what is known of the time since.
db=b.db
script 50% 50% > project/main.camp
event cat signup 2026-01-05T10:00:00 > e.ndjson
holds "a first run" camp simulate project --events e.ndjson --db b.db --until 2026-01-06T00:00:00
{ event cat click 2026-01-05T12:00:00 '{"message":"promo"}'; event cat click 2026-01-05T09:00:00 '{"message":"promo"}'; } > past.ndjson
holds "an import" camp import events past.ndjson --db b.db --project project
same "of two imported clicks one was in time" 1 "$(sql "select responses from experiment_contact where experiment = 'best_subject' and contact = 'cat'")"
printf 'event signup\nwhen signup then tag "x"\n' > plain.camp
holds "without experiments" camp simulate plain.camp --events e.ndjson --db c.db
golden experiment-none 0 camp experiment --db c.db
finish
