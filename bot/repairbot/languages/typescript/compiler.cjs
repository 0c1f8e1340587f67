// What TypeScript says of files of a project after a change that it did not say before. Reads, and writes nothing.
// node compiler.cjs < {"typescript": path, "config": path, "files": {path: [before, after]}} -> {path: [message]}
'use strict'
const fs = require('node:fs')
const path = require('node:path')

const { typescript, config, files } = JSON.parse(fs.readFileSync(0, 'utf8'))
const ts = require(typescript)
const slashed = (name) => name.split(path.sep).join('/')
const texts = new Map(Object.entries(files).map(([name, sides]) => [slashed(path.resolve(name)), sides]))

const read = ts.readConfigFile(config, ts.sys.readFile)
const parsed = ts.parseJsonConfigFileContent(read.config ?? {}, ts.sys, path.dirname(config))
const options = { ...parsed.options, noEmit: true, incremental: false, composite: false, skipLibCheck: true }
const names = [...new Set([...parsed.fileNames, ...texts.keys()])]

function said(side, earlier) {
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (name, target, ...rest) => {
    const text = texts.get(name)
    return text ? ts.createSourceFile(name, text[side], target) : earlier?.getSourceFile(name) ?? getSourceFile(name, target, ...rest)
  }
  host.writeFile = () => {}
  const program = ts.createProgram(names, options, host)
  const found = new Map()
  for (const name of texts.keys()) {
    const file = program.getSourceFile(name)
    const all = file ? [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)] : []
    found.set(name, all.map((each) => {
      const line = file.getLineAndCharacterOfPosition(each.start ?? 0).line + 1
      return { line, text: `TS${each.code}: ${ts.flattenDiagnosticMessageText(each.messageText, ' ')}` }
    }))
  }
  return { found, program }
}

const before = said(0)
const after = said(1, before.program)
const answer = {}
for (const name of Object.keys(files)) {
  const key = slashed(path.resolve(name))
  const known = before.found.get(key).map((each) => each.text)
  answer[name] = []
  for (const each of after.found.get(key)) {
    const at = known.indexOf(each.text)
    if (at >= 0) known.splice(at, 1)
    else answer[name].push(`line ${each.line}: ${each.text}`)
  }
}
process.stdout.write(JSON.stringify(answer))
