# Sourced by the tests of this folder. golden NAME CODE COMMAND… runs the command in the present folder and compares its exit code
# and all that it printed (standard output, then standard error) with golden/NAME. UPDATE=1 writes the golden files instead.
: "${CAMP:?}" "${CAMP_ROOT:?}" "${TMPDIR:?}"
golden_dir=$CAMP_ROOT/tests/8-cli/golden
mkdir -p "$TMPDIR/bin" "$TMPDIR/work"
ln -sf "$CAMP" "$TMPDIR/bin/camp"
PATH=$TMPDIR/bin:$PATH
cd "$TMPDIR/work" || exit 1
number=0; failed=0
say() { # ok? what
  number=$((number + 1))
  if [ "$1" = 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; failed=1; fi
}
golden() {
  golden_name=$1; golden_code=$2; shift 2; code=0
  "$@" > "$TMPDIR/golden.out" 2> "$TMPDIR/golden.err" < "${INPUT:-/dev/null}" || code=$?
  { echo "exit $code"; cat "$TMPDIR/golden.out"; [ -s "$TMPDIR/golden.err" ] && { echo "--- standard error"; cat "$TMPDIR/golden.err"; }; } |
    sed "s|$TMPDIR/work/||g; s|$TMPDIR|TMP|g" > "$TMPDIR/golden.all"
  if [ "${UPDATE:-}" ]; then cp "$TMPDIR/golden.all" "$golden_dir/$golden_name"; fi
  if [ "$code" != "$golden_code" ]; then
    say 1 "$golden_name: ended with $code, not $golden_code"; sed 's/^/# /' "$TMPDIR/golden.all" | head -20
  elif cmp -s "$golden_dir/$golden_name" "$TMPDIR/golden.all"; then say 0 "$golden_name"
  else say 1 "$golden_name"; diff "$golden_dir/$golden_name" "$TMPDIR/golden.all" | sed 's/^/# /' | head -40
  fi
}
same() { # what expected actual
  if [ "$2" = "$3" ]; then say 0 "$1"; else say 1 "$1"; printf 'expected %s\ngot      %s\n' "$2" "$3" | sed 's/^/# /'; fi
}
holds() { # what COMMAND…: the command succeeds
  what=$1; shift
  if "$@" > "$TMPDIR/holds.out" 2>&1; then say 0 "$what"; else say 1 "$what"; sed 's/^/# /' "$TMPDIR/holds.out" | head -20; fi
}
# what CODE PATTERN COMMAND…: ends with the code, says something that matches, and no sanitizer, signal or check had to.
refuses() {
  what=$1; wanted=$2; pattern=$3; shift 3; code=0
  timeout 120 "$@" > "$TMPDIR/refuses.out" 2>&1 < /dev/null || code=$?
  if [ "$code" = "$wanted" ] && grep -q -- "$pattern" "$TMPDIR/refuses.out"; then say 0 "$what"
  else say 1 "$what (code $code)"; head -c 2000 "$TMPDIR/refuses.out" | sed 's/^/# /' | head -20; fi
}
# Of live.db, which a run beside the test writes: what a query says, and waiting up to half a minute until it says so.
ask() { sqlite3 -cmd '.timeout 2000' live.db "$1" 2> /dev/null; }
until_is() { # what wanted SQL
  tries=0
  while [ "$(ask "$3")" != "$2" ] && [ $tries -lt 600 ]; do tries=$((tries + 1)); sleep 0.05; done
  same "$1" "$2" "$(ask "$3")"
}
finish() { echo "1..$number"; exit $failed; }
