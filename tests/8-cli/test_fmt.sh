#!/bin/sh
# fmt: what it writes and where, what it leaves alone; and the scripts of this tree are formatted.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
mkdir -p project/messages
cat > project/main.camp <<'C'
# A campaign as it was typed.
use   shop


campaign welcome { start when signup where source is not "import"
 entry once # never again
  send hello
    wait 3d
if contact.country is "FR" {tag "french"} else {tag  "abroad"}
}
C
printf 'message hello { channel email; subject "Hello"; body "Hello" }\n' > project/messages/hello.camp
printf 'list a\r\nlist   b' > project/old.camp
cp -r project wrong
printf 'lisst  a\n' > wrong/broken.camp
cp -r project untouched

golden fmt-check 1 camp fmt --check project
golden fmt-diff 0 camp fmt --diff project
golden fmt-check-diff 1 camp fmt --check --diff project/old.camp
holds "--check and --diff write nothing" diff -r project untouched
INPUT=project/main.camp golden fmt-stdin 0 camp fmt -
INPUT=project/main.camp golden fmt-stdin-check 1 camp fmt - --check
INPUT=project/messages/hello.camp golden fmt-stdin-fine 0 camp fmt --check --diff -
INPUT=/dev/null golden fmt-stdin-empty 0 camp fmt -
holds "standard input may be a pipe" sh -c 'cat project/main.camp | camp fmt - > piped && camp fmt - < project/main.camp | cmp - piped'

chmod 640 project/old.camp
touch -d 2020-01-01 project/messages/hello.camp
ln -s ../project/old.camp wrong/link.camp
camp compile project -o before.program > said 2>&1
golden fmt 0 camp fmt project
golden fmt-again 0 camp fmt project
golden fmt-check-fine 0 camp fmt --check project
holds "the program is the same but for lines" sh -c 'camp compile project -o after.program > said 2>&1;
  camp disasm before.program | grep -v "^; " > a; camp disasm after.program | grep -v "^; " > b; grep -q SEND a && cmp a b'
same "a file keeps its mode" 640 "$(stat -c %a project/old.camp)"
same "a file that does not change is not written" "$(date -d 2020-01-01 +%s)" "$(stat -c %Y project/messages/hello.camp)"
same "nothing is left beside the files" "main.camp messages old.camp" "$(ls project | tr '\n' ' ' | sed 's/ $//')"
printf 'list   c\n' > project/old.camp
camp fmt wrong/link.camp > said 2>&1
holds "behind a link, what it names is written" sh -c 'test -L wrong/link.camp && test "$(cat project/old.camp)" = "list c"'
rm wrong/link.camp

golden fmt-mistake 1 camp fmt wrong
holds "a script with a mistake is not touched, the others are formatted" sh -c 'test "$(cat wrong/broken.camp)" = "lisst  a" && cmp wrong/main.camp project/main.camp'
INPUT=wrong/broken.camp golden fmt-stdin-mistake 1 camp fmt -
golden fmt-missing 2 camp fmt nothing.camp
golden fmt-none 2 camp fmt
golden fmt-stdin-alone 2 camp fmt - project
golden fmt-pipe 2 sh -c 'mkfifo pipe.camp; (printf "list  a" > pipe.camp &); camp fmt pipe.camp'
if [ "$(id -u)" != 0 ]; then
  chmod 555 wrong; printf 'list  a\n' > project/old.camp; cp project/old.camp there; chmod 555 project
  refuses "a folder that cannot be written" 2 'cannot write project/old.camp' camp fmt project
  chmod 755 project wrong
  holds "what cannot be written stays as it was" cmp project/old.camp there
fi

# A diff is one that patch understands.
if command -v patch > /dev/null 2>&1; then
  mkdir patched; camp fmt --diff untouched > change; cp -r untouched patched/; camp fmt untouched > said
  holds "patch turns the one into the other" sh -c 'patch -s --binary -p0 -d patched < change && diff -r untouched patched/untouched'
fi

for folder in examples stdlib tests/9-whole/stories; do
  (cd "$CAMP_ROOT" && "$CAMP" fmt --check "$folder") > unformatted 2>&1
  holds "$folder is formatted" sh -c 'cat unformatted; test ! -s unformatted'
done
finish
