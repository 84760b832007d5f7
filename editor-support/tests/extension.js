// The extension's own files: they are JSON, name files that exist, and its snippets and patterns hold together.
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const folder = path.join(__dirname, '..', 'vscode')
const read = (file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'))
const { contributes } = read('package.json')
for (const { language, path: file } of contributes.snippets) {
  assert.strictEqual(language, 'camp')
  const prefixes = new Set()
  for (const [name, { prefix, body, description }] of Object.entries(read(file))) {
    assert(prefix && description && !prefixes.has(prefix), `${name} needs a prefix of its own and a description`)
    prefixes.add(prefix)
    const text = [].concat(body).join('\n')
    const count = (c) => text.replace(/\$\{\d+(:[^}]*|\|[^}]*\|)?\}/g, '').split(c).length
    assert.strictEqual(count('{'), count('}'), `${name}: brackets`)
  }
}
for (const { language, scopeName, path: file } of contributes.grammars) {
  assert.strictEqual(language, 'camp')
  assert.strictEqual(read(file).scopeName, scopeName)
}
const configuration = read(contributes.languages[0].configuration)
const { increaseIndentPattern, decreaseIndentPattern } = configuration.indentationRules
for (const line of ['campaign welcome {', '  } else {', 'define x = (', 'body { # a comment']) assert.match(line, new RegExp(increaseIndentPattern))
for (const line of ['send hello', 'if a { exit }', '# {', 'tag "{"']) assert.doesNotMatch(line, new RegExp(increaseIndentPattern))
for (const line of ['}', '  } else {', ')']) assert.match(line, new RegExp(decreaseIndentPattern))
assert.deepStrictEqual('wait contact.größe + 3d'.match(new RegExp(configuration.wordPattern.pattern, `g${configuration.wordPattern.flags}`)), ['wait', 'contact', 'größe', '3d'])
