#!/bin/sh
# make bench: the engine against the floor, in one run, as rates and ratios. ./README.md says what each figure is and is not.
#
#   sh tests/bench/run.sh [BUILD_DIR]
#
# BENCH_SIZES="100000 1000000"   contacts       BENCH_ROUNDS=1        rounds above 100,000 contacts (3 up to there)
# BENCH_EVENTS=100000            events for the runs with many campaigns
# BENCH_ONLY="engine campaigns memory broadcast policy rule liquid compile smtp errors"    the parts to run
#
# It asserts nothing: a target that is missed is printed as missed. It ends with 1 only when something failed to run. Databases
# live under BUILD_DIR/bench/db and are removed; about 2 GB of disk are needed for a million contacts.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "${1:-$root/build/release}" && pwd)
sizes=${BENCH_SIZES:-100000 1000000}
events=${BENCH_EVENTS:-100000}
parts=${BENCH_ONLY:-engine campaigns memory broadcast policy rule liquid compile smtp errors}
bin=$build/bench
db=$bin/db
results=$bin/results
status=0

rm -rf "$db" "$results"
mkdir -p "$db" "$results"
trap 'rm -rf "$db"' EXIT
trap 'exit 1' INT TERM HUP

# --- helpers ---------------------------------------------------------------------------------------------------------
wanted() { case " $parts " in *" $1 "*) return 0 ;; esac; return 1; }
say() { printf '%s\n' "$*"; }
title() { printf '\n%s\n' "$*"; }
fail() { say "  failed: $1"; [ -s "$2" ] && tail -3 "$2" | sed 's/^/    /'; status=1; }

# Runs a program at most so long; its key=value lines go to a results file, one run a line.
run() { # seconds results command…
  limit=$1; to=$results/$2; shift 2
  if timeout "$limit" "$@" > "$to.now" 2> "$to.err"; then cat "$to.now" >> "$to"; else fail "${to##*/}" "$to.err"; return 1; fi
}
values() { # key results
  [ -f "$results/$2" ] || return 0
  awk -v key="$1" '{ for (i = 1; i <= NF; i++) if (index($i, key "=") == 1) print substr($i, length(key) + 2) }' "$results/$2"
}
middle() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; else print 0 }'; }
median() { values "$1" "$2" | middle; }
least() { values "$1" "$2" | sort -n | head -1; }
most() { values "$1" "$2" | sort -n | tail -1; }
spread() { # key results: "median (least to most)"
  printf '%10.0f' "$(median "$1" "$2")"
  if [ "$(values "$1" "$2" | wc -l)" -gt 1 ]; then printf ' (%.0f to %.0f)' "$(least "$1" "$2")" "$(most "$1" "$2")"; fi
}
quotient() { awk -v a="$1" -v b="$2" 'BEGIN { if (b + 0 > 0) printf "%.2f", a / b; else printf "0" }'; }
# Remembers a target for the list at the end: measured, "<" or ">=" or "<=", wanted, what it is.
target() { # value relation wanted text
  awk -v v="$1" -v rel="$2" -v w="$3" -v text="$4" 'BEGIN {
    met = v + 0 == 0 ? 0 : rel == "<" ? v < w : rel == "<=" ? v <= w : v >= w
    printf "  %-8s %-58s %10s  (wanted %s %s)\n", met ? "met" : "NOT MET", text, v + 0 ? v : "none", rel, w }' >> "$results/targets"
}

# --- build -----------------------------------------------------------------------------------------------------------
pkgs="sqlite3 libpcre2-8 libcrypto libcurl gmime-3.0 gumbo libidn2" # as the Makefile has them
cflags="-std=c11 -O2 -g -D_GNU_SOURCE $(pkg-config --cflags $pkgs)"
libs="$(pkg-config --libs $pkgs) -lresolv -lm -lpthread"
compile_alone() { gcc $cflags -o "$bin/$1" "$here/$1.c" $libs; }
compile_with_camp() { # program
  gcc $cflags -I"$root" -I"$build/../gen" -include "$root/vm/base/banned.h" -o "$bin/$1" "$here/$1.c" "$build/libcamp.a" $libs
}
# What make has built is taken; otherwise, as after an edit, it is compiled here.
program() { # compile-function name
  built=$build/tests/bench/$2
  if [ -x "$built" ] && [ "$built" -nt "$here/$2.c" ] && [ "$built" -nt "$build/libcamp.a" ]; then cp "$built" "$bin/$2"; return 0; fi
  if "$1" "$2" > "$results/$2.build" 2>&1; then return 0; fi
  fail "compiling $2.c" "$results/$2.build"
  return 1
}
program compile_alone launch
program compile_alone floor
program compile_with_camp engine_bench || true
launch=$bin/launch

say "$("$build/camp" --version 2>/dev/null), SQLite $(pkg-config --modversion sqlite3), $(gcc --version | head -1)"
say "$(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg) before the run, databases on $(df --output=fstype "$db" | tail -1)"

# --- the engine and the floor ----------------------------------------------------------------------------------------
largest=0
bench_engine() {
  for size in $sizes; do
    rounds=${BENCH_ROUNDS:-1} wanted_ratio=0.5
    if [ "$size" -le 100000 ]; then rounds=3 wanted_ratio=0.4; fi
    floor=floor_$size; engine=engine_$size; round=1
    while [ "$round" -le "$rounds" ]; do
      rm -f "$db"/*
      run 900 "$floor" "$launch" "$results/$floor.cost" "$bin/floor" "$db/floor.db" "$size" || true
      rm -f "$db"/floor.db*
      run 1800 "$engine" "$bin/engine_bench" cycle "$db/engine.db" "$size" || true
      round=$((round + 1))
    done
    largest=$size
    title "$size contacts, rounds $rounds, a second: median (least to most)"
    for phase in start wake event; do
      printf '  %-6s floor  %s\n' "$phase" "$(spread "$phase/s" "$floor")"
      printf '  %-6s engine %s\n' "$phase" "$(spread "$phase/s" "$engine")"
      ratio=$(quotient "$(median "$phase/s" "$engine")" "$(median "$phase/s" "$floor")")
      printf '  %-6s ratio  %10s (target %s)\n' "$phase" "$ratio" "$wanted_ratio"
      target "$ratio" ">=" "$wanted_ratio" "$phase, ratio to the floor at $size contacts"
    done
    floor_bytes=$(awk -v b="$(median written "$floor.cost")" -v n="$size" 'BEGIN { printf "%.0f", b / n / 3 }')
    say "  bytes written, floor:  $floor_bytes a start, wake or event on average"
    for phase in start wake event; do
      written=$(median ${phase}_written "$engine")
      say "  bytes written, engine: $written for one $phase (target 10240 at most)"
      target "$written" "<=" 10240 "bytes written, one $phase, at $size contacts"
    done
    say "  peak WAL: $(most wal_peak_mb "$engine") MB (target 256 MB at most)"
    target "$(most wal_peak_mb "$engine")" "<=" 256 "peak WAL in MB at $size contacts"
    say "  on disk: engine $(median bytes/contact "$engine") bytes a sleeping contact with its history; floor $(median bytes/strand "$floor")"
    say "  peak memory: engine $(most rss_mb "$engine") MB while starting and waking; floor $(most rss_mb "$floor") MB"
  done
}

bench_memory() {
  if [ -f "$db/engine.db" ]; then
    run 600 asleep "$bin/engine_bench" asleep "$db/engine.db" || true
    title "$largest contacts asleep, the database opened and 10,000 events taken"
    say "  resident memory at its peak: $(most rss_mb asleep) MB (target under 100 MB at 1,000,000)"
    target "$(most rss_mb asleep)" "<" 100 "resident memory in MB, $largest asleep"
  fi
  rm -f "$db"/*
  size=${largest:-0}; [ "$size" -gt 0 ] || size=100000
  run 1800 reader "$bin/engine_bench" reader "$db/reader.db" "$size" || true
  rm -f "$db"/*
  title "Beside a connection that reads all the time, $size contacts start"
  say "  starts a second: $(spread start/s reader)"
  say "  peak WAL: $(most wal_peak_mb reader) MB (target 256 MB at most)"
  target "$(most wal_peak_mb reader)" "<=" 256 "peak WAL in MB beside a reader, $size contacts"
}

# --- a broadcast -----------------------------------------------------------------------------------------------------
bench_broadcast() {
  rm -f "$db"/*
  size=0; for one in $sizes; do size=$one; done
  run 3600 broadcast "$bin/engine_bench" broadcast "$db/broadcast.db" "$size" || true
  rm -f "$db"/*
  title "A broadcast, start at … for loyal, to $size contacts, by a deploy; its second message paused and let go"
  say "  a second: $(spread sweep/s broadcast) shown the deploy, $(spread started/s broadcast) started, $(spread held/s broadcast) held, \
$(spread let_go/s broadcast) let go"
  say "  resident memory at its peak: $(most rss_mb broadcast) MB ($(most rss_before_mb broadcast) MB before the deploy)"
  # The program itself: imported, killed in the middle, paused beside the run, resumed.
  for one in $sizes; do
    run 3600 "broadcast_$one" sh "$here/broadcast.sh" "$build/camp" "$one" "$db/broadcast" || true
    rm -rf "$db/broadcast"
    got() { median "$1" "broadcast_$one"; }
    say "  camp run, $one imported, by each one's zone: $(got sent) of $(got members) left, killed at $(got killed_at), paused at $(got paused_at):"
    say "    $(got twice) twice, $(got missing) missing; $(got after_pause) left behind the order, the last $(got stop_ms) ms after it; \
the rest in $(got rest_s) s of 3"
    say "    peak memory: $(got import_rss_mb) MB importing, $(got run_rss_mb) MB sending"
    target "$(got sent)" ">=" "$(got members)" "messages of a broadcast to $one, killed, paused, resumed"
  done
}

# --- many campaigns --------------------------------------------------------------------------------------------------
many() { # mode campaigns wanted-ratio text
  ratio=$(quotient "$(median event/s "$1_$2")" "$(median event/s "$1_1")")
  printf '  %6d %-26s %s  ratio %s\n' "$2" "$4" "$(spread event/s "$1_$2")" "$ratio"
  [ "$2" = 1 ] || target "$ratio" ">=" "$3" "$2 $4, rate to that of 1"
}
bench_campaigns() {
  for round in 1 2 3; do
    for campaigns in 1 100 10000; do
      rm -f "$db"/many*
      run 600 "load_$campaigns" "$bin/engine_bench" load "$db/many.db" "$campaigns" "$events" || true
    done
    for campaigns in 1 10000; do
      rm -f "$db"/many*
      run 600 "listen_$campaigns" "$bin/engine_bench" listen "$db/many.db" "$campaigns" "$events" || true
    done
  done
  rm -f "$db"/many*
  title "Many campaigns, $events events, events a second: median of 3 (least to most)"
  many load 1 0 "loaded, one listens"
  many load 100 0.9 "loaded, one listens"
  many load 10000 0.9 "loaded, one listens"
  many listen 1 0 "listen, one page matches"
  many listen 10000 0.5 "listen, one page matches"
  say "  memory with 10,000 campaigns: $(most rss_mb load_10000) MB"
}

# --- a policy --------------------------------------------------------------------------------------------------------
bench_policy() {
  for round in 1 2 3; do
    for mode in none counts holds; do
      rm -f "$db"/policy*
      run 600 "policy_$mode" "$bin/engine_bench" policy "$db/policy.db" "$events" "$mode" || true
    done
  done
  rm -f "$db"/policy*
  title "A policy of three caps, $events events that send a message each, ten a contact, events a second: median of 3 (least to most)"
  printf '  %-44s %s\n' "no policy" "$(spread event/s policy_none)"
  for mode in counts holds; do
    what="three caps that none reaches"
    [ $mode = counts ] || what="three caps, one holds half of them back"
    ratio=$(quotient "$(median event/s policy_$mode)" "$(median event/s policy_none)")
    printf '  %-44s %s  ratio %s\n' "$what" "$(spread event/s policy_$mode)" "$ratio"
  done
}

# --- one rule --------------------------------------------------------------------------------------------------------
bench_lua() { # title pkg
  if ! pkg-config --exists "$2" 2>/dev/null; then printf '  %-28s not installed: apt-get install %s\n' "$1" "$3"; return 0; fi
  if gcc -std=c11 -O2 -D_GNU_SOURCE $(pkg-config --cflags "$2") -o "$bin/lua_eval_$2" "$here/peers/lua_eval.c" \
    $(pkg-config --libs "$2") > "$results/lua.build" 2>&1; then
    for round in 1 2 3; do run 120 "eval_$2" "$bin/lua_eval_$2" 10000000 || true; done
    printf '  %-28s %8s ns\n' "$1" "$(median eval_ns "eval_$2")"
  else fail "compiling lua_eval.c with $2" "$results/lua.build"; fi
}
bench_rule() {
  title "One rule, from the host and back: count >= 3 and amount > 50, median of 3"
  if [ -f "$here/eval.c" ] && program compile_with_camp eval; then
    for round in 1 2 3; do run 120 eval "$bin/eval" || true; done
    printf '  %-28s %8s ns\n' "camp" "$(median eval_ns eval)"
    printf '  %-28s %8s ns\n' "camp, count(purchase) is 1" "$(median first_ns eval)"
    printf '  %-28s %8s ns\n' 'camp, page is "/pricing"' "$(median text_ns eval)"
  fi
  bench_lua "LuaJIT called from C" luajit libluajit-5.1-dev
  bench_lua "Lua 5.4 called from C" lua5.4 liblua5.4-dev
}

# --- compiling -------------------------------------------------------------------------------------------------------
lines=100000
peer_compiler() { # title program package command…
  name=$1; tool=$2; package=$3; shift 3
  if ! command -v "$tool" > /dev/null 2>&1; then printf '  %-14s not installed: apt-get install %s\n' "$name" "$package"; return 0; fi
  for round in 1 2 3 4 5; do run 60 "compile_$tool" "$launch" "$results/compile_$tool.cost" "$@" || return 0; done
  show_compile "$name" "compile_$tool.cost"
}
show_compile() { # title results
  awk -v name="$1" -v ms="$(median ms "$2")" -v a="$(least ms "$2")" -v b="$(most ms "$2")" -v n="$lines" \
    -v cpu="$(median cpu_ms "$2")" -v kb="$(median rss_kb "$2")" 'BEGIN {
    if (ms + 0) printf "  %-14s %5.0f ms (%.0f to %.0f), %.0f ms of processor, %.0f lines/s, %.0f MB\n", name, ms, a, b, cpu, n / ms * 1000, kb / 1024 }'
}
bench_compile() {
  title "Compiling $lines lines to a file, process included: median of 5 (least to most), peak memory"
  sh "$here/gen_project.sh" camp "$db/project" $lines
  for kind in lua c sieve; do sh "$here/gen_project.sh" $kind "$db/project.$kind" $lines; done
  for round in 1 2 3 4 5; do
    run 60 compile_camp "$launch" "$results/compile_camp.cost" "$build/camp" compile "$db/project" -o "$db/project.program" || break
  done
  show_compile "camp compile" compile_camp.cost
  target "$(median ms compile_camp.cost)" "<" 200 "ms to compile $lines lines with all checks"
  peer_compiler "tcc -c" tcc tcc tcc -c -o "$db/project.o" "$db/project.c"
  peer_compiler "luac" luac5.4 lua5.4 luac5.4 -o "$db/project.luac" "$db/project.lua"
  peer_compiler "sievec" sievec dovecot-sieve sievec -o plugin/sieve_max_script_size=64M "$db/project.sieve" "$db/project.svbin"
  rm -rf "$db"/project*
}

# --- Liquid ----------------------------------------------------------------------------------------------------------
# The rates wanted are those of the fastest Liquid engine that was measured on these templates; the last column is a C library that only
# fills places, the least that any engine must do.
bench_liquid() {
  folder=$root/../shared/liquid/bench
  [ -f "$folder/email.liquid" ] || { title "Liquid: its templates are not here ($folder)"; return 0; }
  program compile_with_camp liquid_bench || return 0
  title "Liquid: three templates, texts right to the byte, median of 3"
  for round in 1 2 3; do run 120 liquid "$bin/liquid_bench" "$folder" || return 0; done
  liquid_line() { # name others fill wanted-us
    rate=$(median "$1_render/s" liquid); us=$(median "$1_compile_us" liquid)
    printf '  %-6s %10.0f a second, %8s us to compile; %s times the fastest Liquid, %s of only filling places\n' "$1" "$rate" "$us" \
      "$(quotient "$rate" "$2")" "$(quotient "$rate" "$3")"
    target "$rate" ">=" "$2" "Liquid, $1 a second"
    target "$us" "<" "$4" "Liquid, us to compile $1"
  }
  liquid_line sms 2600000 11000000 1.1
  liquid_line email 21000 180000 69
  liquid_line big 530 5300 31
}

# --- errors ----------------------------------------------------------------------------------------------------------
bench_errors() {
  title "Broken scripts: each token of each example dropped, doubled, misspelt, swapped with the next"
  if ! gcc $cflags -I"$root" -I"$build/../gen" -include "$root/vm/base/banned.h" -o "$bin/mutants" "$here/mutants.c" "$root/tests/lib/mutants.c" \
    "$build/libcamp.a" $libs > "$results/mutants.build" 2>&1; then fail "compiling mutants.c" "$results/mutants.build"; return 0; fi
  run 600 mutants "$bin/mutants" "$root" || return 0
  mutants() { values "$1" mutants; }
  part() { awk -v a="$(mutants "$1")" -v b="$(mutants broken)" 'BEGIN { if (b + 0) printf "%.1f", int(a * 1000 / b) / 10; else print 0 }'; }
  printf '  %s versions of %s scripts; %s are still programs, %s more with a warning; of the other %s, the first error stands\n' \
    "$(mutants made)" "$(mutants scripts)" "$(mutants valid)" "$(mutants warned)" "$(mutants broken)"
  printf '  %6s %% on the changed line, %s %% on that of the token behind it, %s %% at the bracket that belongs to it\n' \
    "$(part on_line)" "$(part next_line)" "$(part partner)"
  printf '  %6s %% elsewhere with a note that shows the line, %s %% elsewhere\n' "$(part noted)" "$(part astray)"
  target "$(part right)" ">=" 95 "% of broken scripts: the first error shows the place"
  target "$(part one_error)" ">=" 90 "% of broken scripts: no more than one error"
}

if [ -x "$bin/engine_bench" ]; then
  if wanted engine; then bench_engine; fi
  if wanted memory; then bench_memory; fi
  if wanted broadcast; then bench_broadcast; fi
  if wanted campaigns; then bench_campaigns; fi
  if wanted policy; then bench_policy; fi
fi
if wanted rule; then bench_rule; fi
if wanted liquid; then bench_liquid; fi
if wanted compile; then bench_compile; fi
if wanted smtp && command -v smtp-source > /dev/null; then
  title "Mail over SMTP, beside Postfix's own source"
  sh "$here/smtp.sh"
fi
if wanted errors; then bench_errors; fi

title "Targets"
[ -f "$results/targets" ] && cat "$results/targets"
say "  figures of each run: $results"
exit $status
