#!/bin/sh
# What runs in threads, built with the thread sanitizer: checking a large project, and the sender with its connections (stalled servers,
# people who pause it, several destinations). Any report is a failure; the scripts' own cases count in 7-send, here only that they end.
. "$CAMP_ROOT/tests/8-cli/lib.sh"
CAMP=$CAMP_ROOT/build/tsan/camp; export CAMP
test -x "$CAMP" || { say 1 "build/tsan/camp is there (make V=tsan)"; finish; }
reports=$PWD/reports; mkdir "$reports"
TSAN_OPTIONS="log_path=$reports/race halt_on_error=0 exitcode=0"; export TSAN_OPTIONS
no_races() { # name
  cat "$reports"/race.* > races 2> /dev/null; rm -f "$reports"/race.*
  same "$1" "" "$(head -60 races)"
}

# The sanitizer sees a race: else silence would prove nothing.
cat > race.c <<'C'
#include <pthread.h>
static int shared;
static void *add(void *p) { for (int i = 0; i < 1000; i++) shared++; return p; }
int main(void) { pthread_t t; pthread_create(&t, 0, add, 0); add(0); return pthread_join(t, 0); }
C
holds "a program with a race is built" gcc -fsanitize=thread -o race race.c -lpthread
./race
holds "and reported" grep -q 'WARNING: ThreadSanitizer: data race' "$reports"/race.*
rm -f "$reports"/race.*

sh "$CAMP_ROOT/tests/bench/gen_project.sh" camp project 20000
printf 'campaign { }\nwhen nosuch then send x\n' > project/wrong.camp
"$CAMP" check project > out 2>&1
holds "mistakes of a project of twenty files are found by several threads" grep -q "^error" out
no_races "without a race"
for script in test_stalls test_steer test_destinations; do
  mkdir $script
  ( cd $script && TMPDIR=$PWD sh "$CAMP_ROOT/tests/7-send/$script.sh" ) > out 2>&1
  holds "$script.sh ran whole" grep -Eq '^1\.\.[0-9]+$' out
  no_races "$script.sh: without a race"
done
finish
