#!/bin/sh
# check, explain, compile and disasm.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
cp -r "$CAMP_ROOT/examples/first-purchase" example
mkdir wrong empty .hidden
cat > wrong/main.camp <<'C'
message hello { channel email; subject "Hello"; body "Hello" }
when purchas then send hello
when signup then send helo after 7d
when signup and 3 is "x" then tag "y"
C
cp wrong/main.camp wrong/.main.camp.swp
golden check-clean 0 camp check example
golden check-file 1 camp check ./example/../example/first_purchase.camp example/messages.camp
golden check-errors 1 camp check wrong
golden check-short 1 camp check wrong --format short
golden check-json 1 camp check wrong --format=json
golden check-format 2 camp check wrong --format xml
golden check-missing 2 camp check nothing.camp
golden check-empty 2 camp check empty
golden check-mixed 2 camp check wrong nothing.camp
mkdir -p team/shop team/travel/deep team/notes/plans team/one/only
echo 'when purchase then tag "shop"' > team/shop/main.camp
printf 'list hot\nwhen purchase then join hott\n' > team/travel/deep/main.camp
cp team/shop/main.camp team/one/only; echo text > team/notes/plans/README
golden check-projects 1 camp check team
golden test-projects 0 camp test team/shop team/one
golden check-which 2 camp graph team
mkdir allowed
cat > allowed/main.camp <<'C'
campaign archive { tag "old" }  # camp: allow(W0102) started by hand, once a year
# camp: allow(W0104, W0105) both stay until the new prices are known
when signup and (1 > 2 or 2 > 1) then tag "x"
C
golden check-allowed 0 camp check allowed
cp allowed/main.camp before.camp
holds "fmt leaves the comments where they are" sh -c 'camp fmt allowed && cmp before.camp allowed/main.camp'
golden explain-one 0 camp explain e0301
golden explain-near 2 camp explain E9301
holds "explain lists every code once" sh -c 'camp explain > list && [ $(wc -l < list) -gt 30 ] && [ -z "$(cut -d" " -f1 list | sort | uniq -d)" ]'
golden compile-errors 1 camp compile wrong -o wrong.program
holds "nothing is written for a wrong project" test ! -e wrong.program
golden compile-nowhere 2 camp compile example
golden compile-unwritable 2 camp compile example -o missing/folder/x.program
golden compile 0 camp compile example -o example.program
camp disasm example > from-scripts; camp disasm example.program > from-program
holds "a program file lists as its scripts do" cmp from-scripts from-program
golden disasm 0 camp disasm example
camp compile example -o again.program > /dev/null
holds "the same scripts give the same bytes" cmp example.program again.program
golden simulate-program 0 camp simulate example.program --events example/events.ndjson
golden test-program 2 camp test example.program
# A byte order mark is no character of its line.
printf '\357\273\277when purchse then tag "x"\n' > mark.camp
golden check-mark 1 camp check mark.camp
finish
