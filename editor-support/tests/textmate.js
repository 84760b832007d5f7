// What Visual Studio Code's own engine makes of scripts.
//
//   node textmate.js classes OUT FILE…          writes OUT/NAME.classes for each file, / in names being __
//   node textmate.js assertions OUT CLASSES…    writes OUT/NAME.test.camp for vscode-tmgrammar-test from such classes
//   node textmate.js letters                    prints Vim's group and letter of each class, for classes.vim
//
// A .classes file has each line of the script and, below it, a line with the letter of the class of every character
// (tools/generate.js has the letters); blanks stay blanks. A line of blanks alone is left out.
'use strict'
const fs = require('fs')
const path = require('path')
const { classes } = require('../tools/generate.js')
const letters = new Map(Object.values(classes).filter((c) => c.scope).map((c) => [c.scope, c.letter]))

function letter_of(scopes) {
  for (let i = scopes.length - 1; i >= 0; i--) if (letters.has(scopes[i])) return letters.get(scopes[i])
  return '.'
}

function classes_of(grammar, text, start) {
  let out = '', state = start
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const result = grammar.tokenizeLine(line, state)
    state = result.ruleStack
    let below = ''
    for (const token of result.tokens)
      for (const c of line.slice(token.startIndex, token.endIndex)) below += /\s/.test(c) ? ' ' : letter_of(token.scopes)
    out += `${line}\n`
    if (below.trim()) out += `${below.replace(/\s+$/, '')}\n`
  }
  return out
}

async function write_classes(out, files) {
  const from = path.join(process.env.EDITORS_MODULES, 'node_modules')
  const textmate = require(path.join(from, 'vscode-textmate'))
  const oniguruma = require(path.join(from, 'vscode-oniguruma'))
  await oniguruma.loadWASM(fs.readFileSync(path.join(from, 'vscode-oniguruma', 'release', 'onig.wasm')).buffer)
  const grammar_file = path.join(__dirname, '..', 'vscode', 'syntaxes', 'camp.tmLanguage.json')
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(grammar_file, 'utf8'), grammar_file),
  })
  const grammar = await registry.loadGrammar('source.camp')
  for (const file of files) {
    const text = fs.readFileSync(file, 'utf8')
    fs.writeFileSync(path.join(out, `${file.replace(/\//g, '__')}.classes`), classes_of(grammar, text, textmate.INITIAL))
  }
}

// Each run of one letter becomes an assertion below its line: it has this scope, or, where it is plain, none of them.
function assertions_of(line, below) {
  const scopes = new Map(Object.values(classes).map((c) => [c.letter, c.scope]))
  const none = `- ${[...letters.keys()].join(' ')}`
  const characters = [...line]
  let out = '', at = 0 /* in UTF-16 units, as assertions count; classes count characters */
  for (let from = 0, to; from < below.length; from = to) {
    for (to = from; to < below.length && below[to] === below[from]; ) to++
    const units = characters.slice(from, to).join('').length
    const wanted = scopes.get(below[from]) || none
    if (below[from] === ' ') out += ''
    else if (at === 0) out += `# <${'-'.repeat(units)} ${wanted}\n`
    else out += `#${' '.repeat(at - 1)}${'^'.repeat(units)} ${wanted}\n`
    at += units
  }
  return out
}

function write_assertions(out, files) {
  for (const file of files) {
    const lines = fs.readFileSync(file, 'utf8').replace(/\n$/, '').split('\n')
    let made = '# SYNTAX TEST "source.camp"\n'
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]
      if (/^\s*#\s*[<^]/.test(line)) throw new Error(`${file}: this comment looks like an assertion: ${line}`)
      made += `${line}\n`
      if (line.trim()) made += assertions_of(line, lines[++i])
    }
    fs.writeFileSync(path.join(out, `${path.basename(file, '.camp.classes')}.test.camp`), made)
  }
}

// For classes.vim: each group of Vim and its letter.
function write_letters() {
  for (const [name, c] of Object.entries(classes)) console.log(`camp${name[0].toUpperCase()}${name.slice(1)} ${c.letter}`)
}

const [what, out, ...files] = process.argv.slice(2)
if (what === 'classes') write_classes(out, files)
else if (what === 'assertions') write_assertions(out, files)
else if (what === 'letters') write_letters()
else process.exit(2)
