// Compares `camp liquid` with cases: node liquid.js CAMP FILE… reads conformance files ({"tests": [{name, template, data, templates,
// mode or tags, now, limits, result | results | invalid | out_match, match, clean}]}); without a file it makes cases of its own,
// whose answers JavaScript computes. Prints TAP: one test a file, with the names of the cases that failed.
'use strict'
const { spawnSync } = require('child_process')
const fs = require('fs')
const [camp, ...files] = process.argv.slice(2)

const modeOf = c => c.mode || ((c.tags || []).includes('strict') ? 'strict' : (c.tags || []).includes('strict2') ? 'strict2' : 'lax')
const pattern = text => new RegExp(text.replace(/^\(\?m\)/, ''), 'is')

// Why a case failed, or undefined.
function verdict (c, { text, errors }) {
  if (c.invalid) {
    const all = [text || '', ...errors].join('\n')
    if (!errors.length) return `no error, but ${JSON.stringify(text)}`
    const missing = (c.match || []).find(m => !pattern(m).test(all))
    return missing && `${JSON.stringify(all)} does not match ${missing}`
  }
  if (text === null) return errors[0]
  if (c.clean && errors.length) return errors[0]
  if ('result' in c && text !== c.result) return `got ${JSON.stringify(text)}, not ${JSON.stringify(c.result)}`
  if ('results' in c && !c.results.includes(text)) return `got ${JSON.stringify(text)}`
  const missing = (c.out_match || []).find(m => !pattern(m).test(text))
  return missing && `${JSON.stringify(text)} does not match ${missing}`
}

function run (what, tests, number) {
  const input = tests.map(c => unkeep(JSON.stringify({ template: c.template, data: c.data, templates: c.templates, mode: modeOf(c), now: c.now, limits: c.limits })))
  const child = spawnSync(camp, ['liquid'], { input: input.join('\n') + '\n', maxBuffer: 1 << 30 })
  const lines = child.stdout.toString().split('\n').slice(0, -1)
  const wrong = []
  tests.forEach((c, i) => {
    const why = i < lines.length ? verdict(c, JSON.parse(lines[i])) : 'no answer'
    if (why) wrong.push(`${c.name}: ${why}`)
  })
  const bad = wrong.length || child.status !== 0 || lines.length !== tests.length
  console.log(`${bad ? 'not ok' : 'ok'} ${number} - ${what}: ${tests.length - wrong.length} of ${tests.length}`)
  for (const w of wrong.slice(0, 50)) console.log(`# ${w.slice(0, 400)}`)
  if (child.status !== 0) console.log(`# camp liquid ended with ${child.status}: ${child.stderr.toString().slice(-500)}`)
  return !bad
}

// Cases from rules, by arithmetic that is not ours.
function made () {
  const tests = []
  const add = (name, template, data, result) => tests.push({ name, template, data, result: String(result), mode: 'strict2' })
  const big = [0n, 1n, -1n, 7n, -7n, 99999n, 4294967296n, -9223372036854775808n, 9223372036854775807n, 123456789012345678901234567890n]
  const floorDiv = (a, b) => a / b - (a % b !== 0n && (a < 0n) !== (b < 0n) ? 1n : 0n)
  for (const a of big) {
    for (const b of big) {
      add(`${a} + ${b}`, `{{ ${a} | plus: ${b} }}`, {}, a + b)
      add(`${a} - ${b}`, `{{ ${a} | minus: ${b} }}`, {}, a - b)
      add(`${a} * ${b}`, `{{ ${a} | times: ${b} }}`, {}, a * b)
      if (b) add(`${a} / ${b}`, `{{ ${a} | divided_by: ${b} }}`, {}, floorDiv(a, b))
      if (b) add(`${a} % ${b}`, `{{ ${a} | modulo: ${b} }}`, {}, a - b * floorDiv(a, b))
      add(`${a} < ${b}`, `{% if ${a} < ${b} %}yes{% else %}no{% endif %}`, {}, a < b ? 'yes' : 'no')
      add(`${a} == ${b}`, `{% if ${a} == ${b} %}yes{% else %}no{% endif %}`, {}, a === b ? 'yes' : 'no')
    }
  }
  for (let cents = -250; cents <= 250; cents += 7) {
    const n = cents / 100
    const text = Number.isInteger(n) ? n.toFixed(1) : String(n)
    add(`float ${n}`, '{{ n }}', { n }, Number.isInteger(n) ? n : text)
    const sum = (cents + 10) / 100
    add(`${n} + 0.1`, `{{ ${n.toFixed(2)} | plus: 0.1 }}`, {}, Number.isInteger(sum) ? sum.toFixed(1) : sum)
  }
  // `and` and `or` bind from the right.
  for (let bits = 0; bits < 256; bits++) {
    const [a, b, c, d] = [1, 2, 4, 8].map(x => !!(bits & x))
    const ops = [16, 32, 64].map(x => (bits & x ? 'and' : 'or'))
    const join = (op, x, y) => (op === 'and' ? x && y : x || y)
    const answer = join(ops[0], a, join(ops[1], b, join(ops[2], c, d)))
    const negated = !!(bits & 128)
    const tag = negated ? 'unless' : 'if'
    add(`logic ${bits}`, `{% ${tag} ${a} ${ops[0]} ${b} ${ops[1]} ${c} ${ops[2]} ${d} %}T{% else %}F{% end${tag} %}`, {}, answer !== negated ? 'T' : 'F')
  }
  for (let n = 0; n < 25; n++) {
    const list = Array.from({ length: n }, (_, i) => i + 1)
    add(`sum to ${n}`, `{% assign s = 0 %}{% for i in (1..${n}) %}{% assign s = s | plus: i %}{% endfor %}{{ s }}`, {}, n * (n + 1) / 2)
    add(`counts of ${n}`, '{% for i in a %}{{ forloop.index }}/{{ forloop.rindex0 }}{% unless forloop.last %},{% endunless %}{% else %}none{% endfor %}', { a: list },
      n ? list.map(i => `${i}/${n - i}`).join(',') : 'none')
    for (const [offset, limit] of [[0, 3], [2, 2], [5, 100], [30, 1]]) {
      add(`part ${offset} ${limit} of ${n}`, `{% for i in a offset: ${offset} limit: ${limit} %}{{ i }} {% endfor %}`, { a: list },
        list.slice(offset, offset + limit).map(i => `${i} `).join(''))
      add(`reversed ${offset} ${limit} of ${n}`, `{% for i in a reversed offset: ${offset} limit: ${limit} %}{{ i }} {% endfor %}`, { a: list },
        list.slice(offset, offset + limit).reverse().map(i => `${i} `).join(''))
    }
    const cells = Math.ceil(n / 4)
    add(`table of ${n}`, '{% tablerow i in a cols: 4 %}{{ i }}{% endtablerow %}', { a: list },
      '<tr class="row1">\n' + Array.from({ length: cells }, (_, r) => (r ? `</tr>\n<tr class="row${r + 1}">` : '') +
        list.slice(r * 4, r * 4 + 4).map((i, c) => `<td class="col${c + 1}">${i}</td>`).join('')).join('') + '</tr>\n')
    const points = [...'a Ünïcödé «string» of ½ 😀 things'].slice(0, n + 3)
    const text = points.join('')
    add(`size ${n}`, '{{ t | size }}', { t: text }, points.length)
    add(`slice ${n}`, `{{ t | slice: 2, ${n} }}`, { t: text }, points.slice(2, 2 + n).join(''))
    add(`split ${n}`, "{{ t | split: '' | join: '|' }}", { t: text }, points.join('|'))
    add(`upcase ${n}`, '{{ t | upcase }}', { t: text }, text.toUpperCase())
    add(`base64 ${n}`, '{{ t | base64_encode }}', { t: text }, Buffer.from(text).toString('base64'))
    add(`base64 back ${n}`, '{{ t | base64_decode }}', { t: Buffer.from(text).toString('base64') }, text)
    add(`url ${n}`, '{{ t | url_encode | url_decode }}', { t: text }, text)
    add(`sort ${n}`, "{{ a | sort | join: ',' }}", { a: list.map(i => i * 37 % 101) }, list.map(i => i * 37 % 101).sort((x, y) => x - y).join(','))
    const day = new Date(Date.UTC(2024, 1, 1 + n * 17, n, n, n))
    add(`date ${n}`, "{{ d | date: '%Y-%m-%d %H:%M:%S %s %w' }}", { d: day.toISOString() },
      `${day.toISOString().slice(0, 19).replace('T', ' ')} ${day / 1000} ${day.getUTCDay()}`)
  }
  return tests
}

// JavaScript forgets that 0.0 is no integer and what a long one was: numbers travel as they are written.
const keep = text => text.replace(/"(?:\\.|[^"\\])*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g, t => (t[0] === '"' ? t : `{"\\u0001n":"${t}"}`))
const unkeep = text => text.replace(/\{"\\u0001n":"([^"]*)"\}/g, '$1')

const sets = files.length ? files.map(f => [f.replace(/.*\//, ''), JSON.parse(keep(fs.readFileSync(f, 'utf8'))).tests]) : [['made cases', made()]]
const results = sets.map(([what, tests], i) => run(what, tests, i + 1))
console.log(`1..${sets.length}`)
process.exit(results.every(Boolean) ? 0 : 1)
