#!/bin/sh
# Every example of grammar/README.md and of README.md: camp check says nothing of it, and its tests pass.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
awk -v page=grammar '/^```camp$/ { n++; file = sprintf("%s-%03d.camp", page, n); next } /^```/ { file = "" } file { print > file }' "$CAMP_ROOT/grammar/README.md"
awk -v page=readme '/^```camp$/ { n++; file = sprintf("%s-%03d.camp", page, n); next } /^```/ { file = "" } file { print > file }' "$CAMP_ROOT/README.md"
printf "<p>An offer.</p>\n" > offer.html  # which an example takes its body from
tested=0
for example in *.camp; do
  holds "$example is clean: $(grep -v '^$' "$example" | head -1 | cut -c 1-60)" sh -c "camp check $example && ! camp check --format short $example | grep ."
  grep -q '^test "' "$example" || continue
  tested=$((tested + 1))
  holds "$example: its tests pass" camp test "$example"
done
holds "there are examples with tests" test $tested -ge 2
finish
