#!/bin/sh
# camp graph: what is drawn, what is escaped, and that the README's picture is the one of its campaign.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
cat > all.camp <<'C'
message a { channel email; subject "A"; body "A" }
message b { channel email; subject "B"; body "B" }
event order { items: list of item; amount: money }
record item { category: text }
contact { vip: bool }
list buyers
campaign loyalty { if contact.vip { exit }; send a }
campaign race {
  start when order and any item in order.items where category is "<\"camera\" & #1>"
  start when signup
  goal purchase within 30d
  stop when unsubscribe or refund
  wait up to 30d {
    on purchase where amount >= 100 EUR { start loyalty }
    on purchase or visit { tag "buyer" }
    else { exit }
  }
  if count(order) > 3 and time since last (visit or open) > 1d { send a }
  else if any item in order.items where category is "film" { send b }
  wait until 09:00
  send b after 2d unless click or open if still contact.vip
}
later: when purchase then { send a after 1d, send b after 2d, join buyers }
when visit and first_purchase then tag "one"
C
golden graph-mermaid 0 camp graph all.camp
golden graph-dot 0 camp graph all.camp race --format dot
golden graph-rule 0 camp graph all.camp later
golden graph-everything 0 camp graph "$CAMP_ROOT/tests/9-whole/stories/long_onboarding.camp" onboarding
golden graph-handed-on 0 camp graph "$CAMP_ROOT/tests/9-whole/stories/long_win_back.camp" --format dot
golden graph-misspelt 2 camp graph all.camp rase
golden graph-format 2 camp graph all.camp --format png
printf 'use segment\nscore s { }\nsegment hot = s > 5\nwhen enters hot then tag "x"\n' > quiet.camp
camp graph quiet.camp > quiet.graph
same "segments, scores and the rules of the standard library are no journeys" 1 "$(grep -c subgraph quiet.graph)"
printf 'message a { channel email; subject "A"; body "A" }\n' > none.camp
golden graph-none 2 camp graph none.camp
printf 'when signup then tagg "x"\n' > wrong.camp
golden graph-wrong 1 camp graph wrong.camp
camp compile all.camp -o all.program > compile.out
golden graph-program 2 camp graph all.program
holds "a picture of the example" camp graph "$CAMP_ROOT/examples/first-purchase"
mkdir -p empty
golden graph-no-graphviz 2 env PATH="$TMPDIR/work/empty" "$CAMP" graph all.camp --format svg
if command -v dot > /dev/null 2>&1; then
  camp graph all.camp --format svg > all.svg
  holds "Graphviz draws it" grep -q '</svg>' all.svg
  if command -v xmllint > /dev/null 2>&1; then holds "SVG is well-formed XML" xmllint --noout --nonet all.svg; fi
fi

# README: the campaign stands in a fence of its own, the picture in a ```mermaid fence.
{ for m in hello offer hello_again; do printf 'message %s { channel email; subject "%s"; body "%s" }\n' $m $m $m; done
  awk '/^```/ { inside = !inside; next } inside && /^campaign welcome/ { on = 1 } !inside { on = 0 } on' "$CAMP_ROOT/README.md"
} > readme.camp
awk '/^```mermaid$/ { on = 1; next } /^```$/ { on = 0 } on' "$CAMP_ROOT/README.md" > readme.picture
camp graph readme.camp welcome > picture
holds "README shows the picture of its campaign (camp graph README's welcome)" cmp readme.picture picture
finish
