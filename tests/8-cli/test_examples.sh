#!/bin/sh
# The examples, each a project that readers copy: no mistake and no warning, formatted, every test green, every rule, branch,
# condition and statement reached, every campaign drawn, every command of its README run.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
cp -R "$CAMP_ROOT/examples" .

# ok, and not a line of warnings: the only line says so.
clean() { camp check "$1" > checked 2>&1 && grep -q ': no mistakes$' checked && [ "$(wc -l < checked)" = 1 ] || { cat checked; return 1; }; }
covered() { # every figure is 100 %, and there is at least one
  camp test --coverage "$1" > tested 2>&1 || { cat tested; return 1; }
  grep -q '(100 %)' tested || { echo "nothing was counted"; cat tested; return 1; }
  # What is not reached is listed below a file's line of figures.
  grep -E '\([0-9]?[0-9] %\)|  never ' tested && return 1
  return 0
}
drawn() {
  for drawing in mermaid dot svg; do
    camp graph "$1" --format $drawing > drawn 2> drawn.err && [ -s drawn ] || { cat drawn.err; return 1; }
  done
}
commands() { # of the README, those between ``` and those indented by four
  sed -n 's/^    \(camp .*\)/\1/p; /^```$/,/^```$/s/^\(camp .*\)/\1/p' "$1/README.md" > wanted
  [ -s wanted ] || { echo "the README has no command"; return 1; }
  while IFS= read -r line; do
    sh -c "$line" > ran 2>&1 < /dev/null || { echo "$line"; cat ran; return 1; }
  done < wanted
}
for example in examples/*/; do
  example=${example%/}
  holds "$example has no mistakes and no warnings" clean "$example"
  holds "$example is formatted" camp fmt --check "$example"
  holds "$example: its tests pass and reach everything" covered "$example"
  holds "$example can be drawn" drawn "$example"
  holds "$example: the README's commands work" commands "$example"
  holds "the README lists $example" grep -qF "(${example})" "$CAMP_ROOT/README.md"
done

holds "all of them by their folder's name" sh -c 'camp check examples && camp fmt --check examples'

# What the README's workflow runs on every change is run on an example.
cp -R examples/welcome campaigns
sed -n 's/^ *- run: \(camp .*\)/\1/p' "$CAMP_ROOT/README.md" > workflow
for command in check fmt test; do
  holds "the workflow has camp $command" grep -q "^camp $command " workflow
done
holds "the workflow's commands work" sh -e workflow

# Each module of the standard library has an example of its use, and comes in by its name.
for module in "$CAMP_ROOT"/stdlib/*.camp; do
  name=$(basename "$module" .camp)
  [ "$name" = prelude ] && continue
  printf 'use %s\nwhen purchase then tag "buyer"\n' "$name" > module.camp
  holds "use $name" clean module.camp
  holds "an example or a story uses $name" grep -rqE "^use $name$" examples "$CAMP_ROOT/tests/9-whole/stories"
done
finish
