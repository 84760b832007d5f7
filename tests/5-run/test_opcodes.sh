#!/bin/sh
# vm/OPCODES.md is what its generator prints, and speaks of every opcode.
cd "$(dirname "$0")/../.." || exit 1
fails=0
check() {
  if [ "$2" = 0 ]; then echo "ok $1 - $3"; else echo "not ok $1 - $3"; fails=1; fi
}
echo 1..2
sh tests/tools/opcodes.sh vm/opcodes.def | diff -u vm/OPCODES.md - | sed 's/^/# /'
sh tests/tools/opcodes.sh vm/opcodes.def | cmp -s vm/OPCODES.md -
check 1 $? "OPCODES.md is up to date"
[ "$(grep -c '^| `0x' vm/OPCODES.md)" = "$(grep -c '^OP(' vm/opcodes.def)" ]
check 2 $? "OPCODES.md has a row for every opcode"
exit $fails
