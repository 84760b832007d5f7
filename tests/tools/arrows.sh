#!/bin/sh
# Reads every #include and fails on an arrow between rooms that is not on this list, which is design.md's:
#   compiler -> vm -> vm/base; runtime -> vm; only runtime/command and editor-support/server know the compiler;
#   within runtime: command -> serve -> engine, send, report -> store; input is a leaf that engine and command read from.
# Prints TAP.
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
number=0; failed=0; bad=
for file in $(find compiler vm runtime editor-support -name '*.c' -o -name '*.h' -o -name '*.def' 2> /dev/null | sort); do
  room=$(dirname "$file")
  ok=" $(allowed "$room") "
  for include in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file"); do
    # An include is looked for beside the file first, as the compiler does; what is in neither place is generated.
    if [ -f "$room/$include" ]; then target=$(dirname "$(realpath --relative-to=. "$room/$include")")
    elif [ -f "$include" ]; then target=$(dirname "$include")
    else continue; fi
    case $ok in *" $target "*) ;; *) bad="$bad$file includes $include: $room -> $target
" ;; esac
  done
  # The store alone knows SQLite.
  if [ "$room" != runtime/store ] && grep -q 'include <sqlite3.h>' "$file"; then bad="$bad$file includes <sqlite3.h>
"; fi
done
if [ -n "$bad" ]; then
  echo "not ok 1 - the arrows between rooms"; printf '%s' "$bad" | sed 's/^/# /'; failed=1
else
  echo "ok 1 - the arrows between rooms"
fi
echo "1..1"
exit $failed
