#!/bin/sh
# Each fuzz target for FUZZ_SECONDS, beginning with its corpus; what is found new goes to build/fuzz/found/NAME, what crashes to
# build/fuzz/crash-NAME-…: make it smaller, and a file of the corpus. `fuzz.sh short` runs the corpus and a few thousand inputs
# more, and prints TAP.
set -u
cd "$(dirname "$0")/../.."
mode=${1:-long}; number=0; failed=0
for source in tests/fuzz/*.c; do
  [ -f "$source" ] || continue
  name=$(basename "$source" .c); program=build/fuzz/tests/fuzz/$name
  corpus=tests/fuzz/corpus/$name; found=build/fuzz/found/$name
  mkdir -p "$found"
  if [ "$mode" = short ]; then set -- -runs=2000 -seed=1; found=$(mktemp -d); else set -- "-max_total_time=${FUZZ_SECONDS:-60}"; fi
  set -- "$@" -timeout=20 -rss_limit_mb=3000 "-artifact_prefix=build/fuzz/crash-$name-" "$found"
  [ -d "$corpus" ] && set -- "$@" "$corpus"
  number=$((number + 1))
  if [ "$mode" != short ]; then echo "$name: ${FUZZ_SECONDS:-60} s"; fi
  if "$program" "$@" > "build/fuzz/$name.log" 2>&1; then
    echo "ok $number - fuzz $name: $(sed -n 's/^Done \([0-9]*\) runs.*/\1 inputs/p' "build/fuzz/$name.log")"
  else
    failed=1; echo "not ok $number - fuzz $name"; tail -40 "build/fuzz/$name.log" | sed 's/^/# /'
  fi
  [ "$mode" = short ] && rm -rf "$found"
done
echo "1..$number"
exit $failed
