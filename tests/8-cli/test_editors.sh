#!/bin/sh
# What editors know of Camp: up to date with the grammar, the same in Vim and Visual Studio Code, and as the README says.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
editors=$CAMP_ROOT/editor-support
holds "editor-support is up to date with grammar/keywords.def" node "$editors/tools/generate.js" check
# The corpus must be Camp, or its colours would mean nothing.
for file in words literals texts indent; do
  camp check --format short "$editors/tests/corpus/$file.camp" > checked 2>&1
  grep -E 'error\[E0[12]' checked > mistakes
  holds "the corpus has no mistake of grammar: $file" test ! -s mistakes
done
# Every snippet, as it is inserted, is Camp.
node -e '
  const snippets = require(process.argv[1])
  const inside = { campaign: ["waitfor", "waitup", "if", "startat", "startevery", "split", "repeat", "foreach", "sendwith"], test: ["cases"] }
  for (const { prefix, body } of Object.values(snippets)) {
    // Inner placeholders first; what is empty gets a statement.
    let text = [].concat(body).join("\n")
    text = text.replace(/\$\{\d+\|([^,|]*)[^}]*\}/g, "$1").replace(/\$\{\d+:([^}]*)\}/g, "$1").replace(/\$\d+/g, prefix === "cases" ? "" : "exit")
    if (inside.campaign.includes(prefix)) text = `campaign of_${prefix} {\n  start when purchase\n${text}\n}`
    if (inside.test.includes(prefix)) text = `test "${prefix}" {\n${text}\n}`
    console.log(text)
  }' "$editors/vscode/snippets/camp.json" > snippets.camp
camp check --format short snippets.camp > checked 2>&1
grep -E 'error\[E0[12]' checked > mistakes
holds "the snippets have no mistake of grammar" sh -c 'test -s snippets.camp && { test ! -s mistakes || { cat mistakes; false; }; }'
# The commands of the README's workflow, on an example in place of the reader's folder.
sed -n '/^```yaml/,/^```$/s/^ *- run: camp /camp /p' "$CAMP_ROOT/README.md" > workflow
same "the README's workflow checks and tests" "check test" "$(awk '$2 ~ /^(check|test)$/ { print $2 }' workflow | sort | xargs)"
cp -R "$CAMP_ROOT/examples/first-purchase" campaigns
while read -r line; do holds "the README's workflow: $line" $line < /dev/null; done < workflow
# :make in Vim fills its list of mistakes from camp check, and leaves options as they were when the file type goes.
mkdir wrong; printf 'when purchase then tag "a"\nwhen purchse then tag "b"\n' > wrong/rules.camp
cat > make.vim <<'V'
try
  execute 'set runtimepath=' . fnameescape($CAMP_ROOT . '/editor-support/vim') . ',$VIMRUNTIME'
  filetype plugin indent on
  edit wrong/rules.camp
  let seen = [&l:shiftwidth, &l:commentstring]
  silent make
  call writefile(seen + map(getqflist(), 'bufname(v:val.bufnr) . " " . v:val.lnum . " " . v:val.col'), 'made')
  set filetype=none
  call writefile([&l:commentstring ==# '# %s' ? 'kept' : 'undone'], 'made', 'a')
catch
  call writefile([v:exception], 'made')
endtry
qall!
V
timeout 60 vim -es -u NONE -i NONE -N -S make.vim < /dev/null > vim.log 2>&1
same "Vim's options, its :make, and its undoing" "2|# %s|wrong/rules.camp 2 6|undone|" "$(tr '\n' '|' < made)"
tap=$TMPDIR/editors.tap
sh "$editors/tests/run.sh" > "$tap" 2>&1
[ $? = 0 ] || failed=1
# Its lines, numbered on.
awk -v n="$number" '/^(not )?ok /{ n++; sub(/ok [0-9]+/, "ok " n) } !/^1\.\./' "$tap"
number=$((number + $(grep -cE '^(not )?ok ' "$tap")))
grep -qE '^1\.\.' "$tap" || say 1 "editor-support/tests/run.sh comes to its end"
finish
