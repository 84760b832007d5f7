#!/bin/sh
# Reads every #include and fails on an arrow between rooms that is not on this list, which is design.md's:
#   compiler -> vm -> vm/base; runtime -> vm; only runtime/command and editor-support/server know the compiler;
#   within runtime: command -> serve -> engine, send, report -> store; input is a leaf that engine and command read from.
# Then who includes headers that are private to a few files of a room, and which files know a library. Prints TAP.
set -u
cd "$(dirname "$0")/../.."
allowed() {
  case $1 in
    vm/base) echo "vm/base" ;;
    vm) echo "vm vm/base" ;;
    compiler) echo "compiler grammar vm vm/base" ;;
    runtime/input) echo "runtime/input vm vm/base" ;;
    runtime/store) echo "runtime/store vm vm/base" ;;
    runtime/engine) echo "runtime/engine runtime/store runtime/input vm vm/base" ;;
    runtime/send) echo "runtime/send runtime/store vm vm/base" ;;
    runtime/report) echo "runtime/report runtime/store vm vm/base" ;;
    runtime/serve) echo "runtime/serve runtime/engine runtime/send runtime/report runtime/store runtime/input vm vm/base" ;;
    runtime/command) echo "runtime/command runtime/serve runtime/engine runtime/send runtime/report runtime/store runtime/input compiler vm vm/base" ;;
    editor-support/server) echo "editor-support/server compiler vm vm/base" ;;
    *) echo "" ;;
  esac
}
# Of a room's other headers everybody may include those that its arrows let in; the compiler's only these two.
private() { # header: the files that may include it
  case $1 in
    vm/ops.h) echo "vm/strand*.c vm/op_*.c" ;;
    vm/value_make.h | vm/money.h) echo "vm/value*.c vm/money.c" ;;
    vm/state_bytes.h) echo "vm/contact_bytes.c vm/measure_bytes.c" ;;
    vm/unit_bytes.h) echo "vm/unit_*.c vm/program.c vm/request.c" ;;
    vm/loader.h) echo "vm/loader.c vm/program.c vm/unit_read.c" ;;
    vm/image_parts.h) echo "vm/image*.c" ;;
    vm/verify.h) echo "vm/verify*.c" ;;
    vm/liquid_machine.h) echo "vm/liquid_*.c" ;;
    compiler/compile.h | compiler/liquid.h) echo "*" ;;
    compiler/types.h) echo "compiler/types*.c" ;;
    compiler/lex_parts.h) echo "compiler/lex*.c" ;;
    compiler/driver.h) echo "compiler/parse*.c compiler/habits.c" ;;
    compiler/resolve.h) echo "compiler/names*.c compiler/experiment.c" ;;
    compiler/*) echo "compiler/*" ;;
    runtime/store/sqlite.h) echo "runtime/store/*" ;;
    runtime/engine/tick.h) echo "runtime/engine/*" ;;
    runtime/send/relay_parts.h) echo "runtime/send/relay*.c runtime/send/destination.c" ;;
    runtime/command/trial.h) echo "runtime/command/story*.c runtime/command/trial.c" ;;
    *) echo "*" ;;
  esac
}
library() { # header in angle brackets: the files that may include it
  case $1 in
    sqlite3.h) echo "runtime/store/*" ;;
    pcre2.h) echo "vm/pattern.c vm/liquid_regex.c" ;;
    gumbo.h) echo "compiler/mail_*" ;;
    openssl/*) echo "vm/digest.c vm/coupon.c vm/liquid_filters_camp.c runtime/send/*" ;;
    curl/* | gmime/* | idn2.h | resolv.h | netdb.h | arpa/*) echo "runtime/send/*" ;;
    *) echo "*" ;;
  esac
}
is_one_of() { # file patterns
  one=$1; shift
  for pattern; do
    # shellcheck disable=SC2254 # it is a pattern
    case $one in $pattern) return 0 ;; esac
  done
  return 1
}
set -f # patterns stay what they are
failed=0; bad=; strangers=
for file in $(find compiler vm runtime editor-support -name '*.c' -o -name '*.h' -o -name '*.def' 2> /dev/null | sort); do
  room=$(dirname "$file")
  ok=" $(allowed "$room") "
  for include in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file"); do
    # An include is looked for beside the file first, as the compiler does; what is in neither place is generated.
    if [ -f "$room/$include" ]; then header=$(realpath --relative-to=. "$room/$include")
    elif [ -f "$include" ]; then header=$include
    else continue; fi
    target=${header%/*}
    case $ok in *" $target "*) ;; *) bad="$bad$file includes $include: $room -> $target
" ;; esac
    is_one_of "$file" $(private "$header") || strangers="$strangers$file includes $header, which is private
"
  done
  for include in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*<\([^>]*\)>.*/\1/p' "$file"); do
    is_one_of "$file" $(library "$include") || strangers="$strangers$file includes <$include>
"
  done
done
tell() { # number what mistakes
  if [ -z "$3" ]; then echo "ok $1 - $2"; return; fi
  echo "not ok $1 - $2"; printf '%s' "$3" | sed 's/^/# /'; failed=1
}
tell 1 "the arrows between rooms" "$bad"
tell 2 "private headers and libraries" "$strangers"
echo "1..2"
exit $failed
