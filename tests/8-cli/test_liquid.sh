#!/bin/sh
# Liquid as Shopify has it: the conformance suites where they are at hand, beside the project; made cases everywhere.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
suites=$CAMP_ROOT/../shared/liquid
holds "made cases: numbers, logic, loops, texts, dates" node "$CAMP_ROOT/tests/tools/liquid.js" "$CAMP"
if [ -f "$suites/golden.json" ] && [ -f "$suites/liquid-spec.json" ]; then
  node "$CAMP_ROOT/tests/tools/liquid.js" "$CAMP" "$suites/golden.json" "$suites/liquid-spec.json" > suites
  sed 's/^\(not \)\{0,1\}ok /# &/' suites
  same "every case of both suites" "ok 704 of 704 ok 4191 of 4191" "$(sed -n 's/^ok [0-9]* - .*: /ok /p' suites | xargs)"
fi
answer() { printf '%s\n' "$1" | camp liquid; }
same "a template, data and a snippet" '{"text":"Hello ADA! <b>Ada</b>","errors":[]}' \
  "$(answer '{"template":"Hello {{ name | upcase }}! {% render '"'bold'"', text: name %}","data":{"name":"Ada"},"templates":{"bold":"<b>{{ text }}</b>"}}')"
same "what does not compile" '{"text":null,"errors":["Liquid syntax error (line 2): Unknown tag '"'nosuch'"'"]}' "$(answer '{"template":"a\n{% nosuch %}"}')"
same "what fails while it renders" '{"text":"1 Liquid error (line 1): divided by 0 3","errors":["Liquid error (line 1): divided by 0"]}' \
  "$(answer '{"template":"1 {{ 2 | divided_by: 0 }} 3"}')"
same "no JSON" '{"text":null,"errors":["this is not JSON"]}' "$(answer 'hello' | sed 's/\["[^]]*"\]/["this is not JSON"]/')"
same "no template" '{"text":null,"errors":["a request is a JSON object with a text \"template\""]}' "$(answer '{"data":{}}')"
same "no such mode" '{"text":null,"errors":["\"mode\" must be lax, warn, strict or strict2"]}' "$(answer '{"template":"","mode":"loose"}')"
same "a line of its own for each request, in order" "1 2 3" \
  "$(printf '{"template":"1"}\n\n{"template":"2"}\r\n{"template":"3"}' | camp liquid | sed 's/.*text":"\([0-9]\).*/\1/' | xargs)"
finish
