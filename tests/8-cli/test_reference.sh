#!/bin/sh
# Every example of grammar/README.md and of README.md: camp check says nothing of it, and its tests pass.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
awk -v page=grammar '/^```camp$/ { n++; file = sprintf("%s-%03d.camp", page, n); next } /^```/ { file = "" } file { print > file }' "$CAMP_ROOT/grammar/README.md"
awk -v page=readme '/^```camp$/ { n++; file = sprintf("%s-%03d.camp", page, n); next } /^```/ { file = "" } file { print > file }' "$CAMP_ROOT/README.md"
# What examples take their bodies from, attach and show.
printf "<p>An offer.</p>\n" > offer.html; printf "An offer.\n" > offer.txt; printf "%%PDF-1.4\n" > terms.pdf
printf '\211PNG\r\n\032\nlogo' > logo.png
tested=0
for example in *.camp; do
  holds "$example is clean: $(grep -v '^$' "$example" | head -1 | cut -c 1-60)" sh -c "camp check $example && ! camp check --format short $example | grep ."
  grep -q '^test "' "$example" || continue
  tested=$((tested + 1))
  holds "$example: its tests pass" camp test "$example"
done
# The table of the contract: each row names tests, and they are there.
awk -F'|' '/^## The contract/ { inside = 1 } /^### / { inside = 0 } inside && NF == 5 && !/^\|---/ && !/^\| question/ { print $2 "|" $4 }' \
  "$CAMP_ROOT/grammar/README.md" > contract
holds "the contract has its rows" test "$(wc -l < contract)" -ge 18
while IFS='|' read -r question tests; do
  named=0; missing=""
  for file in $(printf '%s' "$tests" | tr -d '`,'); do
    named=1; [ -f "$CAMP_ROOT/tests/$file" ] || missing="$missing $file"
  done
  holds "a test holds the row:$question" test "$named$missing" = 1
done < contract
holds "there are examples with tests" test $tested -ge 2
finish
