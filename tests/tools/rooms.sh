#!/bin/sh
# Each room's README lists its files: every source stands in it by its name, by that of its header or by a pattern such as `names_*.c`, and
# every file that it names is there. vm/README.md speaks for vm/base, too. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
number=0; failed=0
# A file of another room may be named by its path, one of vm by its name alone.
rooms() { find compiler vm runtime editor-support -type d -name server -o -type d -path 'runtime/*' -o -type d -path 'vm*' -o -type d -path compiler | sort; }
for room in $(rooms); do
  ls "$room"/*.c > /dev/null 2>&1 || continue
  readme=$room/README.md; [ "$room" = vm/base ] && readme=vm/README.md
  number=$((number + 1)); bad=
  names=$(grep -o '`[A-Za-z0-9_*/.-]*`' "$readme" | tr -d '`' | sort -u)
  for file in "$room"/*.[ch] "$room"/*.def "$room"/*.sql; do
    [ -f "$file" ] || continue
    base=${file##*/}; stem=${base%.*}; named=
    for name in $names; do
      # shellcheck disable=SC2254 # a name in a README may be a pattern
      case $stem.c in ${name##*/}) named=1 ;; esac
      case $base in ${name##*/}) named=1 ;; esac
      case $stem.h in ${name##*/}) named=1 ;; esac
      [ "$named" ] && break
    done
    [ "$named" ] || bad="$bad# $readme does not name $base
"
  done
  for name in $names; do
    case $name in
      *'*'*) ;;
      *.[ch] | *.def | *.sql | *.re | *.y)
        [ -f "$name" ] || [ -f "$(dirname "$room")/$name" ] || [ -n "$(find "$room" vm -maxdepth 2 -name "$name")" ] || bad="$bad# $readme names $name, which is not there
" ;;
    esac
  done
  if [ -n "$bad" ]; then echo "not ok $number - the files of $room"; printf '%s' "$bad"; failed=1
  else echo "ok $number - the files of $room"; fi
done
echo "1..$number"
exit $failed
