#!/bin/sh
# The stories in stories/, each a file of `test` blocks, in virtual time on the real engine. One line of TAP a story.
set -u
: "${CAMP:?}" "${CAMP_ROOT:?}" "${TMPDIR:?}"
number=0; failed=0
for f in "$CAMP_ROOT"/tests/9-whole/stories/*.camp; do
  if ! "$CAMP" test "$f" > "$TMPDIR/out" 2>&1 && ! grep -q '^FAILED' "$TMPDIR/out"; then
    number=$((number + 1)); failed=1
    echo "not ok $number - $(basename "$f") did not run"; head -20 "$TMPDIR/out" | sed 's/^/# /'
    continue
  fi
  while IFS= read -r line; do
    case $line in
      "ok "*) number=$((number + 1)); echo "ok $number - $(basename "$f"): ${line#ok }" ;;
      "FAILED "*) number=$((number + 1)); failed=1; echo "not ok $number - $(basename "$f"): ${line#FAILED }" ;;
      *) echo "# $line" ;;
    esac
  done < "$TMPDIR/out"
done
[ $number -gt 20 ] || { number=$((number + 1)); failed=1; echo "not ok $number - only $number stories ran"; }
echo "1..$number"
exit $failed
