#!/bin/sh
# Prints vm/OPCODES.md from the one table of opcodes.
#   opcodes.sh vm/opcodes.def > vm/OPCODES.md
set -eu
cat <<'HEAD'
# Opcodes

Generated from `opcodes.def` by `tests/tools/opcodes.sh`; a test fails when this page is not what it prints. A byte is never
reused or renumbered, because contacts sleep for months on it.

Operands, little endian: `j` jump target, 4 bytes; `c` constant, `f` field, `s` string, `m` measure, `w` wait, `e` emit,
2 bytes; `l` local, `n` count or mask, 1 byte. *Takes* and *leaves* count values on the stack; `*` is as many as the operand
says. *Where*: `steps` alone, or `any` code, also that of conditions. *Then*: `ends` goes no further, `jumps` may go on
elsewhere, `effect` stops for the engine to act and goes on, `parks` waits.
HEAD
awk '
  /^\/\* [a-z]+/ && !/one table/ { title = $2; sub(/:$/, "", title)
    printf "\n## %s\n\n| byte | name | operands | takes | leaves | where | then | |\n|---|---|---|---|---|---|---|---|\n",
           toupper(substr(title, 1, 1)) substr(title, 2) }
  /^OP\(/ {
    line = $0
    sub(/^OP\(/, "", line); sub(/\)[ ]*$/, "", line)
    split(line, part, "\"")            # name, byte / operands / pops, pushes, flags / synopsis
    split(part[1], head, ","); split(part[3], mid, ",")
    name = head[1]; byte = head[2]; pops = mid[2]; pushes = mid[3]; flags = mid[4]
    gsub(/ /, "", name); gsub(/ /, "", byte); gsub(/ /, "", pops); gsub(/ /, "", pushes)
    then_ = ""
    if (flags ~ /OPF_YIELD/) then_ = then_ " parks"
    else if (flags ~ /OPF_END/) then_ = then_ " ends"
    if (flags ~ /OPF_JUMP/) then_ = then_ " jumps"
    if (flags ~ /OPF_EFFECT/) then_ = then_ " effect"
    sub(/^ /, "", then_)
    synopsis = part[4]; gsub(/</, "\\&lt;", synopsis); gsub(/\*/, "\\*", synopsis)
    if (pops == "-1") pops = "*"
    printf "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", byte, name, part[2] == "" ? "" : "`" part[2] "`", pops, pushes,
           flags ~ /OPF_EXPR/ ? "any" : "steps", then_, synopsis
  }' "$1"
