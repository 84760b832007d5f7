// Templates and data that want to hurt: node liquid_attacks.js CAMP [NAME] runs each against `camp liquid`, a process for each, and
// prints TAP. Each must be answered, by its text or by the limit that stops it, within the memory that limits.h allows a render
// (besides the request itself). With TIMES=1 it prints how long each took and its peak of memory.
'use strict'
const { spawnSync } = require('child_process')
const [camp, only] = process.argv.slice(2)

const MB = 1 << 20
const memory = /^Liquid error: Memory limits exceeded$/
const work = /looks at more than \d+ MB/
const many = (n, what) => what.repeat(n)
const object = (n, of) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, of(i)]))
const array = (n, of) => Array.from({ length: n }, (_, i) => of(i))
const nested = (n, open, close, inside) => many(n, open) + inside + many(n, close)
// A loop of a million turns; any of them may cost no more than a step.
const loop = body => `{% for i in (1..1000000) %}${body}{% endfor %}`
// Integers whose hashes meet in the table that `uniq` makes: multiples of the inverse of its odd factor.
const colliding = n => array(n, i => String(BigInt.asIntN(64, BigInt(i) * 0xf1de83e19937733dn << 0n)))

// want: the error, or the text; of a text that is long its length.
const attacks = {
  // --- output, steps, nesting, recursion, ranges, growth
  'a text without end': { template: loop('{{ s }}'), data: { s: many(1000, 'x') }, want: memory },
  'a loop without end': { template: loop(loop('')), want: memory },
  'a loop of nothing': { template: loop(''), want: memory },
  'a range that counts everything': { template: '{% for i in (1..9223372036854775807) %}{% endfor %}', want: memory },
  'a range from the least to the most': { template: '{% for i in (-9223372036854775808..9223372036854775807) %}x{% break %}{% endfor %}', want: 'x' },
  'a range as an array': { template: "{{ (1..99999999) | join: ',' | size }}", want: /more than 1000000 numbers/ },
  'a table without end': { template: '{% tablerow i in (1..99999999) cols: 2 %}{% endtablerow %}', want: memory },
  'a hundred thousand ifs in each other': { template: nested(100000, '{% if true %}', '{% endif %}', 'x'), want: /Nesting too deep/ },
  'a hundred thousand ifs that nobody closes': { template: many(100000, '{% if true %}'), want: /Nesting too deep|never closed/ },
  'a hundred thousand brackets': { template: `{{ ${nested(100000, 'a[', ']', '0')} }}`, want: /too deep|brackets/i },
  'a hundred thousand ranges in each other': { template: `{{ ${nested(100000, '(1..', ')', '2')} }}`, want: /too deep|brackets|syntax/i },
  'a condition of a hundred thousand': { template: `{% if ${many(100000, 'a or ')}true %}yes{% endif %}`, want: /yes|more than|too deep/ },
  'a chain of a hundred thousand filters': { template: `{{ 'a' ${many(100000, '| upcase ')} }}`, want: 'A' },
  'a filter of a hundred thousand arguments': { template: `{{ 'a' | append: ${many(100000, '1, ')}2 }}`, want: /more than|arguments/ },
  'an array of a hundred thousand elses': { template: `{% if false %}${many(100000, '{% elsif false %}')}{% else %}x{% endif %}`, want: 'x' },
  'a case of a hundred thousand': { template: `{% case 1 %}${many(100000, '{% when 2 %}')}{% else %}x{% endcase %}`, want: 'x' },
  'a snippet that calls itself': { template: "{% include 'a' %}", templates: { a: "{% include 'a' %}" }, want: /Nesting too deep/ },
  'two that call each other': { template: "{% render 'a' %}", templates: { a: "{% render 'b' %}", b: "{% render 'a' %}" }, want: /Nesting too deep/ },
  'a circle through a variable': { template: '{% assign n = "a" %}{% include n %}', templates: { a: '{% assign n = "b" %}{% include n %}', b: '{% assign n = "a" %}{% include n %}' }, want: /Nesting too deep/ },
  'a tree of snippets': { template: "{% include 'a' %}", templates: { a: "{% include 'a' %}{% include 'a' %}" }, want: /Nesting too deep|Memory limits|more than/ },
  'a tree of loops and snippets': { template: "{% include 'a' %}", templates: { a: "{% for i in (1..9) %}{% include 'a' %}{% endfor %}" }, want: /Nesting too deep|Memory limits|more than/ },
  'a snippet for each of a million': { template: "{% include 'a' for list %}", templates: { a: '' }, data: { list: array(1000000, () => 1) }, want: /^$|Memory/ },
  'a text doubled for ever': { template: `{% assign s = 'x' %}${loop('{% assign s = s | append: s %}')}`, want: memory },
  'an array doubled for ever': { template: `{% assign a = 'x' | split: '' %}${loop('{% assign a = a | concat: a %}')}`, want: memory },
  'a capture doubled for ever': { template: `{% assign s = 'x' %}${loop('{% capture s %}{{ s }}{{ s }}{% endcapture %}')}`, want: memory },
  'replace that grows': { template: `{% assign s = 'xxxxxxxx' %}${loop("{% assign s = s | replace: 'x', 'xxxxxxxx' %}")}`, want: memory },
  'replace by what stands before and behind': { template: '{{ s | replace: "x", "\\`\\\'" | size }}', data: { s: many(100000, 'x') }, want: memory },
  'replace of nothing by much': { template: '{{ s | replace: "", s | size }}', data: { s: many(100000, 'x') }, want: memory },
  'join with a long glue': { template: '{{ a | join: s | size }}', data: { a: array(100000, () => 1), s: many(100000, 'x') }, want: memory },
  'a number that grows': { template: `{% assign n = 9 %}${loop('{% assign n = n | times: n %}')}`, want: /more than \d+ digits|Memory/ },
  'increments in a snippet': { template: "{% render 'a' %}", templates: { a: loop('{% increment n %}{% assign m = i %}') }, want: memory },
  'a cycle of many keys': { template: `${loop('{% cycle i: 1, 2 %}')}`, want: /more than|Memory/ },
  'a million errors': { template: loop('{{ 1 | divided_by: 0 }}'), want: /more than 1000 errors|Memory/ },
  // --- long texts; each turn reads all of one
  'ten megabytes through filters': { template: "{{ s | split: 'b' | join: 'c' | replace: 'a', 'd' | append: 'e' | size }}", data: { s: many(10 * MB, 'a') }, want: memory },
  'ten megabytes, and each turn is a size': { template: loop('{% assign n = s | size %}'), data: { s: many(10 * MB, 'a') }, want: work },
  'ten megabytes, and each turn is the word size': { template: loop('{% assign n = s.size %}'), data: { s: many(10 * MB, 'a') }, want: work },
  'ten megabytes, and each turn looks for something': { template: loop("{% if s contains 'b' %}{% endif %}"), data: { s: many(10 * MB, 'a') }, want: work },
  'ten megabytes, and each turn compares': { template: loop('{% if s == t %}{% endif %}'), data: { s: many(10 * MB, 'a'), t: many(10 * MB, 'a') }, want: work },
  'ten megabytes, and each turn is a case': { template: loop('{% case s %}{% when t %}{% endcase %}'), data: { s: many(10 * MB, 'a'), t: many(10 * MB, 'a') }, want: work },
  'ten megabytes of spaces, and each turn is blank': { template: loop('{% if s == blank %}{% endif %}'), data: { s: many(10 * MB, ' ') }, want: work },
  'ten megabytes stripped each turn': { template: loop('{% assign n = s | strip %}'), data: { s: many(10 * MB, ' ') }, want: work },
  'ten megabytes cut each turn': { template: loop('{% assign n = s | slice: 9999999 %}'), data: { s: many(10 * MB, 'a') }, want: work },
  'ten megabytes named by each cycle': { template: loop('{% cycle s: 1, 2 %}'), data: { s: many(10 * MB, 'a') }, want: work },
  'the last of what nearly matches everywhere': { template: '{{ s | replace_last: t, "x" | size }}', data: { s: many(4 * MB, 'a'), t: 'b' + many(2 * MB, 'a') }, want: String(4 * MB) },
  'the first of what nearly matches everywhere': { template: '{{ s | replace: t, "x" | size }}', data: { s: many(4 * MB, 'a'), t: many(2 * MB, 'a') + 'b' }, want: String(4 * MB) },
  'contains what nearly matches everywhere': { template: '{% if s contains t %}y{% else %}n{% endif %}', data: { s: many(4 * MB, 'ab'), t: many(1 * MB, 'ab') + 'c' }, want: 'n' },
  'strip_html of comments that do not end': { template: '{{ s | strip_html | size }}', data: { s: many(MB, '<!--') }, want: String(4 * MB) },
  'strip_html of scripts that do not end': { template: '{{ s | strip_html | size }}', data: { s: many(500000, '<script') }, want: '3500000' },
  'strip_html of brackets': { template: '{{ s | strip_html | size }}', data: { s: many(4 * MB, '<') }, want: String(4 * MB) },
  'a date of digits': { template: '{{ s | date: "%Y" | size }}', data: { s: many(4 * MB, '1') }, want: String(4 * MB) },
  'a date that is nearly one everywhere': { template: "{{ s | date: '%Y' }}", data: { s: many(12, '1 jan jan ') + 'a' }, want: /./ },
  'dates that are nearly ones': { template: "{% for i in (1..200000) %}{{ s | date: '%Y' }}{% endfor %}", data: { s: many(30, '1 h ') }, want: /./ },
  'a width of strftime': { template: "{{ 'now' | date: '%999999999Y' }}", want: /width/ },
  'many widths of strftime': { template: `{{ 'now' | date: '${many(1000, '%1000Y')}' }}`, want: /longer than/ },
  // --- arrays
  'a sort whose items differ at their ends': { template: loop('{% assign n = a | sort %}'), data: { a: array(200, i => many(50000, 'a') + i) }, want: /looks at|Memory/ },
  'a sort by a property that not all have': { template: '{{ a | sort: "p" | size }}', data: { a: array(200000, i => (i % 3 ? { p: i * 7919 % 1000 } : {})) }, want: '200000' },
  'a sort of what does not compare': { template: '{{ a | sort | size }}', data: { a: array(100000, i => (i % 2 ? i : `x${i}`)) }, want: /cannot sort|comparison/ },
  'a natural sort of numbers': { template: '{{ a | sort_natural | size }}', data: { a: array(100000, i => i) }, want: memory },
  'uniq of hashes that are all different': { template: '{{ a | uniq | size }}', data: { a: array(100000, i => ({ k: i })) }, want: '100000' },
  'uniq of hashes that are nearly the same': { template: '{{ a | uniq | size }}', data: { a: array(1000, i => ({ ...object(100, () => 1), last: i })) }, want: '1000' },
  'uniq of integers whose hashes collide': { template: '{{ a | uniq | size }}', raw: `{"template":"{{ a | uniq | size }}","data":{"a":[${colliding(100000)}]}}`, want: /^100000$|looks at/ },
  'deep arrays compared each turn': { template: loop('{% if a == b %}{% endif %}'), data: { a: array(10000, i => [i]), b: array(10000, i => [i]) }, want: work },
  'large hashes compared each turn': { template: loop('{% if a == b %}{% endif %}'), data: { a: object(10000, i => i), b: object(10000, i => i) }, want: work },
  'an array searched each turn': { template: loop('{% if a contains 1 %}{% endif %}'), data: { a: array(100000, () => 2) }, want: work },
  'where on each turn': { template: loop("{% assign b = a | find: 'k', 'x' %}"), data: { a: array(100000, () => ({ k: 1 })) }, want: work },
  'a sum on each turn': { template: loop('{% assign b = a | sum %}'), data: { a: array(100000, () => 1) }, want: work },
  'a hash of a hundred thousand keys': { template: "{{ h.k99999 }}{{ h['k5'] }}", data: { h: object(100000, i => i) }, want: '999995' },
  'names looked for by what a variable holds': { template: `${array(20000, i => `{% assign v${i} = 1 %}`).join('')}${loop('{% assign n = [name] %}')}`, data: { name: 'v19999' }, mode: 'lax', want: /looks at|Memory/ },
  'snippets looked for among many': { template: loop('{% include n %}'), templates: object(5000, () => ''), data: { n: 'K4999' }, want: /looks at|Memory|find/ },
  // --- data
  'data five hundred deep': { template: '{{ a }}', raw: `{"template":"{{ a | size }}","data":{"a":${nested(500, '[', ']', '')}}}`, want: /deep|^0$|^1$/ },
  'data a million deep': { raw: `{"template":"{{ a }}","data":{"a":${nested(1000000, '[', ']', '')}}}`, want: /deep|nested/ },
  'an integer of a million digits': { raw: `{"template":"{{ a }} {{ a | plus: 1 }}","data":{"a":${many(1000000, '9')}}}`, want: /./ },
  'an integer of a million digits in the template': { template: `{{ ${many(1000000, '9')} }}`, want: /digits|./ },
  'an integer of a million digits in a text': { template: '{{ a | plus: 1 }}', data: { a: many(1000000, '9') }, want: /digits|./ },
  'a million digits behind the point': { raw: `{"template":"{{ a }} {{ a | times: 2 }}","data":{"a":0.${many(1000000, '3')}}}`, want: /^0\.3333333333333333 0\.666/ },
  'an exponent that no number has': { raw: '{"template":"{{ a }} {{ a | times: 2 }} {{ b | plus: 1 }}","data":{"a":1e999999999,"b":1e-999999999}}', want: /./ },
  'an exponent in a text': { template: "{{ '1e999999999' | plus: 1 }} {{ '1e-999999999' | times: 3 | round: 2 }}", want: /./ },
  'rounded to a billion places': { template: '{{ 1.5 | round: 999999999 }} {{ 15 | round: -999999999 }}', want: /1\.5 0/ },
  'bytes that are no UTF-8': { raw: Buffer.concat([Buffer.from('{"template":"a'), Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80]), Buffer.from('{{ x }}"}')]), want: /UTF-8/ },
  'NUL and half a character': { template: "\0{{ 'a\0b' | upcase | size }}{{ s | base64_decode | upcase | reverse | split: '' | join: '' | slice: 1, 2 | escape | url_encode }}", data: { s: '/8CA7aCA4p4=' }, want: /^\0003/ },
  'NUL in an error': { template: "{{ x | nosuch: 'a\0b' \0 }}", want: /Unexpected character \0/ },
  // --- the source
  'sixty-four megabytes of an open tag': { template: '{% if ' + many(64 * MB, 'a'), want: /longer than|larger than/ },
  'a source at its limit, never closed': { template: '{{ ' + many(4 * MB - 100, 'a'), want: /not properly terminated/ },
  'openings': { template: many(MB, '{{'), want: /./ },
  'openings of tags': { template: many(MB, '{%'), want: /./ },
  'raw that does not end': { template: '{% raw %}' + many(MB, '{% '), want: /never closed/ },
  'comments in comments': { template: many(100000, '{% comment %}'), want: /./ },
  'a million outputs': { template: many(500000, '{{a}}'), data: { a: 1 }, want: /^1{500000}$|Memory/ },
  'lax: quotes that do not close': { mode: 'lax', template: `{{ a | ${many(500000, '"\'')} }}`, want: /^/ },
  'lax: pipes': { mode: 'lax', template: `{{ a ${many(1000000, '|')} }}`, want: /^/ },
  'lax: arguments': { mode: 'lax', template: `{{ a | b${many(500000, ': a,')} }}`, want: /^/ },
  'lax: a condition of operators': { mode: 'lax', template: `{% if a ${many(200000, '== b and ')} c %}{% endif %}`, want: /^/ },
  'lax: a loop of attributes': { mode: 'lax', template: `{% for a in b ${many(200000, 'limit:1 ')} %}{% endfor %}`, want: /^/ },
  'lax: a cycle of many': { mode: 'lax', template: `{% cycle ${many(200000, '"a", ')} 'b' %}`, want: /^/ },
  'lax: dots': { mode: 'lax', template: `{{ a${many(1000000, '.')} }}`, want: /^/ },
  'lax: spaces': { mode: 'lax', template: `{% for a${many(1000000, ' ')}b %}{% endfor %}`, want: /^/ },
  'lax: an assign of spaces': { mode: 'lax', template: `{% assign a${many(1000000, ' ')}b %}`, want: /^/ },
  'lax: a render of commas': { mode: 'lax', template: `{% render 'a'${many(300000, ', a: b')} %}`, templates: { a: 'x' }, want: /^/ }
}

// With TIMES=1, python3 tells the peak of memory.
const seconds = process.env.SECONDS_EACH || '60'
const peak = 'import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); ' +
  'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr); sys.exit(code)'
const run = ['timeout', seconds, camp, 'liquid']
const program = process.env.TIMES ? ['python3', ['-c', peak, ...run]] : [run[0], run.slice(1)]

let number = 0
let failed = 0
for (const [name, a] of Object.entries(attacks)) {
  if (only && !name.includes(only)) continue
  const request = a.raw || JSON.stringify({ template: a.template, data: a.data, templates: a.templates, mode: a.mode })
  const start = Date.now()
  const child = spawnSync(...program, { input: request, maxBuffer: 1 << 30 })
  const took = Date.now() - start
  let why
  let seen = ''
  if (child.status !== 0) {
    why = `ended with ${child.status}: ${child.stderr.toString().slice(-600)}`
  } else {
    const answer = JSON.parse(child.stdout.toString())
    const all = answer.errors.length ? answer.errors.join('\n') : answer.text
    seen = all.slice(0, 120)
    if (typeof a.want === 'string' ? all !== a.want : !a.want.test(all)) why = `got ${JSON.stringify(seen)} (${all.length}), not ${a.want}`
  }
  failed += !!why
  console.log(`${why ? 'not ok' : 'ok'} ${++number} - ${name}`)
  if (process.env.TIMES) console.log(`# ${took} ms, ${child.stderr.toString().trim()} MB: ${JSON.stringify(seen)}`)
  if (why) console.log(`# ${why}`)
}
console.log(`1..${number}`)
process.exit(failed ? 1 : 0)
