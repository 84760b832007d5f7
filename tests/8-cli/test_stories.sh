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
