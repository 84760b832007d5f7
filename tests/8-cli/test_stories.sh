#!/bin/sh
# camp test: what passes, what fails and how it says so. Every example's own tests are run too.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
cat > fails.camp <<'C'
message hello { channel email; subject "Hello"; body "Hello" }
message bye   { channel email; subject "Bye"; body "Bye" }
list vip
campaign welcome { start when signup; send hello; wait 3d; send bye; join vip }

test "all is well" {
  contact ann { first_name: "Ann" }
  at 2026-01-05 10:00  ann signup
  expect hello sent to ann at 2026-01-05 10:00
  expect bye sent to ann within 3d
  expect ann in vip
  expect nothing sent to ann within 30d
}
test "at the wrong moment" {
  contact ann { first_name: "Ann" }
  at 2026-01-05 10:00  ann signup
  expect bye sent to ann at 2026-01-07 10:00
}
test "too late" {
  contact ann { first_name: "Ann" }
  at 2026-01-05 10:00  ann signup
  expect bye sent to ann within 2d
}
test "something was sent" {
  contact ann { first_name: "Ann" }
  at 2026-01-05 10:00  ann signup
	expect nothing sent to ann within 2d
}
test "twice, not once" {
  contact ann { first_name: "Ann" }
  at 2026-01-05 10:00  ann signup
  at 2026-01-10 10:00  ann signup
  expect hello sent to ann once
}
test "not in the list yet" {
  contact ann { first_name: "Ann" }
  at 2026-01-05 10:00  ann signup
  expect ann in vip
}
test "the clock cannot go back" {
  contact ann { first_name: "Ann" }
  at 2026-01-05 10:00  ann signup
  at 2026-01-04 10:00  ann signup
}
test "another contact" {
  contact ann { first_name: "Ann" }
  contact bob { first_name: "Bob" }
  at 2026-01-05 10:00  ann signup
  expect nothing sent to bob
  expect hello sent to bob
}
C
golden test-fails 1 camp test fails.camp

# What a newcomer asks first: why did it not start, and why can the clock not go there?
cat > unstarted.camp <<'C'
message look { subject "Still looking?"; body "It is here." }
campaign browsers { start when visit and no purchase in last 3d; wait 4h; send look }
campaign buyers { start when purchase; entry once; wait 1d; send look }
campaign refunded { start when refund; wait 60d; send look }
test "who is known since today" {
  contact ann
  at 2026-03-01 10:00  ann visit
  expect look sent to ann at 2026-03-01 14:00
}
test "asked for, it says so" {
  contact ann
  at 2026-03-01 10:00  ann visit
  expect ann: no purchase in last 3d
}
test "what is held, asked of a message that nothing sent" {
  contact ann
  at 2026-03-01 10:00  ann visit
  expect look held for ann
}
test "an expectation without a time ran the clock" {
  contact ann
  at 2026-03-01 10:00  ann refund
  expect look sent to ann
  at 2026-03-02 10:00  ann visit
}
C
golden test-unstarted 1 camp test unstarted.camp
# What several tests share: a failure is shown where it stands, be it in another file, and each case is a test.
mkdir shared
cat > shared/rules.camp <<'C'
list vip
contact { tier: text; note: text }
message hello { channel email; subject "Hello"; body "Hello" }
when purchase then { join vip, tag "buyer", set contact.tier to "big", send hello }
when refund then { leave vip, untag "buyer", set contact.note to "gone" }
C
cat > shared/stage.camp <<'C'
fixture buyer {
  contact ann { note: "old" }
  at 2026-01-05 10:00  ann purchase { amount: 10 EUR, items: [{ sku: "A1" }] }
}
fixture back_in_time {
  given buyer
  at 2025-01-05
}
C
cat > shared/tests.camp <<'C'
test "nothing was expected" {
  given buyer
  expect nothing else
}
test "only what was sent" {
  given buyer
  expect nothing else sent to ann
}
test "something changed behind the expectations" {
  given buyer
  expect hello sent to ann
  expect ann in vip
  expect ann: contact.tier is "big" and contact.tags contains "buyer"
  ann refund
  expect nothing else for ann within 3d
}
test "the fixture fails" {
  given back_in_time
  expect hello sent to ann
}
test "a table" {
  cases {
    amount | tier
    1 EUR  | "big"
    9 EUR  | "small"
  }
  given buyer
  ann purchase { amount: amount }
  expect ann: contact.tier is tier
}
C
golden test-shared 1 camp test shared
golden test-shared-json 1 camp test shared --format json --filter fixture
cat > grown.camp <<'C'
message hello    { channel email; subject "Hello"; body "Hello" }
message offer    { channel email; subject "Offer"; body "Offer" }
message reminder { channel email; subject "Reminder"; body "Reminder" }
contact { plan: one of "free", "pro"; vip: bool = false }
list buyers
define regular = count(purchase) >= 2 and contact.plan is "pro"

campaign welcome {
  start when signup where source is not "import"
  stop when unsubscribe
  send hello
  wait for open of hello up to 3d {
    if regular or contact.vip { send offer }
    else { send reminder }
  } else {
    tag "cold"
  }
  wait 2d
  join buyers
}
remind: when visit and not contact.vip then send reminder after 1d unless purchase
when page_view where page is "/never" then tag "never"

test "a condition, with all that it is made of" {
  contact ann { plan: "pro" }
  at 2026-01-05 10:00  ann purchase { amount: 40 EUR }
  expect ann: contact.plan is "pro" and count(purchase) is 1
  expect ann: not regular
  expect ann: no purchase in last 1d at 2026-02-01
}
test "in a campaign, and no longer" {
  contact ann { plan: "free" }
  expect ann not in campaign welcome
  at 2026-01-05 10:00  ann signup
  expect ann in campaign welcome
  expect ann in campaign welcome at 2026-01-10 09:59
  expect ann not in campaign welcome at 2026-01-10 10:00
}
test "dropped, with the reason" {
  contact bob { plan: "free" }
  at 2026-01-05 10:00  bob visit
  expect reminder not dropped for bob within 1h
  at 2026-01-05 12:00  bob purchase { amount: 40 EUR }
  expect reminder dropped for bob because "purchase happened" once
  expect reminder dropped for bob at 2026-01-05 12:00
  expect reminder not dropped for bob because "no consent"
}
test "a page that no rule asks for" {
  contact bob { plan: "free" }
  at 2026-01-05 10:00  bob page_view { page: "/" }
  expect nothing sent to bob
}
test "a false one \\ # <tells> & its parts" {
  contact ann { plan: "pro", vip: true }
  at 2026-01-05 10:00  ann signup { source: "web" }
  at 2026-01-05 12:00  ann purchase { amount: 40 EUR }
  at 2026-01-05 12:30  ann open of hello
  expect ann: regular or contact.plan is one of "free" or time since last purchase > 3d
}
test "not where it should be" {
  contact ann { plan: "pro" }
  at 2026-01-05 10:00  ann signup
  expect ann not in campaign welcome at 2026-01-06
}
test "dropped for another reason" {
  contact bob { plan: "free" }
  at 2026-01-05 10:00  bob visit
  at 2026-01-05 12:00  bob purchase { amount: 40 EUR }
  expect reminder dropped for bob because "no consent"
}
C
golden test-grown 1 camp test grown.camp --coverage
golden test-tap 1 camp test grown.camp --format tap --coverage
golden test-junit 1 camp test fails.camp grown.camp --format junit
golden test-json 1 camp test grown.camp --format=json
golden test-filter 0 camp test fails.camp grown.camp --filter "all"
golden test-filter-none 2 camp test grown.camp --filter "no such test"
golden test-format-wrong 2 camp test grown.camp --format xml
holds "lcov is written" sh -c 'camp test grown.camp fails.camp --lcov cover.info > /dev/null; [ $? = 1 ]'
golden test-lcov 0 cat cover.info
golden test-lcov-nowhere 2 camp test fails.camp --lcov no/such/folder
if command -v lcov > /dev/null 2>&1; then holds "lcov reads it" lcov --rc lcov_branch_coverage=1 --summary cover.info; fi
if command -v xmllint > /dev/null 2>&1; then
  camp test fails.camp grown.camp --format junit > results.xml
  holds "JUnit is well-formed XML" xmllint --noout results.xml
fi
cat > misspelt.camp <<'C'
message hello { channel email; subject "Hello"; body "Hello" }
campaign welcome { start when signup; send hello }
test "what is wrong is said where it stands" {
  contact ann { first_name: "Ann" }
  expect ann in campaign welcom
  expect hallo dropped for ann
  expect anna: count(purchase) is 1
  expect ann: count(purchase)
  expect ann: first_purchase because "of it"
  expect hello sent to ann because "of it"
  expect ann in campaign welcome once
}
C
golden test-misspelt 1 camp test misspelt.camp
golden test-misspelt-tap 1 camp test misspelt.camp --format tap

# No test sees another: each by itself says what it says among all.
alone() { # FILE: the outcome of each test, one process each, in reverse order of the file
  sed -n 's/^test "\(.*\)" {.*/\1/p' "$1" | sed 's/\\\\/\\/g' | tac | while IFS= read -r name; do
    camp test "$1" --filter "$name" | sed '$d'
  done
}
for file in fails.camp grown.camp "$CAMP_ROOT"/tests/9-whole/stories/*.camp; do
  camp test "$file" | sed '$d' | sort > among
  alone "$file" | sort > by-itself
  holds "$(basename "$file"): each test alone as among the others" cmp among by-itself
done
printf 'when signup then tag "x"\n' > none.camp
golden test-none 0 camp test none.camp
printf 'when signup then tagg "x"\n' > wrong.camp
golden test-wrong 1 camp test wrong.camp
golden test-missing 2 camp test missing.camp
holds "nothing is left behind" sh -c '[ -z "$(ls -d "$TMPDIR"/camp-* 2> /dev/null)" ]'
for example in "$CAMP_ROOT"/examples/*/; do
  holds "tests of examples/$(basename "$example")" camp test "$example"
  [ -f "$example/events.ndjson" ] && holds "events of examples/$(basename "$example")" camp simulate "$example" --events "$example/events.ndjson"
done
finish
