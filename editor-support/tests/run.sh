#!/bin/sh
# Tries the colours and the indentation in a real Vim and in the engine of Visual Studio Code, and packs the extension; TAP.
#   run.sh            everything
#   run.sh update     writes corpus/*.classes from Vim; read the difference before you commit it
#   run.sh pack DIR   only packs the extension into DIR
# Packages come into build/editors by npm, as tests/package.json names them; when they cannot, that is a failure.
set -u
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd); build=$root/build/editors
EDITORS=$root/editor-support; EDITORS_MODULES=$build
export EDITORS EDITORS_MODULES
scratch=$(mktemp -d "${TMPDIR:-/tmp}/camp-editors-XXXXXX"); trap 'rm -rf "$scratch"' EXIT
number=0; failed=0
say() { # code what [file that tells more]
  number=$((number + 1))
  if [ "$1" = 0 ]; then echo "ok $number - $2"; return; fi
  echo "not ok $number - $2"; failed=1
  if [ -s "${3:-}" ]; then head -40 "$3" | sed 's/^/# /'; fi
}
finish() { echo "1..$number"; exit $failed; }
give_up() { say 1 "$@"; finish; }

install_packages() {
  mkdir -p "$build"
  cmp -s "$here/package.json" "$build/installed.json" && return
  rm -rf "$build/node_modules" "$build/installed.json"
  cp "$here/package.json" "$build/package.json"
  (cd "$build" && npm install --no-package-lock --ignore-scripts --omit=optional --no-audit --no-fund \
    --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=10000) > "$scratch/npm" 2>&1 &&
    cp "$build/package.json" "$build/installed.json"
}
pack() { # the extension, packed into the folder
  rm -rf "$scratch/extension"; cp -R "$EDITORS/vscode" "$scratch/extension"; cp "$root/LICENSE" "$scratch/extension/LICENSE"
  (cd "$scratch/extension" && "$build/node_modules/.bin/vsce" package --allow-missing-repository --no-dependencies --out "$1/") > "$scratch/vsce" 2>&1
}

for tool in vim node npm; do
  command -v $tool > /dev/null || give_up "$tool is missing: run make deps"
done
install_packages || give_up "npm could not install what editor-support/tests/package.json names; is the network there?" "$scratch/npm"
if [ "${1:-}" = pack ]; then
  pack "$2" && exit 0
  cat "$scratch/vsce"; exit 1
fi

# --- the same classes in both editors ---
cd "$root" || exit 1
# Bytes that are not UTF-8 are shown by each editor in its own way.
find editor-support/tests/corpus examples stdlib tests -name '*.camp' | sort | while read -r file; do
  iconv -f UTF-8 -t UTF-8 "$file" > /dev/null 2>&1 && echo "$file"
done > "$scratch/files"
mkdir "$scratch/vim" "$scratch/textmate" "$scratch/assertions"
node "$here/textmate.js" letters > "$scratch/letters"
OUT=$scratch/vim FILES=$scratch/files LETTERS=$scratch/letters timeout 600 vim -es -u NONE -i NONE -N -S "$here/classes.vim" < /dev/null > "$scratch/vim.log" 2>&1 ||
  give_up "Vim could not colour the scripts" "$scratch/vim/error"
if [ "${1:-}" = update ]; then
  for file in "$scratch"/vim/editor-support__tests__corpus__*; do cp "$file" "$here/corpus/${file##*__}"; done
  exit 0
fi
xargs node "$here/textmate.js" classes "$scratch/textmate" < "$scratch/files" > "$scratch/node.log" 2>&1
say $? "the TextMate grammar is read, and colours every script" "$scratch/node.log"
for file in "$here"/corpus/*.camp; do
  name=$(basename "$file")
  diff "$here/corpus/$name.classes" "$scratch/vim/editor-support__tests__corpus__$name.classes" > "$scratch/diff"
  say $? "Vim colours the corpus as it says: $name" "$scratch/diff"
  diff "$here/corpus/$name.classes" "$scratch/textmate/editor-support__tests__corpus__$name.classes" > "$scratch/diff"
  say $? "the TextMate grammar colours the corpus as it says: $name" "$scratch/diff"
done
diff -r "$scratch/vim" "$scratch/textmate" > "$scratch/diff"
say $? "both colour all $(wc -l < "$scratch/files") scripts of the tree alike" "$scratch/diff"
# What Vim says of each character, asserted of the TextMate grammar by a tool that is not ours. Broken scripts of the tests are left out.
node "$here/textmate.js" assertions "$scratch/assertions" "$scratch"/vim/editor-support__* "$scratch"/vim/examples__* "$scratch"/vim/stdlib__* "$scratch"/vim/tests__9-whole__* > "$scratch/node.log" 2>&1
say $? "assertions are made" "$scratch/node.log"
"$build/node_modules/.bin/vscode-tmgrammar-test" --compact -g "$EDITORS/vscode/syntaxes/camp.tmLanguage.json" "$scratch/assertions/*.test.camp" > "$scratch/tmgrammar" 2>&1
say $? "vscode-tmgrammar-test agrees on the corpus, every example, the stories and the standard library" "$scratch/tmgrammar"

# --- the corpus is sane: nothing is left open, and a broken assertion is noticed ---
sed 's/ storage.type.camp$/ keyword.control.camp/' "$scratch/assertions/editor-support__tests__corpus__words.test.camp" > "$scratch/wrong.test.camp"
! "$build/node_modules/.bin/vscode-tmgrammar-test" --compact -g "$EDITORS/vscode/syntaxes/camp.tmLanguage.json" "$scratch/wrong.test.camp" > "$scratch/tmgrammar" 2>&1
say $? "vscode-tmgrammar-test notices a wrong class"

# --- indentation ---
grep -v '^tests/[1-4]' "$scratch/files" > "$scratch/indented"
OUT=$scratch FILES=$scratch/indented timeout 600 vim -es -u NONE -i NONE -N -S "$here/indent.vim" < /dev/null > "$scratch/vim.log" 2>&1
say $? "Vim's gg=G changes nothing in $(wc -l < "$scratch/indented") scripts, and restores those without indentation" "$scratch/error"

# --- files of the extension, and the package ---
node "$here/extension.js" > "$scratch/node.log" 2>&1
say $? "package.json, snippets and language configuration are whole" "$scratch/node.log"
pack "$scratch"
say $? "vsce packs the extension" "$scratch/vsce"
for file in package.json language-configuration.json snippets/camp.json syntaxes/camp.tmLanguage.json LICENSE.txt README.md; do
  grep -qaF "extension/$file" "$scratch"/camp-*.vsix || echo "$file is not in the package"
done > "$scratch/packed"
test ! -s "$scratch/packed"
say $? "the package holds what it needs" "$scratch/packed"
finish
