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

# What is declared and used nowhere: a file that another one takes in is there for others.
rm -rf project outside && mkdir -p project/shared
cat > project/shared/library.camp <<'END'
event order_shipped { order_id: text }
list later
topic news
score warmth { +1 for visit as v }
define big = count(purchase) > 10
sequence wave(pause: duration) { tag "waved" }
campaign for_later { tag "later" }
fixture empty_shop { contact ann }
connector crm { task(title: text, more: text) { post "https://crm.example/tasks" { json { title: title } } } }
END
cp project/shared/library.camp project/own.camp
printf 'when signup then tag "new"\n' > project/main.camp
rm project/shared/library.camp
holds "what nothing uses is told of, in a project" sh -c 'test "$(camp check --format short project | grep -c W)" = 12'
clean "and not of a single file, which another one may use" camp check project/own.camp
mv project/own.camp project/shared/library.camp
printf 'use "./shared/library.camp"\nwhen signup then tag "new"\n' > project/main.camp
clean "nor of a file that another one takes in" camp check project

# Snippets and layouts that no message takes in.
mkdir -p project/snippets/parts project/layouts project/shared/snippets
echo 'a' > project/snippets/taken.liquid
echo 'b' > project/snippets/parts/left.html
echo 'c' > project/layouts/left.liquid
echo 'd' > project/shared/snippets/left.liquid
printf 'message hi { transactional; channel sms; body "{%% render \047taken\047 %%}" }\nwhen signup then send hi\n' >> project/main.camp
golden modules-snippets 0 camp check --format short project
holds "of a single file nothing is said" sh -c 'camp check project/main.camp | grep -q "no mistakes"'
finish
