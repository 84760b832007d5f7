#!/bin/sh
# Runs every test and ends with `N passed, N failed`. Order: the tree's own rules, then tests/1-…, 2-…, so that the first failure
# is nearest the cause; fuzz corpora last. Programs and scripts print TAP; one that crashes, takes longer than TEST_SECONDS or
# prints no TAP has failed. Several run at a time, each with a TMPDIR of its own.
#   run.sh [PATTERN]     only tests whose path contains PATTERN
set -u
cd "$(dirname "$0")/../.."
CAMP_ROOT=$PWD; CAMP=$PWD/build/asan/camp; CAMP_RELEASE=$PWD/build/release/camp
export CAMP_ROOT CAMP CAMP_RELEASE
export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:quarantine_size_mb=32 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
out=$PWD/build/test; jobs=${JOBS:-$(nproc 2> /dev/null || echo 2)}
rm -rf "$out"; mkdir -p "$out"

# One test: its output and exit code into files.
one='
  number=$1; test=$2; out=$3
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/camp-test-XXXXXX"); code=0
  case $test in
    fuzz) TMPDIR=$scratch timeout -k 5 "${TEST_SECONDS:-1500}" sh tests/tools/fuzz.sh short > "$out/$number.out" 2>&1 || code=$? ;;
    *.sh) TMPDIR=$scratch timeout -k 5 "${TEST_SECONDS:-1500}" sh "$test" > "$out/$number.out" 2>&1 || code=$? ;;
    *) TMPDIR=$scratch timeout -k 5 "${TEST_SECONDS:-1500}" "build/asan/${test%.c}" > "$out/$number.out" 2>&1 || code=$? ;;
  esac
  rm -rf "$scratch"
  echo $code > "$out/$number.code"
'
{ echo tests/tools/arrows.sh; echo tests/tools/rooms.sh; echo tests/tools/docs.sh; ls tests/[0-9]-*/test_*.c tests/[0-9]-*/test_*.sh 2> /dev/null | sort
  ls tests/fuzz/*.c > /dev/null 2>&1 && echo fuzz; } | grep -F -- "${1:-}" > "$out/list"
awk -v out="$out" '{ printf "%04d\n%s\n%s\n", NR, $0, out }' "$out/list" | xargs -n 3 -P "$jobs" sh -c "$one" sh &
running=$!

# Results in the list's order, each as soon as it is there.
passed=0; failed=0; number=0
while IFS= read -r test; do
  number=$((number + 1)); file=$out/$(printf %04d $number)
  while [ ! -s "$file.code" ] && kill -0 $running 2> /dev/null; do sleep 0.1; done
  code=$(cat "$file.code" 2> /dev/null || echo 255)
  ok=$(grep -c '^[[:space:]]*ok ' "$file.out" 2> /dev/null); bad=$(grep -c '^[[:space:]]*not ok ' "$file.out" 2> /dev/null)
  ok=${ok:-0}; bad=${bad:-0}
  # cmocka ends with the number of failures as its code: they are counted already.
  if [ "$bad" = 0 ] && { [ "$code" != 0 ] || [ "$ok" = 0 ]; }; then
    bad=1
    case $code in
      124 | 137) what="took longer than ${TEST_SECONDS:-1500} s" ;;
      0) what="printed no TAP" ;;
      *) what="ended with code $code" ;;
    esac
    echo "FAILED $test: $what"; tail -40 "$file.out" | sed 's/^/    /'
  elif [ "$bad" != 0 ]; then
    echo "FAILED $test: $bad of $((ok + bad))"; grep -A 12 '^[[:space:]]*not ok \|^#\|ERROR: \|runtime error' "$file.out" | head -80 | sed 's/^/    /'
  else
    echo "ok $test: $ok"
  fi
  passed=$((passed + ok)); failed=$((failed + bad))
done < "$out/list"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
