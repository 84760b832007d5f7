// Writes what editors know of the words of Camp: vscode/syntaxes/camp.tmLanguage.json and vim/syntax/camp.vim.
//
//   node editor-support/tools/generate.js          writes both
//   node editor-support/tools/generate.js check    compares, prints TAP, ends with 1 when one is not up to date
//
// The words come from grammar/keywords.def. A word that is new there is coloured by its group; only what a group cannot
// tell stands below. This is not a parser: it sees one line at a time.
//
//   1. Both files are made from one list of rules, so that both editors colour alike (tests/run.sh proves it).
//   2. Every letter of a line belongs to some rule, so a rule never begins in the middle of a word.
//   3. Rules are ordered: of two that begin at the same place the first one counts. Vim takes the last, so there they
//      are written backwards.
'use strict'
const fs = require('fs')
const path = require('path')
const root = path.join(__dirname, '..', '..')

// --- classes: what the tests compare. The letter is what stands for it in tests/corpus/*.classes. ----------------------
const classes = {
  plain: { letter: '.' },
  comment: { letter: '#', scope: 'comment.line.number-sign.camp', vim: 'Comment' },
  doc: { letter: 'D', scope: 'comment.line.documentation.camp', vim: 'SpecialComment' },
  declaration: { letter: 'd', scope: 'storage.type.camp', vim: 'Structure' },
  control: { letter: 'c', scope: 'keyword.control.camp', vim: 'Conditional' },
  action: { letter: 'a', scope: 'keyword.other.action.camp', vim: 'Statement' },
  operator: { letter: 'o', scope: 'keyword.operator.word.camp', vim: 'Operator' },
  symbol: { letter: 's', scope: 'keyword.operator.symbol.camp', vim: 'Operator' },
  keyword: { letter: 'k', scope: 'keyword.other.camp', vim: 'Keyword' },
  function: { letter: 'f', scope: 'support.function.camp', vim: 'Function' },
  constant: { letter: 'b', scope: 'constant.language.camp', vim: 'Constant' },
  type: { letter: 't', scope: 'support.type.camp', vim: 'Type' },
  name: { letter: 'n', scope: 'entity.name.type.camp', vim: 'Identifier' },
  label: { letter: 'l', scope: 'entity.other.attribute-name.camp', vim: 'Label' },
  contact: { letter: 'v', scope: 'variable.language.contact.camp', vim: 'Special' },
  number: { letter: '1', scope: 'constant.numeric.camp', vim: 'Number' },
  duration: { letter: '2', scope: 'constant.numeric.duration.camp', vim: 'Number' },
  moment: { letter: '3', scope: 'constant.numeric.moment.camp', vim: 'Number' },
  money: { letter: '4', scope: 'constant.numeric.money.camp', vim: 'Number' },
  text: { letter: '"', scope: 'string.quoted.double.camp', vim: 'String' },
  textblock: { letter: 'T', scope: 'string.quoted.triple.camp', vim: 'String' },
  escape: { letter: 'e', scope: 'constant.character.escape.camp', vim: 'SpecialChar' },
  braces: { letter: '%', scope: 'punctuation.section.embedded.camp', vim: 'Delimiter' },
  embedded: { letter: ',', scope: 'meta.embedded.camp' },
  template: { letter: 'x', scope: 'variable.other.template.camp', vim: 'PreProc' },
  filter: { letter: 'F', scope: 'support.function.filter.camp', vim: 'Function' },
  templatetext: { letter: 'q', scope: 'string.quoted.template.camp', vim: 'String' },
}

// --- words -------------------------------------------------------------------------------------------------------------
const keywords = new Map()
for (const line of fs.readFileSync(path.join(root, 'grammar', 'keywords.def'), 'utf8').split('\n')) {
  const found = /^KEYWORD\(\w+, "(\w+)", (\w+)\)$/.exec(line)
  if (found) keywords.set(found[1], found[2])
  else if (line.startsWith('KEYWORD')) throw new Error(`grammar/keywords.def: this line cannot be read: ${line}`)
}
const list = (words) => words.trim().split(/\s+/)
const group = (...names) => [...keywords.keys()].filter((word) => names.includes(keywords.get(word)))
const except = (words, others) => words.filter((word) => !others.includes(word))

// What a word is, when its group does not say it.
const byGroup = { declaration: 'declaration', clause: 'declaration', statement: 'action', expression: 'operator', part: 'keyword', test: 'action' }
const byWord = {
  control: list('when if wait exit then else until for forever on unless still'),
  function: list('count sum average min max first last'),
  constant: list('true false missing nothing monday tuesday wednesday thursday friday saturday sunday weekdays weekends'),
  keyword: list('sent times'),
}
const roles = new Map([...keywords].map(([word, of]) => [word, byGroup[of] || 'keyword']))
for (const [role, words] of Object.entries(byWord))
  for (const word of words) {
    if (!keywords.has(word)) throw new Error(`generate.js gives \`${word}\` a role, but grammar/keywords.def does not have it`)
    roles.set(word, role)
  }
const types = list('bool number percent money text date time moment duration')

// --- patterns, in what Oniguruma and Vim share; vim_pattern writes them as Vim wants -----------------------------------
const letter = '[^\\x01-\\x40\\x5b-\\x5e\\x60\\x7b-\\x7f]' // all beyond ASCII is a letter, as in grammar/camp.re
const wordly = '[^\\x01-\\x2f\\x3a-\\x40\\x5b-\\x5e\\x60\\x7b-\\x7f]'
const end = `(?!${wordly})`
const name = `${letter}${wordly}*`
const blank = '[ \\t]*'
const quoted = '"[^"\\n]*"'
const any = (words) => `(?:${words.join('|')})${end}`
const not_any = (words) => `(?!${any(words)})`
const phrase = (words) => words.split(' ').map((word) => word + end).join(blank)
const number = '[0-9]+(?:\\.[0-9]+)?'
const time = `[0-9][0-9]?:[0-9][0-9](?::[0-9][0-9])?`
const date = '[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?'

// --- rules: [class, pattern, class, pattern, …], with blanks between the pairs -----------------------------------------
const rules = []
const rule = (...pairs) => rules.push(pairs)

// Words that may stand behind a finished value or name; where a value begins they are names.
const infix = list('and or not is in contains starts ends matches else where as of changes then after at unless via with within since up to sent times once on per if')
const comparing = list('is in contains starts ends matches')
const weekday = group('part').filter((word) => /day$/.test(word))
// Words with which a value or an event may begin.
const prefix = list('not did no any every time contact count sum average min max first last true false one enters leaves')

rule('doc', '##.*')
rule('comment', '#.*')
// A word before a colon is always a name; behind it stands a type, in a declaration.
rule('label', `${name}(?=${blank}:)`, 'plain', ':', 'type', `(?:${types.join('|')})${end}(?!${blank}[.(])`)
rule('label', `${name}(?=${blank}:)`)
rule('plain', `\\.${blank}${name}`)

rule('moment', `${date}(?:[ \\t]+|T)${time}`)
rule('moment', date)
rule('moment', time)
rule('money', `${number}${blank}[A-Z][A-Z][A-Z]${end}`)
rule('duration', `${number}(?:mo|[smhdwy])${end}`)
rule('duration', `${number}${blank}(?:second|minute|hour|day|week|month|year)s?${end}`)
rule('number', `[0-9]+${end}`, 'keyword', `times${end}`)
rule('number', `${number}%?`)

// Declarations: the word, and the name that it declares.
for (const word of except(group('declaration'), list('use contact zone allow when test')))
  for (const declared of [`${not_any(word === 'list' ? [...comparing, 'of'] : comparing)}${name}`, quoted])
    rule('declaration', word + end, 'name', declared)
rule('declaration', `contact${end}`, 'name', `${not_any(infix)}${name}`)
rule('declaration', `contact${end}(?=${blank}\\{)`)
rule('contact', `contact${end}(?=${blank}\\.)`)
rule('declaration', `use${end}`, 'name', `${not_any(infix)}${name}`)
rule('declaration', `(?:use|zone|test)${end}(?=${blank}")`)
rule('declaration', `allow${end}`, 'keyword', `unknown${end}`)
rule('declaration', `entry${end}(?=${blank}${any(list('once every at'))})`)
rule('declaration', `goal${end}`, 'plain', any(except([...keywords.keys()], [...infix, ...list('enters leaves contact')])))
rule('declaration', `goal${end}(?=${blank}(?:${not_any(infix)}${letter}|["(]))`)
rule('declaration', `(?:start|stop)${end}`, 'control', `when${end}`)
rule('keyword', `body${end}`, 'keyword', `file${end}(?=${blank}")`)
rule('keyword', `(?:subject|body)${end}(?=${blank}")`)
rule('keyword', `channel${end}(?=${blank}(?:"|${not_any(infix)}${letter}))`, 'plain', name)
rule('keyword', `channel${end}(?=${blank}")`)

// Phrases: words that are keywords only beside each other.
for (const words of list('once_per sent_to')) rule('keyword', phrase(words.replace('_', ' ')), 'plain', any(except([...keywords.keys()], prefix)))
rule('operator', `not${end}`, 'keyword', phrase('sent to'), 'plain', any([...keywords.keys()]))
for (const words of list('once_at_a_time every_time at_most_once at_most at_once once_per up_to list_of sent_to not_sent_to'))
  rule(words.startsWith('not_') ? 'operator' : words === 'list_of' ? 'type' : 'keyword', phrase(words.replace(/_/g, ' ')))
for (const words of list('is_not_one_of is_one_of one_of not_in starts_with ends_with time_since_last time_since_first in_last since_last since_start'))
  rule('operator', phrase(words.replace(/_/g, ' ')))
rule('operator', `is${end}`, 'operator', `not${end}`, 'constant', `missing${end}`)
rule('operator', phrase('is not'), 'plain', `${any(except([...keywords.keys()], [...prefix]))}`)
rule('operator', phrase('is not'))
rule('operator', `is${end}`, 'constant', `missing${end}`)
rule('plain', ',', 'operator', `last${end}(?=${blank}[0-9])`)
rule('control', phrase('if still'))
rule('control', phrase('wait forever for'))
rule('control', phrase('wait forever'))
rule('action', `expect${end}`, 'constant', `nothing${end}`, 'keyword', phrase('sent to'))
rule('control', `until${end}`, 'keyword', `between${end}`)
rule('control', `(?:until|on)${end}`, 'constant', any(weekday))
rule('control', `on${end}`, 'constant', any(list('weekdays weekends')))

// Words that take a name: the next word is one, whatever it is, but for those that may come there.
const taking = (words, allowed) => {
  const taken = except([...keywords.keys()], allowed)
  for (const word of words)
    if (keywords.has(word)) rule(roles.get(word), word + end, 'plain', `${any(taken)}(?!${blank}:)`)
}
taking(list('send join leave emit as'), [])
taking(list('expect'), list('nothing'))
taking(list('to'), prefix)
taking(list('of'), list('list one'))
taking(list('start stop'), list('when at every'))
taking(list('enters leaves'), infix)
taking(list('when goal unless'), list('enters leaves contact'))
taking(list('did no'), list('enters leaves contact'))
taking(list('on for'), [...list('enters leaves contact weekdays weekends each'), ...weekday])
taking(list('any every'), [...list('time'), ...weekday])
taking(list('and or not if where'), [...prefix, 'still', 'in', 'sent'])
taking(list('is in contains matches'), [...prefix, 'missing', 'last'])
rule('symbol', '(?:[<>]=?|[=+*/-])', 'plain', any(except([...keywords.keys()], prefix)))
rule('plain', '[(\\[]', 'plain', any(except([...keywords.keys()], prefix)))
// Two words that are no operators stand beside each other only where a contact meets an event in a test.
const beginning = except(group('declaration', 'clause', 'statement'), list('if when contact'))
rule('plain', `${not_any([...keywords.keys()])}${name}`, 'plain', any(beginning))

// Words alone, with what must follow.
rule('function', `(?:${byWord.function.join('|')})${end}(?=${blank}\\()`)
rule('operator', `(?:any|every|no)${end}(?=${blank}${not_any(infix)}${name}${blank}in${end})`)
rule('operator', `(?:did|no)${end}(?=${blank}(?:${not_any(infix)}${letter}|[("]))`)
rule('keyword', `(?:enters|leaves)${end}(?=${blank}(?:${not_any(infix)}${letter}|"))`)
rule('action', `set${end}(?=${blank}contact${blank}\\.)`)
rule('keyword', `every${end}(?=${blank}${any(weekday)})`, 'constant', any(weekday))
// Words of the rules above that are names anywhere else.
const bound = list('event record define list message campaign contact use zone test allow unknown entry goal channel subject ' +
  'body file once per every a time most up still between missing one starts ends any no did since first last count sum ' +
  'average min max enters leaves set nothing sent times forever weekdays weekends').concat(weekday)
rule('keyword', `once${end}(?!${blank}[.=<>(])`)
for (const role of ['declaration', 'control', 'action', 'operator', 'keyword', 'constant']) {
  const words = except([...keywords.keys()].filter((word) => roles.get(word) === role), bound)
  if (!words.length) continue
  // A statement's word is none where it is compared or has a property.
  const begins = words.filter((word) => group('declaration', 'clause', 'statement').includes(word))
  const others = except(words, begins)
  if (begins.length) rule(role, `${any(begins)}(?!${blank}(?:[.=<>)\\]]|${any(comparing)}))`)
  if (others.length) rule(role, any(others))
}
rule('symbol', '(?:[<>]=?|[=+*/-])')
rule('plain', name)

// --- Visual Studio Code --------------------------------------------------------------------------------------------------
const scoped = (name) => (classes[name].scope ? { name: classes[name].scope } : {})
function textmate() {
  const words = rules.map((pairs) => {
    if (pairs.length === 2) return { ...scoped(pairs[0]), match: pairs[1] }
    const captures = {}
    let match = ''
    for (let i = 0; i < pairs.length; i += 2) {
      match += `${i ? blank : ''}(${pairs[i + 1]})`
      if (classes[pairs[i]].scope) captures[i / 2 + 1] = scoped(pairs[i])
    }
    return { match, captures }
  })
  const inside = [
    { ...scoped('templatetext'), match: '"[^"}]*"|\'[^\'}]*\'' },
    { match: `(\\|)${blank}(${name})`, captures: { 2: scoped('filter') } },
    { ...scoped('number'), match: number },
    { ...scoped('template'), match: `${name}(?:\\.${name})*` },
  ]
  const braces = (open, close) => ({
    begin: `${open}(?=.*${close})`, end: close, contentName: classes.embedded.scope,
    beginCaptures: { 0: scoped('braces') }, endCaptures: { 0: scoped('braces') }, patterns: inside,
  })
  return JSON.stringify({
    comment: 'Made by editor-support/tools/generate.js from grammar/keywords.def (make docs); do not edit.',
    name: 'Camp', scopeName: 'source.camp', fileTypes: ['camp'],
    patterns: [{ include: '#textblock' }, { include: '#named' }, { include: '#text' }, { include: '#words' }],
    repository: {
      textblock: { ...scoped('textblock'), begin: '"""', end: '"""', patterns: [{ include: '#braces' }, { include: '#tags' }] },
      text: {
        ...scoped('text'), begin: '"', end: '"|$',
        patterns: [{ ...scoped('escape'), match: '\\\\.' }, { include: '#braces' }],
      },
      named: { ...scoped('text'), match: '""(?!")' },
      braces: braces('\\{\\{', '\\}\\}'),
      tags: braces('\\{%', '%\\}'),
      words: { patterns: words },
    },
  }, null, 1) + '\n'
}

// --- Vim -----------------------------------------------------------------------------------------------------------------
// The same pattern, very magic: (?:x) is %(x), (?=x) is %(x)@=, (?!x) is %(x)@!.
function vim_pattern(pattern) {
  let at = 0
  const translate = () => {
    let out = ''
    while (at < pattern.length && pattern[at] !== ')') {
      const c = pattern[at]
      if (c === '(') {
        const kind = pattern.slice(at, at + 3)
        at += 3
        const inner = translate()
        at++
        if (!['(?:', '(?=', '(?!'].includes(kind)) throw new Error(`no pattern for Vim: ${pattern}`)
        out += `%(${inner})${kind === '(?=' ? '@=' : kind === '(?!' ? '@!' : ''}`
      } else if (c === '[') {
        let stop = at + 1
        while (pattern[stop] !== ']') stop += pattern[stop] === '\\' ? 2 : 1
        out += pattern.slice(at, stop + 1)
        at = stop + 1
      } else if (c === '\\') {
        out += pattern.slice(at, at + 2)
        at += 2
      } else {
        out += /[@%&=<>~{]/.test(c) ? `\\${c}` : c
        at++
      }
    }
    return out
  }
  return `'\\v${translate()}'`
}

function vim() {
  const upper = (name) => `camp${name[0].toUpperCase()}${name.slice(1)}`
  const out = [], links = []
  rules.map((pairs, number) => ({ pairs, number })).reverse().forEach(({ pairs, number }) => {
    const count = pairs.length / 2
    for (let part = 0; part < count; part++) {
      const own = part ? `${upper(pairs[part * 2])}_${number}_${part}` : upper(pairs[0])
      let pattern = pairs[part * 2 + 1], rest = ''
      for (let later = count - 1; later > part; later--) rest = `${blank}${pairs[later * 2 + 1]}${rest ? `(?=${rest})` : ''}`
      if (rest) pattern += `(?=${rest})`
      const next = part + 1 < count ? ` nextgroup=${upper(pairs[part * 2 + 2])}_${number}_${part + 1} skipwhite` : ''
      out.push(`syn match ${own} ${vim_pattern(pattern)}${part ? ' contained' : ''}${next}`)
      if (part && pairs[part * 2] !== 'plain') links.push(`hi def link ${own} ${upper(pairs[part * 2])}`)
    }
  })
  const inside = 'campTemplatetext,campEmbedded_bar,campNumber_template,campTemplate'
  out.push(
    `syn region campText start='"' skip='\\\\.' end='"' end='$' contains=campEscape,campEmbedded`,
    `syn match campText '""\\%("\\)\\@!'`,
    `syn region campTextblock start='"""' end='"""' contains=campEmbedded,campEmbedded_tag`,
    `syn match campEscape '\\\\.' contained`,
    `syn region campEmbedded matchgroup=campBraces start='{{\\%(.*}}\\)\\@=' end='}}' contained oneline contains=${inside}`,
    `syn region campEmbedded_tag matchgroup=campBraces start='{%\\%(.*%}\\)\\@=' end='%}' contained oneline contains=${inside}`,
    `syn match campTemplate ${vim_pattern(`${name}(?:\\.${name})*`)} contained`,
    `syn match campNumber_template ${vim_pattern(number)} contained`,
    `syn match campEmbedded_bar '|' contained nextgroup=campFilter skipwhite`,
    `syn match campFilter ${vim_pattern(name)} contained`,
    `syn match campTemplatetext +"[^"}]*"\\|'[^'}]*'+ contained`,
  )
  for (const [key, { vim: to }] of Object.entries(classes)) if (to) links.push(`hi def link ${upper(key)} ${to}`)
  links.push('hi def link campNumber_template campNumber')
  return `" Colours for Camp scripts.
" Made by editor-support/tools/generate.js from grammar/keywords.def (make docs); do not edit.
if exists('b:current_syntax')
  finish
endif
let s:cpo = &cpo
set cpo&vim
syn case match
syn sync fromstart
${out.join('\n')}
${links.join('\n')}
let b:current_syntax = 'camp'
let &cpo = s:cpo
unlet s:cpo
`
}

// --- what is asked for -----------------------------------------------------------------------------------------------------
module.exports = { classes }
if (require.main === module) {
  const made = { 'vscode/syntaxes/camp.tmLanguage.json': textmate(), 'vim/syntax/camp.vim': vim() }
  let number = 0, failed = 0
  for (const [file, content] of Object.entries(made)) {
    const at = path.join(root, 'editor-support', file)
    if (process.argv[2] !== 'check') {
      fs.mkdirSync(path.dirname(at), { recursive: true })
      fs.writeFileSync(at, content)
      continue
    }
    const same = fs.existsSync(at) && fs.readFileSync(at, 'utf8') === content
    if (!same) failed = 1
    console.log(`${same ? 'ok' : 'not ok'} ${++number} - editor-support/${file} is ${same ? '' : 'not '}up to date${same ? '' : ': run make docs'}`)
  }
  process.exit(failed)
}
