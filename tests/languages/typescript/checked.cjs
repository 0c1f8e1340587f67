// What TypeScript says of files, without running them.
// node checked.cjs FOLDER_OF_TYPESCRIPT < {"name.ts": text} -> {"name.ts": ["TS2322: ..."]}
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const ts = require(process.argv[2])

const texts = JSON.parse(fs.readFileSync(0, 'utf8'))
const options = {
  allowJs: true,
  lib: ['lib.esnext.d.ts', 'lib.dom.d.ts'],
  module: ts.ModuleKind.ESNext,
  noEmit: true,
  skipLibCheck: true,
  strict: true,
  target: ts.ScriptTarget.ESNext,
  types: [],
}
const host = ts.createCompilerHost(options)
const { getSourceFile, fileExists, readFile } = host
host.getSourceFile = (name, ...rest) =>
  name in texts ? ts.createSourceFile(name, texts[name], ts.ScriptTarget.ESNext) : getSourceFile(name, ...rest)
host.fileExists = (name) => name in texts || (name.startsWith(path.dirname(process.argv[2])) && fileExists(name))
host.readFile = (name) => texts[name] ?? readFile(name)
host.getCurrentDirectory = () => ''

const program = ts.createProgram(Object.keys(texts), options, host)
const found = {}
for (const name of Object.keys(texts)) {
  const file = program.getSourceFile(name)
  const all = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
  found[name] = all.map((each) => `TS${each.code}: ${ts.flattenDiagnosticMessageText(each.messageText, ' ')}`)
}
process.stdout.write(JSON.stringify(found))
