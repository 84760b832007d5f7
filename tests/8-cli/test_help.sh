#!/bin/sh
# Help, versions, and what was typed wrong.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
golden help 0 camp --help
golden no-command 2 camp
golden version 0 camp --version
for command in check explain fmt test simulate run import status contact rejects graph compile disasm liquid code preview send inbound; do
  golden help-$command 0 camp help $command
  camp $command --help > again 2>&1; camp help $command > first 2>&1
  holds "camp $command --help is camp help $command" cmp first again
done
golden unknown-command 2 camp simulat
golden unknown-command-far 2 camp frobnicate
golden unknown-help 2 camp help simulat
golden unknown-option 2 camp run p.camp --evnts e.ndjson
golden unknown-option-far 2 camp check --zzzzzz p.camp
golden option-before-command 2 camp --db x status
golden option-without-value 2 camp status --db
golden option-twice 2 camp status --db a --db b
golden flag-with-value 2 camp run p.camp --csv=1
golden number-wrong 2 camp simulate p.camp --events e --batch many
golden number-range 2 camp simulate p.camp --events e --batch 0
golden too-few 2 camp contact --db x
golden too-many 2 camp status now --db x
golden missing-db 2 camp status
golden missing-events 2 camp simulate p.camp
golden import-what 2 camp import orders e.ndjson --db x --project p
finish
