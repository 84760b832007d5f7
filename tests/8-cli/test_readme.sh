#!/bin/sh
# The README's five minutes: its script, its events and its commands, as a newcomer would copy them. What it shows is what is printed,
# from the first line on, and every page that it leads to is there.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
page=$CAMP_ROOT/README.md
block() { awk -v kind="$1" '$0 == "```" kind { on = 1; next } /^```$/ { if (on) exit; on = 0 } on' "$page"; }
mkdir campaigns
block camp > campaigns/greeting.camp
block json > events.ndjson
holds "there is a script with tests" grep -q '^test "' campaigns/greeting.camp
holds "it is formatted" camp fmt --check campaigns
# Each `$ command` into a numbered file, what is shown below it beside.
awk '/^```console$/ { on = 1; next } /^```$/ { on = 0 } on && /^\$ / { n++; print substr($0, 3) > ("command." n); printf "" > ("shown." n); next } on { print > ("shown." n) }' "$page"
n=0
while [ -f "command.$((n + 1))" ]; do
  n=$((n + 1)); command=$(cat command.$n)
  case $command in "camp "*) sh -c "$command" > printed 2>&1 < /dev/null ;; *) echo "not a command of camp" > printed ;; esac
  head -n "$(wc -l < shown.$n)" printed > begun
  if cmp -s shown.$n begun; then say 0 "$command prints what the README shows"; else say 1 "$command"; diff shown.$n begun | sed 's/^/# /'; fi
done
same "check, test and simulate are shown" 3 $n
for to in $(grep -o '](\([^)#]*\))' "$page" "$CAMP_ROOT/runtime/README.md" | sed 's/.*README.md:](\(.*\))/\1/' | grep -v '^http' | sort -u); do
  holds "there is $to" sh -c "test -e '$CAMP_ROOT/$to' || test -e '$CAMP_ROOT/runtime/$to'"
done
# What the prelude's events carry is told, all of it.
for word in $(sed -n 's/^event \([a-z_]*\).*/\1/p; s/^  \([a-z_]*\):.*/\1/p' "$CAMP_ROOT/stdlib/prelude.camp" | sort -u); do
  holds "stdlib/README.md tells of $word" sh -c "sed -n '/^| event | properties/,/^\$/p' '$CAMP_ROOT/stdlib/README.md' | grep -q '\`$word\`'"
done
# Every command has its place in the guide to running.
for command in $(camp help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  holds "runtime/README.md tells of camp $command" grep -qE "[\`, ]$command\b" "$CAMP_ROOT/runtime/README.md"
done
finish
