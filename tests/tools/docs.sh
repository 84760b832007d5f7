#!/bin/sh
# Pages made from tables: vm/OPCODES.md from vm/opcodes.def. `docs.sh write` writes them, `docs.sh` compares and prints TAP.
set -eu
cd "$(dirname "$0")/../.."
opcodes() {
  echo "# Opcodes"
  echo
  echo "Made from \`opcodes.def\` by \`make docs\`; do not edit. Bytes are explicit and never reused, because contacts sleep for months"
  echo "in the middle of old programs. *Operands* are what follows the byte, *pops* and *pushes* count values of the stack."
  echo
  echo "| byte | name | operands | pops | pushes | what it does |"
  echo "|---|---|---|---|---|---|"
  sed -n 's/^OP(\([A-Z_0-9]*\), *\(0x[0-9a-fA-F]*\), *"\([a-z]*\)", *\(-\{0,1\}[0-9]*\), *\(-\{0,1\}[0-9]*\), *[A-Z_0-9 |]*, *"\(.*\)")$/| \2 | \1 | \3 | \4 | \5 | \6 |/p' vm/opcodes.def
}
listed=$(grep -c '^OP(' vm/opcodes.def)
made=$(opcodes | grep -c '^| 0x')
[ "$listed" = "$made" ] || { echo "not ok 1 - vm/OPCODES.md: $made of $listed opcodes could be read"; echo 1..1; exit 1; }
if [ "${1:-}" = write ]; then opcodes > vm/OPCODES.md; exit 0; fi
if opcodes | cmp -s - vm/OPCODES.md; then echo "ok 1 - vm/OPCODES.md is up to date"; echo 1..1; exit 0; fi
echo "not ok 1 - vm/OPCODES.md is not up to date: run make docs"; echo 1..1
exit 1
