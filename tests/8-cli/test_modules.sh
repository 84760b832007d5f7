#!/bin/sh
# `use` of files and modules: what is found, each file once, and what is said of what is not.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
clean() { what=$1; shift; holds "$what" sh -c "$(printf '%s ' "$@")> out && grep -q 'no mistakes' out"; }
mkdir -p project/sub project/folder.camp outside
echo 'list shared' > outside/common.camp
printf 'use "../outside/common.camp"\nwhen signup then join shared\n' > project/main.camp
clean "a file outside of the project's folder may be shared" camp check project
clean "and by a single script" camp check project/main.camp
rm project/main.camp
printf 'use "./b.camp"\nlist in_a\nwhen signup then join in_b\n' > project/a.camp
printf 'use "a.camp"\nuse "./sub/../a.camp"\nuse "./a.camp"\nlist in_b\nwhen visit then join in_a\n' > project/b.camp
clean "two files use each other, one in three spellings" camp check project
clean "also from one of them" camp check project/a.camp
rm project/*.camp 2> /dev/null
ln -s ../outside/common.camp project/link.camp
printf 'use "./link.camp"\nwhen signup then join shared\n' > project/main.camp
clean "a link is the file that it leads to" camp check project/main.camp
ln -s loop.camp project/loop.camp
echo 'list x' > project/common.camp
printf 'use "./folder.camp"\nuse "./sub"\nuse "./none.camp"\nuse "./Common.camp"\nuse "./comon.camp"\nuse "./loop.camp"\nuse ""\nuse "none/x.camp"\nuse shopp\nwhen signup then tag "a"\n' > project/main.camp
golden modules-missing 1 camp check project/main.camp
rm project/*.camp 2> /dev/null
for file in one two; do
  printf 'list vip\nmessage hi { channel sms; body "a" }\nevent e { a: text }\ncampaign c {\n  start when e\n  send hi\n}\n' > project/$file.camp
done
golden modules-clash 1 camp check --format short project
printf 'use shop\nuse shop\nwhen refund then tag "x"\n' > twice.camp
clean "a module twice is one" camp check twice.camp
finish
